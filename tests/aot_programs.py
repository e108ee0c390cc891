"""The programs of a collaboration, compiled for devices that are not there.

Four H100 are described by `h100.txtpb`, figures of the card; a TPU v5e 2×2 by its name.
"""

import importlib.util
import os
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental import topologies
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P
from jaxtyping import Array

from cgm_jax._shared.platforms import PLATFORMS
from cgm_jax.generators import MMDGAN
from cgm_jax.generators.mmd_gan.step import start_training, train
from cgm_jax.gram import GramSums, gram_sums, tile_loops, tiles
from cgm_jax.gram import mesh as ring
from cgm_jax.gram.shares import AXIS
from cgm_jax.kernels import SquaredExponential
from cgm_jax.sampling import lanes, pick_many
from cgm_jax.valuation import coalition_values, mmd_shapley_values, shapley_values

__all__ = ["NUM_LANES", "PROGRAMS", "compile_for", "missing"]

NUM_DIMS, NUM_TILES, NUM_BLOCKS = 2, 8, 4
NUM_CANDIDATES, NUM_PICKS, NUM_LANES = 100_000, 64, 8
PARTY_SIZES = np.array([300.0, 200, 100, 500, 400, 50, 250, 1_000])
NUM_GAMES = 16
KERNEL = SquaredExponential(1.0)

Programs = dict[str, Callable[[str, Mesh], Any]]


def missing(platform: str) -> str | None:
    """What lacks to compile for a platform; None where all is there."""
    needed = {"gpu": "jax_cuda13_plugin", "tpu": "libtpu"}[platform]
    if not importlib.util.find_spec(needed):
        return f"{needed} is not installed; `make test-aot` installs it"
    # Otherwise the plugins look for their drivers, and say loudly that there are none.
    if os.environ.get("JAX_PLATFORMS") != "cpu":
        return "JAX_PLATFORMS is not cpu; `make test-aot` sets it"
    return None


def compile_for(platform: str, num_devices: int, name: str) -> Any:
    """A program, compiled for some devices of a platform."""
    mesh = Mesh(np.array(_devices(platform)[:num_devices]), AXIS)
    with jax.enable_x64(True):
        lowered = PROGRAMS[name](platform, mesh)
        # It would run kernels, on a card, to see which are the fastest.
        options = {"xla_gpu_autotune_level": 0} if platform == "gpu" else None
        return lowered.compile(options)


@cache
def _devices(platform: str) -> list[Any]:
    if platform == "gpu":
        config = Path(__file__).with_name("h100.txtpb").read_text("utf-8")
        return topologies.get_topology_desc(
            platform="cuda", topology="1x1x4", target_config=config
        ).devices
    # No machine with a TPU is asked for, and another process may do the same.
    os.environ.setdefault("TPU_SKIP_MDS_QUERY", "1")
    os.environ.setdefault("TPU_ACCELERATOR_TYPE", "v5litepod-4")
    os.environ.setdefault("TPU_WORKER_HOSTNAMES", "localhost")
    os.environ.setdefault("ALLOW_MULTIPLE_LIBTPU_LOAD", "1")
    return topologies.get_topology_desc(platform="tpu", topology_name="v5e:2x2").devices


def _on(mesh: Mesh, tree: Any, *axes: str | None) -> Any:
    """Shapes of arrays on a mesh: along their first axis, or the same everywhere."""
    sharding = NamedSharding(mesh, P(*axes))
    return jax.tree.map(
        lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=sharding), tree
    )


def _array(*shape: int, dtype: Any = jnp.float32) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(shape, dtype)


_KEY = _array(dtype=jax.random.key(0).dtype)


def _members(platform: str) -> tiles.Members:
    side = PLATFORMS[platform].tile_size
    return tiles.Members(
        _array(NUM_TILES, side, NUM_DIMS),
        _array(NUM_TILES, side, dtype=jnp.int32),
        _array(NUM_TILES, side),
        _array(NUM_TILES, dtype=jnp.int32),
    )


def _pass(add: Callable, shape: tuple[int, ...], mesh: Mesh, *data: Any) -> Any:
    """A call of a Gram pass, float32 points and float64 sums."""
    total, count = _array(*shape, dtype=jnp.float64), _array(dtype=jnp.int64)
    index, weight = _array(tile_loops.CHUNK, dtype=jnp.int32), _array(tile_loops.CHUNK)
    arguments = _on(mesh, (total, count, (index, index, weight), data))
    total, count, chunk, data = arguments
    data = (KERNEL, *data)
    return tile_loops._sum_chunk.lower(add, NUM_BLOCKS, total, count, chunk, data)


def _gram_tile(platform: str, mesh: Mesh) -> Any:
    return _pass(tiles.add_between, (16, 16), mesh, _members(platform))


def _length_scale_step(platform: str, mesh: Mesh) -> Any:
    members = _members(platform)
    shape = (*members.weight.shape, 16)
    return _pass(
        tiles.add_rows,
        shape,
        mesh,
        members.tiles,
        members,
        _array(dtype=jnp.int32),
    )


def _step_of_a_ring(platform: str, mesh: Mesh) -> Any:
    """Tiles that go round, what each device adds to its total, and the sum of all."""
    num_devices = mesh.size

    def everywhere(x: jax.ShapeDtypeStruct) -> jax.ShapeDtypeStruct:
        return _array(num_devices * x.shape[0], *x.shape[1:], dtype=x.dtype)

    both = jax.tree.map(everywhere, _members(platform))
    total = _array(num_devices * 16, 16, dtype=jnp.float64)
    index = _array(num_devices, tile_loops.CHUNK, dtype=jnp.int32)
    weight = _array(num_devices, tile_loops.CHUNK)
    count = _array(num_devices, dtype=jnp.int32)

    def step(total, count, tiles_of_step, members):
        members = ring._pass_on(mesh, members, half=True)
        total = ring._sum_chunk(
            mesh,
            tiles.add_between,
            NUM_BLOCKS,
            total,
            count,
            tiles_of_step,
            KERNEL,
            (members,),
        )
        return ring._summed(mesh, total)

    arguments = _on(mesh, (total, count, [index, index, weight], both), AXIS)
    return jax.jit(step).lower(*arguments)


def _lanes() -> tuple[Any, Any]:
    """The candidates and the sets of all parties, as `sampling.lanes` makes them."""
    num_blocks = NUM_LANES + 1
    sums = GramSums(
        _array(num_blocks, num_blocks, dtype=jnp.float64),
        _array(NUM_CANDIDATES, num_blocks, dtype=jnp.float64),
        _array(num_blocks, dtype=jnp.float64),
    )
    points = _array(NUM_CANDIDATES, NUM_DIMS)
    return jax.eval_shape(partial(lanes, KERNEL), points, sums)


def _pick(platform: str, mesh: Mesh) -> Any:
    candidates, lane = _lanes()
    lane = jax.tree.map(lambda x: _array(*x.shape[1:], dtype=x.dtype), lane)
    key, candidates, lane, beta, first = _on(
        mesh, (_KEY, candidates, lane, _array(), _array(dtype=jnp.int32))
    )
    return pick_many.lower(
        key, KERNEL, candidates, lane, beta, first, num_picks=NUM_PICKS
    )


def _lanes_at_once(platform: str, mesh: Mesh) -> Any:
    """All parties in one program, every device with its own of them."""
    candidates, lane = _lanes()
    keys, betas = _array(NUM_LANES, dtype=_KEY.dtype), _array(NUM_LANES)

    def draw(candidates, keys, lane, betas):
        def one(key, lane, beta):
            first = jnp.int32(0)
            return pick_many(
                key, KERNEL, candidates, lane, beta, first, num_picks=NUM_PICKS
            )

        return jax.vmap(one)(keys, lane, betas)

    of_lanes = P(AXIS)
    program = jax.shard_map(
        draw, mesh=mesh, in_specs=(P(), *[of_lanes] * 3), out_specs=of_lanes
    )
    drawn = _on(mesh, (keys, lane, betas), AXIS)
    return jax.jit(program).lower(_on(mesh, candidates), *drawn)


def _shapley_batch(platform: str, mesh: Mesh) -> Any:
    """Shapley values of many games, with and without a table of coalitions."""
    num_blocks = len(PARTY_SIZES)
    # On a TPU float64 is emulated: it is for the CPU (`small_work_on_cpu`).
    dtype = jnp.float32 if platform == "tpu" else jnp.float64
    games = _array(NUM_GAMES, num_blocks, num_blocks, dtype=dtype)

    def values(between):
        rows = np.zeros((0, num_blocks), dtype)
        sums = GramSums(between, rows, PARTY_SIZES)
        of_table = shapley_values(coalition_values(sums))
        return mmd_shapley_values(sums).shapley_values, of_table

    return jax.jit(jax.vmap(values)).lower(_on(mesh, games))


def _mmd_gan_step(platform: str, mesh: Mesh) -> Any:
    with jax.enable_x64(False):
        # A layer less than by default: the same kernels, and less to compile.
        architecture, options, schedule = MMDGAN(depth=1).split(NUM_DIMS)
        program, state = start_training(
            jax.random.key(0),
            architecture,
            options,
            learning_rate=schedule.learning_rate,
        )
        points, num_steps = _array(10_000, NUM_DIMS), _array(dtype=jnp.int32)
        key, state, points, num_steps = _on(mesh, (_KEY, state, points, num_steps))
        return train.lower(key, program, state, points, num_steps=num_steps)


def _sums_of_parties(platform: str, mesh: Mesh) -> Any:
    """Sums of parties with themselves, every device with its own party."""
    side = PLATFORMS[platform].tile_size

    def total(party: Array) -> Array:
        sums = gram_sums(KERNEL, [party], party[:0], tile_size=side)
        return jax.lax.psum(sums.between[0, 0], AXIS)

    program = jax.shard_map(total, mesh=mesh, in_specs=P(AXIS), out_specs=P())
    return jax.jit(program).lower(_on(mesh, _array(80_000, NUM_DIMS), AXIS))


PROGRAMS: Programs = {
    "Gram tile": _gram_tile,
    "length-scale step": _length_scale_step,
    "step of a ring": _step_of_a_ring,
    "pick": _pick,
    "lanes": _lanes_at_once,
    "Shapley batch": _shapley_batch,
    "MMD-GAN step": _mmd_gan_step,
    "sums of parties": _sums_of_parties,
}

r"""A Gram pass shared out to the devices of a mesh.

Every device holds some of the tiles, in order, and they go round in a ring: in step s
device p meets the tiles of device p + s. What is summed by the device's own points
stays there until the end.

- B and the candidates among themselves need each pair of devices once: half a ring. If
  the number of devices is even, the two of the last step share their pairs of tiles.
- The candidates' rows over the parties need all of it.

Tiles, and which of two is the row, are those of one device: no sum depends on how many
there are, but for the rounding of float64. Points that come sharded stay where they
are: tiles are cut of what a device has.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.sharding import AxisType, Mesh
from jaxtyping import Array, Float

from cgm_jax._shared.arrays import Points
from cgm_jax._shared.precision import at_once, compiled
from cgm_jax._shared.sharded import is_sharded, on_host
from cgm_jax.embeddings import FeatureMap
from cgm_jax.kernels.base import Kernel, centred

from .embedding import ByTile
from .feature_tiles import add_embedding, add_embedding_rows
from .shares import AXIS, ON_ALL, ON_EACH, Shares, made_by, on_each, parameters, put
from .tile_loops import CHUNK
from .tiles import add_between, add_rows, add_symmetric_rows, num_columns

__all__ = [
    "agreed",
    "as_mesh",
    "embeddings_on_mesh",
    "half_ring",
    "on_device_of",
    "rows_on_mesh",
    "sums_on_mesh",
]

Pairs = list[tuple[np.ndarray, np.ndarray, np.ndarray]]  # of tiles, for every device


def as_mesh(mesh: Mesh | None, *points: Points, traced: bool = False) -> Mesh | None:
    """All devices of a mesh in one row: of the one given, or of the points' own."""
    sharded = [x for x in points if is_sharded(x)]
    if mesh is not None and not isinstance(mesh, Mesh):
        raise TypeError(
            "Expected a mesh of devices, such as jax.make_mesh((8,), ('x',)), got "
            f"{type(mesh).__name__}."
        )
    if traced:
        if mesh is None:
            return None
        raise TypeError(
            "Expected numbers beside a mesh, got traced ones: call it outside of `jit`,"
            " `grad` and `vmap`, or leave the mesh out and let XLA share the work out."
        )
    meshes = [x.sharding.mesh for x in sharded]  # type: ignore[union-attr]
    mesh = meshes[0] if mesh is None and meshes else mesh
    if mesh is None:
        return None
    devices = mesh.devices.reshape(-1)
    for other in meshes:
        if other.devices.reshape(-1).tolist() != devices.tolist():
            raise ValueError(
                "Expected points on the devices of one mesh, in one order, got "
                f"{other.devices.reshape(-1).tolist()} and {devices.tolist()}; put "
                "them there by jax.device_put."
            )
    return Mesh(devices, (AXIS,), axis_types=(AxisType.Auto,))


@contextmanager
def on_device_of(mesh: Mesh | None) -> Iterator[None]:
    """A scope in which what is not shared out is computed by a device of the mesh."""
    if mesh is None:
        yield
        return
    with jax.default_device(mesh.local_devices[0]):
        yield


def agreed(
    mesh: Mesh | None, numbers: Float[np.ndarray, " n"]
) -> Float[np.ndarray, " n"]:
    """Numbers that all processes have computed, as the mesh's first device has them.

    They may differ by a rounding, and what is decided on must not.
    """
    if mesh is None or not mesh.is_multi_process:
        return numbers

    def part(index: tuple[slice, ...]) -> np.ndarray:
        return numbers[None] * (index[0].start == 0)

    with at_once(), jax.set_mesh(mesh):
        every = made_by(mesh, (mesh.size, len(numbers)), part)
        return np.asarray(_summed(mesh, every))[0]


def sums_on_mesh(
    mesh: Mesh,
    kernel: Kernel,
    points: list[Points],
    candidates: Points,
    tile_size: int,
    *,
    weights: list[Any] | None,
    among_candidates: bool,
) -> tuple[Float[np.ndarray, "n n"], Float[np.ndarray, "g columns"]]:
    """As `sums_with_parties`."""
    with jax.set_mesh(mesh):
        *points, candidates = centred(kernel, *points, candidates)
        pool = Shares.cut(mesh, kernel, points, tile_size, weights)
        between = _sums_between_blocks(pool)
        if len(candidates) == 0:
            return between, np.zeros((0, len(points) + among_candidates))
        drawn = Shares.cut(mesh, kernel, [candidates], tile_size)
        rows = _sums_of_rows(drawn, pool)
        if among_candidates:
            own = _sums_of_symmetric_rows(drawn)
            rows = np.concatenate([rows, own[:, None]], axis=1)
        return between, rows


def _sums_between_blocks(points: Shares) -> Float[np.ndarray, "blocks blocks"]:
    size, n = num_columns(points.num_blocks, points.width), points.num_blocks
    both = _beside(points.mesh, points.members, points.members)
    total = _zeros(points.mesh, (size, size))
    for step, pairs in enumerate(half_ring(points.num_tiles, points.shape[0])):
        if step:
            both = _pass_on(points.mesh, both, half=True)
        total = _over_pairs(add_between, points, total, (both,), pairs)
    return np.asarray(_summed(points.mesh, total))[:n, :n]


def _sums_of_rows(x: Shares, y: Shares) -> Float[np.ndarray, "num_points blocks"]:
    columns, visitor = num_columns(y.num_blocks, y.width), y.members
    total = _zeros(x.mesh, (*x.shape, columns))
    for step, pairs in enumerate(_whole_ring(x.num_tiles, y.num_tiles)):
        if step:
            visitor = _pass_on(x.mesh, visitor, half=False)
        total = _over_pairs(_add_rows, y, total, (x.members.tiles, visitor), pairs)
    return on_host(total).reshape(-1, columns)[x.place, : y.num_blocks]


def _add_rows(total, width, tile, kernel, x, y):
    return add_rows(total, width, tile, kernel, x, y, 0)


def _sums_of_symmetric_rows(points: Shares) -> Float[np.ndarray, " num_points"]:
    mesh, (num_tiles, side) = points.mesh, points.shape
    both = _beside(mesh, points.members, points.members)
    total = _zeros(mesh, (2 * num_tiles, side))
    step = 0
    for step, pairs in enumerate(half_ring(points.num_tiles, num_tiles)):
        if step:  # the visitors' sums go with them
            both, total = _pass_on(mesh, (both, total), half=True)
        total = _over_pairs(add_symmetric_rows, points, total, (both,), pairs)
    own, visitors = np.moveaxis(on_host(total).reshape(mesh.size, 2, -1), 1, 0)
    return (own + np.roll(visitors, step, axis=0)).reshape(-1)[points.place]


def embeddings_on_mesh(
    mesh: Mesh,
    features: FeatureMap,
    sets: list[Points],
    tile_size: int,
    weights: list[Any] | None = None,
) -> Float[np.ndarray, "blocks features"]:
    """As `embeddings`: every device has the sums of its points, and they are added."""
    with jax.set_mesh(mesh):
        points = Shares.cut(mesh, ByTile(features.kernel), sets, tile_size, weights)
        columns = num_columns(points.num_blocks, points.width)
        total = _zeros(mesh, (columns, features.num_features))
        pairs, data = _own_tiles(points), (points.members,)
        total = _over_pairs(add_embedding, points, total, data, pairs, features)
        return np.asarray(_summed(mesh, total))[: points.num_blocks]


def rows_on_mesh(
    mesh: Mesh,
    features: FeatureMap,
    points: Points,
    totals: Float[np.ndarray, "blocks features"],
    tile_size: int,
) -> Float[np.ndarray, "num_points blocks"]:
    """As `rows_of_embeddings`."""
    if len(points) == 0:
        return np.zeros((0, len(totals)))
    with jax.set_mesh(mesh):
        x = Shares.cut(mesh, ByTile(features.kernel), [points], tile_size)
        total = _zeros(mesh, (*x.shape, len(totals)))
        both, pairs = (features, totals), _own_tiles(x)
        total = _over_pairs(add_embedding_rows, x, total, (x.members,), pairs, both)
        return on_host(total).reshape(-1, len(totals))[x.place]


def _own_tiles(points: Shares) -> Pairs:
    """Each tile of a device once."""
    tiles = (np.arange(number) for number in points.num_tiles)
    return [(tile, tile, np.ones(len(tile))) for tile in tiles]


def half_ring(num_tiles: Sequence[int], offset: int) -> Iterator[Pairs]:
    """Every two tiles once: rows, columns and weights, of every device in every step.

    Args:
        num_tiles: tiles of every device.
        offset: where the visitor's tiles begin, behind the device's own.
    """
    num_devices = len(num_tiles)
    for step in range(num_devices // 2 + 1):
        pairs = []
        for device in range(num_devices):
            other = (device + step) % num_devices
            low, high = sorted((device, other))
            # As on one device, the tile that comes first is the row.
            if step == 0:
                row, column = np.triu_indices(num_tiles[device])
            else:
                row, column = _all_pairs(num_tiles[low], num_tiles[high])
            if step and 2 * step == num_devices:
                part = slice(int(device != low), None, 2)
                row, column = row[part], column[part]
            # A tile with itself is its own mirror image.
            weight = np.where((row == column) & (step == 0), 0.5, 1.0)
            first, second = (0, offset) if device == low else (offset, 0)
            second = second if step else 0
            pairs.append((row + first, column + second, weight))
        yield pairs


def _whole_ring(num_rows: Sequence[int], num_columns: Sequence[int]) -> Iterator[Pairs]:
    """Every device's tiles with those of every other."""
    for step in range(len(num_rows)):
        visitors = [*num_columns[step:], *num_columns[:step]]
        pairs = map(_all_pairs, num_rows, visitors)
        yield [(row, column, np.ones(len(row))) for row, column in pairs]


def _all_pairs(num_rows: int, num_columns: int) -> tuple[np.ndarray, np.ndarray]:
    row, column = np.indices((num_rows, num_columns)).reshape(2, -1)
    return row, column


def _over_pairs(
    add: Callable[..., Array],
    points: Shares,
    total: Array,
    data: tuple,
    pairs: Pairs,
    kernel: Any = None,
) -> Array:
    """A total with what pairs of tiles of a step add, by chunks as on one device.

    What all devices have of it is the points' kernel, or another tree in its place.
    """
    mesh = points.mesh
    kernel = parameters(points.kernel if kernel is None else kernel)
    dtype = jnp.result_type(*jax.tree.leaves(points.members.tiles))
    for start in range(0, max(len(row) for row, _, _ in pairs), CHUNK):
        chunk = [[x[start : start + CHUNK] for x in lists] for lists in pairs]
        count = np.array([len(row) for row, _, _ in chunk], np.int32)
        lists = [
            np.stack([np.pad(x, (0, CHUNK - len(x))) for x in each]).astype(kind)
            for each, kind in zip(
                zip(*chunk, strict=True), (np.int32, np.int32, dtype), strict=True
            )
        ]
        count, *tiles = (put(mesh, x) for x in (count, *lists))
        total = _sum_chunk(mesh, add, points.width, total, count, tiles, kernel, data)
        jax.block_until_ready(total)
    return total


@compiled(static_argnames=("mesh", "add", "width"), donate_argnames="total")
def _sum_chunk(mesh, add, width, total, count, tiles, kernel, data):
    def work(total, count, tiles, data, kernel):
        def step(i, total):
            return add(total, width, tuple(x[0, i] for x in tiles), kernel, *data)

        return lax.fori_loop(0, count[0], step, total)

    return on_each(mesh, work, ON_EACH, ON_ALL)(total, count, tiles, data, kernel)


@compiled(static_argnames="mesh")
def _beside(mesh, one, other):
    def work(one, other):
        return jax.tree.map(lambda *x: jnp.concatenate(x), one, other)

    return on_each(mesh, work, ON_EACH)(one, other)


@compiled(static_argnames=("mesh", "half"))
def _pass_on(mesh, tree, *, half):
    """All tiles, or the visitor's half of them, to the device before."""
    ring = [((device + 1) % mesh.size, device) for device in range(mesh.size)]

    def work(tree):
        def passed(x):
            stay = len(x) // 2 if half else 0
            visitor = lax.ppermute(x[stay:], AXIS, ring)
            return jnp.concatenate([x[:stay], visitor])

        return jax.tree.map(passed, tree)

    return on_each(mesh, work, ON_EACH)(tree)


@compiled(static_argnames="mesh")
def _summed(mesh, total):
    return on_each(mesh, lambda x: lax.psum(x, AXIS), ON_ALL)(total)


def _zeros(mesh: Mesh, shape: tuple[int, ...]) -> Array:
    """Zeros of this shape on every device."""
    whole = mesh.size * shape[0], *shape[1:]
    return made_by(mesh, whole, lambda index: np.zeros(shape))

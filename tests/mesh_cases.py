"""Sums and promises of small pools, on the devices of a mesh: a program of its own.

It saves them to be compared with those of one device. The number of devices is that of
``JAX_NUM_CPU_DEVICES``::

    python mesh_cases.py out.npz               # in one process
    python mesh_cases.py out.npz PORT NUMBER   # one of two, the first of which saves
"""

import sys

import jax
import numpy as np
from jax.sharding import NamedSharding, PartitionSpec
from pytest import MonkeyPatch

from cgm_jax._shared import sharded
from cgm_jax.collaboration import promise
from cgm_jax.embeddings import random_fourier_features
from cgm_jax.gram import gram_sums, shares, smallest_length_scale
from cgm_jax.gram import mesh as mesh_passes
from cgm_jax.kernels import Energy, Laplace, SquaredExponential

KERNELS = {
    "squared exponential": SquaredExponential(1.3),
    "energy": Energy(1.5),
    "Laplace": Laplace(0.8),
}
SIZES = {  # the last are the candidates
    "unequal": [120, 1, 77, 40, 203],
    "fewer tiles than devices": [20, 1, 9, 50],
    "no candidates": [90, 110, 0],
    "many parties": [*[3] * 90, 100],
}
SHARDED = [48, 8, 80, 104, 64]  # numbers of points that 8 devices and 4 can share


def blocks_of(sizes, dtype=np.float64, d=3):
    rng = np.random.default_rng([*sizes, d])
    # Far from 0, where a stationary kernel moves them.
    return [rng.normal(40, 1, size=(n, d)).astype(dtype) for n in sizes]


def on_mesh(points, mesh):
    """Rows shared out over all axes, as a user's own pipeline leaves them."""
    sharding = NamedSharding(mesh, PartitionSpec(mesh.axis_names, None))
    with jax.enable_x64(True):
        return jax.make_array_from_callback(
            points.shape, sharding, lambda index: points[index]
        )


def results(mesh, *, few=False):
    """Arrays by their names; sharded points are those of the host without a mesh."""
    put = (lambda points: points) if mesh is None else (lambda x: on_mesh(x, mesh))
    kernel, found = KERNELS["squared exponential"], {}

    def add(name, *arguments, **options):
        sums = gram_sums(*arguments, **options)
        found[f"{name}: between"] = sums.between
        found[f"{name}: rows"] = sums.candidate_rows
        found[f"{name}: sizes"] = sums.sizes

    def refused(name, kernel, points):
        try:
            gram_sums(kernel, [points], points)
        except ValueError as error:
            found[f"{name}: error"] = str(error)

    *parties, candidates = blocks_of(SIZES["unequal"], np.float32)
    add("float32", KERNELS["energy"], parties, candidates, tile_size=16, mesh=mesh)
    *parties, candidates = blocks_of(SIZES["unequal"])
    weights = [np.linspace(0.5, 2, len(x)) for x in parties]
    options = {"weights": weights, "tile_size": 16, "mesh": mesh}
    add("weighted", kernel, parties, candidates, **options)
    features = random_fourier_features(jax.random.key(0), kernel, 3, 60)
    add("features", kernel, parties, candidates, features=features, **options)
    if not few:
        for name, each in KERNELS.items():
            add(name, each, parties, candidates, tile_size=16, mesh=mesh)
        for number in (1, 3):  # others than all devices
            some = mesh and jax.make_mesh(
                (number,), "x", devices=jax.devices()[:number]
            )
            add(f"{number}", kernel, parties, candidates, tile_size=16, mesh=some)
        for name, sizes in SIZES.items():
            *parties, candidates = blocks_of(sizes)
            add(name, kernel, parties, candidates, tile_size=8, mesh=mesh)

    *parties, candidates = map(put, blocks_of(SHARDED))
    add("sharded", kernel, parties, candidates, tile_size=8)
    add("sharded features", kernel, parties, candidates, features=features, tile_size=8)
    # Beside points of the host, of a number that devices cannot share equally.
    *others, some = blocks_of([13, 1, 11])
    everyone = [*parties, *others]
    weights = [np.linspace(0.5, 2, len(x)) for x in everyone]
    add("mixed", kernel, everyone, some, tile_size=8, weights=weights)
    found["length scale"] = smallest_length_scale(kernel, parties, candidates)
    if few:
        return found

    add("sharded candidates", kernel, others, candidates, tile_size=8)
    points = blocks_of([16])[0]
    points[5, 1] = np.nan
    refused("not finite", kernel, put(points))
    refused("overflow", kernel.with_length_scale(1e-308), put(blocks_of([16])[0] * 1e3))
    blocks = blocks_of([48, 96, 80, 200], d=2)
    with MonkeyPatch.context() as patch:
        module = sys.modules["cgm_jax.gram.gram_sums"]
        patch.setattr(module, "default_tile_size", lambda: 32)
        promises = promise(blocks[:-1], blocks[-1], mesh=mesh, relax=True)
    found["promise: length scale"] = promises.length_scale
    found["promise: rewards"] = promises.scheme.reward_values
    *parties, candidates = map(put, blocks)
    promises = promise(parties, candidates, relax=True)
    found["sharded promise: length scale"] = promises.length_scale
    found["sharded promise: rewards"] = promises.scheme.reward_values
    draw = promises.draw(jax.random.key(0))
    found["sharded promise: drawn"] = draw.rewards[0].indices
    return found


def keep_programs(found):
    """Keep the text of a program of each function that is called with points."""
    for module, name in (
        (sharded, "_first_row_not_finite"),
        (shares, "_in_parts"),
        (shares, "_tiles"),
        (shares, "_embedded"),
        (mesh_passes, "_beside"),
        (mesh_passes, "_pass_on"),
        (mesh_passes, "_sum_chunk"),
        (mesh_passes, "_summed"),
    ):
        function = getattr(module, name)

        def call(*arguments, function=function, name=name, **options):
            program = function.lower(*arguments, **options)
            found.setdefault(f"program: {name}", program.compile().as_text())
            return function(*arguments, **options)

        setattr(module, name, call)


if __name__ == "__main__":
    out, *process = sys.argv[1:]
    jax.config.update("jax_numpy_rank_promotion", "raise")
    programs = {}
    if process:
        port, number = process
        jax.distributed.initialize(f"localhost:{port}", 2, int(number))
    mesh = jax.make_mesh((2, jax.device_count() // 2), ("hosts", "devices"))
    found = results(mesh, few=bool(process))
    if not process:
        keep_programs(programs)
        *parties, candidates = (on_mesh(x, mesh) for x in blocks_of(SHARDED))
        gram_sums(KERNELS["energy"], parties, candidates, tile_size=8)
    if jax.process_index() == 0:
        np.savez(out, **found, **programs)

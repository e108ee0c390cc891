"""Trainings on the devices of a mesh: a program of its own, as ``mesh_cases``.

    JAX_NUM_CPU_DEVICES=8 python mesh_training_cases.py out.npz
    JAX_NUM_CPU_DEVICES=2 python mesh_training_cases.py out.npz PORT NUMBER

Beside the results it saves the text of a compiled program of each kind, and in
``out.npz.checkpoints`` half of a training, for one device to go on with. Of two
processes each saves its results, beside its number.
"""

import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import jax
import numpy as np
from flax import nnx
from jax.sharding import Mesh
from pytest import MonkeyPatch

from cgm_jax.generators import MMDGAN, MMDGANModel
from cgm_jax.generators.mmd_gan import loop
from cgm_jax.kernels import DeepKernel, FeatureNetwork, SquaredExponential
from cgm_jax.learning import fit_kernel, fit_kernels, training
from cgm_jax.two_sample import criterion

SEED = 0  # a key would start the backend, which processes must join before
FEW = {"num_steps": 4, "evaluate_every": 2}
# Numbers that tell the arrays of a program apart. Each of 8 devices has 5 of 40 rows.
BATCH, WIDTH, TILE = 40, 24, 14
POINTS = np.random.default_rng(0).normal(size=(100, 3)).astype(np.float32)
CRITIC = MMDGAN(
    width=WIDTH, depth=1, calibrated=False, batch_size=BATCH, kernel="distance", **FEW
)
FIXED = MMDGAN(
    width=8,
    depth=1,
    calibrated=False,
    batch_size=13,  # which 8 devices cannot share equally
    kernel=SquaredExponential(2.0),
    **FEW,
)


def trained(options: MMDGAN, mesh: Mesh | None, **given) -> MMDGANModel:
    with MonkeyPatch.context() as patch:
        patch.setattr(loop, "NUM_EVALUATED", 50)
        patch.setattr(loop, "NUM_JUDGED", 50)
        return replace(options, mesh=mesh).fit(jax.random.key(SEED), POINTS, **given)


def numbers_of(name: str, model: MMDGANModel) -> dict[str, np.ndarray]:
    arrays = {**model.parameters, "history": model.history}
    return {f"{name}: {part}": array for part, array in arrays.items()}


def results(mesh: Mesh | None) -> dict[str, np.ndarray]:
    """Arrays by their names."""
    found = numbers_of("critic", trained(CRITIC, mesh))
    found |= numbers_of("fixed kernel", trained(FIXED, mesh))

    network = FeatureNetwork((2, WIDTH, 3), activation="silu", rngs=nnx.Rngs(0))
    start = SquaredExponential(np.ones(2))
    deep = DeepKernel(network, SquaredExponential(1.0), points_kernel=start)
    rng = np.random.default_rng(1)
    groups = [rng.normal(i / 3, 1, size=(2 * BATCH + i, 2)) for i in range(3)]
    narrow = [group.astype(np.float32) for group in groups]
    key = jax.random.key(SEED)
    options = {**FEW, "learning_rate": 0.05, "mesh": mesh}
    pool = {**options, "between": "pool", "batch_size": 13, "jitter": 0.1}
    with MonkeyPatch.context() as patch:
        patch.setattr(criterion, "checked_tile_size", lambda size: size or TILE)
        fits = {
            "deep": fit_kernel(key, deep, groups[:2], **options),
            "pool": fit_kernels(key[None], [start], [narrow], **pool)[0],
        }
    for name, fit in fits.items():
        leaves = map(np.asarray, jax.tree.leaves(fit.kernel))
        found |= {f"{name}: {i}": leaf for i, leaf in enumerate(leaves)}
        found[f"{name}: history"] = fit.history
        found[f"{name}: held out"] = np.array(fit.held_out_power)
    return found


def keep_programs(module, texts: list[str]) -> None:
    """Keep the text of the programs of a module's ``train``."""
    train = module.train

    def call(*arguments, **options):
        texts.append(train.lower(*arguments, **options).compile().as_text())
        return train(*arguments, **options)

    module.train = call


def interrupted(folder: Path, mesh: Mesh) -> None:
    """A training that leaves its first checkpoint."""

    def stop(progress):
        raise InterruptedError

    with suppress(InterruptedError):
        trained(CRITIC, mesh, checkpoint_dir=folder, progress=stop)


def refused(mesh: Mesh) -> dict[str, np.ndarray]:
    """What is said of checkpoints in several processes."""
    try:
        trained(CRITIC, mesh, checkpoint_dir="folder")
    except ValueError as error:
        return {"checkpoints": np.array(str(error))}
    return {}


if __name__ == "__main__":
    jax.config.update("jax_numpy_rank_promotion", "raise")
    out, *process = sys.argv[1:]
    if process:
        port, number = process
        jax.distributed.initialize(f"localhost:{port}", 2, int(number))
    mesh = jax.make_mesh((2, jax.device_count() // 2), ("hosts", "devices"))
    if process:
        found = results(mesh) | refused(mesh)
        np.savez(f"{out}.{number}.npz", **found)
        sys.exit()
    texts = {"MMD-GAN": [], "kernel": []}
    keep_programs(loop, texts["MMD-GAN"])
    keep_programs(training, texts["kernel"])
    found = results(mesh)
    interrupted(Path(f"{out}.checkpoints"), mesh)
    for name, each in texts.items():  # the first chunk of the first training
        found[f"program: {name}"] = each[0]
    np.savez(out, **found)

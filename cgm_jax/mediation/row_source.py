"""Where a mediator's synthetic rows come from: trained, loaded, or rows plus noise."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from jaxtyping import Array, Bool, Key

from cgm_jax._shared.progress import Progress, silent
from cgm_jax.files import InputError, Parties, UsageError
from cgm_jax.generators import Generator, KernelDensity
from cgm_jax.generators.scaled_columns import TableGenerator, TableScale, TrainedOnRows

if TYPE_CHECKING:
    from cgm_jax.generators.mmd_gan.model import MMDGANModel

__all__ = ["CandidateSource", "candidate_source", "train_rows"]

KDE_NOTE = (
    "The candidates come from a kernel density estimate: every synthetic row is a real "
    "row of some party plus a little noise. Whoever receives it holds other parties' "
    "data in disguise. Use it only among parties that may see each other's data."
)
GAN_NOTE = (
    "The candidates come from an MMD-GAN trained on the parties' pooled rows: a "
    "synthetic row is made of noise alone, but it can still come close to a real one. "
    "The figures that follow are necessary and not sufficient: they are no proof that "
    "nothing was memorised."
)


@dataclass(frozen=True, eq=False)
class CandidateSource:
    """A generator, if trained its model and the rows it never saw, and notes on it."""

    generator: Generator
    described: str
    note: str
    model: "MMDGANModel | None" = None
    held_out: list[Bool[np.ndarray, " _"]] | None = None


def candidate_source(
    key: Key[Array, ""],
    parties: Parties,
    scale: TableScale,
    *,
    generator: Literal["kde", "mmd-gan"],
    bandwidth: float,
    num_steps: int,
    model_path: Path | None,
    progress: Progress = silent,
) -> CandidateSource:
    """The generator that a mediator asked for, trained if it has to be."""
    if model_path is None and generator == "kde":
        density = TableGenerator(KernelDensity(bandwidth), scale)
        described = f"kernel density estimate, bandwidth {bandwidth:g}"
        return CandidateSource(density, described, KDE_NOTE)
    if model_path is None:
        model = train_rows(key, parties, num_steps=num_steps, progress=progress)
        held_out = _held_out(key, parties, num_steps=num_steps)
        described = f"MMD-GAN, {num_steps} steps"
    else:
        model, held_out = _loaded(model_path, parties), None
        described = f"MMD-GAN, the model {model_path.name}"
    rows = TableGenerator(TrainedOnRows(model, scale), scale)
    return CandidateSource(rows, described, GAN_NOTE, model, held_out)


def train_rows(
    key: Key[Array, ""],
    parties: Parties,
    *,
    num_steps: int,
    checkpoint_dir: Path | None = None,
    progress: Progress = silent,
) -> "MMDGANModel":
    """An MMD-GAN of the parties' pooled rows, in their own units."""
    from cgm_jax.generators.mmd_gan.loop import training_stages
    from cgm_jax.generators.mmd_gan.mmd_gan import MMDGAN

    try:
        model = MMDGAN(num_steps=num_steps).fit(
            key,
            np.concatenate(parties.points),
            checkpoint_dir=checkpoint_dir,
            progress=training_stages(progress),
        )
    except ValueError as error:
        if checkpoint_dir is not None and str(checkpoint_dir) in str(error):
            raise UsageError(str(error)) from error
        raise InputError(str(error), file=parties.files[0].path) from error
    return replace(model, columns=parties.columns)


def _held_out(
    key: Key[Array, ""], parties: Parties, *, num_steps: int
) -> list[Bool[np.ndarray, " _"]]:
    """Which rows of each party `train_rows` does not train on."""
    from cgm_jax.generators.mmd_gan.mmd_gan import MMDGAN

    sizes = [len(rows) for rows in parties.points]
    mask = np.zeros(sum(sizes), bool)
    options = MMDGAN(num_steps=num_steps)
    mask[options.held_out_rows(key, len(mask))] = True
    return np.split(mask, np.cumsum(sizes)[:-1])


def _loaded(path: Path, parties: Parties) -> "MMDGANModel":
    from cgm_jax.generators.mmd_gan.model import MMDGANModel

    try:
        model = MMDGANModel.load(path)
    except ValueError as error:
        sentence = str(error).removeprefix(f"{path}: ")
        raise InputError(sentence, file=path) from error
    if model.columns != parties.columns:
        theirs = ", ".join(model.columns or ()) or "columns without names"
        raise UsageError(
            f"{path}: expected a model of the columns {', '.join(parties.columns)}, "
            f"found one of {theirs}; train one on these files with train-generator"
        )
    return model

"""A mediator's run: the parties' files in, one reward file per party and a report out.

read → scale → collaborate → review → publish
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh
from jaxtyping import Array, Key

from cgm_jax._shared.progress import Progress, silent
from cgm_jax.audit import Review, review
from cgm_jax.collaboration import (
    Collaboration,
    Growing,
    Uncertainty,
    collaborate,
    estimate_uncertainty,
)
from cgm_jax.evaluation.privacy import PrivacyFigures, privacy_figures
from cgm_jax.features.labels import PooledLabels, label_points
from cgm_jax.files import InputError, Parties, prepare_output_dir, read_parties
from cgm_jax.generators import KernelDensity, scaled_columns
from cgm_jax.generators.scaled_columns import TableScale
from cgm_jax.kernels.saving import KernelFile, read_kernel_file
from cgm_jax.report.sentences import (
    generator_warnings,
    label_warnings,
    repetition_warnings,
)
from cgm_jax.rewards import InfeasibleError

from . import row_source
from .row_source import CandidateSource

MOST_TIMES = 16  # as many candidates as asked for


@dataclass(frozen=True)
class Settings:
    """What the mediator decides."""

    label_column: str | None = None
    generator: Literal["kde", "mmd-gan"] = "kde"
    generator_model: Path | None = None  # a trained MMD-GAN to use instead
    num_steps: int = 6_000  # of training the MMD-GAN
    bandwidth: float = 0.05  # of the kernel density estimate, in the scaled columns
    num_candidates: int = 10_000  # up to 16 times as many, until promises can be kept
    inverse_temperature: float = 1.0
    kernel: Path | None = None  # a file of `save_kernel`, for the scaled columns
    seed: int = 0
    scale: Literal["standard", "none"] = "standard"
    stability: bool = True
    relax: bool = True  # lower bounds where the most candidates cannot keep them
    num_resamples: int = 0  # of the parties' rows, for standard errors
    stress_test: bool = True  # try out cheating, for up to 20 parties
    overwrite: bool = False


@dataclass(frozen=True, eq=False)
class Mediation:
    """What a run computed, before anything is published."""

    folder: Path  # the output folder, which is ready
    settings: Settings
    parties: Parties
    scale: TableScale  # between the parties' columns and the points that are valued
    source: CandidateSource
    collaboration: Collaboration
    labels: PooledLabels | None
    learned: KernelFile | None  # the kernel of the mediator's own
    uncertainty: Uncertainty | None
    review: Review
    privacy: PrivacyFigures
    warnings: tuple[str, ...]  # on files and candidates


@dataclass(frozen=True)
class Keys:
    """The children of the seed's key, one for each random part of a run."""

    training: Key[Array, ""]
    collaboration: Key[Array, ""]
    uncertainty: Key[Array, ""]
    stress: Key[Array, ""]
    privacy: Key[Array, ""]

    @classmethod
    def of(cls, seed: int) -> "Keys":
        """All of them, from one split."""
        return cls(*jax.random.split(jax.random.key(seed), 5))


def mediate(
    paths: Sequence[str | Path],
    out: str | Path,
    settings: Settings = Settings(),
    *,
    mesh: Mesh | None = None,
    progress: Progress = silent,
) -> Mediation:
    """Read the parties' files and compute everything that is to be published."""
    keys = Keys.of(settings.seed)
    parties = read_parties(paths, label_column=settings.label_column)
    folders = [*parties.names, "mediator"]
    folder = prepare_output_dir(out, folders, overwrite=settings.overwrite)
    scale = _scale(parties, settings)
    points = [scale.scaled(rows) for rows in parties.points]
    learned = None if settings.kernel is None else _kernel(settings.kernel, points)
    source = candidate_source(
        keys.training, settings, parties, scale, mesh=mesh, progress=progress
    )
    most = MOST_TIMES * settings.num_candidates
    try:
        result = collaborate(
            keys.collaboration,
            points,
            Growing(source.generator, settings.num_candidates, most),
            kernel=None if learned is None else learned.kernel,
            search_length_scale=learned is not None and learned.has_length_scale,
            inverse_temperature=settings.inverse_temperature,
            stability=settings.stability,
            relax=settings.relax,
            mesh=mesh,
            progress=progress,
        )
    except InfeasibleError as error:
        for party in {error.lower_party, error.upper_party}:
            error.add_note(f"Party {party} is {parties.names[party]}.")
        raise
    candidates = np.asarray(result.promises.candidates)
    pool = np.concatenate(result.promises.parties)
    uncertainty = None
    if settings.num_resamples:
        uncertainty = estimate_uncertainty(
            keys.uncertainty, result.promises, settings.num_resamples, progress=progress
        )
    labels = None
    if parties.labels is not None:
        pooled = np.concatenate(points), np.concatenate(parties.labels)
        labels = label_points(*pooled, candidates, seed=settings.seed)
    repeated = float(scaled_columns.is_among(candidates, pool).mean())
    return Mediation(
        folder=folder,
        settings=settings,
        parties=parties,
        scale=scale,
        source=source,
        collaboration=result,
        labels=labels,
        learned=learned,
        uncertainty=uncertainty,
        review=review(
            keys.stress, result, stress_test=settings.stress_test, progress=progress
        ),
        privacy=privacy_figures(
            keys.privacy,
            result,
            held_out=source.held_out,
            generator=source.generator if source.model is None else None,
        ),
        warnings=(
            *parties.warnings,
            *generator_warnings(is_of_other_data=source.is_of_other_data),
            *repetition_warnings(repeated),
            *([] if labels is None else label_warnings(labels)),
        ),
    )


def candidate_source(
    key: Key[Array, ""],
    settings: Settings,
    parties: Parties,
    scale: TableScale,
    *,
    mesh: Mesh | None,
    progress: Progress,
) -> CandidateSource:
    """The generator that a mediator asked for, trained if it has to be."""
    path, num_steps, held_out = settings.generator_model, settings.num_steps, None
    if path is None and settings.generator == "kde":
        density = KernelDensity(settings.bandwidth)
        described = f"kernel density estimate, bandwidth {settings.bandwidth:g}"
        rows = scaled_columns.TableGenerator(density, scale)
        return CandidateSource(rows, described, row_source.KDE_NOTE)
    if path is None:
        model = row_source.train_rows(
            key, parties, num_steps=num_steps, mesh=mesh, progress=progress
        )
        held_out = row_source.held_out_rows(key, parties, num_steps=num_steps)
        described = f"MMD-GAN, {num_steps} steps"
    else:
        model = row_source.load_model(path, parties)
        described = f"MMD-GAN, the model {path.name}"
    reordered = row_source.ReorderedColumns(model, parties.columns)
    trained = scaled_columns.TrainedOnRows(reordered, scale)
    rows = scaled_columns.TableGenerator(trained, scale)
    is_of_others = model.data_digest not in (None, row_source.data_digest(parties))
    return CandidateSource(
        rows, described, row_source.GAN_NOTE, model, held_out, is_of_others
    )


def _scale(parties: Parties, settings: Settings) -> TableScale:
    try:
        return TableScale.of(
            parties.points,
            standardize=settings.scale == "standard",
            whole=np.isin(parties.columns, parties.integer_columns),
        )
    except ValueError as error:
        raise InputError(str(error), file=parties.files[0].path) from error


def _kernel(path: Path, points: list[np.ndarray]) -> KernelFile:
    learned = read_kernel_file(path)
    try:
        learned.kernel.embed(jnp.asarray(points[0][:1]))
    except (TypeError, ValueError) as error:
        raise InputError(
            f"expected a kernel of the {points[0].shape[1]} columns that vary among "
            "the parties' rows, got one of other points",
            file=path,
        ) from error
    return learned

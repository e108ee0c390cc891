"""A mediator's run: the parties' files in, one reward file a party and a report out."""

import importlib.metadata
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np

from cgm_jax._shared.digests import digest_of_file
from cgm_jax._version import __version__
from cgm_jax.audit.review import Scrutiny, scrutinize
from cgm_jax.collaboration.collaboration import Collaboration, Progress, collaborate
from cgm_jax.collaboration.uncertainty import Uncertainty
from cgm_jax.evaluation.privacy import privacy_figures
from cgm_jax.features.labels import PooledLabels, label_points
from cgm_jax.files import (
    InputError,
    Parties,
    prepare_output_dir,
    read_parties,
    write_json,
    write_reward_csv,
    write_text,
)
from cgm_jax.generators.quality import SampleQuality
from cgm_jax.generators.scaled_columns import TableScale, is_among
from cgm_jax.kernels.saving import KernelFile, read_kernel_file
from cgm_jax.report.page import CandidateOrigin, ReportSection, report_data, report_page
from cgm_jax.report.privacy_page import privacy_page
from cgm_jax.rewards import InfeasibleError

from .row_source import CandidateSource, candidate_source

__all__ = ["Mediation", "Settings", "mediate"]

# Children of the key, no party's number: for resamples, trials of cheating, controls.
_UNCERTAINTY, _STRESS, _PRIVACY = 2**31 - 3, 2**31 - 4, 2**31 - 5


@dataclass(frozen=True)
class Settings:
    """What the mediator decides."""

    label_column: str | None = None
    generator: Literal["kde", "mmd-gan"] = "kde"
    generator_model: Path | None = None
    """A trained MMD-GAN to use instead."""
    num_steps: int = 6_000
    """Of the MMD-GAN's training."""
    bandwidth: float = 0.05
    """Of the kernel density estimate, in the scaled columns."""
    num_candidates: int = 10_000
    """Doubled, up to 16 times as many, until the promises can be kept."""
    beta: float = 1.0
    kernel: Path | None = None
    """A file of `save_kernel`, for the scaled columns; by default the squared
    exponential. Its length scale is searched, where it has one."""
    seed: int = 0
    scale: Literal["standard", "none"] = "standard"
    stability: bool = True
    num_resamples: int = 0
    """Of the parties' rows, for standard errors; none by default."""
    stress: bool = True
    """Whether to try out what cheating would gain, of up to 20 parties."""
    overwrite: bool = False


@dataclass(frozen=True, eq=False)
class Mediation:
    """What a run computed and published."""

    parties: Parties
    collaboration: Collaboration
    labels: PooledLabels | None
    learned: KernelFile | None
    """The kernel of the mediator's own, and what its file says of it."""
    quality: SampleQuality | None
    """Of a trained generator."""
    uncertainty: Uncertainty | None
    """Where resamples were asked for."""
    scrutiny: Scrutiny
    """Whether the promises were kept, and what cheating would gain."""
    warnings: tuple[str, ...]
    """What a mediator should know of files and candidates."""
    report: Path
    rewards: tuple[Path, ...]


def mediate(
    paths: Sequence[str | Path],
    out: str | Path,
    settings: Settings = Settings(),
    *,
    progress: Progress | None = None,
) -> Mediation:
    """Value the parties' files, draw the rewards, and publish all of it.

    Writes ``OUT/<party>/reward.csv`` in the parties' own columns and units, and
    ``OUT/mediator/report.html``, ``privacy.html`` and ``report.json``. Nothing is
    written before all of it has been computed.

    Args:
        paths: one CSV, Parquet or NPY file a party.
        out: the output folder: empty, or ``settings.overwrite``.
        settings: what the mediator decides.
        progress: called with the stage and the share of it that is done.

    Returns:
        What was computed and published.

    Raises:
        UsageError: if the command has no meaning.
        InputError: if a file does not hold what it should.
        FileAccessError: if a file or folder cannot be read or written.
        RewardSchemeError: if the promises cannot be kept.
    """
    parties = read_parties(paths, label_column=settings.label_column)
    folders = [*parties.names, "mediator"]
    folder = prepare_output_dir(out, folders, overwrite=settings.overwrite)
    try:
        scale = TableScale.of(
            parties.points,
            standardize=settings.scale == "standard",
            whole=np.isin(parties.columns, parties.integer_columns),
        )
    except ValueError as error:
        raise InputError(str(error), file=parties.files[0].path) from error
    points = [scale.scaled(rows) for rows in parties.points]
    learned = None if settings.kernel is None else _kernel(settings.kernel, points)
    source = candidate_source(
        parties,
        scale,
        generator=settings.generator,
        bandwidth=settings.bandwidth,
        num_steps=settings.num_steps,
        model_path=settings.generator_model,
        seed=settings.seed,
        progress=progress,
    )
    try:
        result = collaborate(
            jax.random.key(settings.seed),
            points,
            source.generator,
            kernel=None if learned is None else learned.kernel,
            search_length_scale=learned is not None and learned.has_length_scale,
            inverse_temperature=settings.beta,
            stability=settings.stability,
            num_candidates=settings.num_candidates,
            max_candidates=16 * settings.num_candidates,
            progress=progress,
        )
    except InfeasibleError as error:
        for party in {error.lower_party, error.upper_party}:
            error.add_note(f"Party {party} is {parties.names[party]}.")
        raise
    uncertainty = None
    if settings.num_resamples:
        key = jax.random.fold_in(jax.random.key(settings.seed), _UNCERTAINTY)
        uncertainty = result.uncertainty(key, settings.num_resamples, progress=progress)
    labels = _labels(parties, points, result, settings)
    scrutiny = scrutinize(
        result,
        stress_key=jax.random.fold_in(jax.random.key(settings.seed), _STRESS)
        if settings.stress
        else None,
        progress=progress,
    )
    repeated = is_among(
        np.asarray(result.candidates), np.concatenate(result.parties)
    ).mean()
    warnings = (*parties.warnings, *_repetition(repeated))
    privacy = privacy_figures(
        jax.random.fold_in(jax.random.key(settings.seed), _PRIVACY),
        result,
        held_out=source.held_out,
        generator=source.generator if source.model is None else None,
    )
    section = ReportSection(
        "Rewards",
        (result,),
        parties.names,
        columns=np.array(parties.columns)[scale.varies].tolist(),
        warnings=warnings,
        uncertainty=uncertainty,
        scrutiny=scrutiny,
    )
    described = _described(parties, result, labels, source, settings, learned)
    origin = _origin(parties, result, scale, source, section.columns)
    # Pictures and tables are made before the first file is published.
    data = report_data(section, settings=described, origin=origin)
    page = report_page(
        [section],
        title="Rewards of the collaboration",
        settings=described,
        generator_note=source.note,
        origin=origin,
    )
    page_of_privacy = privacy_page(privacy, parties.names)
    data["privacy"] = {
        "control": privacy.control,
        "decimals": privacy.decimals,
        "rewards": privacy.rows(parties.names),
    }
    rewards = tuple(
        _write_reward(folder / name / "reward.csv", i, parties, result, scale, labels)
        for i, name in enumerate(parties.names)
    )
    data["reward_files"] = [_described_file(path, folder) for path in rewards]
    write_json(folder / "mediator" / "report.json", data)
    write_text(folder / "mediator" / "privacy.html", page_of_privacy)
    report = folder / "mediator" / "report.html"
    write_text(report, page)
    quality = None if source.model is None else source.model.quality
    return Mediation(
        parties,
        result,
        labels,
        learned,
        quality,
        uncertainty,
        scrutiny,
        warnings,
        report,
        rewards,
    )


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


def _described_kernel(learned: KernelFile | None, settings: Settings) -> dict[str, Any]:
    if learned is None or settings.kernel is None:
        return {}
    return {
        "kernel": type(learned.kernel).__name__,
        "kernel file": settings.kernel.name,
        "kernel file (sha256)": digest_of_file(settings.kernel),
        "length scale of the kernel": "searched"
        if learned.has_length_scale
        else "as in the file",
        **{f"kernel: {name}": value for name, value in learned.notes.items()},
    }


def _repetition(share: float) -> list[str]:
    if not share:
        return []
    return [
        f"{share:.1%} of the candidates equal a real row of some party: the columns "
        "are so coarse that hardly any other rows exist."
    ]


def _described_file(path: Path, folder: Path) -> dict[str, str]:
    name = path.relative_to(folder).as_posix()
    return {"file": name, "sha256": digest_of_file(path)}


def _origin(
    parties: Parties,
    result: Collaboration,
    scale: TableScale,
    source: CandidateSource,
    columns: Sequence[str] | None,
) -> CandidateOrigin:
    candidates, model = np.asarray(result.candidates), source.model
    if model is None or model.shape is None:
        return CandidateOrigin(
            np.concatenate(result.parties), candidates, columns, model
        )
    # Images need all of their pixels, the constant ones too, as they are.
    pixels = np.concatenate(parties.points)
    return CandidateOrigin(pixels, scale.rows(candidates), None, model)


def _labels(
    parties: Parties,
    points: list[np.ndarray],
    result: Collaboration,
    settings: Settings,
) -> PooledLabels | None:
    if parties.labels is None:
        return None
    return label_points(
        np.concatenate(points),
        np.concatenate(parties.labels),
        np.asarray(result.candidates),
        seed=settings.seed,
    )


def _write_reward(
    path: Path,
    party: int,
    parties: Parties,
    result: Collaboration,
    scale: TableScale,
    labels: PooledLabels | None,
) -> Path:
    drawn = result.rewards[party].indices
    rows = scale.rows(np.asarray(result.candidates)[drawn])
    write_reward_csv(
        path,
        rows.astype(np.float32),
        parties.header,
        labels=None if labels is None else labels.labels[drawn],
        label_column=parties.label_column,
        integer_columns=parties.integer_columns,
    )
    return path


def _described(
    parties: Parties,
    result: Collaboration,
    labels: PooledLabels | None,
    source: CandidateSource,
    settings: Settings,
    learned: KernelFile | None,
) -> dict[str, Any]:
    """Everything that is needed to repeat the run, in words for the report."""
    packages = ("jax", "jaxlib", "numpy", "scipy", "cvxpy", "scikit-learn")
    return {
        "inverse temperature (beta)": settings.beta,
        "seed": settings.seed,
        **_described_kernel(learned, settings),
        "generator": source.described,
        "candidates asked for": settings.num_candidates,
        "candidates drawn": len(result.candidates),
        "columns": "standardised" if settings.scale == "standard" else "as they are",
        "stability": settings.stability,
        "resamples": settings.num_resamples,
        "label column": settings.label_column,
        "label accuracy on held-out real rows": None
        if labels is None or np.isnan(labels.accuracy)
        else labels.accuracy,
        "inputs": [
            {"party": name, "file": file.path.name, "sha256": file.sha256}
            for name, file in zip(parties.names, parties.files, strict=True)
        ],
        "versions": {
            "cgm-jax": __version__,
            "python": platform.python_version(),
            **{name: importlib.metadata.version(name) for name in packages},
        },
        "device": str(jax.devices()[0].device_kind),
    }

"""A mediator's run: the parties' files in, one reward file per party and a report out.

read → encode → collaborate → decode → review → publish
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

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
from cgm_jax.evaluation.nearest_rows import NearnessFigures, nearness_figures
from cgm_jax.features.labels import (
    LabelShares,
    PooledLabels,
    accuracy_by_label,
    label_points,
    label_shares,
)
from cgm_jax.files import InputError, Parties, prepare_output_dir
from cgm_jax.generators import (
    CoarseTableError,
    KernelDensity,
    ProductMixtureModel,
    TableGenerator,
)
from cgm_jax.kernels.saving import KernelFile, read_kernel_file
from cgm_jax.rewards import InfeasibleError
from cgm_jax.scoring import SCORINGS, Scoring
from cgm_jax.scoring.semivalues import SHAPLEY
from cgm_jax.tables import Cells

from . import row_source
from .choosing import ChosenName, chosen_source
from .quality import TableQualities, table_qualities
from .row_source import CandidateSource, Fitted, LoadedRows
from .tables import CodedTables, labels_to_give, of_all_files

GENERATORS = {"mmd-gan": "MMD-GAN", "product-mixture": "mixture of products"}
MOST_TIMES = 16  # as many candidates as asked for
MOST_PAIRS = 1.5e10  # of points, up to which more candidates are drawn: for minutes
MOST_TRIED = 3e8  # pairs of points: of more, all trials of cheating take minutes
MOST_COMPARED = 1e8  # of more, they do under all schemes, some of which look at rows


@dataclass(frozen=True)
class Settings:
    """What the mediator decides."""

    # None: the best of those fitted in seconds; auto: the best, the MMD-GAN among them.
    generator: ChosenName | None = None
    generator_model: Path | None = None  # a file of a trained one to use instead
    num_steps: int = 6_000  # of training the MMD-GAN
    bandwidth: float = 0.05  # of the kernel density estimate, in standard deviations
    num_candidates: int = 10_000  # up to 16 times as many, until promises can be kept
    inverse_temperature: float = 1.0
    kernel: Path | None = None  # a file of `save_kernel`, for points of the codec
    seed: int = 0
    scoring: Scoring = SHAPLEY
    stability: bool = True
    relax: bool = True  # lower bounds where the most candidates cannot keep them
    num_resamples: int = 50  # of the parties' rows, for standard errors; 0: without
    stress_test: bool | None = None  # try out cheating; None: where that takes seconds
    overwrite: bool = False
    command: str | None = None  # as it was typed, for the report

    def most_candidates(self, num_rows: int) -> int:
        """How many are drawn where fewer cannot keep all promises."""
        times = MOST_TIMES
        while (
            times > 1 and (num_rows + times * self.num_candidates) ** 2 / 2 > MOST_PAIRS
        ):
            times //= 2
        return times * self.num_candidates

    def other_scorings(self, num_points: int) -> list[Scoring]:
        """Schemes to try cheating with besides the one in use, if that is quick."""
        if num_points**2 / 2 > MOST_COMPARED:
            return []
        return [each for name, each in SCORINGS.items() if name != self.scoring.name]

    def tries_cheating(self, num_points: int) -> bool:
        """Whether trials of cheating are made, for up to 20 parties."""
        if self.stress_test is not None:
            return self.stress_test
        return num_points**2 / 2 <= MOST_TRIED


@dataclass(frozen=True, eq=False)
class Mediation:
    """What a run computed, before anything is published."""

    folder: Path  # the output folder, which is ready
    settings: Settings
    tables: CodedTables
    source: CandidateSource
    collaboration: Collaboration
    rewards: tuple[Mapping[str, Cells], ...]  # the rows that each party gets
    labels: PooledLabels | None
    label_shares: LabelShares | None
    learned: KernelFile | None  # the kernel of the mediator's own
    uncertainty: Uncertainty | None
    review: Review
    nearness: NearnessFigures
    quality: TableQualities

    @property
    def parties(self) -> Parties:
        """The parties' files, read."""
        return self.tables.parties


@dataclass(frozen=True)
class Keys:
    """The children of the seed's key, one for each random part of a run."""

    training: Key[Array, ""]
    collaboration: Key[Array, ""]
    uncertainty: Key[Array, ""]
    stress: Key[Array, ""]
    nearness: Key[Array, ""]
    quality: Key[Array, ""]

    @classmethod
    def of(cls, seed: int) -> "Keys":
        """All of them, from one split."""
        return cls(*jax.random.split(jax.random.key(seed), 6))


def mediate(
    tables: CodedTables,
    out: str | Path,
    settings: Settings = Settings(),
    *,
    mesh: Mesh | None = None,
    progress: Progress = silent,
) -> Mediation:
    """Compute everything that is to be published of the parties' tables."""
    keys = Keys.of(settings.seed)
    parties, codec = tables.parties, tables.codec
    folders = [*parties.names, "mediator"]
    folder = prepare_output_dir(out, folders, overwrite=settings.overwrite)
    points = [rows.astype(np.float32) for rows in tables.points]
    learned = None if settings.kernel is None else _kernel(settings.kernel, tables)
    source = candidate_source(
        keys.training, settings, tables, mesh=mesh, progress=progress
    )
    most = settings.most_candidates(sum(map(len, points)))
    try:
        result = collaborate(
            keys.collaboration,
            points,
            Growing(source.generator, settings.num_candidates, most),
            kernel=None if learned is None else learned.kernel,
            search_length_scale=learned is not None and learned.has_length_scale,
            inverse_temperature=settings.inverse_temperature,
            scoring=settings.scoring,
            stability=settings.stability,
            relax=settings.relax,
            mesh=mesh,
            progress=progress,
        )
    except InfeasibleError as error:
        for party in {error.lower_party, error.upper_party}:
            error.add_note(f"Party {party} is {parties.names[party]}.")
        raise
    except CoarseTableError as error:
        raise of_all_files(error, parties.files[0].path) from None
    candidates = np.asarray(result.promises.candidates)
    uncertainty = None
    # Of resamples there are sums only.
    if settings.num_resamples and not settings.scoring.needs_rows:
        uncertainty = estimate_uncertainty(
            keys.uncertainty, result.promises, settings.num_resamples, progress=progress
        )
    rewards = tuple(
        codec.decode(candidates[reward.indices]) for reward in result.draw.rewards
    )
    labels = shares = None
    if parties.labels is not None:
        pooled = np.concatenate(points), np.concatenate(parties.labels)
        labels = label_points(
            *pooled, candidates, seed=settings.seed, is_allowed=labels_to_give(tables)
        )
        given = [labels.labels[reward.indices] for reward in result.draw.rewards]
        kinds = {facts.name: facts.kind for facts in codec.facts}
        right = [
            accuracy_by_label(rows, theirs, parties.tables, pooled[1], kinds=kinds)
            for rows, theirs in zip(rewards, given, strict=True)
        ]
        shares = label_shares(pooled[1], given, labels, right)
    num_points = sum(map(len, [*points, candidates]))
    return Mediation(
        folder=folder,
        settings=settings,
        tables=tables,
        source=source,
        collaboration=result,
        rewards=rewards,
        labels=labels,
        label_shares=shares,
        learned=learned,
        uncertainty=uncertainty,
        review=review(
            keys.stress,
            result,
            stress_test=settings.tries_cheating(num_points),
            scorings=settings.other_scorings(num_points),
            labels=parties.labels,
            groups=codec.column_of_coordinate,
            progress=progress,
        ),
        nearness=nearness_figures(
            keys.nearness,
            result,
            held_out=source.held_out,
            generator=source.generator if source.model is None else None,
            is_category=codec.is_category_coordinate,
        ),
        quality=table_qualities(keys.quality, tables, candidates, rewards, progress),
    )


def candidate_source(
    key: Key[Array, ""],
    settings: Settings,
    tables: CodedTables,
    *,
    mesh: Mesh | None,
    progress: Progress,
) -> CandidateSource:
    """The generator that a mediator asked for, or the best; trained if need be."""
    codec, path = tables.codec, settings.generator_model
    if path is not None:
        loaded = row_source.load_model(path, codec)
        is_of_others = loaded.data_digest not in (None, row_source.data_digest(tables))
        return CandidateSource(
            loaded.kind,
            TableGenerator(Fitted(LoadedRows(loaded, codec)), codec),
            f"{GENERATORS[loaded.kind]}, the model {path.name}",
            loaded.model,
            is_of_other_data=is_of_others,
        )
    name = settings.generator
    if name is None or name == "auto":
        return chosen_source(
            key,
            tables,
            bandwidth=settings.bandwidth,
            num_steps=None if name is None else settings.num_steps,
            mesh=mesh,
            progress=progress,
        )
    if name == "kde":
        rows = TableGenerator(KernelDensity(settings.bandwidth), codec)
        described = f"kernel density estimate, bandwidth {settings.bandwidth:g}"
        return CandidateSource("kde", rows, described)
    generator = row_source.generator_for(
        name,
        codec,
        min_rows=tables.options.min_rows,
        num_steps=settings.num_steps,
        mesh=mesh,
    )
    model = row_source.fitted_model(key, tables, generator, progress=progress).model
    held_out = row_source.held_out_rows(key, tables, generator)
    described = f"MMD-GAN, {settings.num_steps} steps"
    if isinstance(model, ProductMixtureModel):
        described = f"mixture of {model.num_components} products"
    rows = TableGenerator(Fitted(model), codec)
    return CandidateSource(name, rows, described, model, held_out)


def check_files_of_settings(settings: Settings, tables: CodedTables) -> None:
    """Refuse a kernel or a model that is of other columns, before anything is made."""
    if settings.kernel is not None:
        _kernel(settings.kernel, tables)
    if settings.generator_model is not None:
        row_source.load_model(settings.generator_model, tables.codec)


def _kernel(path: Path, tables: CodedTables) -> KernelFile:
    learned = read_kernel_file(path)
    points = tables.points[0].astype(np.float32)
    try:
        learned.kernel.embed(jnp.asarray(points[:1]))
    except (TypeError, ValueError) as error:
        raise InputError(
            f"expected a kernel of the {points.shape[1]} columns that vary among "
            "the parties' rows, got one of other points",
            file=path,
        ) from error
    return learned

"""Releases from a file each, and rewards from releases: no process reads two files."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import jax
import numpy as np

from cgm_jax._shared.archive import ArchiveError
from cgm_jax._shared.progress import Progress, silent
from cgm_jax.collaboration import Growing, collaborate, estimate_uncertainty
from cgm_jax.files import InputError, UsageError, prepare_output_dir, read_tables
from cgm_jax.files.sources import RESERVED_NAMES
from cgm_jax.generators import EmbeddingGenerator
from cgm_jax.privacy import Release, release
from cgm_jax.report.released import ReleasedRun
from cgm_jax.scoring import Scoring
from cgm_jax.scoring.semivalues import SHAPLEY
from cgm_jax.tables import ColumnChoice

from .agreement import Agreement

__all__ = [
    "AgreedRows",
    "ReleasedFile",
    "load_releases",
    "prepared_folder",
    "release_file",
    "reward",
]


@dataclass(frozen=True, eq=False)
class AgreedRows:
    """A generator of releases, whose points are those of rows that can be written."""

    generator: EmbeddingGenerator
    agreement: Agreement

    learns_from_releases: ClassVar = True

    def fit(self, key: jax.Array, points: Any) -> Any:
        """Train on one release of each party."""
        return self.generator.fit(key, points)

    def sample(self, key: jax.Array, model: Any, num: int) -> np.ndarray:
        """Points of rows: numbers rounded, one category each."""
        made = np.asarray(self.generator.sample(key, model, num), np.float64)
        table = self.agreement.decode(made)
        return self.agreement.encode(table, Path("generated")).astype(np.float32)


@dataclass(frozen=True, eq=False)
class ReleasedFile:
    """A release, and what only the party itself is told of its file."""

    release: Release
    left_out: tuple[str, ...]
    """Columns that are not in the agreement."""
    num_beyond: dict[str, int]
    """Numbers beyond the agreed range, which count as its end."""


def release_file(
    key: jax.Array, path: Path, agreement: Agreement, *, epsilon: float, decimal: Any
) -> ReleasedFile:
    """Read one party's file, and make its release."""
    choices = [
        ColumnChoice(column.name, column.kind)
        for column in agreement.columns
        if column.kind == "category"
    ]
    parties = read_tables([path], decimal=decimal, choices=choices, least_parties=1)
    table = parties.tables[0]
    made = release(
        key,
        agreement.features,
        agreement.encode(table, path),
        epsilon=epsilon,
        delta=agreement.delta,
        neighbours=agreement.neighbours,
        agreement=agreement.digest,
    )
    agreed = {column.name: column for column in agreement.columns}
    beyond = {name: column.num_beyond(table[name]) for name, column in agreed.items()}
    return ReleasedFile(
        made,
        tuple(name for name in table if name not in agreed),
        {name: number for name, number in beyond.items() if number},
    )


def load_releases(
    paths: Sequence[Path], agreement: Agreement
) -> tuple[tuple[str, ...], list[Release]]:
    """The parties' names, sorted, and their releases, each of this agreement."""
    named: dict[str, Release] = {}
    for path in sorted(paths, key=lambda path: path.stem):
        name = path.stem
        if name in named or name.casefold() in RESERVED_NAMES or name.startswith("."):
            raise UsageError(f"{path}: expected a name of its own for each party")
        try:
            named[name] = Release.load(path)
            named[name].verify(agreement.features, agreement=agreement.digest)
        except ArchiveError as error:
            raise InputError(error.sentence, file=path) from error
        except ValueError as error:
            raise InputError(str(error), file=path) from error
        if named[name].delta != agreement.delta:
            raise InputError(
                f"expected δ = {agreement.delta:g} as agreed, found another", file=path
            )
        if named[name].neighbours != agreement.neighbours:
            raise InputError(
                "expected the agreed neighbouring relation, found another", file=path
            )
        for other in [other for other in named if other != name]:
            if np.array_equal(named[other].embedding, named[name].embedding):
                sentence = f"expected a release of its own, found that of {other} again"
                raise InputError(sentence, file=path)
    if len(named) < 2:
        raise UsageError("expected the releases of at least two parties, found one")
    return tuple(named), list(named.values())


def reward(
    names: tuple[str, ...],
    releases: list[Release],
    agreement: Agreement,
    *,
    seed: int = 0,
    num_candidates: int = 10_000,
    inverse_temperature: float = 1.0,
    num_resamples: int = 50,
    scoring: Scoring = SHAPLEY,
    progress: Progress = silent,
) -> ReleasedRun:
    """Learn a generator from the releases, promise, and draw."""
    key, resample_key = jax.random.split(jax.random.key(seed))
    low, high = agreement.edges
    digest = agreement.digest
    network = EmbeddingGenerator(agreement.features, low, high, agreement=digest)
    generator = AgreedRows(network, agreement)
    collaboration = collaborate(
        key,
        releases,
        Growing(generator, num_candidates, max(160_000, num_candidates)),
        features=agreement.features,
        agreement=digest,
        inverse_temperature=inverse_temperature,
        scoring=scoring,
        relax=True,
        progress=progress,
    )
    promises = collaboration.promises
    uncertainty = estimate_uncertainty(resample_key, promises, num_resamples)
    return ReleasedRun(names, releases, collaboration, uncertainty, digest)


def prepared_folder(out: Path, names: Sequence[str], *, overwrite: bool) -> Path:
    """The output folder, which is looked at before anything is computed."""
    return prepare_output_dir(out, [*names, "mediator"], overwrite=overwrite)

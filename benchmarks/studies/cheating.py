"""What cheating gains under every scheme: credit ratings, digits, and a table.

Every manipulation of `audit.MANIPULATIONS`, and outliers, is tried by every party under
every scheme of `scoring.SCORINGS`, with several keys. A gain is what the party then
holds, valued as if everybody had been honest, over what it holds when honest under the
same scheme. Beside it is whether honest contributions follow how much of the classes
the parties cover.

    python -m benchmarks.studies cheating --adult adult.csv.gz
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import numpy as np

from benchmarks.peers.peer import read_table
from cgm_jax import promise
from cgm_jax._shared.progress import Progress, silent
from cgm_jax.audit import Stress, stress
from cgm_jax.datasets import credit_ratings, digits_parties
from cgm_jax.generators import KernelDensity, TableGenerator
from cgm_jax.report.data import plain
from cgm_jax.scoring import SCORINGS, Scoring
from cgm_jax.tables import TableCodec, as_text

from .coverage import class_coverage, sharpness

__all__ = [
    "Case",
    "adult_case",
    "cases",
    "gain_lines",
    "measure_cheating",
    "plain_case",
]

BETA = 4.0
BANDWIDTH = 0.05
OUTLIERS = (1e3, 1e9)
NUM_PARTIES = 5
SPLITS = ("equal-disjoint", "unequal")


@dataclass(frozen=True, eq=False)
class Case:
    """Parties, the classes of their rows, and candidates."""

    name: str
    parties: list[np.ndarray]
    labels: list[np.ndarray]  # from 0
    candidates: np.ndarray


def cases(num_rows: int, num_candidates: int) -> Iterator[Case]:
    """The data sets that need no file, of so many rows a party at most."""
    for split in SPLITS:
        data = credit_ratings(split, num_candidates=num_candidates)
        yield Case(
            f"credit ratings, {split}",
            [x[:num_rows] for x in data.parties],
            [y[:num_rows] for y in data.labels],
            data.candidates,
        )
    owned = digits_parties(SPLITS[0])
    parties = [np.asarray(x[:num_rows]) / np.float32(16) for x in owned.parties]
    fit_key, sample_key = jax.random.split(jax.random.key(0))
    density = KernelDensity(BANDWIDTH)
    model = density.fit(fit_key, np.concatenate(parties))
    yield Case(
        f"digits, {SPLITS[0]}",
        parties,
        [np.asarray(y[:num_rows]) for y in owned.labels],
        np.asarray(density.sample(sample_key, model, num_candidates)),
    )


def adult_case(
    table: Path, num_rows: int, num_candidates: int, *, by: str = "education"
) -> Case:
    """A table cut by a column: the most frequent value to the first party, and so on.

    The rows are a sample, and classes are incomes.
    """
    cells = read_table(table)
    words = as_text(cells[by])
    ranked = [word for word, _ in Counter(words.tolist()).most_common()]
    owner = np.array([ranked.index(word) % NUM_PARTIES for word in words])
    rng = np.random.default_rng(0)
    rows = [
        rng.permutation(np.flatnonzero(owner == party))[:num_rows]
        for party in range(NUM_PARTIES)
    ]
    tables = [{name: one.take(mine) for name, one in cells.items()} for mine in rows]
    codec = TableCodec.fit(tables)
    parties = [codec.encode(one).astype(np.float32) for one in tables]
    classes = as_text(cells["income-per-year"])
    fit_key, sample_key = jax.random.split(jax.random.key(0))
    generator = TableGenerator(KernelDensity(BANDWIDTH), codec)
    model = generator.fit(fit_key, np.concatenate(parties))
    return Case(
        f"Adult by {by}",
        parties,
        [np.unique(classes, return_inverse=True)[1][mine] for mine in rows],
        np.asarray(generator.sample(sample_key, model, num_candidates)),
    )


def measure_cheating(
    case: Case,
    *,
    num_keys: int,
    scorings: Sequence[Scoring] = tuple(SCORINGS.values()),
    progress: Progress = silent,
) -> Stress:
    """All trials of a case under all schemes, promises relaxed where need be."""
    promises = promise(case.parties, case.candidates, relax=True, scoring=scorings[0])
    return stress(
        jax.random.split(jax.random.key(1), num_keys),
        promises,
        scorings=scorings,
        labels=case.labels,
        inverse_temperature=BETA,
        outlier_scales=OUTLIERS,
        progress=progress,
    )


def plain_case(case: Case, found: Stress) -> dict[str, Any]:
    """What was found, for a file."""
    num_classes = 1 + max(int(y.max()) for y in case.labels)
    coverage = class_coverage(case.labels, num_classes)
    return plain(
        {
            "data": case.name,
            "rows of each party": [len(x) for x in case.parties],
            "candidates": len(case.candidates),
            "coverage of the classes": coverage.tolist(),
            "honest": {
                name: {
                    "contributions": scheme.normalized_shapley.tolist(),
                    "Kendall's tau with coverage": sharpness(
                        scheme.normalized_shapley, coverage
                    ).tau,
                    "rho": scheme.rho,
                    "status": str(scheme.status),
                    "held": found.joint_values[name].mean(axis=0).tolist(),
                }
                for name, scheme in found.honest.items()
            },
            "gains": found.table().to_dict(),
        }
    )


def gain_lines(case: Case, found: Stress) -> Iterator[str]:
    """The most and the mean gain over parties, in per cent, a line a manipulation."""
    gains = found.table()
    yield f"{case.name}: most ± standard error (mean) gain, % of what is held"
    yield _line("", gains.schemes)
    for column, name in enumerate(gains.manipulations):
        numbers = (gains.most, gains.most_error, gains.mean)
        cells = zip(*(100 * of[:, column] for of in numbers), strict=True)
        yield _line(name, [f"{m:+.1f} ± {e:.1f} ({k:+.1f})" for m, e, k in cells])
    yield _line("the worst", [f"{100 * worst:+.1f}" for worst in gains.worst])


def _line(name: str, cells: Sequence[str]) -> str:
    return f"{name:30}" + "".join(f"{cell:>22}" for cell in cells)

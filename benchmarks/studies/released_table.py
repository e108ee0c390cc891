"""What releases of a table cost: contributions, their ranks, and synthetic rows.

The rows of a CSV file are given to five parties by the values of one column, the most
frequent value to the first, the next to the second, and so on; some rows are held out.
Every party releases its rows once; a generator is trained on the releases, and its rows
are the candidates that parties are valued with. Beside α of the releases is that of the
rows, with the same candidates. The rows' use is what boosted trees that learned them
predict in the held-out rows: area under the ROC curve, and accuracy.

    python -m benchmarks.studies released-table adult.csv
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import jax
import numpy as np
from scipy.stats import kendalltau

from benchmarks.peers.peer import read_table
from cgm_jax.generators import EmbeddingGenerator
from cgm_jax.gram import gram_sums
from cgm_jax.mediation.agreement import Agreement, read_agreed_columns
from cgm_jax.mediation.releasing import AgreedRows
from cgm_jax.metrics.train_on_synthetic import TargetScore, train_on_synthetic
from cgm_jax.privacy import release, sums_from_releases
from cgm_jax.tables import Cells, as_text
from cgm_jax.valuation import mmd_shapley_values

__all__ = [
    "ADULT_COLUMNS",
    "TableRow",
    "TableStudy",
    "line_of_table",
    "plain_table_row",
]

ADULT_COLUMNS = Path(__file__).with_name("adult_columns.json")
EPSILONS = 1.0, 3.0, 10.0, np.inf
NUM_PARTIES = 5
DELTA = 1e-5


@dataclass(frozen=True)
class TableRow:
    """What was found at one ε with one seed of noise, features and network."""

    epsilon: float
    seed: int
    alpha: tuple[float, ...]
    alpha_of_rows: tuple[float, ...]
    alpha_error: float
    rank_correlation: float
    utility: float
    accuracy: float


@dataclass(frozen=True, eq=False)
class TableStudy:
    """A table in five parties, and rows of it that none of them has."""

    agreement: Agreement
    parties: tuple[Mapping[str, Cells], ...]
    held_out: Mapping[str, Cells]
    target: str

    @classmethod
    def of(
        cls,
        table: Path,
        columns: Path = ADULT_COLUMNS,
        *,
        by: str = "education",
        target: str = "income-per-year",
        length_scale: float = 1.5,
        num_features: int = 2_000,
        held_out: float = 0.2,
    ) -> "TableStudy":
        """Read a table, hold rows out, and give the others to the parties."""
        agreed = read_agreed_columns(columns)
        agreement = Agreement(
            agreed,
            length_scale,
            "orthogonal",
            num_features,
            0,
            DELTA,
            "replace one",
        )
        cells = read_table(table)
        cells = {column.name: cells[column.name] for column in agreed}
        words = as_text(cells[by])
        ranked = [word for word, _ in Counter(words.tolist()).most_common()]
        owner = np.array([ranked.index(word) % NUM_PARTIES for word in words])
        owner[np.random.default_rng(0).random(len(words)) < held_out] = NUM_PARTIES
        parts = [
            {name: one.take(owner == party) for name, one in cells.items()}
            for party in range(NUM_PARTIES + 1)
        ]
        return cls(agreement, tuple(parts[:-1]), parts[-1], target)

    @property
    def sizes(self) -> list[int]:
        """Rows of each party."""
        return [len(party[self.target]) for party in self.parties]

    def utility_of(self, key: jax.Array, table: Mapping[str, Cells]) -> TargetScore:
        """The score in held-out rows of trees that learned these."""
        return train_on_synthetic(key, table, self.held_out, self.target)

    def real_utility(self) -> TargetScore:
        """The same of all parties' own rows."""
        points = np.concatenate([*self._points(self.agreement)])
        return self.utility_of(jax.random.key(0), self.agreement.decode(points))

    def measure(
        self,
        *,
        seeds: int = 1,
        num_steps: int = 1_000,
        num_candidates: int = 5_000,
        num_drawn: int = 20_000,
    ) -> Iterator[TableRow]:
        """What each ε costs, with every seed."""
        for seed in range(seeds):
            agreement = replace(self.agreement, seed=seed)
            points = list(self._points(agreement))
            low, high = agreement.edges
            network = EmbeddingGenerator(
                agreement.features,
                low,
                high,
                agreement=agreement.digest,
                num_steps=num_steps,
            )
            generator = AgreedRows(network, agreement)
            for epsilon in EPSILONS:
                keys = jax.random.split(jax.random.key(seed), NUM_PARTIES + 3)
                sent = [
                    release(
                        key,
                        agreement.features,
                        party,
                        epsilon=epsilon,
                        delta=DELTA,
                        agreement=agreement.digest,
                    )
                    for key, party in zip(keys[3:], points, strict=True)
                ]
                model = generator.fit(keys[0], sent)
                drawn = generator.sample(keys[1], model, num_drawn)
                candidates = drawn[:num_candidates]
                sums = sums_from_releases(
                    sent, agreement.features, candidates, agreement=agreement.digest
                )
                exact = gram_sums(agreement.features.kernel, points, candidates)
                alpha, rows = (_alpha(each) for each in (sums, exact))
                table = agreement.decode(np.asarray(drawn, np.float64))
                utility = self.utility_of(keys[2], table)
                yield TableRow(
                    epsilon,
                    seed,
                    tuple(alpha.tolist()),
                    tuple(rows.tolist()),
                    float(np.abs(alpha - rows).max()),
                    float(kendalltau(alpha, rows).statistic),
                    utility.score,
                    utility.accuracy,
                )

    def _points(self, agreement: Agreement) -> Iterator[np.ndarray]:
        for party in self.parties:
            yield agreement.encode(party, Path("table")).astype(np.float32)


def line_of_table(row: TableRow) -> str:
    """A row for the screen."""
    alpha, rows = (
        " ".join(f"{x:.2f}" for x in found) for found in (row.alpha, row.alpha_of_rows)
    )
    return (
        f"ε = {row.epsilon:<4g} seed {row.seed}  α {alpha}  of rows {rows}  largest "
        f"error {row.alpha_error:.3f}  τ {row.rank_correlation:.2f}  "
        f"AUC {row.utility:.3f}  accuracy {row.accuracy:.3f}"
    )


def plain_table_row(row: TableRow) -> dict[str, Any]:
    """A row in what JSON can hold."""
    numbers = asdict(row)
    return numbers | ({"epsilon": "infinity"} if np.isinf(row.epsilon) else {})


def _alpha(sums: Any) -> np.ndarray:
    phi = np.asarray(mmd_shapley_values(sums).shapley_values)
    return phi / phi.max()

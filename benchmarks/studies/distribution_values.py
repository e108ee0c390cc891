"""Values of distributions beside the truth, where vendors' data are contaminated.

Vendors draw rows of a population P and, with probability ε_i from 0 to 0.9, of another
population Q instead (Huber's model, as in Xu et al.). So the true distance of vendor i
is MMD(P_i, P) = ε_i MMD(Q, P). Populations are rows of tables, credit ratings and
digits, of which vendors draw with replacement; Q is normal noise of the same means and
standard deviations, the same columns drawn independently of each other, the rows of the
rarest class, or each of these for every third vendor. One kernel matrix of all
populations has the truth and the sums of every draw. Values are correlated with the
truth, against a fresh sample of P or, with none at hand, the mixture of the vendors:

    ours          −MMD with a squared exponential of the median distance
    square root   −sqrt(max(MMD², 1e-6)) with the sum of squared exponentials of ℓ = 1,
                  2, 5 and 10, as the paper's program has it
    square        −MMD² with the same sum

Against the mixture vendor i is at |ε_i − mean ε| MMD(Q, P) if all have one Q: the
vendor in the middle looks best, by any kernel.

    python -m benchmarks.studies distribution-values adult.csv.gz shoppers.csv.gz

Reference: X. Xu, S. Wang, C.-S. Foo, B. K. H. Low, G. Fanti, *Data Distribution
Valuation*, NeurIPS 2024; their program: github.com/XinyiYS/Data_Distribution_Valuation.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from typing import Any

import jax
import numpy as np
from rich.table import Table
from scipy.stats import pearsonr, spearmanr

from benchmarks.peers.peer import read_table
from cgm_jax.datasets import credit_ratings, digits
from cgm_jax.gram import GramSums, median_length_scale
from cgm_jax.kernels import Kernel, SquaredExponential
from cgm_jax.tables import TableCodec, as_text
from cgm_jax.valuation import distribution_values

__all__ = [
    "METHODS",
    "CorrelationRow",
    "Population",
    "correlation_tables",
    "measure_correlations",
    "plain_correlation_row",
    "population_of_credit_ratings",
    "population_of_digits",
    "population_of_table",
]

METHODS = "ours", "square root", "square"
REFERENCES = {"sample": "candidates", "mixture": "uniform mixture"}
WORDS = {"sample": "a fresh sample of P", "mixture": "the mixture of the vendors"}
LENGTH_SCALES = 1.0, 2.0, 5.0, 10.0
MOST_CONTAMINATED = 0.9
SMALLEST = 1e-6  # of MMD², in the paper's program
SURE = 0.95
NUM_RESAMPLES = 40
MOST_ROWS = 1_000  # of a population
MOST_COMPARED = 5  # vendors that are compared pair by pair
TURNS = "each in turn"


@dataclass(frozen=True, eq=False)
class Population:
    """Rows to draw from with replacement: the real ones, and what contaminates them."""

    name: str
    parts: Mapping[str, np.ndarray]
    """The first are the real ones."""

    @property
    def contaminations(self) -> list[str]:
        """Names of what contaminates."""
        return list(self.parts)[1:]


@dataclass(frozen=True, eq=False)
class Pairs:
    """The kernel between all rows of a population, part after part."""

    kernel: np.ndarray
    parts: Mapping[str, slice]
    distances: Mapping[str, float]
    """MMD of every part to the real rows, exactly."""

    @classmethod
    def of(cls, population: Population, kernel: Kernel) -> "Pairs":
        """One matrix, float32."""
        rows = np.concatenate(list(population.parts.values()))
        edges = np.cumsum([0, *map(len, population.parts.values())])
        parts = map(slice, edges.tolist(), edges[1:].tolist())
        matrix = np.asarray(jax.jit(lambda x: kernel(x, x))(rows))
        part = np.repeat(np.arange(len(edges) - 1), np.diff(edges))
        share = (part[None] == np.arange(len(edges) - 1)[:, None]).astype(float)
        share /= share.sum(axis=1, keepdims=True)
        means = (share.astype(np.float32) @ matrix) @ share.T
        mmd2 = np.diag(means) - 2 * means[0] + means[0, 0]
        distances = np.sqrt(np.maximum(mmd2, 0)).tolist()
        return cls(
            matrix,
            dict(zip(population.parts, parts, strict=True)),
            dict(zip(population.parts, distances, strict=True)),
        )


@dataclass(frozen=True)
class CorrelationRow:
    """Correlations of one method's values with the truth: mean and standard error."""

    population: str
    contamination: str
    num_vendors: int
    num_rows: int
    reference: str
    method: str
    pearson: float
    pearson_error: float
    spearman: float
    spearman_error: float
    order: float
    """Spearman's correlation with the order of contamination."""

    sure_pairs: float | None
    """Share of pairs of which one is better with a probability of 0.95 or more; None
    for the paper's program, which has no such thing, and for more than 5 vendors."""

    right_pairs: float | None
    """How many of those are right; None if there are none."""


def population_of_table(path: Path) -> Population:
    """The rows of a CSV file as points; the last column is the class."""
    cells = read_table(path)
    codec = TableCodec.fit([cells])
    random = np.random.default_rng(0)
    num_rows = len(next(iter(cells.values())))
    mixed = {
        name: column.take(random.permutation(num_rows))
        for name, column in cells.items()
    }
    labels = as_text(list(cells.values())[-1])
    name = path.name.split(".")[0]
    return _population(name, codec.encode(cells), codec.encode(mixed), labels)


def population_of_digits() -> Population:
    """Handwritten digits, every pixel a column."""
    images = digits()
    mixed = _mixed_columns(images.points)
    return _population("digits", images.points, mixed, images.labels)


def population_of_credit_ratings() -> Population:
    """The simulated credit ratings, in standard deviations."""
    data = credit_ratings("unequal", num_candidates=20_000)
    points = data.candidates / data.candidates.std(axis=0)
    mixed = _mixed_columns(points)
    return _population("credit ratings", points, mixed, data.candidate_labels)


def measure_correlations(
    population: Population,
    *,
    num_vendors: Sequence[int] = (5, 10),
    num_rows: Sequence[int] = (500, 2_000),
    num_seeds: int = 10,
) -> Iterator[CorrelationRow]:
    """A row for every contamination, size, reference and method."""
    pairs = {
        method: Pairs.of(population, kernel)
        for method, kernel in _kernels(population).items()
    }
    for contamination in (*population.contaminations, TURNS):
        for n, m in product(num_vendors, num_rows):
            found: dict[tuple[str, str], list[list[float]]] = {}
            for seed in range(num_seeds):
                trial = _trial(pairs, contamination, n, m, seed)
                for key, numbers in trial.items():
                    found.setdefault(key, []).append(numbers)
            for (reference, method), trials in found.items():
                numbers = np.array(trials)
                mean = numbers.mean(axis=0)
                with_pairs = method == "ours" and n <= MOST_COMPARED
                error = numbers.std(axis=0, ddof=1) / np.sqrt(num_seeds)
                yield CorrelationRow(
                    population.name,
                    contamination,
                    n,
                    m,
                    reference,
                    method,
                    *(float(x) for x in (mean[0], error[0], mean[1], error[1])),
                    order=float(mean[2]),
                    sure_pairs=float(mean[3]) if with_pairs else None,
                    right_pairs=float(mean[4] / mean[3]) if mean[3] else None,
                )


def plain_correlation_row(row: CorrelationRow) -> dict[str, Any]:
    """A row in what JSON can hold."""
    return asdict(row)


def correlation_tables(rows: Sequence[CorrelationRow]) -> Iterator[Table]:
    """Pearson's and Spearman's correlations, a table for each reference."""
    for reference, words in WORDS.items():
        for measure in ("pearson", "spearman"):
            table = Table(title=f"{measure.capitalize()}, against {words}")
            table.add_column("population")
            table.add_column("contamination")
            table.add_column("N × rows", justify="right", no_wrap=True)
            for method in METHODS:
                table.add_column(method, justify="right", no_wrap=True)
            numbers = {
                (*_setting(row), row.method): (
                    f"{getattr(row, measure):.2f} ± "
                    f"{getattr(row, f'{measure}_error'):.2f}"
                )
                for row in rows
                if row.reference == reference
            }
            for names in dict.fromkeys(key[:3] for key in numbers):
                table.add_row(*names, *(numbers[*names, method] for method in METHODS))
            yield table


def _setting(row: CorrelationRow) -> tuple[str, str, str]:
    size = f"{row.num_vendors} × {row.num_rows:,}"
    return row.population, row.contamination, size


def _population(
    name: str, points: np.ndarray, mixed: np.ndarray, labels: np.ndarray
) -> Population:
    random = np.random.default_rng(1)
    points = np.asarray(points, np.float32)
    noise = random.normal(points.mean(axis=0), points.std(axis=0), points.shape)
    classes, counts = np.unique(labels, return_counts=True)
    parts = {
        "real": points,
        "noise": np.asarray(noise, np.float32),
        "independent columns": np.asarray(mixed, np.float32),
        "rarest class": points[labels == classes[np.argmin(counts)]],
    }
    chosen = {
        part: rows[random.permutation(len(rows))[:MOST_ROWS]]
        for part, rows in parts.items()
    }
    return Population(name, chosen)


def _mixed_columns(points: np.ndarray) -> np.ndarray:
    return np.random.default_rng(0).permuted(points, axis=0)


def _kernels(population: Population) -> dict[str, Kernel]:
    """The kernel of every method but the square, which has that of the root."""
    real = next(iter(population.parts.values()))
    first, *others = (SquaredExponential(x) for x in LENGTH_SCALES)
    ours = SquaredExponential(float(median_length_scale(real)))
    return {"ours": ours, "square root": sum(others, first)}


def _trial(
    pairs: Mapping[str, Pairs],
    contamination: str,
    num_vendors: int,
    num_rows: int,
    seed: int,
) -> dict[tuple[str, str], list[float]]:
    """What one draw of all vendors gives, by reference and method."""
    random = np.random.default_rng([seed, num_vendors, num_rows])
    share = np.linspace(0, MOST_CONTAMINATED, num_vendors)
    real, *every = pairs["ours"].parts
    names = [
        every[i % len(every)] if contamination == TURNS else contamination
        for i in range(num_vendors)
    ]
    # How often every row is drawn by every vendor, and last for the sample.
    chances = np.zeros((num_vendors + 1, len(pairs["ours"].kernel)))
    for chance, part, name in zip(chances, [*share, 0.0], [*names, real], strict=True):
        for rows, of_part in ((real, 1 - part), (name, part)):
            where = pairs["ours"].parts[rows]
            chance[where] += of_part / (where.stop - where.start)
    counts = random.multinomial(num_rows, chances)
    found = {}
    for method, of_kernel in pairs.items():
        truth = -share * [of_kernel.distances[name] for name in names]
        sums, resampled = _sums(of_kernel.kernel, counts), None
        if method == "ours" and num_vendors <= MOST_COMPARED:
            resampled = _resampled(random, of_kernel.kernel, counts, sums)
        for reference, name in REFERENCES.items():
            worth = distribution_values(sums, name, resampled=resampled)
            if method == "ours":
                numbers = _correlations(worth.values, truth, share)
                numbers += _sure_pairs(worth.better, truth)
                found[reference, method] = numbers
                continue
            mmd2 = worth.values**2
            root = -np.sqrt(np.maximum(mmd2, SMALLEST))
            for form, values in (("square root", root), ("square", -mmd2)):
                numbers = _correlations(values, truth, share)
                found[reference, form] = [*numbers, 0.0, 0.0]
    return found


def _sums(kernel: np.ndarray, counts: np.ndarray) -> GramSums:
    """Sums of the kernel between draws of rows."""
    rows = counts.astype(np.float32)
    between = (rows @ kernel) @ rows.T
    between = np.asarray(between + between.T, float) / 2
    sizes = counts.sum(axis=1).astype(float)
    return GramSums(between, np.zeros((0, len(sizes))), sizes)


def _resampled(
    random: np.random.Generator, kernel: np.ndarray, counts: np.ndarray, sums: GramSums
) -> np.ndarray:
    """The same where all but the last draw theirs once more, as `bootstrap_sums`."""
    used = counts.any(axis=0)
    kernel, counts = kernel[np.ix_(used, used)], counts[:, used]
    again = np.empty((NUM_RESAMPLES, *counts.shape), int)
    again[:] = counts
    for vendor, of_vendor in enumerate(counts[:-1]):
        held = np.repeat(np.arange(len(of_vendor)), of_vendor)
        for resample in again:
            drawn = held[random.integers(len(held), size=len(held))]
            resample[vendor] = np.bincount(drawn, minlength=len(of_vendor))
    rows = again.astype(np.float32)
    products = (rows.reshape(-1, rows.shape[2]) @ kernel).reshape(rows.shape)
    between = np.asarray(products @ np.swapaxes(rows, 1, 2), float)
    between = (between + np.swapaxes(between, 1, 2)) / 2
    own = np.arange(len(counts) - 1)
    excess = counts @ np.diag(kernel) - np.diag(sums.between) / sums.sizes
    between[:, own, own] -= excess[None, own]
    return between


def _correlations(
    values: np.ndarray, truth: np.ndarray, share: np.ndarray
) -> list[float]:
    return [
        float(pearsonr(values, truth).statistic),
        float(spearmanr(values, truth).statistic),
        float(spearmanr(values, -share).statistic),
    ]


def _sure_pairs(better: Any, truth: np.ndarray) -> list[float]:
    """Share of pairs of which one is surely better, and of those that are right."""
    if better is None:
        return [0.0, 0.0]
    one, other = np.triu_indices(len(truth), 1)
    probability, difference = better[one, other], truth[one] - truth[other]
    is_sure = np.maximum(probability, 1 - probability) >= SURE
    is_right = is_sure & ((probability > 0.5) == (difference > 0))
    return [float(is_sure.mean()), float(is_right.mean())]

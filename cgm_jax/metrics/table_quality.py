r"""How like a synthetic table is to a real one: column by column, pair by pair, whole.

With F the distribution functions and p the shares of the cells that are not missing,

- shape of a number or a date: :math:`1 - \max_x |F(x) - \tilde F(x)|`, of a category
  :math:`1 - \frac12 \sum_c |p_c - \tilde p_c|` (SDMetrics' KSComplement and
  TVComplement);
- trend of two numbers: :math:`1 - \frac12 |\rho - \tilde\rho|` with Pearson's ρ over
  the rows where both are present; of any other two columns
  :math:`1 - \frac12 \sum_{cd} |p_{cd} - \tilde p_{cd}|`, where a missing cell is a
  category and a number falls into one of ten bins of the real range (SDMetrics'
  CorrelationSimilarity, ContingencySimilarity);
- detection: whether a classifier tells real rows from synthetic ones
  (``detection.py``).

1 is best everywhere. Columns drawn independently of each other have a perfect shape:
only all three together say something. SDMetrics' QualityReport differs in two points:
it puts numbers into bins of each table's own range, so that one outlier moves them all;
and in version 0.32 it averages the trend only over pairs that are related in the real
table, where that of 0.25 averages over all, as here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from jaxtyping import Array, Bool, Float, Int, Key

from cgm_jax._shared.checks import as_key, as_whole
from cgm_jax._shared.results import Result
from cgm_jax.tables.cells import Cells

from .detection import Detection, detection
from .table_columns import ColumnBeside, columns_beside

__all__ = ["TableQuality", "table_quality"]

NUM_BINS = 10  # of a number beside a category


@dataclass(frozen=True, eq=False, repr=False)
class TableQuality(Result):
    """How like a synthetic table is to a real one.

    Attributes:
        columns: names of the c columns that were compared.
        is_number: which of them are numbers or dates.
        shapes: of each column; NaN where one table has no cell.
        missing: share of missing cells of each column, real and synthetic.
        trends: of each pair of columns, symmetric; NaN on the diagonal and where a
            correlation does not exist.
        correlations: of each pair of numbers, in the real and the synthetic rows; NaN
            elsewhere.
        detection: what classifiers tell; None of tables with too few rows.
    """

    columns: tuple[str, ...]
    is_number: Bool[np.ndarray, " c"]
    shapes: Float[np.ndarray, " c"]
    missing: Float[np.ndarray, "2 c"]
    trends: Float[np.ndarray, "c c"]
    correlations: Float[np.ndarray, "2 c c"]
    detection: Detection | None

    def __repr__(self) -> str:
        return (
            f"TableQuality(<{len(self.columns)} columns>, shape={self.shape:.4g}, "
            f"trend={self.trend:.4g}, detection={self.detection})"
        )

    @property
    def shape(self) -> float:
        """Mean of the shapes that exist; NaN of none."""
        return _mean(self.shapes)

    @property
    def trend(self) -> float:
        """Mean of the trends that exist, each pair once; NaN of none."""
        return _mean(self.trends)

    @property
    def missing_differences(self) -> Float[np.ndarray, " c"]:
        """Share of missing cells, synthetic minus real, of each column."""
        return self.missing[1] - self.missing[0]


def table_quality(
    key: Key[Array, ""],
    real: Sequence[Mapping[str, Cells]],
    synthetic: Mapping[str, Cells],
    *,
    kinds: Mapping[str, str] | None = None,
    max_detection_rows: int = 10_000,
) -> TableQuality:
    """Shape, trend and detection of a synthetic table beside real ones.

    Args:
        key: a typed key, for the rows and the folds of the classifiers.
        real: the parties' tables, `Cells` by column name; rows are taken together.
        synthetic: one table of the same columns.
        kinds: the kind of each column; those that are not valued are left
            out. By default the usual one of its cells' form.
        max_detection_rows: of more rows of a table, the classifiers get so many, drawn
            at random; shape and trend are of all rows.

    Raises:
        ValueError: if a table lacks a column or has no rows, or the cells of a column
            have no form in common.
        ModuleNotFoundError: if scikit-learn is not installed.

    Example:
        >>> import jax, pyarrow as pa
        >>> from cgm_jax.tables import read_cells
        >>> age, bmi = ["20", "30", "40"], ["1.5", "2.5", "3.5"]
        >>> read = lambda texts: read_cells(pa.array(texts))
        >>> real = {"age": read(age), "bmi": read(bmi)}
        >>> synthetic = {"age": read(age), "bmi": read(bmi[::-1])}
        >>> found = table_quality(jax.random.key(0), [real], synthetic)
        >>> found.shape, found.trend
        (1.0, 0.0)

    Reference: SDMetrics 0.32, QualityReport and LogisticDetection; D. Lopez-Paz and
    M. Oquab, *Revisiting classifier two-sample tests*, 2017.
    """
    as_key(key)
    as_whole(max_detection_rows, "max_detection_rows", smallest=1)
    columns = columns_beside(real, synthetic, kinds)
    is_missing = [column.is_missing for column in columns]
    trends, correlations = _trends(columns)
    return TableQuality(
        columns=tuple(column.name for column in columns),
        is_number=np.array([column.is_number for column in columns], bool),
        shapes=np.array([column_shape(column) for column in columns], float),
        missing=np.array(
            [[share.mean() for share in both] for both in is_missing], float
        )
        .reshape(-1, 2)
        .T,
        trends=trends,
        correlations=correlations,
        detection=detection(key, columns, max_rows=max_detection_rows),
    )


def column_shape(column: ColumnBeside) -> float:
    """KSComplement or TVComplement of the cells that are not missing."""
    real, synthetic = column.present
    if not len(real) or not len(synthetic):
        return np.nan
    if not column.is_number:
        return _similarity(real, synthetic, len(column.categories))
    places = np.concatenate([real, synthetic])
    one, other = (
        np.searchsorted(np.sort(x), places, side="right") / len(x)
        for x in (real, synthetic)
    )
    return float(1 - np.abs(one - other).max())


def _trends(
    columns: Sequence[ColumnBeside],
) -> tuple[Float[np.ndarray, "c c"], Float[np.ndarray, "2 c c"]]:
    num = len(columns)
    trends, correlations = np.full((num, num), np.nan), np.full((2, num, num), np.nan)
    numbers = [i for i, column in enumerate(columns) if column.is_number]
    if numbers:
        for table, rows in enumerate(("real", "synthetic")):
            values = np.stack([getattr(columns[i], rows) for i in numbers])
            correlations[table][np.ix_(numbers, numbers)] = _correlations(values)
        trends = 1 - np.abs(correlations[0] - correlations[1]) / 2
    codes = [_with_missing(column) for column in columns]
    for i, j in combinations(range(num), 2):
        if columns[i].is_number and columns[j].is_number:
            continue
        (*one, num_one), (*other, num_other) = codes[i], codes[j]
        real, synthetic = (a * num_other + b for a, b in zip(one, other, strict=True))
        trends[i, j] = _similarity(real, synthetic, num_one * num_other)
        trends[j, i] = trends[i, j]
    return trends, correlations


def _correlations(columns: Float[np.ndarray, "c n"]) -> Float[np.ndarray, "c c"]:
    """Pearson's correlations over the rows where both of two columns are present."""
    is_there = ~np.isnan(columns)
    counts = is_there.sum(axis=1, keepdims=True)
    x = np.where(is_there, columns, 0)
    largest = np.abs(x).max(axis=1, keepdims=True)
    x = x / np.where(largest > 0, largest, 1)  # no square over- or underflows
    x = np.where(is_there, x - x.sum(axis=1, keepdims=True) / np.maximum(counts, 1), 0)
    length = np.sqrt((x * x).sum(axis=1, keepdims=True) / np.maximum(counts, 1))
    x = x / np.where(length > 1e-12, length, np.inf)  # a constant up to rounding: 0
    there = is_there.astype(float)
    both = there @ there.T
    sums, squares = x @ there.T, (x * x) @ there.T  # [i, j]: of i, where j is there
    spread = both * squares - sums**2
    product = both * (x @ x.T) - sums * sums.T
    exists = (spread > 1e-12 * both**2) & (1e-12 * both**2 < spread.T)
    scale = np.sqrt(np.where(exists, spread * spread.T, 1))
    found = np.where(exists, np.clip(product / scale, -1, 1), np.nan)
    np.fill_diagonal(found, np.nan)
    return found


def _with_missing(
    column: ColumnBeside,
) -> tuple[Int[np.ndarray, " n"], Int[np.ndarray, " m"], int]:
    """Codes of which the first is for missing cells, and how many there are."""
    if not column.is_number:
        return column.real + 1, column.synthetic + 1, len(column.categories) + 1
    present = column.present[0]
    edges = np.histogram_bin_edges(present, NUM_BINS)[1:-1]  # the ends are open
    real, synthetic = (
        np.where(np.isnan(x), 0, np.digitize(x, edges) + 1)
        for x in (column.real, column.synthetic)
    )
    return real, synthetic, NUM_BINS + 1


def _similarity(
    real: Int[np.ndarray, " n"], synthetic: Int[np.ndarray, " m"], num_codes: int
) -> float:
    """One minus the total variation distance of two samples of codes."""
    if num_codes > len(real) + len(synthetic):
        found, both = np.unique(np.concatenate([real, synthetic]), return_inverse=True)
        real, synthetic = np.split(both, [len(real)])
        num_codes = len(found)
    one, other = (
        np.bincount(x, minlength=num_codes) / len(x) for x in (real, synthetic)
    )
    return float(1 - np.abs(one - other).sum() / 2)


def _mean(values: np.ndarray) -> float:
    exist = values[~np.isnan(values)]
    return float(exist.mean()) if len(exist) else np.nan

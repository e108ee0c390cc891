r"""Whether a classifier tells synthetic rows from real ones: the rows as a whole.

From the mean area A under the ROC curve over three folds,
:math:`1 - 2 \max(A - \tfrac12, 0)`: 1 if they cannot be told apart, 0 if all can be.
With logistic regression on scaled numbers and one-hot categories that is SDMetrics'
LogisticDetection (which TabSyn prints as C2ST); with boosted trees, which see what is
joint, the stricter C2ST of the later literature. A missing number is the mean to the
former, as in SDMetrics, and a value of its own to the latter.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from jaxtyping import Array, Float, Int, Key

from cgm_jax._shared.results import Result
from cgm_jax._shared.some_rows import some_rows

from .table_columns import ColumnBeside

__all__ = ["Detection", "detection"]

_NUM_FOLDS = 3  # as in SDMetrics
_LEAST_ROWS = 30  # of either table: with fewer, an area says nothing
NUM_TREES = 100  # scikit-learn's default
_MOST_CATEGORIES = 254  # of a column of the boosted trees; the rarer ones are one


@dataclass(frozen=True, eq=False, repr=False)
class Detection(Result):
    """How well classifiers tell synthetic rows from real ones.

    Attributes:
        logistic_areas: area under the ROC curve of logistic regression in each fold.
        boosted_areas: the same of boosted trees.
        num_real: real rows that were used.
        num_synthetic: synthetic rows that were used.
    """

    logistic_areas: Float[np.ndarray, " k"]
    boosted_areas: Float[np.ndarray, " k"]
    num_real: int
    num_synthetic: int

    def __repr__(self) -> str:
        return f"Detection(logistic={self.logistic:.4g}, boosted={self.boosted:.4g})"

    @property
    def logistic(self) -> float:
        """Score of logistic regression, SDMetrics' LogisticDetection; 1 is best."""
        return _score(self.logistic_areas)

    @property
    def boosted(self) -> float:
        """Score of boosted trees, the literature's C2ST; 1 is best."""
        return _score(self.boosted_areas)


def detection(
    key: Key[Array, ""], columns: Sequence[ColumnBeside], *, max_rows: int = 10_000
) -> Detection | None:
    """Score of two classifiers; None with fewer than 30 rows of a table, or no column.

    Args:
        key: a typed key, for the rows and the folds.
        columns: of both tables.
        max_rows: of more rows of a table, so many are drawn at random.
    """
    if (
        not columns
        or min(len(columns[0].real), len(columns[0].synthetic)) < _LEAST_ROWS
    ):
        return None
    real_key, synthetic_key, fold_key = jax.random.split(key, 3)
    real_rows = some_rows(real_key, len(columns[0].real), max_rows)
    synthetic_rows = some_rows(synthetic_key, len(columns[0].synthetic), max_rows)
    values = [
        np.concatenate([column.real[real_rows], column.synthetic[synthetic_rows]])
        for column in columns
    ]
    is_real = np.repeat([1, 0], [len(real_rows), len(synthetic_rows)])
    seed = int(jax.random.bits(fold_key)) // 2
    return Detection(
        areas(*_for_logistic(columns, values), is_real, seed),
        areas(*_for_trees(columns, values, seed), is_real, seed),
        len(real_rows),
        len(synthetic_rows),
    )


def areas(
    rows: Any, classifier: Any, is_real: Int[np.ndarray, " n"], seed: int
) -> Float[np.ndarray, " k"]:
    """Area under the ROC curve in each fold, of a classifier of the other folds."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import StratifiedKFold
    from threadpoolctl import threadpool_limits

    folds = StratifiedKFold(_NUM_FOLDS, shuffle=True, random_state=seed)
    found = []
    for train, test in folds.split(is_real, is_real):
        with warnings.catch_warnings():
            # A direction that separates all rows has no finite best: good enough.
            warnings.simplefilter("ignore", ConvergenceWarning)
            # Its threads wait actively: beside other work, for ten times as long.
            with threadpool_limits(1, "openmp"):
                classifier.fit(rows[train], is_real[train])
        told = classifier.predict_proba(rows[test])[:, 1]
        found.append(roc_auc_score(is_real[test], told))
    return np.array(found)


def boosted_trees(is_category: Sequence[bool], seed: int) -> Any:
    """The classifier of ``boosted_areas``."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    return HistGradientBoostingClassifier(
        max_iter=NUM_TREES,
        categorical_features=is_category,
        early_stopping=False,
        random_state=seed,
    )


def _for_logistic(
    columns: Sequence[ColumnBeside], values: Sequence[np.ndarray]
) -> tuple[Any, Any]:
    """Numbers by median and quartiles, missing as the mean; one-hot categories."""
    from scipy import sparse
    from sklearn.linear_model import LogisticRegression

    parts = []
    for column, x in zip(columns, values, strict=True):
        if column.is_number:
            is_there = ~np.isnan(x)
            if not is_there.any():
                continue
            x = np.where(is_there, x, x[is_there].mean())
            low, middle, high = np.quantile(x, [0.25, 0.5, 0.75])
            scaled = (x - middle) / (high - low if high > low else 1)
            parts.append(sparse.csr_array(scaled[:, None]))
        else:
            ones = np.ones(len(x)), (np.arange(len(x)), x + 1)
            width = len(column.categories) + 1
            parts.append(sparse.csr_array(ones, shape=(len(x), width)))
    if not parts:
        return np.zeros((len(values[0]), 1)), LogisticRegression()
    return sparse.csr_array(sparse.hstack(parts)), LogisticRegression()


def _for_trees(
    columns: Sequence[ColumnBeside], values: Sequence[np.ndarray], seed: int
) -> tuple[Float[np.ndarray, "n c"], Any]:
    rows, is_category = tree_rows(columns, values)
    return rows, boosted_trees(is_category, seed)


def tree_rows(
    columns: Sequence[ColumnBeside], values: Sequence[np.ndarray]
) -> tuple[Float[np.ndarray, "n c"], list[bool]]:
    """Rows for boosted trees, and which columns of them are categories.

    Numbers and codes are as they are; what is missing is NaN.
    """
    both = zip(columns, values, strict=True)
    values = [x if column.is_number else _by_frequency(x) for column, x in both]
    return columns_for_trees(values, [not column.is_number for column in columns])


def columns_for_trees(
    values: Sequence[np.ndarray], is_category: Sequence[bool]
) -> tuple[Float[np.ndarray, "n c"], list[bool]]:
    """Those columns side by side that trees can learn from, and which are categories.

    Of a number that hardly any row has, they are told whether it is missing.
    """
    parts, kept = [], []
    for x, is_code in zip(values, is_category, strict=True):
        if not is_code and np.count_nonzero(~np.isnan(x)) < _LEAST_ROWS:
            x = np.isnan(x).astype(np.float64)  # a fold might have no number at all
        if (x == x[0]).all():  # warnings, and nothing to learn
            continue
        parts.append(x)
        kept.append(is_code)
    if not parts:
        return np.zeros((len(values[0]), 1)), [False]
    return np.stack(parts, axis=1), kept


def _by_frequency(codes: Int[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """Codes in the order of how many rows have them; the rare ones share one."""
    order = np.argsort(-np.bincount(codes + 1), kind="stable")
    places = np.empty(len(order))
    places[order] = np.minimum(np.arange(len(order)), _MOST_CATEGORIES - 1)
    return places[codes + 1]


def _score(areas: Float[np.ndarray, " k"]) -> float:
    """Mean over the folds, as SDMetrics takes it."""
    return float(1 - np.mean(2 * np.maximum(areas, 0.5) - 1))

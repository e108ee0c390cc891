r"""Train on synthetic rows, test on real ones: whether a table is of use to learn from.

Boosted trees learn to predict one column, the target, from the others. Of a category,
the score is the area under the ROC curve, of more than two the mean over one against
the rest; of a number or a date it is R², one minus the squared error over that of the
mean. What real rows teach stands beside it: only the difference is the generator's.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import jax
import numpy as np
from jaxtyping import Array, Float, Key

from cgm_jax._shared.results import Result
from cgm_jax.tables.cells import Cells

from .detection import tree_rows
from .table_columns import columns_beside

__all__ = ["TargetScore", "train_on_synthetic"]


@dataclass(frozen=True, repr=False)
class TargetScore(Result):
    """How well a target is predicted in rows that were not learned.

    Attributes:
        score: of the test rows; 1 is best, NaN where they have one value only, and
            where there is no value to learn or to test.
        measure: what it is, by the kind of the target: area under the ROC curve, or R².
        accuracy: share of the test rows whose category is predicted; NaN for a number,
            and where there is no category to learn or to test.
    """

    score: float
    measure: Literal["AUC", "R²"]
    accuracy: float = np.nan


def train_on_synthetic(
    key: Key[Array, ""],
    training: Mapping[str, Cells],
    test: Mapping[str, Cells],
    target: str,
    *,
    kinds: Mapping[str, str] | None = None,
) -> TargetScore:
    """Score of boosted trees that learned one table and are tested on another.

    Args:
        key: a typed key, for the trees.
        training: the table that is learned, synthetic or, to compare with, real.
        test: real rows of the same columns that neither was made of.
        target: the column to predict; rows in which it is missing are left out.
        kinds: the kind of each column, as in `table_quality`.

    Raises:
        ValueError: if the target is no column that can be compared; and as
            `table_quality` does.
        ModuleNotFoundError: if scikit-learn is not installed.

    Example:
        >>> import pyarrow as pa
        >>> from cgm_jax.tables import read_cells
        >>> rng = np.random.default_rng(0)
        >>> def table(num):
        ...     x = rng.normal(size=num)
        ...     columns = {"x": x, "y": np.where(x > 0, "yes", "no")}
        ...     return {name: read_cells(pa.array(x)) for name, x in columns.items()}
        >>> train_on_synthetic(jax.random.key(0), table(200), table(100), "y").score
        1.0

    Reference: Esteban, Hyland and Rätsch, *Real-valued medical time series generation
    with recurrent conditional GANs*, 2017 (TSTR).
    """
    columns = columns_beside([test], training, kinds)
    names = [column.name for column in columns]
    if target not in names:
        raise ValueError(
            f"Expected a target among the columns that are compared, got {target}; "
            f"there are {', '.join(names)}."
        )
    answer = columns[names.index(target)]
    is_missing_in_test, is_missing_in_training = answer.is_missing
    learned, tested = (
        np.flatnonzero(~mask) for mask in (is_missing_in_training, is_missing_in_test)
    )
    measure = "R²" if answer.is_number else "AUC"
    if not len(learned) or not len(tested):
        return TargetScore(np.nan, measure)
    # The trees' bins need a number; what only test rows have cannot be learned.
    others = [
        column
        for column in columns
        if column.name != target and not column.is_missing[1][learned].all()
    ]
    values = [np.concatenate([c.synthetic[learned], c.real[tested]]) for c in others]
    rows, is_category = np.zeros((len(learned) + len(tested), 1)), [False]
    if others:
        rows, is_category = tree_rows(others, values)
    seed = int(jax.random.bits(key)) // 2
    options = {
        "categorical_features": is_category,
        "early_stopping": False,
        "random_state": seed,
    }
    data = (
        rows[: len(learned)],
        answer.synthetic[learned],
        rows[len(learned) :],
        answer.real[tested],
    )
    if answer.is_number:
        return TargetScore(_r2(options, *data), measure)
    area, accuracy = _area_and_accuracy(options, *data)
    return TargetScore(area, measure, accuracy)


def _area_and_accuracy(
    options: dict[str, Any],
    rows: Float[np.ndarray, "n c"],
    classes: np.ndarray,
    test_rows: Float[np.ndarray, "m c"],
    truth: np.ndarray,
) -> tuple[float, float]:
    """Mean area under the ROC curve, each class of the test rows against the rest.

    And the share of the test rows whose class has the highest score.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.metrics import roc_auc_score

    tested, learned = np.unique(truth), np.unique(classes)
    scores = np.zeros((len(truth), max(tested.max(), learned.max()) + 1))
    if len(learned) > 1:  # of one class, nothing can be learned
        trees = HistGradientBoostingClassifier(**options)
        with _one_thread():
            trees.fit(rows, classes)
            scores[:, trees.classes_] = trees.predict_proba(test_rows)
    else:
        scores[:, learned] = 1
    accuracy = float(np.mean(scores.argmax(axis=1) == truth))
    if len(tested) < 2:
        return np.nan, accuracy
    areas = [roc_auc_score(truth == c, scores[:, c]) for c in tested]
    return float(np.mean(areas)), accuracy


def _r2(
    options: dict[str, Any],
    rows: Float[np.ndarray, "n c"],
    values: np.ndarray,
    test_rows: Float[np.ndarray, "m c"],
    truth: np.ndarray,
) -> float:
    from sklearn.ensemble import HistGradientBoostingRegressor

    spread = float(np.square(truth - truth.mean()).sum())
    if spread == 0:
        return np.nan
    trees = HistGradientBoostingRegressor(**options)
    with _one_thread():
        error = trees.fit(rows, values).predict(test_rows) - truth
    return float(1 - np.square(error).sum() / spread)


def _one_thread() -> Any:
    """Their threads wait actively: beside other work, for ten times as long."""
    from threadpoolctl import threadpool_limits

    return threadpool_limits(1, "openmp")

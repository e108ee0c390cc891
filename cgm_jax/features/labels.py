"""Labels for synthetic points: what a classifier trained on the pool would say."""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped

from cgm_jax.metrics.table_columns import columns_beside
from cgm_jax.tables import Cells

NUM_TREES = 200
NUM_FOLDS = 3
_MOST_ROWS = 2_000  # of a reward, to learn from, in a quarter of the trees
_MOST_REAL = 10_000  # rows to label


@dataclass(frozen=True, eq=False)
class PooledLabels:
    """Labels of synthetic points, and how far to trust them."""

    labels: Shaped[np.ndarray, " g"]
    accuracy: float  # of held-out real points; NaN where a label is too rare
    right: Mapping[int | str, float]  # the same for each label; none where it is NaN


@dataclass(frozen=True, eq=False)
class LabelShares:
    """How many rows have each label, and how many real ones are labelled right."""

    labels: Shaped[np.ndarray, " c"]
    pool: Int[np.ndarray, " c"]
    rewards: Int[np.ndarray, "n c"]
    accuracy: float  # as that of `PooledLabels`
    right: Float[np.ndarray, " c"]  # of each label, learnt from real rows; or NaN
    right_by_reward: Float[np.ndarray, "n c"]  # learnt from a reward; or NaN


def label_shares(
    pool_labels: Shaped[np.ndarray, " m"],
    reward_labels: Sequence[Shaped[np.ndarray, " _"]],
    forest: PooledLabels,
    right_by_reward: Sequence[Float[np.ndarray, " c"]],
) -> LabelShares:
    """Count every label of the pool, in it and in each reward.

    Args:
        pool_labels: of all parties' rows.
        reward_labels: of the rows of each reward.
        forest: that gave them.
        right_by_reward: `accuracy_by_label` of each reward on all parties' rows.
    """
    labels, counts = np.unique(pool_labels, return_counts=True)
    rewards = [(found[:, None] == labels).sum(axis=0) for found in reward_labels]
    right = np.array([forest.right.get(label, np.nan) for label in labels.tolist()])
    return LabelShares(
        labels,
        counts,
        np.array(rewards),
        forest.accuracy,
        right,
        np.stack(right_by_reward),
    )


def accuracy_by_label(
    synthetic: Mapping[str, Cells],
    synthetic_labels: Shaped[np.ndarray, " m"],
    real: Sequence[Mapping[str, Cells]],
    real_labels: Shaped[np.ndarray, " n"],
    *,
    kinds: Mapping[str, str],
) -> Float[np.ndarray, " c"]:
    """The share of real rows of each label that a forest of synthetic rows gets right.

    Args:
        synthetic: rows to learn from, cells by column.
        synthetic_labels: theirs.
        real: tables of rows to label.
        real_labels: of all of them, one after the other.
        kinds: of the columns.

    Returns:
        A share for each of the sorted labels of the real rows, NaN where there is
        nothing to learn from.
    """
    from sklearn.ensemble import RandomForestClassifier

    labels = np.unique(real_labels)
    columns = columns_beside(real, synthetic, kinds) if len(synthetic_labels) else []
    if not columns:
        return np.full(len(labels), np.nan)
    rng = np.random.default_rng(0)
    rows = rng.permutation(len(synthetic_labels))[:_MOST_ROWS]
    real_rows = rng.permutation(len(real_labels))[:_MOST_REAL]
    forest = RandomForestClassifier(NUM_TREES // 4, random_state=0, n_jobs=-1)
    with _quiet():
        forest.fit(
            np.column_stack([x.synthetic for x in columns])[rows],
            synthetic_labels[rows],
        )
    found = forest.predict(np.column_stack([x.real for x in columns])[real_rows])
    right = _right(found, real_labels[real_rows])
    return np.array([right.get(label, np.nan) for label in labels.tolist()])


def _right(
    found: Shaped[np.ndarray, " n"], labels: Shaped[np.ndarray, " n"]
) -> dict[int | str, float]:
    """The share of each label's rows that are labelled right."""
    return {
        label: float((found[labels == label] == label).mean())
        for label in np.unique(labels).tolist()
    }


@contextmanager
def _quiet() -> Iterator[None]:
    """Without what is said of every tree: labels like record numbers are refused."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The number of unique classes")
        yield


def may_be_given(
    labels: Sequence[Shaped[np.ndarray, " _"]],
    *,
    min_rows: int,
    only_shared: bool = False,
) -> Bool[np.ndarray, " m"]:
    """Which of all parties' rows have a label that others may be given.

    At least `min_rows` rows have it, of two parties if it is to be shared.
    """
    pool = np.concatenate(labels)
    distinct, position, counts = np.unique(
        pool, return_inverse=True, return_counts=True
    )
    num_holders = np.sum([np.isin(distinct, theirs) for theirs in labels], axis=0)
    is_allowed = (counts >= min_rows) & ((num_holders >= 2) | (not only_shared))
    return is_allowed[position]


def label_points(
    pool: Float[np.ndarray, "m d"],
    pool_labels: Shaped[np.ndarray, " m"],
    points: Float[np.ndarray, "g d"],
    *,
    seed: int,
    is_allowed: Bool[np.ndarray, " m"] | None = None,
) -> PooledLabels:
    """Label points by a random forest trained on the pool.

    Labels of rows that are not allowed (see `may_be_given`) are given to no point.
    """
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    if is_allowed is not None:
        pool, pool_labels = pool[is_allowed], pool_labels[is_allowed]
    _, counts = np.unique(pool_labels, return_counts=True)
    forest = RandomForestClassifier(NUM_TREES, random_state=seed, n_jobs=-1)
    accuracy, right = np.nan, {}
    with _quiet():
        if counts.min() >= NUM_FOLDS:
            folds = StratifiedKFold(NUM_FOLDS, shuffle=True, random_state=seed)
            found = cross_val_predict(forest, pool, pool_labels, cv=folds)
            accuracy = float((found == pool_labels).mean())
            right = _right(found, pool_labels)
        labels = forest.fit(pool, pool_labels).predict(points)
    return PooledLabels(labels, accuracy, right)

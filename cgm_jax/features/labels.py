"""Labels for synthetic points: what a classifier trained on the pool would say."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped

NUM_TREES = 200
NUM_FOLDS = 3


@dataclass(frozen=True, eq=False)
class PooledLabels:
    """Labels of synthetic points, and how far to trust them."""

    labels: Shaped[np.ndarray, " g"]
    accuracy: float  # of held-out real points; NaN where a label is too rare


@dataclass(frozen=True, eq=False)
class LabelShares:
    """How many rows have each label, the parties' and those of the rewards."""

    labels: Shaped[np.ndarray, " c"]
    pool: Int[np.ndarray, " c"]
    rewards: Int[np.ndarray, "n c"]
    accuracy: float  # as that of `PooledLabels`


def label_shares(
    pool_labels: Shaped[np.ndarray, " m"],
    reward_labels: Sequence[Shaped[np.ndarray, " _"]],
    accuracy: float,
) -> LabelShares:
    """Count every label of the pool, in it and in each reward."""
    labels, counts = np.unique(pool_labels, return_counts=True)
    rewards = [(found[:, None] == labels).sum(axis=0) for found in reward_labels]
    return LabelShares(labels, counts, np.array(rewards), accuracy)


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
    from sklearn.model_selection import StratifiedKFold, cross_val_score

    if is_allowed is not None:
        pool, pool_labels = pool[is_allowed], pool_labels[is_allowed]
    _, counts = np.unique(pool_labels, return_counts=True)
    forest = RandomForestClassifier(NUM_TREES, random_state=seed, n_jobs=-1)
    accuracy = np.nan
    with warnings.catch_warnings():
        # Said of every tree: labels that are like record numbers are refused before.
        warnings.filterwarnings("ignore", "The number of unique classes")
        if counts.min() >= NUM_FOLDS:
            folds = StratifiedKFold(NUM_FOLDS, shuffle=True, random_state=seed)
            scores = cross_val_score(forest, pool, pool_labels, cv=folds)
            accuracy = float(scores.mean())
        labels = forest.fit(pool, pool_labels).predict(points)
    return PooledLabels(labels, accuracy)

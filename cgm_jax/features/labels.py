"""Labels for synthetic points: what a classifier trained on the pool would say."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, Shaped

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


def label_points(
    pool: Float[np.ndarray, "m d"],
    pool_labels: Shaped[np.ndarray, " m"],
    points: Float[np.ndarray, "g d"],
    *,
    seed: int,
    min_rows: int = 1,
) -> PooledLabels:
    """Label points by a random forest trained on the pool.

    Labels that fewer than `min_rows` rows of the pool have are given to no point.
    """
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.model_selection import StratifiedKFold, cross_val_score

    _, position, counts = np.unique(
        pool_labels, return_inverse=True, return_counts=True
    )
    is_common = counts[position] >= min_rows
    if not is_common.any():
        raise ValueError(
            f"Expected a label that at least {min_rows} rows have, got none: choose "
            "another label column."
        )
    pool, pool_labels = pool[is_common], pool_labels[is_common]
    counts = counts[counts >= min_rows]
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

r"""Whether contributions follow how much of the classes each party covers.

With p_ic the share of class c among the rows of party i and q_c that in the pool,

    coverage_i = Σ_c min(p_ic, q_c).

It is known from the labels, which no kernel sees, so it can be asked whether the
contributions α order the parties by it.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import ArrayLike, Float, Int

__all__ = ["Sharpness", "class_coverage", "sharpness"]

_TIE = 0.02  # coverages that differ by less are the same up to the number of rows


class Sharpness(NamedTuple):
    """How sharply contributions follow the coverage of the classes."""

    tau: float
    """Kendall's rank correlation τ_b; below 1 if coverages are tied and α is not."""

    correlation: float
    """Pearson's."""

    gap: float
    """Smallest α of the parties with the largest coverage, less the largest of all
    others; negative where the order is wrong."""


def class_coverage(
    labels: Sequence[Int[ArrayLike, " _"]], num_classes: int
) -> Float[np.ndarray, " n"]:
    r"""How much of the pool's classes each party has.

    .. math:: \sum_c \min(p_{ic}, q_c) \in [0, 1]

    Args:
        labels: the class of every point of every party, from 0.
        num_classes: counting those without a point.

    Returns:
        One number per party: 1 for a party with the pool's own shares of the classes.

    Example:
        >>> class_coverage([np.array([0, 1]), np.array([0, 0])], 2)
        array([0.75, 0.75])
    """
    counts = np.array([np.bincount(y, minlength=num_classes) for y in labels], float)
    pool = counts.sum(0) / counts.sum()
    return np.minimum(counts / counts.sum(1, keepdims=True), pool[None]).sum(1)


def sharpness(
    alpha: Float[ArrayLike, " n"], coverage: Float[ArrayLike, " n"]
) -> Sharpness:
    """How sharply contributions follow the coverage of the classes.

    Args:
        alpha: normalised Shapley values.
        coverage: of the parties; those within 0.02 of the next are tied.

    Returns:
        Kendall's τ, Pearson's correlation and the gap; NaN where all are tied.

    Example:
        >>> alpha, coverage = np.array([[1.0, 0.9, 0.4], [0.99, 1.0, 0.5]])
        >>> found = sharpness(alpha, coverage)
        >>> round(found.gap, 3), round(found.tau, 3)
        (0.5, 0.816)
    """
    from scipy.stats import kendalltau

    alpha, coverage = np.asarray(alpha, float), np.asarray(coverage, float)
    order = np.argsort(coverage)
    steps = np.diff(coverage[order], prepend=coverage[order[0]]) >= _TIE
    rank = np.empty(len(coverage), int)
    rank[order] = np.cumsum(steps)
    is_best = rank == rank.max()
    if is_best.all():
        return Sharpness(np.nan, np.nan, np.nan)
    gap = float(alpha[is_best].min() - alpha[~is_best].max())
    tau = float(kendalltau(alpha, rank).statistic)
    return Sharpness(tau, float(np.corrcoef(alpha, coverage)[0, 1]), gap)

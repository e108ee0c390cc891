"""Games on block sums: values of coalitions and semivalues by their definitions."""

from collections.abc import Callable
from math import comb
from typing import Any

import numpy as np
from oracles_games import members_of
from scipy.special import beta

from cgm_jax.gram import GramSums


def sums_of(between: Any, sizes: Any) -> GramSums:
    """GramSums without candidates' rows, which values do not need."""
    return GramSums(between, np.zeros((0, len(sizes))), sizes)


def random_sums(sizes: list[int] | np.ndarray, seed: int = 0) -> GramSums:
    """Block sums of a positive definite kernel; the last size is the candidates'."""
    sizes = np.asarray(sizes, float)
    places = np.random.default_rng([len(sizes), seed]).normal(size=(len(sizes), 2))
    near = np.exp(-((places[:, None] - places[None]) ** 2).sum(-1))
    return sums_of(0.6 * near * np.outer(sizes, sizes) + 0.4 * np.diag(sizes), sizes)


def log_uniform_sizes(n: int, largest: int, seed: int = 0) -> np.ndarray:
    """Sizes 1…largest, both ends among them, and 20 candidates."""
    rng = np.random.default_rng([n, seed])
    sizes = np.exp(rng.uniform(0, np.log(largest), n)).round()
    sizes[: min(n, 2)] = [1, largest][: min(n, 2)]
    return np.append(sizes, 20)


def value_of(sums: GramSums, members: list[int]) -> float:
    """Eq. 2 of the parties' pooled data, on the block sums."""
    size = sums.sizes[members].sum()
    if size == 0:
        return 0.0
    across = sums.between[members].sum()
    within = sums.between[np.ix_(members, members)].sum()
    return 2 * across / (sums.sizes.sum() * size) - within / size**2


def table(sums: GramSums) -> np.ndarray:
    n = len(sums.sizes) - 1
    return np.array([value_of(sums, members_of(c)) for c in range(2**n)])


def semivalues(values: np.ndarray, weight: Callable[[int, int], float]) -> np.ndarray:
    """Σ over C without i of weight(|C|, n) (v(C ∪ i) − v(C))."""
    n = len(values).bit_length() - 1
    coalitions = np.arange(2**n)
    weights = np.array([weight(c, n) for c in range(n)])
    found = []
    for i in range(n):
        without = coalitions[coalitions >> i & 1 == 0]
        marginal = values[without | 1 << i] - values[without]
        found.append((weights[np.bitwise_count(without)] * marginal).sum())
    return np.array(found)


def shapley(c: int, n: int) -> float:
    return 1 / (n * comb(n - 1, c))


def banzhaf(c: int, n: int) -> float:
    return 2.0 ** (1 - n)


def leave_one_out(c: int, n: int) -> float:
    return float(c == n - 1)


def beta_shapley(alpha: float, beta_: float) -> Callable[[int, int], float]:
    """Kwon and Zou 2022, Eq. 5 and 6, with j = c + 1."""

    def weight(c: int, n: int) -> float:
        j = c + 1
        return beta(j + beta_ - 1, n - j + alpha) / beta(alpha, beta_)

    return weight

"""Values of parties who may leave, come in groups or share clusters, by definition.

Games are sequences of values by bitmask, floats or fractions, as in `oracles_games`.
"""

import itertools
import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from oracles_games import members_of

from cgm_jax.gram import GramSums


def whole_sums(sizes: Sequence[int], seed: int = 0) -> GramSums:
    """Any whole numbers as sums, so that values are fractions; candidates come last."""
    rng = np.random.default_rng([len(sizes), seed])
    between = rng.integers(-9, 10, (len(sizes),) * 2)
    between = between * (np.outer(sizes, sizes) > 0)  # 0 without points
    rows = np.zeros((0, len(sizes)))
    return GramSums((between + between.T) * 1.0, rows, np.array(sizes, float))


def exact_table(sums: GramSums) -> list[Fraction]:
    """v_c of every coalition, as fractions."""
    between = [[Fraction(x) for x in row] for row in sums.between.tolist()]
    sizes = [Fraction(x) for x in sums.sizes.tolist()]
    table = [Fraction(0)]
    for coalition in range(1, 2 ** (len(sizes) - 1)):
        members = members_of(coalition)
        size = sum(sizes[i] for i in members)
        across = sum(sum(between[i]) for i in members)
        within = sum(between[i][j] for i in members for j in members)
        value = Fraction(0)
        if size:
            value = 2 * across / (sum(sizes) * size) - within / size**2
        table.append(value)
    return table


def subsets_of(coalition: int) -> list[int]:
    return [c for c in range(coalition + 1) if c & coalition == c]


def shapley_weight(c: int, n: int) -> Fraction:
    return Fraction(1, n * math.comb(n - 1, c))


def banzhaf_weight(c: int, n: int) -> Fraction:
    return Fraction(1, 2 ** (n - 1))


def last_weight(c: int, n: int) -> Fraction:
    return Fraction(int(c == n - 1))


def semivalues_of_stayers(
    values: Sequence, stays: Sequence[Fraction], weight=shapley_weight
) -> list:
    """The mean over who stays of the semivalues of the game among them; 0 if gone."""
    n = len(values).bit_length() - 1
    total = [Fraction(0)] * n
    for staying in range(2**n):
        probability = math.prod(
            stays[i] if staying >> i & 1 else 1 - stays[i] for i in range(n)
        )
        if not probability:
            continue
        for i in members_of(staying):
            others = staying & ~(1 << i)
            for c in subsets_of(others):
                marginal = values[c | 1 << i] - values[c]
                w = weight(c.bit_count(), staying.bit_count())
                total[i] += probability * w * marginal
    return total


def shapley_in_order(values: Sequence, group: Sequence[int]) -> list:
    """Mean marginal contributions over the orders in which groups do not mix."""
    n = len(values).bit_length() - 1
    orders = [
        order
        for order in itertools.permutations(range(n))
        if all(group[i] <= group[j] for i, j in itertools.pairwise(order))
    ]
    total = [Fraction(0)] * n
    for order in orders:
        coalition = 0
        for i in order:
            total[i] += values[coalition | 1 << i] - values[coalition]
            coalition |= 1 << i
    return [x / len(orders) for x in total]


def in_floats(values: Sequence[Fraction]) -> np.ndarray:
    return np.array([float(x) for x in values])


def error(found: np.ndarray, expected: Sequence) -> float:
    """Largest error, relative to the largest value."""
    exact = in_floats(expected)
    return float(np.abs(found - exact).max() / np.abs(exact).max())


def semivalues_by_inclusion(
    values: np.ndarray, a: np.ndarray, b: np.ndarray, q: np.ndarray, dq: np.ndarray
) -> np.ndarray:
    """Marginal contributions to coalitions with j with probability a_j + b_j q."""
    n = len(a)
    found = np.zeros(n)
    for node, weight in zip(q, dq, strict=True):
        p = a + b * node
        for i in range(n):
            for c in (c for c in range(2**n) if not c >> i & 1):
                others = [j for j in range(n) if j != i]
                chance = np.prod([p[j] if c >> j & 1 else 1 - p[j] for j in others])
                found[i] += weight * chance * (values[c | 1 << i] - values[c])
    return found


def blocks_without(sums: GramSums, i: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """B, b and sizes without party i, whose points stay in the reference."""
    keep = np.delete(np.arange(len(sums.sizes) - 1), i)
    across = sums.between[keep].sum(1)
    return sums.between[np.ix_(keep, keep)], across, sums.sizes[keep]

"""Cooperative games by their definitions, in plain Python and NumPy.

A game is a sequence of values indexed by bitmask: bit i of C is set iff party i is in
C. Values may be floats or fractions.
"""

import itertools
import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np


def bitmask(members: Sequence[int]) -> int:
    return sum(1 << i for i in members)


def members_of(coalition: int) -> list[int]:
    return [i for i in range(coalition.bit_length()) if coalition >> i & 1]


def shapley_by_permutations(values: Sequence) -> list:
    """Eq. 5: the mean marginal contribution over all n! orders of the parties."""
    n = len(values).bit_length() - 1
    total = [0] * n
    for order in itertools.permutations(range(n)):
        coalition = 0
        for i in order:
            total[i] += values[coalition | 1 << i] - values[coalition]
            coalition |= 1 << i
    return [x / math.factorial(n) for x in total]


def value_by_definition(gram: np.ndarray, subset: Sequence[int]) -> float:
    """Eq. 2: v(S) for points S of a reference set with the kernel matrix ``gram``."""
    s, t = len(subset), len(gram)
    across = gram[subset].sum()
    within = gram[np.ix_(subset, subset)].sum()
    return 2 * across / (s * t) - within / s**2


def coalition_values_by_definition(
    gram: np.ndarray, sizes: Sequence[int]
) -> np.ndarray:
    """v_c of every coalition; ``sizes`` of the parties, then of the candidates."""
    blocks = np.split(np.arange(len(gram)), np.cumsum(sizes)[:-1])
    n = len(sizes) - 1
    values = np.zeros(2**n)
    for coalition in range(2**n):
        points = [x for i in members_of(coalition) for x in blocks[i]]
        if points:
            values[coalition] = value_by_definition(gram, points)
    return values


def proposition_2_game() -> list[Fraction]:
    """The game of App. C.3, where raising a reward to v_c({i}) breaks fairness."""
    named = {
        "1": 9, "2": 9, "3": 10, "4": 10,
        "12": 18, "13": 10, "14": 11, "23": 10, "24": 10, "34": 10,
        "123": 18, "124": 18, "134": 11, "234": 10, "1234": 18,
    }  # fmt: skip
    values = [Fraction(0)] * 16
    for name, value in named.items():
        values[bitmask([int(party) - 1 for party in name])] = Fraction(value)
    return values


def coverage_game(rng: np.random.Generator, n: int) -> np.ndarray:
    """A monotone game: the weight of the items that a coalition covers."""
    weight, share = rng.uniform(size=30), rng.uniform(0.1, 0.9, size=(n, 1))
    covers = rng.uniform(size=(n, 30)) < share
    covered = [covers[members_of(c)].any(axis=0) for c in range(2**n)]
    return np.array([weight[items].sum() for items in covered])


def crossings_of_bounds(
    slopes: np.ndarray, log_lower: np.ndarray, log_upper: np.ndarray
) -> np.ndarray:
    """Corners (ρ, log v*) of the reward scheme's linear program, in no order.

    All crossings of two of the lines log v* = log bound_i + ρ slope_i, ρ = 0 and ρ = 1
    that keep every bound, up to rounding.
    """
    m = len(slopes)
    normals = np.array(
        [[slope, -1] for slope in slopes]
        + [[-slope, 1] for slope in slopes]
        + [[-1, 0], [1, 0]]
    )
    offsets = np.array([*(-log_lower), *log_upper, 0, 1])
    corners = []
    for i, j in itertools.combinations(range(2 * m + 2), 2):
        if abs(np.linalg.det(normals[[i, j]])) > 1e-12:
            corner = np.linalg.solve(normals[[i, j]], offsets[[i, j]])
            if (normals @ corner <= offsets + 1e-11).all():
                corners.append(corner)
    return np.reshape(corners, (-1, 2))

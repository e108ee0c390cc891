"""The paper's own algorithms, written plainly in NumPy: what to be faster than.

Nothing is kept that the paper computes again: every value is sums over raw points,
every Δ_x is taken from scratch, Shapley values go through all n! orders. The one thing
not left naive is the tile, without which no size worth measuring fits in memory. The
precision is that of the points, sums over tiles are float64.
"""

import itertools
import math
from collections.abc import Sequence

import numpy as np

__all__ = [
    "coalition_values",
    "gram_sums",
    "mmd_shapley_values",
    "pick",
    "shapley_values",
    "smallest_length_scale",
    "squared_distances",
    "squared_exponential",
    "sums_over",
    "value",
    "weighted_sampling",
]

_TILE = 256  # the fastest of 128 to 2,000 on the machine at hand


def squared_exponential(
    x: np.ndarray, y: np.ndarray, length_scale: float
) -> np.ndarray:
    """k of all pairs, shape (m, n)."""
    return np.exp(squared_distances(x, y) / (-2 * float(length_scale) ** 2))


def squared_distances(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """|x − y|² of all pairs, shape (m, n)."""
    r2 = np.zeros((len(x), len(y)), x.dtype)
    for a, b in zip(x.T, y.T, strict=True):
        r2 += (a[:, None] - b[None]) ** 2
    return r2


def sums_over(y: np.ndarray, x: np.ndarray, length_scale: float) -> np.ndarray:
    """Σ_{y} k(x, y) for every x, shape (m,)."""
    sums = np.zeros(len(x))
    for i in range(0, len(x), _TILE):
        for j in range(0, len(y), _TILE):
            k = squared_exponential(x[i : i + _TILE], y[j : j + _TILE], length_scale)
            sums[i : i + _TILE] += k.sum(axis=1)
    return sums


def gram_sums(
    parties: Sequence[np.ndarray], candidates: np.ndarray, length_scale: float
) -> tuple[np.ndarray, np.ndarray]:
    """B between the blocks and R of the candidates; every pair is computed twice."""
    blocks = [*parties, candidates]
    rows = [[sums_over(y, x, length_scale) for y in blocks] for x in blocks]
    between = np.array([[sums.sum() for sums in row] for row in rows])
    return between, np.stack(rows[-1], axis=1)


def value(subset: np.ndarray, reference: np.ndarray, length_scale: float) -> float:
    """v(S), Eq. 2."""
    across = sums_over(reference, subset, length_scale).sum()
    within = sums_over(subset, subset, length_scale).sum()
    return 2 * across / (len(subset) * len(reference)) - within / len(subset) ** 2


def smallest_length_scale(
    parties: Sequence[np.ndarray],
    candidates: np.ndarray,
    *,
    low: float = 0.01,
    high: float = 1000.0,
    num_halvings: int = 20,
) -> float:
    """Bisection for min_i v(D_i) = 0 that keeps the upper end (Sec. 5)."""
    reference = np.concatenate([*parties, candidates])
    for _ in range(num_halvings):
        middle = (low + high) / 2
        if min(value(party, reference, middle) for party in parties) >= 0:
            high = middle
        else:
            low = middle
    return high


def coalition_values(
    parties: Sequence[np.ndarray],
    candidates: np.ndarray,
    length_scale: float,
    coalitions: Sequence[int],
) -> np.ndarray:
    """v_c of coalitions, given as bitmasks, each from its raw points."""
    reference = np.concatenate([*parties, candidates])
    values = np.zeros(len(coalitions))
    for at, coalition in enumerate(coalitions):
        members = [x for i, x in enumerate(parties) if coalition >> i & 1]
        if members:
            values[at] = value(np.concatenate(members), reference, length_scale)
    return values


def shapley_values(values: np.ndarray) -> np.ndarray:
    """Mean marginal contribution over all n! orders of joining (Eq. 5)."""
    table = values.tolist()
    n = len(table).bit_length() - 1
    total = [0.0] * n
    for order in itertools.permutations(range(n)):
        coalition = 0
        for i in order:
            joined = coalition | 1 << i
            total[i] += table[joined] - table[coalition]
            coalition = joined
    return np.array(total) / math.factorial(n)


def mmd_shapley_values(
    between: np.ndarray, sizes: np.ndarray, *, num_q: int = 200, num_u: int = 160
) -> np.ndarray:
    """φ by Gauss-Legendre in q and the trapezoid rule in ln u, from block sums.

    The integral derived in `valuation.semivalues.block_semivalues`, on a grid that
    suits no sizes in particular; for num_q >= n/2 it is exact in q.
    """
    n = len(sizes) - 1
    s, t = sizes[:n], sizes.sum()
    own = np.diag(between)[:n, None]
    b = between[:n].sum(axis=1)[:, None] * 2 / t
    x, dq = np.polynomial.legendre.leggauss(num_q)
    q, dq = (1 + x[None]) / 2, dq / 2
    log_u, step = np.linspace(
        np.log(1e-17 / s.sum()), np.log(40 / s.min()), num_u, retstep=True
    )
    shapley = np.zeros(n)
    for u in np.exp(log_u):
        e = np.exp(-u * s)[:, None]
        d = 1 - q + q * e
        y = q * e / d
        weight = np.exp(np.log(d).sum(axis=0)) * dq * step * u
        rest = between[:n, :n] @ y - own * y
        linear = (b * y).sum(axis=0) - b * y
        pairs = (y * (rest + own)).sum(axis=0) - 2 * y * rest - own * y
        joined = e * b - u * e * (2 * rest + own)
        shapley += (joined - (1 - e) * (linear - u * pairs)) / d @ weight
    return shapley


def pick(
    random: np.random.Generator,
    subset: np.ndarray,
    left: np.ndarray,
    reference: np.ndarray,
    sigma_s: float,
    sigma_st: float,
    length_scale: float,
    *,
    beta: float,
) -> tuple[int, float, float]:
    """One pick from the candidates left: which, and σ_S and σ_ST after it.

    σ_S and σ_ST are updated (Eq. 22-23), the sums behind Δ_x are taken from scratch for
    every candidate: O(|G|(s+t)d), as App. H has it.
    """
    s, t = len(subset), len(reference)
    over_s = sums_over(subset, left, length_scale)
    over_t = sums_over(reference, left, length_scale)
    after_s = (s**2 * sigma_s + 2 * over_s + 1) / (s + 1) ** 2  # k(x, x) = 1
    after_st = (s * sigma_st + 2 * over_t / t) / (s + 1)
    marginal = (after_st - after_s) - (sigma_st - sigma_s)
    best = marginal == marginal.max()
    if best.all() or np.isinf(beta):
        weights = best.astype(float)
    else:
        weights = np.exp(beta * (marginal - marginal.min()) / np.ptp(marginal))
    at = int(random.choice(len(left), p=weights / weights.sum()))
    return at, after_s[at], after_st[at]


def weighted_sampling(
    random: np.random.Generator,
    party: np.ndarray,
    candidates: np.ndarray,
    reference: np.ndarray,
    length_scale: float,
    *,
    reward_value: float,
    beta: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Algorithm 1 for one party: what it draws, and v after each pick."""
    s, t = len(party), len(reference)
    sigma_s = sums_over(party, party, length_scale).sum() / s**2
    sigma_st = 2 * sums_over(reference, party, length_scale).sum() / (s * t)
    left, drawn, values = list(range(len(candidates))), [], []
    while sigma_st - sigma_s < reward_value and left:
        subset = np.concatenate([party, candidates[drawn]])
        at, sigma_s, sigma_st = pick(
            random,
            subset,
            candidates[left],
            reference,
            sigma_s,
            sigma_st,
            length_scale,
            beta=beta,
        )
        drawn.append(left.pop(at))
        values.append(sigma_st - sigma_s)
    return np.array(drawn, int), np.array(values)

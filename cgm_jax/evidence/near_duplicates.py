r"""Rows that two parties share, exactly or nearly: copies, with or without noise.

Let d₁ ≤ … ≤ d₈ be the distances of a row to the eight nearest other rows of the pool.
Whatever the density, for independent rows the ratios :math:`v_r = d_r / d_8`, r < 8,
say nothing of whose the r-th neighbour is. Copies do: the row that was copied is nearer
than others are. So the ratios of neighbours that a row of i has among j's rows are set
beside those of neighbours that rows of i and j have in their own party, by Fisher's
exact test of the numbers with v ≤ 0, 0.01, 0.03, 0.1, 0.2, …, 0.9 (one-sided; the
smallest of the twelve p-values, times twelve).

Where columns are coarse, honest rows coincide; those of one party do, too, and nothing
is beyond chance that is not more frequent between parties than within them. Where many
parties have one's rows, all neighbours are copies and the ratios say nothing. So the
number of i's rows that j has is set beside those that i, and j, has twice, by the same
test; the smaller p-value of the two counts.

Copies that are moved by more than the distance of neighbours can be told only in high
dimensions: in two, they are as good as fresh rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from cgm_jax._shared.arrays import ArrayLike, Points, as_parties, with_common_dtype
from cgm_jax._shared.results import Result

from .pool_neighbors import PoolNeighbors, in_one_scale, neighbors_in_pool

__all__ = ["NearDuplicates", "near_duplicates"]

NUM_NEIGHBORS = 8
LEVEL = 0.01  # of all pairs of parties together
_LIMITS = np.array([0, 0.01, 0.03, *np.arange(1, 10) / 10])
_COARSE = 100  # times the rows there are: so many possible ones are few


@dataclass(frozen=True, eq=False, repr=False)
class NearDuplicates(Result):
    """Which rows of each party are another's, too, exactly or nearly.

    Attributes:
        exact: entry ``[i, j]``: rows of party i that party j has; 0 on the diagonal.
        p_values: of the rows that party i has near rows of j, in units of the distance
            to others, were they independent; 1 on the diagonal.
        num_copied: about how many rows of i are near one of j beyond chance, where
            p-values are; more than can be told one by one.
        expected: how many of the contested rows of i are expected by chance.
        masks: one array of shape ``(n_i, n)`` a party: entry ``[r, j]`` tells whether
            its row r is contested with party j: one of j's is so near that it is more
            probably a copy than not. Nothing is where p-values are chance.
        is_coarse: whether hardly more different rows are possible than there are: if
            the columns were independent, fewer than a hundred times as many would be
            typical.
    """

    exact: Int[np.ndarray, "n n"]
    p_values: Float[np.ndarray, "n n"]
    num_copied: Float[np.ndarray, "n n"]
    expected: Float[np.ndarray, "n n"]
    masks: tuple[Bool[np.ndarray, "_ n"], ...]
    is_coarse: bool

    @property
    def sizes(self) -> Int[np.ndarray, " n"]:
        """Number of rows of each party."""
        return np.array([len(mask) for mask in self.masks])

    @property
    def contested(self) -> Int[np.ndarray, "n n"]:
        """Number of rows of party i that are contested with party j."""
        return np.array([mask.sum(axis=0) for mask in self.masks])

    @property
    def contested_rows(self) -> list[Bool[np.ndarray, " _"]]:
        """Which rows of each party are contested with anybody."""
        return [np.asarray(mask.any(axis=1)) for mask in self.masks]

    @property
    def is_beyond_chance(self) -> Bool[np.ndarray, "n n"]:
        """Pairs of parties whose rows are near each other beyond chance; symmetric.

        The smaller p-value of the two, times the number of all, is at most 0.01.
        """
        n = len(self.p_values)
        return np.minimum(self.p_values, self.p_values.T) * max(n * (n - 1), 1) <= LEVEL


def near_duplicates(parties: Sequence[Float[ArrayLike, "_ d"]]) -> NearDuplicates:
    r"""Find the rows that parties have in common, exactly or nearly.

    .. math:: v_r(x) = d_r(x) / d_8(x), \quad
              p_{ij} = 12 \min_t \mathrm{P}(N_{ij}(t) \text{ or more})

    with d_r the distance to the r-th nearest other row and N_ij(t) the number of
    neighbours of rows of i among those of j with v ≤ t, hypergeometric given that of
    neighbours of one's own party.

    Args:
        parties: the parties' points, arrays of shape ``(n_i, d)``. The units of columns
            do not matter.

    Returns:
        Counts, p-values and masks of contested rows, of every pair of parties.

    Raises:
        ValueError: for shapes that do not fit or entries that are not finite.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> first, second = rng.normal(size=(2, 50, 3))
        >>> second[:10] = first[:10] + 0.01 * rng.normal(size=(10, 3))
        >>> found = near_duplicates([first, second])
        >>> bool(found.is_beyond_chance[0, 1]), bool(found.masks[1][:10, 0].all())
        (True, True)

    Reference: L. Devroye, L. Györfi, G. Lugosi, *A Probabilistic Theory of Pattern
    Recognition*, 1996, Ch. 5 (neighbours); R. A. Fisher 1935 (the test).
    """
    parties = as_parties(parties)
    parties = with_common_dtype(*((f"parties[{i}]", x) for i, x in enumerate(parties)))
    points = in_one_scale(parties)
    n = len(points)
    found = neighbors_in_pool(points, NUM_NEIGHBORS)
    ratios, owners = _ratios(found), found.owner[found.rows[:, :-1]]
    of_pair = _by_pair(found.owner[:, None] * n + owners)
    near = {pair: ratios.flat[places] for pair, places in of_pair.items()}
    none = np.zeros(0)
    p_values, copied, expected = np.ones((n, n)), np.zeros((n, n)), np.zeros((n, n))
    for pair, some in near.items():
        i, j = divmod(pair, n)
        if i != j:
            own = [near.get(k * n + k, none) for k in (i, j)]
            p_values[i, j] = _p_value(some, np.concatenate(own))
    is_equal, p_equal = _equal_rows(parties, found.owner)
    exact = np.array([is_equal[found.owner == i].sum(axis=0) for i in range(n)])
    p_values, is_coarse = np.minimum(p_values, p_equal), _is_coarse(parties)
    starts = np.cumsum([0, *map(len, points)])
    masks = [np.zeros((len(x), n), bool) for x in points]
    result = NearDuplicates(exact, p_values, copied, expected, tuple(masks), is_coarse)
    for i, j in np.argwhere(result.is_beyond_chance).tolist():
        own = [near.get(k * n + k, none) for k in (i, j)]
        some = near.get(i * n + j, none)
        copies, limit, expected[i, j] = _beyond_chance(some, *own)
        copied[i, j] = min(copies, len(points[i]))
        places = of_pair.get(i * n + j, np.zeros(0, int))[some <= limit]
        rows, ranks = np.divmod(places, ratios.shape[1])
        masks[i][rows - starts[i], j] = True
        masks[j][found.rows[rows, ranks] - starts[j], i] = True
        if min(p_equal[i, j], p_equal[j, i]) * n * (n - 1) <= LEVEL:
            masks[i][:, j] |= is_equal[starts[i] : starts[i + 1], j]
            copied[i, j] = max(copied[i, j], exact[i, j])
    return result


def _by_pair(pairs: Int[np.ndarray, "m k"]) -> dict[int, Int[np.ndarray, " _"]]:
    """The places of each number, in the flattened array."""
    order = np.argsort(pairs, axis=None, kind="stable")
    numbers, starts = np.unique(pairs.flat[order], return_index=True)
    places = np.split(order, starts[1:])
    return dict(zip(numbers.tolist(), places, strict=False))


def _ratios(found: PoolNeighbors) -> Float[np.ndarray, "m k"]:
    """Distances of all neighbours but the last, in units of its; 1 where that is 0."""
    last = found.distances[:, -1:]
    return np.where(last > 0, found.distances[:, :-1] / np.where(last > 0, last, 1), 1)


def _p_value(
    near: Float[np.ndarray, " pairs"], own: Float[np.ndarray, " own"]
) -> float:
    """Whether ratios are smaller than within parties: Fisher's test, 12 times."""
    from scipy.stats import hypergeom  # slow to import

    counts, of_own = ((x[:, None] <= _LIMITS[None]).sum(axis=0) for x in (near, own))
    total = len(near) + len(own)
    p_values = hypergeom.sf(counts - 1, total, counts + of_own, len(near))
    return float(min(1.0, len(_LIMITS) * p_values.min()))


def _beyond_chance(
    near: Float[np.ndarray, " pairs"], *owns: Float[np.ndarray, " _"]
) -> tuple[float, float, float]:
    """How many neighbours are no chance; up to which ratio most are; how many not.

    With N(t) neighbours up to t and E(t) expected: max N - E; the t with the largest
    N - 2E, past which more are chance than not, below 0 if it is so everywhere; E(t).
    Expected is what is seen within the party that has less of it: one that hands in
    copies twice has near rows of its own.
    """
    limits = np.concatenate([[-1.0], np.unique(near)])
    found = np.searchsorted(np.sort(near), limits, side="right")
    shares = [
        np.searchsorted(np.sort(own), limits, side="right") / len(own)
        for own in owns
        if len(own)
    ] or [np.zeros(len(limits))]
    expected = np.min(shares, axis=0) * len(near)
    best = np.argmax(found - 2 * expected)
    return float((found - expected).max()), float(limits[best]), float(expected[best])


def _equal_rows(
    parties: Sequence[Points], owner: Int[np.ndarray, " m"]
) -> tuple[Bool[np.ndarray, "m n"], Float[np.ndarray, "n n"]]:
    """Which rows of the pool other parties have, and whether by chance."""
    from scipy.stats import hypergeom  # slow to import

    n = len(parties)
    pool = np.concatenate([np.asarray(x) for x in parties]) + 0.0  # -0 is 0
    kinds, counts = np.unique(pool, axis=0, return_inverse=True, return_counts=True)[1:]
    is_repeated = counts[kinds] > 1  # few: only these are compared
    is_equal, twins = np.zeros((len(pool), n), bool), np.zeros(n, int)
    for j in range(n):
        own, many = np.unique(kinds[is_repeated & (owner == j)], return_counts=True)
        twins[j] = many[many > 1].sum()
        is_equal[is_repeated, j] = np.isin(kinds[is_repeated], own)
        is_equal[owner == j, j] = False
    sizes = np.array([len(x) for x in parties])
    exact = np.array([is_equal[owner == i].sum(axis=0) for i in range(n)])
    p_values = np.ones((n, n))
    for i, j in np.argwhere(exact).tolist():
        for k in (i, j):
            drawn, total = exact[i, j] + twins[k], sizes[i] + sizes[k]
            p = hypergeom.sf(exact[i, j] - 1, total, drawn, sizes[i])
            p_values[i, j] = p if k == i else max(p, p_values[i, j])
    return is_equal, p_values


def _is_coarse(parties: Sequence[Points]) -> bool:
    """Whether exp of the entropy of independent columns is hardly above the rows."""
    pool = np.concatenate([np.asarray(x) for x in parties])
    entropy = 0.0
    for column in pool.T:
        shares = np.unique(column, return_counts=True)[1] / len(column)
        entropy -= float((shares * np.log(shares)).sum())
    return bool(entropy < np.log(_COARSE * len(pool)))

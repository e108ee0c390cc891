r"""Rows that two parties share, exactly or nearly: copies, with or without noise.

A row of party i is shared with party j if its distance to the nearest row of j is 0,
and nearly shared if it is at most a hundredth of

.. math:: m_i = \operatorname{median}_{x \in D_i} \min_{x' \in D_i \setminus x}
          \lVert x - x' \rVert > 0,

the typical distance between neighbours in its own data (rows that party i has twice
left out). Independent points of d dimensions are that near to each other in about
100⁻ᵈ of all cases where the densities are alike.

In coarse tables, such as those of a few categories and whole numbers, shared rows are
chance: then, and only then, a party's rows are twins of each other as well. So many as
the twins of j (and one more) let expect of n_i rows, and three standard deviations
more, are chance.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import ArrayLike, Bool, Float, Int

from cgm_jax._shared.arrays import Points, as_parties
from cgm_jax._shared.results import Result

from .neighbors import nearest_distances

__all__ = ["SharedRows", "shared_rows"]

_COARSE = 100  # times the rows there are: so many possible ones are few


@dataclass(frozen=True, eq=False, repr=False)
class SharedRows(Result):
    """How many rows of each party are another's, too.

    Attributes:
        exact: entry ``[i, j]``: rows of party i that party j has; 0 on the diagonal.
        near: the same of rows that are close to one of party j, exact ones included.
        sizes: number of rows of each party.
        twins: how many of them the party itself has twice or more.
        is_coarse: whether hardly more different rows are possible than there are: if
            the columns were independent, fewer than a hundred times as many would be
            typical.
    """

    exact: Int[np.ndarray, "n n"]
    near: Int[np.ndarray, "n n"]
    sizes: Int[np.ndarray, " n"]
    twins: Int[np.ndarray, " n"]
    is_coarse: bool

    @property
    def is_beyond_chance(self) -> Bool[np.ndarray, "n n"]:
        """The pairs that share more rows, or nearly so, than chance explains."""
        if not self.is_coarse:
            return self.near > 0
        # That a row of anybody's is one of party j's; of few rows, none may be a twin.
        share = np.minimum(self.twins + 1, self.sizes) / self.sizes
        sizes = self.sizes[:, None]
        by_chance = sizes * share + 3 * np.sqrt(sizes * share * (1 - share))
        return self.near > by_chance


def shared_rows(parties: Sequence[Float[ArrayLike, "_ d"]]) -> SharedRows:
    r"""Count the rows that parties have in common.

    .. math:: \#\{x \in D_i : \min_{x' \in D_j} \lVert x - x' \rVert \le m_i / 100\}

    Args:
        parties: the parties' points, arrays of shape ``(n_i, d)``.

    Raises:
        ValueError: for shapes that do not fit or entries that are not finite.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> first, second = rng.normal(size=(2, 50, 3))
        >>> second[:10] = first[:10]
        >>> shared_rows([first, second]).exact
        array([[ 0, 10],
               [10,  0]])

    Reference: J. L. Bentley 1975 (the search).
    """
    from scipy.spatial.distance import cdist  # slow to import

    points = [np.asarray(x) for x in as_parties(parties)]
    n = len(points)
    exact, near = np.zeros((n, n), int), np.zeros((n, n), int)
    sizes = np.array([len(x) for x in points])
    twins = np.array([_num_twins(x) for x in points], int)
    is_coarse = _typical_number_of_rows(points) < _COARSE * sizes.sum()
    for i, mine in enumerate(points):
        rest = points[:i] + points[i + 1 :]
        if not rest:
            break
        limit = _typical_distance(mine) / 100
        nearest = nearest_distances(mine, np.concatenate(rest), num_neighbors=1)
        # Only these few rows are compared with every other party.
        close = mine[nearest[:, 0] <= limit]
        for j in range(n) if len(close) else ():
            if j != i:
                distance = cdist(close, points[j]).min(axis=1)
                exact[i, j] = (distance == 0).sum()
                near[i, j] = (distance <= limit).sum()
    return SharedRows(exact, near, sizes, twins, bool(is_coarse))


def _num_twins(points: Points) -> int:
    counts = np.unique(points, axis=0, return_counts=True)[1]
    return int(counts[counts > 1].sum())


def _typical_number_of_rows(parties: Sequence[Points]) -> float:
    """exp of the entropy, with the columns as if they were independent."""
    entropy = 0.0
    for column in np.concatenate(parties).T:
        shares = np.unique(column, return_counts=True)[1] / len(column)
        entropy -= float((shares * np.log(shares)).sum())
    return float(np.exp(min(entropy, 700.0)))  # of more, exp is infinite


def _typical_distance(points: Points) -> float:
    if len(points) < 2:
        return 0.0
    second = nearest_distances(points, points, num_neighbors=2)[:, 1]
    return float(np.median(second[second > 0])) if (second > 0).any() else 0.0

r"""Parties whose data are more alike than independent samples ever are.

For independent samples the mean of MMD²_u is the squared MMD of their distributions,
so at least 0, whatever these are. Rows of one party that are another's, moved by noise
or not, share its chance fluctuations: MMD²_u is then far below 0, even where no single
row can be told from a fresh one. Of m and n rows of one distribution it has variance

.. math:: s^2 = \Bigl(\frac{2}{m(m-1)} + \frac{2}{n(n-1)} + \frac{4}{mn}\Bigr)
          \mathrm{E}\, \tilde k(x, x')^2, \qquad p = \Phi(\mathrm{MMD}_u^2 / s),

with the kernel centred in the party where its square is larger. MMD²_u is skewed to the
right, so that p is rather too large; of rows that differ in distribution it is larger
still.

That finds a party which hands in another's moved rows instead of its own. Where it adds
them to its own, the two differ, and only `near_duplicates` may find them. Points that
were handed out in an earlier round are one more party to compare with.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from cgm_jax._shared.arrays import ArrayLike, Points, as_parties, with_common_dtype
from cgm_jax._shared.results import Result
from cgm_jax.gram import gram_sums, median_length_scale
from cgm_jax.gram.length_scale import evenly_spaced, evenly_spaced_in_pool
from cgm_jax.kernels import SquaredExponential

from .pool_neighbors import in_one_scale

__all__ = ["Resamples", "resamples"]

LEVEL = 0.01  # of all pairs together
_SCALE = 0.2  # length scale, in median distances: fluctuations are small ones
_MOST_ROWS = 1_000  # of a party, for the variance


@dataclass(frozen=True, eq=False, repr=False)
class Resamples(Result):
    """Which parties' data are too much alike.

    Attributes:
        p_values: of data as much alike as those of parties i and j, were they
            independent; symmetric, 1 on the diagonal.
    """

    p_values: Float[np.ndarray, "n n"]

    @property
    def is_beyond_chance(self) -> Bool[np.ndarray, "n n"]:
        """Pairs that are too much alike: p-value times number of pairs at most 0.01."""
        n = len(self.p_values)
        return self.p_values * max(n * (n - 1) / 2, 1) <= LEVEL


def resamples(parties: Sequence[Float[ArrayLike, "_ d"]]) -> Resamples:
    r"""Test whether parties' data are more alike than independent samples.

    .. math:: p_{ij} = \Phi(\mathrm{MMD}_u^2(D_i, D_j) / s_{ij})

    Args:
        parties: the parties' points, arrays of shape ``(n_i, d)``. The units of columns
            do not matter. A party of one row is compared with nobody.

    Returns:
        One p-value a pair.

    Raises:
        ValueError: for shapes that do not fit or entries that are not finite.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> first, second = rng.normal(size=(2, 300, 2))
        >>> moved = first + 0.05 * rng.normal(size=(300, 2))
        >>> resamples([first, second, moved]).is_beyond_chance[0]
        array([False, False,  True])

    Reference: Gretton et al., *A Kernel Two-Sample Test*, 2012, Sec. 6 (MMD²_u and its
    variance).
    """
    parties = as_parties(parties)
    parties = with_common_dtype(*((f"parties[{i}]", x) for i, x in enumerate(parties)))
    points: list[Points] = [*in_one_scale(parties)]
    n = len(points)
    p_values = np.ones((n, n))
    median = float(median_length_scale(evenly_spaced_in_pool(points))) if n > 1 else 0.0
    if median == 0:
        return Resamples(p_values)
    length_scale = _SCALE * median
    kernel = SquaredExponential(length_scale)
    sums = np.asarray(gram_sums(kernel, points, points[0][:1]).between)[:n, :n]
    sizes = np.array([len(x) for x in points], float)
    squares = [_mean_square(x, length_scale) for x in points]
    for i in range(n):
        for j in range(i):
            a, b = sizes[i], sizes[j]
            if min(a, b) > 1:
                # k(x, x) is 1.
                mmd2 = (sums[i, i] - a) / (a * (a - 1)) + (sums[j, j] - b) / (
                    b * (b - 1)
                )
                mmd2 -= 2 * sums[i, j] / (a * b)
                counts = 2 / (a * (a - 1)) + 2 / (b * (b - 1)) + 4 / (a * b)
                variance = counts * max(squares[i], squares[j])
                p_values[i, j] = p_values[j, i] = _p_value(float(mmd2), variance)
    return Resamples(p_values)


def _p_value(mmd2: float, variance: float) -> float:
    from scipy.stats import norm  # slow to import

    return float(norm.cdf(mmd2 / np.sqrt(variance))) if variance > 0 else 1.0


def _mean_square(points: Points, length_scale: float) -> float:
    """The mean square of the centred kernel of two different rows of a party."""
    from scipy.spatial.distance import pdist, squareform  # slow to import

    rows = evenly_spaced(points, _MOST_ROWS)
    num = len(rows)
    if num < 2:
        return 0.0
    values = squareform(np.exp(-pdist(rows, "sqeuclidean") / (2 * length_scale**2)))
    means = values.sum(axis=1) / (num - 1)
    centred = values - means[None] - means[:, None] + means.mean()
    np.fill_diagonal(centred, 0)
    return float(np.square(centred).sum() / (num * (num - 1)))

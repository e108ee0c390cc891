r"""Parties whose data are more alike than independent samples ever are.

For independent samples the mean of MMD²_u is the squared MMD of their distributions,
so at least 0, whatever these are. Rows of one party that are another's, moved by noise
or not, share its chance fluctuations: MMD²_u is then far below 0, even where no single
row can be told from a fresh one. How far chance goes is known from random relabellings
of the two, of mean m and standard deviation s:

.. math:: p = \Phi\bigl((\mathrm{MMD}_u^2 - m) / s\bigr)

The relabellings' distribution is skewed to the right, so that p is rather too large.

That finds a party which hands in another's moved rows instead of its own. Where it adds
them to its own, the two differ, and only `near_duplicates` may find them. Points that
were handed out in an earlier round are one more party to compare with.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import jax
import numpy as np
from jaxtyping import Array, ArrayLike, Bool, Float, Key

from cgm_jax._shared.arrays import Points, as_parties, with_common_dtype
from cgm_jax._shared.checks import as_key
from cgm_jax._shared.results import Result
from cgm_jax.gram import median_length_scale
from cgm_jax.gram.length_scale import evenly_spaced_in_pool
from cgm_jax.kernels import SquaredExponential
from cgm_jax.two_sample import two_sample_test
from cgm_jax.valuation import mmd2_unbiased

from .pool_neighbors import in_one_scale

__all__ = ["Resamples", "resamples"]

LEVEL = 0.01  # of all pairs together
_SCALE = 0.2  # length scale, in median distances: fluctuations are small ones
_NUM_PERMUTATIONS = 200


@dataclass(frozen=True, eq=False, repr=False)
class Resamples(Result):
    """Which parties' data are too much alike.

    Attributes:
        p_values: of data as much alike as those of parties i and j, were they
            independent; symmetric, 1 on the diagonal and where MMD²_u is at least 0.
    """

    p_values: Float[np.ndarray, "n n"]

    @property
    def is_beyond_chance(self) -> Bool[np.ndarray, "n n"]:
        """Pairs that are too much alike: p-value times number of pairs at most 0.01."""
        n = len(self.p_values)
        return self.p_values * n * (n - 1) / 2 <= LEVEL


def resamples(
    key: Key[Array, ""], parties: Sequence[Float[ArrayLike, "_ d"]]
) -> Resamples:
    r"""Test whether parties' data are more alike than independent samples.

    .. math:: p_{ij} = \Pr(\mathrm{MMD}_u^2 \text{ of relabelled rows}
              \le \mathrm{MMD}_u^2(D_i, D_j))

    Args:
        key: a typed key, for the relabellings.
        parties: the parties' points, arrays of shape ``(n_i, d)``. The units of columns
            do not matter. With one of a single row nobody is compared.

    Returns:
        One p-value a pair.

    Raises:
        ValueError: for shapes that do not fit or entries that are not finite.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> first, second = rng.normal(size=(2, 300, 2))
        >>> moved = first + 0.05 * rng.normal(size=(300, 2))
        >>> resamples(jax.random.key(0), [first, second, moved]).is_beyond_chance[0]
        array([False, False,  True])

    Reference: Gretton et al., *A Kernel Two-Sample Test*, 2012 (the statistic and its
    relabellings).
    """
    as_key(key)
    parties = as_parties(parties)
    parties = with_common_dtype(*((f"parties[{i}]", x) for i, x in enumerate(parties)))
    points: list[Points] = [*in_one_scale(parties)]
    n = len(points)
    p_values = np.ones((n, n))
    median = median_length_scale(evenly_spaced_in_pool(points)) if n > 1 else 0.0
    if median == 0:
        return Resamples(p_values)
    kernel = SquaredExponential(_SCALE * float(median))
    for i in range(n):
        for j in range(i):
            x, y = points[j], points[i]
            if min(len(x), len(y)) < 2 or mmd2_unbiased(kernel, x, y) >= 0:
                continue
            pair_key = jax.random.fold_in(key, i * n + j)
            p_values[i, j] = p_values[j, i] = _p_value(pair_key, kernel, x, y)
    return Resamples(p_values)


def _p_value(
    key: Key[Array, ""],
    kernel: SquaredExponential,
    x: Float[np.ndarray, "m d"],
    y: Float[np.ndarray, "n d"],
) -> float:
    from scipy.stats import norm  # slow to import

    test = two_sample_test(key, kernel, x, y, num_permutations=_NUM_PERMUTATIONS)
    permuted = np.asarray(test.permuted)
    deviation = float(permuted.std(ddof=1))
    if deviation == 0:
        return 1.0
    return float(norm.cdf((float(test.statistic) - permuted.mean()) / deviation))

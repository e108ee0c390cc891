r"""How two parties' data complement or repeat each other, from a table of values.

The Shapley interaction index of i and j is a mean of their joint effect over all
coalitions C of the others, with the weight w(|C|) = |C|! (n−|C|−2)! / (n−1)!:

    I_ij = Σ_C w(|C|) [v(C ∪ ij) − v(C ∪ i) − v(C ∪ j) + v(C)]

As a sum over all coalitions, with z their membership and c their size, the value v(C)
gets the weight w(c−2) if it has both, −w(c−1) if it has one, w(c) if none, which is

    w(c) − (z_i + z_j) (w(c) + w(c−1)) + z_i z_j (w(c) + 2 w(c−1) + w(c−2))

so that all pairs together are one product Zᵀ diag(·) Z with a weighted table between,
Z split into low and high bits as in `shapley`: O(n 2^n) work.

Reference: Grabisch, Roubens: An axiomatic approach to the concept of interaction among
players in cooperative games, 1999.
"""

import math

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from cgm_jax._shared.arrays import AnyArray, ArrayLike
from cgm_jax._shared.precision import in_float64, matmul

from .coalitions import membership
from .shapley import shapley_values, sums_of_halves, sums_of_members

__all__ = ["shapley_interactions"]


def shapley_interactions(
    values: Float[ArrayLike, " coalitions"],
) -> Float[AnyArray, "n n"]:
    r"""Shapley interaction index of every pair of parties.

    .. math:: I_{ij} = \sum_{C \subseteq N \setminus ij}
              \frac{|C|!\,(n-|C|-2)!}{(n-1)!}\,
              [v(C \cup ij) - v(C \cup i) - v(C \cup j) + v(C)]

    Args:
        values: value of each coalition, indexed by bitmask, shape ``(2**n,)``, n <= 24.

    Returns:
        Symmetric, shape ``(n, n)``, in the units of ``values``, float64 (or as in
        `shapley_values`): below 0 where two parties' data repeat each other, above 0
        where they complement each other. On the diagonal are the Shapley values, the
        index of one party alone; rows do not sum to them.

    Raises:
        ValueError: as `shapley_values`.

    Example:
        Party 0 has a left glove, parties 1 and 2 a right one; a pair is worth 1.

        >>> shapley_interactions(np.array([0.0, 0, 0, 1, 0, 1, 0, 1])).round(4)
        array([[ 0.6667,  0.5   ,  0.5   ],
               [ 0.5   ,  0.1667, -0.5   ],
               [ 0.5   , -0.5   ,  0.1667]])

    Reference:
        Grabisch, Roubens 1999.
    """
    own = shapley_values(values)  # checks the table
    return in_float64(_shapley_interactions, values, own)


@jax.jit
def _shapley_interactions(
    v: Float[AnyArray, " coalitions"], own: Float[AnyArray, " n"]
) -> Float[AnyArray, "n n"]:
    v = v.astype(own.dtype)
    n = len(own)
    none, one, both = _weights(n)
    size = jax.lax.population_count(jax.lax.iota(np.uint32, v.shape[0]))

    def weighted(of_size: Float[np.ndarray, " sizes"]) -> Float[AnyArray, "high low"]:
        half = n // 2
        return (jnp.array(of_size, v.dtype)[size] * v).reshape(2 ** (n - half), -1)

    single = sums_of_members(weighted(-one - none), n)
    pairs = _sums_of_pairs(weighted(none + 2 * one + both), n)
    pairs = jnp.sum(weighted(none)) + single[:, None] + single[None] + pairs
    return jnp.where(np.eye(n, dtype=bool), own[:, None], pairs)


def _weights(n: int) -> Float[np.ndarray, "3 sizes"]:
    """w(c), w(c−1) and w(c−2) of every size c, 0 where no such coalition exists."""
    w = np.zeros(n + 3)
    w[2 : n + 1] = [1 / ((n - 1) * math.comb(n - 2, c)) for c in range(n - 1)]
    return np.stack([w[2:], w[1:-1], w[:-2]])


def _sums_of_pairs(
    table: Float[AnyArray, "high low"], n: int
) -> Float[AnyArray, "n n"]:
    """Σ_C z_i z_j x(C) of every pair."""
    low, high = (membership(m, table.dtype) for m in (n // 2, n - n // 2))
    columns, rows = sums_of_halves(table)
    within_low = matmul(low.T, columns[:, None] * low)
    within_high = matmul(high.T, rows[:, None] * high)
    across = matmul(matmul(high.T, table), low)
    return jnp.block([[within_low, across.T], [across, within_high]])

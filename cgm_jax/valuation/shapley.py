r"""Exact Shapley values from a table of coalition values.

A coalition is a bitmask: bit i of C is set iff party i belongs to C. In the mean of
party i's marginal contributions, the value of a coalition C with i has the weight
w(|C|) = (|C|−1)! (n−|C|)! / n!, and that of its complement, without i, has −w(|C|):

    φ_i = Σ_{C ∋ i} w(|C|) [v(C) − v(N∖C)]

Complements are the table read backwards, so one weighted table serves all parties, and
as a matrix, high bits down and low bits across, its row sums hold what the parties of
the high bits need and its column sums the others: O(2^n) work in all.
"""

import math

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float

from cgm_jax._shared.arrays import AnyArray, ArrayLike, array_module, is_traced
from cgm_jax._shared.precision import in_float64, matmul

from .coalitions import MAX_NUMPY_PARTIES, membership, num_parties

__all__ = ["contributes", "shapley_values", "sums_of_halves", "sums_of_members"]

_ROUNDING = 1e-12  # of max |φ|: more than the rounding error of Shapley values


def shapley_values(values: Float[ArrayLike, " coalitions"]) -> Float[AnyArray, " n"]:
    r"""Shapley value of every party.

    .. math:: \phi_i = \sum_{C \subseteq N \setminus i}
              \frac{|C|!\,(n-|C|-1)!}{n!}\,[v(C \cup i) - v(C)]

    Args:
        values: value of each coalition, indexed by bitmask, shape ``(2**n,)``, n <= 24.

    Returns:
        Shapley values, shape ``(n,)``, in the units of ``values``; they sum to
        ``values[-1] - values[0]``. They are float64; inside the user's own ``jit`` of
        the dtype of ``values``.

    Raises:
        ValueError: if ``values`` is not a table of ``2**n`` numbers, n > 24, or a value
            is not finite.

    Example:
        >>> shapley_values(np.array([0.0, 1.0, 2.0, 4.0]))
        array([1.5, 2.5])

    Reference:
        Shapley 1953; Tay et al. 2022, Eq. 5.
    """
    shape = np.shape(values)
    if len(shape) != 1:
        raise ValueError(f"Expected one value per coalition, got an array of {shape}.")
    in_numpy = num_parties(shape[0]) <= MAX_NUMPY_PARTIES
    result = in_float64(_shapley_values if in_numpy else _compiled, values)
    # Every coalition but ∅ has a weight, and ∅ is N's complement: one bad value shows.
    if not is_traced(result) and not np.isfinite(result).all():
        bad = np.flatnonzero(~np.isfinite(np.asarray(values)))
        if bad.size:
            members = [i for i in range(shape[0].bit_length()) if bad[0] >> i & 1]
            raise ValueError(
                f"Expected finite coalition values, got {bad.size} that are not; the "
                f"first is that of the parties {members} (counted from 0)."
            )
    return result


def _shapley_values(v: Float[AnyArray, " coalitions"]) -> Float[AnyArray, " n"]:
    xp = array_module(v)
    v = v.astype(jnp.result_type(v, float))
    n = num_parties(v.shape[0])
    of_size = [0, *(1 / (n * math.comb(n - 1, s - 1)) for s in range(1, n + 1))]
    if xp is np:
        size = np.bitwise_count(np.arange(len(v)))
    else:
        # The popcount is taken as the table is read: a constant of 2**n weights would
        # be compiled into the program.
        size = jax.lax.population_count(jax.lax.iota(np.uint32, v.shape[0]))
    weighted = xp.asarray(of_size, v.dtype)[size] * (v - v[::-1])
    return sums_of_members(weighted.reshape(-1, 2 ** (n // 2)), n)


_compiled = jax.jit(_shapley_values)


def sums_of_members(
    table: Float[AnyArray, "high low"], n: int
) -> Float[AnyArray, " n"]:
    """Σ_C z_i x(C) of every party, for a table x of high bits down, low bits across."""
    low, high = (membership(m, table.dtype) for m in (n // 2, n - n // 2))
    columns, rows = sums_of_halves(table)
    return array_module(table).concatenate([matmul(columns, low), matmul(rows, high)])


def sums_of_halves(
    table: Float[AnyArray, "high low"],
) -> tuple[Float[AnyArray, " low"], Float[AnyArray, " high"]]:
    """Sums of columns and of rows."""
    # As products: XLA's CPU reduction over a leading axis is many times slower.
    down, across = (np.ones(size, table.dtype) for size in table.shape)
    return matmul(down, table), matmul(table, across)


def contributes(shapley_values: Float[AnyArray, " n"]) -> Bool[AnyArray, " n"]:
    """Whether each party's Shapley value is above 0 by more than rounding."""
    return shapley_values > _ROUNDING * abs(shapley_values).max()

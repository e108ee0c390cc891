"""The value of every coalition of parties, from the sums of one Gram pass.

A coalition is a bitmask: bit i of C is set iff party i belongs to C. With z ∈ {0,1}^n
the membership of C, b_i the sum of the kernel between party i and the reference T, B_ij
that between parties i and j, s_i the size of party i and t that of T,

    v_c(C) = 2 (z·b) / (t z·s) − zᵀBz / (z·s)²,     v_c(∅) = 0            (Eq. 2)

Cut the parties into a low and a high half, C = L ∪ H: z·b and z·s are sums of one term
of each half, and zᵀBz adds 2 z_HᵀBz_L to them. So 2^n values come from two membership
matrices of 2^(n/2) rows: no (2^n, n) matrix is ever built.
"""

from functools import partial
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, DTypeLike, Float, Num

from cgm_jax._shared.arrays import is_traced
from cgm_jax._shared.precision import in_float64

if TYPE_CHECKING:
    from cgm_jax.gram.gram_sums import GramSums

__all__ = [
    "MAX_PARTIES",
    "MAX_TABLE_PARTIES",
    "checked_sums",
    "coalition_values",
    "membership",
    "num_parties",
]

MAX_PARTIES = 24  # a table of 2**24 float64 values is 134 MB
# With more parties a table is only made on request. At 20, the table (8 MB) takes as
# long as Shapley values without it; with every further party it takes twice as long.
MAX_TABLE_PARTIES = 20
_matmul = partial(jnp.matmul, precision="highest")  # no TF32 on a GPU


def coalition_values(sums: "GramSums") -> Float[Array | np.ndarray, " coalitions"]:
    r"""Value of the pooled data of every coalition, by bitmask.

    .. math:: v_c(C) = \frac{2}{t\,s_C} \sum_{x \in D_C, x' \in T} k(x, x')
              - \frac{1}{s_C^2} \sum_{x, x' \in D_C} k(x, x')

    Args:
        sums: sums of the kernel between n parties and, last, the candidates:
            ``between`` of shape ``(n+1, n+1)``, ``sizes`` of shape ``(n+1,)``; n <= 24.

    Returns:
        Coalition values, shape ``(2**n,)``, in the units of the kernel, float64. Entry
        0, the empty coalition, is 0, and so is every coalition without a point. Inside
        the user's own `jit` the dtype of the sums decides.

    Raises:
        ValueError: if ``between`` and ``sizes`` do not fit each other, n > 24, or a sum
            is not finite.

    Example:
        >>> from cgm_jax.gram import gram_sums
        >>> from cgm_jax.kernels import SquaredExponential
        >>> parties = [np.array([[0.0]]), np.array([[1.0]])]
        >>> sums = gram_sums(SquaredExponential(1.0), parties, np.array([[0.0]]))
        >>> coalition_values(sums).round(4)
        array([0.    , 0.7377, 0.4754, 0.8033])

    Reference:
        Tay et al. 2022, Sec. 3.
    """
    between, sizes = checked_sums(sums)
    if (n := len(sizes) - 1) > MAX_PARTIES:
        raise ValueError(
            f"Expected at most {MAX_PARTIES} parties, got {n}: a table of 2**n values "
            "doubles with every party. `mmd_shapley_values` needs no table, and "
            "`values_of_coalitions` gives single values."
        )
    return in_float64(_coalition_values, between, sizes)


def checked_sums(
    sums: "GramSums",
) -> tuple[Float[Array | np.ndarray, "blocks blocks"], Float[np.ndarray, " blocks"]]:
    """``between`` and ``sizes``, if they fit each other and are finite.

    Args:
        sums: sums of the kernel between n >= 1 parties and the candidates.

    Returns:
        B and the sizes.

    Raises:
        ValueError: if they do not fit each other, or a sum is not finite.
    """
    between, sizes = sums.between, sums.sizes
    if between.ndim != 2 or between.shape != 2 * sizes.shape or len(sizes) < 2:
        raise ValueError(
            "Expected `between` of shape (n+1, n+1) and `sizes` of shape (n+1,), for "
            f"at least one party and the candidates; got {between.shape} and "
            f"{sizes.shape}. Build both with `gram_sums`."
        )
    if not is_traced(between) and not np.isfinite(between).all():
        raise ValueError(
            "Expected finite sums, got NaN or infinity in `between`: look for NaN, "
            "infinite or huge entries in the parties' points and the candidates."
        )
    return between, sizes


def membership(n: int, dtype: DTypeLike = float) -> Num[np.ndarray, "coalitions n"]:
    """Which party belongs to which coalition: entry ``[C, i]`` is bit i of C.

    Args:
        n: number of parties.
        dtype: dtype of the result.

    Returns:
        Zeros and ones, shape ``(2**n, n)``.

    Example:
        >>> membership(2, int)
        array([[0, 0],
               [1, 0],
               [0, 1],
               [1, 1]])
    """
    # NumPy on purpose: depends on n only, so XLA sees a constant.
    return (np.arange(2**n)[:, None] >> np.arange(n)[None] & 1).astype(dtype)


def num_parties(num_coalitions: int) -> int:
    """Number of parties n of a game given as a table of ``2**n`` values.

    Args:
        num_coalitions: length of the table.

    Returns:
        n, between 1 and 24.

    Raises:
        ValueError: if there is no such n.

    Example:
        >>> num_parties(8)
        3
    """
    n = num_coalitions.bit_length() - 1
    if n < 1 or num_coalitions != 2**n:
        raise ValueError(
            f"Expected a table of 2**n coalition values, got {num_coalitions}; "
            "build it with `coalition_values`."
        )
    if n > MAX_PARTIES:
        raise ValueError(
            f"Expected a table for at most {MAX_PARTIES} parties, got one for {n}."
        )
    return n


@jax.jit
def _coalition_values(
    between: Float[Array, "blocks blocks"], sizes: Float[Array, " blocks"]
) -> Float[Array, " coalitions"]:
    n = len(sizes) - 1
    half = n // 2
    low, high = (membership(m, between.dtype) for m in (half, n - half))

    def sum_of(x: Float[Array, " n"]) -> Float[Array, "high low"]:
        return _matmul(high, x[half:])[:, None] + _matmul(low, x[:half])[None]

    def within(z: Num[np.ndarray, "m k"], b: Float[Array, "k k"]) -> Float[Array, " m"]:
        return jnp.sum(_matmul(z, b) * z, axis=1)

    b = between[:n].sum(1)
    gram = between[:n, :n]
    cross = _matmul(_matmul(high, gram[half:, :half]), low.T)
    quadratic = (
        within(high, gram[half:, half:])[:, None]
        + within(low, gram[:half, :half])[None]
        + 2 * cross
    )
    size = sum_of(sizes[:n])
    # A coalition of empty parties has no points: `where` on the divisor keeps NaN out
    # of the gradient too.
    has_points = size > 0
    safe_size = jnp.where(has_points, size, 1)
    total = jnp.where(has_points, sizes.sum(), 1)
    value = (2 * sum_of(b) / total - quadratic / safe_size) / safe_size
    return jnp.where(has_points, value, 0).reshape(-1)

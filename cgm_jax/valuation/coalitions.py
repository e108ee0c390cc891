"""The value of coalitions of parties, from the sums of one Gram pass.

A coalition is a bitmask: bit i of C is set iff party i belongs to C. With z ∈ {0,1}^n
the membership of C, b_i the sum of the kernel between party i and the reference T, B_ij
that between parties i and j, s_i the size of party i and t that of T,

    v_c(C) = 2 (z·b) / (t z·s) − zᵀBz / (z·s)²,     v_c(∅) = 0            (Eq. 2)

For all coalitions at once, cut the parties into a low and a high half, C = L ∪ H: z·b
and z·s are sums of one term of each half, and zᵀBz adds 2 z_HᵀBz_L to them. So 2^n
values come from two membership matrices of 2^(n/2) rows: no (2^n, n) matrix is built.
"""

from typing import Any

import jax
import numpy as np
from jaxtyping import Bool, DTypeLike, Float, Num

from cgm_jax._shared.arrays import AnyArray, ArrayLike, array_module, is_traced, to_host
from cgm_jax._shared.precision import in_float64, matmul
from cgm_jax.gram import GramSums

__all__ = [
    "MAX_PARTIES",
    "MAX_TABLE_PARTIES",
    "checked_sums",
    "coalition_values",
    "membership",
    "num_parties",
    "value_from_sums",
    "values_of_coalitions",
    "values_with_candidates",
]

MAX_PARTIES = 24  # a table of 2**24 float64 values is 134 MB
# With more parties a table is only made on request. At 20, the table (8 MB) takes as
# long as Shapley values without it; with every further party it takes twice as long.
MAX_TABLE_PARTIES = 20
MAX_NUMPY_PARTIES = 12  # beyond, one compiled pass over the table is faster


def coalition_values(sums: GramSums) -> Float[AnyArray, " coalitions"]:
    r"""Value of the pooled data of every coalition, by bitmask.

    .. math:: v_c(C) = \frac{2}{t\,s_C} \sum_{x \in D_C, x' \in T} k(x, x')
              - \frac{1}{s_C^2} \sum_{x, x' \in D_C} k(x, x')

    Args:
        sums: sums of the kernel between n parties and, last, the candidates:
            ``between`` of shape ``(n+1, n+1)``, ``sizes`` of shape ``(n+1,)``; n <= 24.

    Returns:
        Values, shape ``(2**n,)``, in the units of the kernel; 0 for a coalition without
        a point. They are float64; inside the user's own ``jit`` of the dtype of the
        sums.

    Raises:
        ValueError: if ``between`` and ``sizes`` do not fit, n > 24, or a sum is not
            finite.

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
    in_numpy = n <= MAX_NUMPY_PARTIES
    return in_float64(
        _coalition_values if in_numpy else _compiled_coalition_values, between, sizes
    )


def values_of_coalitions(
    sums: GramSums, members: Bool[ArrayLike, "m n"]
) -> Float[AnyArray, " m"]:
    """`coalition_values` of some coalitions only, of any number of parties.

    Args:
        sums: as in `coalition_values`, for any n.
        members: which party is in which coalition, shape ``(m, n)``, booleans.

    Returns:
        Values, shape ``(m,)``, as in `coalition_values`, in time O(m n²).

    Raises:
        ValueError: if shapes do not fit, or a sum is not finite.

    Example:
        >>> from cgm_jax.gram import gram_sums
        >>> from cgm_jax.kernels import SquaredExponential
        >>> parties = [np.array([[0.0]]), np.array([[1.0]])]
        >>> sums = gram_sums(SquaredExponential(1.0), parties, np.array([[0.0]]))
        >>> members = np.array([[True, False], [True, True]])
        >>> values_of_coalitions(sums, members).round(4)
        array([0.7377, 0.8033])

    Reference:
        Tay et al. 2022, Sec. 3.
    """
    between, sizes = checked_sums(sums)
    mask, n = array_module(members).asarray(members), len(sizes) - 1
    if mask.ndim != 2 or mask.shape[1] != n or mask.dtype != bool:
        raise ValueError(
            f"Expected booleans of shape (m, {n}), one column per party, got "
            f"{mask.dtype} of shape {mask.shape}."
        )
    return in_float64(_values, between, sizes, mask)


def values_with_candidates(sums: GramSums) -> Float[AnyArray, " n"]:
    r"""v(D_i ∪ G) of every party: the most that it can be given.

    With block n+1 the candidates and S = D_i ∪ G, all of v(S) = 2C/(st) − A/s² is in
    ``between``: :math:`A = B_{ii} + 2 B_{i,n+1} + B_{n+1,n+1}`,
    :math:`C = \sum_j (B_{ij} + B_{n+1,j})` and :math:`s = s_i + g`.

    Args:
        sums: sums of the kernel between the n parties and the candidates.

    Returns:
        Values, shape ``(n,)``, float64, in the units of the kernel.

    Example:
        >>> from cgm_jax.gram import gram_sums
        >>> from cgm_jax.kernels import SquaredExponential
        >>> parties = [np.zeros((1, 1)), np.ones((1, 1))]
        >>> sums = gram_sums(SquaredExponential(1.0), parties, np.ones((1, 1)))
        >>> values_with_candidates(sums)
        array([0.8032653, 0.7376871])

    Reference:
        Tay et al. 2022, Sec. 4.1 (the upper bounds of the linear program).
    """
    return in_float64(_values_with_candidates, *checked_sums(sums))


def checked_sums(
    sums: GramSums,
) -> tuple[Float[AnyArray, "blocks blocks"], Float[AnyArray, " blocks"]]:
    """``between`` and ``sizes``, if they fit each other, are finite and symmetric."""
    if not isinstance(sums, GramSums):
        raise TypeError(
            f"Expected the sums that `gram_sums` makes, got {type(sums).__name__}."
        )
    between, sizes = to_host(sums.between), to_host(sums.sizes)
    if between.ndim != 2 or between.shape != 2 * sizes.shape or len(sizes) < 2:
        raise ValueError(
            "Expected `between` of shape (n+1, n+1) and `sizes` of shape (n+1,), for "
            f"at least one party and the candidates; got {between.shape} and "
            f"{sizes.shape}. Build both with `gram_sums`."
        )
    if is_traced(between):
        return between, sizes
    if not np.allclose(between, between.T, rtol=1e-6, equal_nan=True):
        raise ValueError(
            "Expected symmetric sums, got `between` that is not its own transpose; "
            "make it with `gram_sums`."
        )
    if not np.isfinite(between).all():
        raise ValueError(
            "Expected finite sums, got NaN or infinity in `between`: look for NaN, "
            "infinite or huge entries in the parties' points and the candidates."
        )
    return between, sizes


def value_from_sums(across: Any, within: Any, size: Any, total: Any) -> Any:
    """v = 2 across / (size total) − within / size² (Eq. 2); 0 without a point."""
    xp = array_module(across, within, size, total)
    # `where` on the divisor keeps NaN out of the gradient too.
    has_points = size > 0
    safe_size = xp.where(has_points, size, 1)
    total = xp.where(has_points, total, 1)
    value = (2 * across / total - within / safe_size) / safe_size
    return xp.where(has_points, value, 0)


def membership(n: int, dtype: DTypeLike = float) -> Num[np.ndarray, "coalitions n"]:
    """Which party belongs to which coalition: entry ``[C, i]`` is bit i of C."""
    # NumPy on purpose: depends on n only, so XLA sees a constant.
    return (np.arange(2**n)[:, None] >> np.arange(n)[None] & 1).astype(dtype)


def as_table(
    values: Float[ArrayLike, " coalitions"],
) -> Float[AnyArray, " coalitions"]:
    """The value of every coalition of some number of parties, in float64."""
    table = to_host(values)
    if table.ndim != 1:
        raise ValueError(
            f"Expected one value per coalition, got an array of {table.shape}."
        )
    num_parties(len(table))
    return table


def num_parties(num_coalitions: int) -> int:
    """Number of parties n of a game given as a table of ``2**n`` values."""
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


def _coalition_values(
    between: Float[AnyArray, "blocks blocks"], sizes: Float[AnyArray, " blocks"]
) -> Float[AnyArray, " coalitions"]:
    xp = array_module(between, sizes)
    n = len(sizes) - 1
    half = n // 2
    low, high = (membership(m, between.dtype) for m in (half, n - half))

    def sum_of(x: Float[AnyArray, " n"]) -> Float[AnyArray, "high low"]:
        return matmul(high, x[half:])[:, None] + matmul(low, x[:half])[None]

    def within(
        z: Num[np.ndarray, "m k"], b: Float[AnyArray, "k k"]
    ) -> Float[AnyArray, " m"]:
        return xp.sum(matmul(z, b) * z, axis=1)

    b = between[:n].sum(1)
    gram = between[:n, :n]
    cross = matmul(matmul(high, gram[half:, :half]), low.T)
    quadratic = (
        within(high, gram[half:, half:])[:, None]
        + within(low, gram[:half, :half])[None]
        + 2 * cross
    )
    values = value_from_sums(sum_of(b), quadratic, sum_of(sizes[:n]), sizes.sum())
    return values.reshape(-1)


_compiled_coalition_values = jax.jit(_coalition_values)


def _values(
    between: Float[AnyArray, "blocks blocks"],
    sizes: Float[AnyArray, " blocks"],
    members: Float[AnyArray, "m n"],
) -> Float[AnyArray, " m"]:
    xp = array_module(between, sizes)
    z = members.astype(between.dtype)
    across = matmul(z, xp.sum(between[:-1], axis=1))
    within = xp.sum(matmul(z, between[:-1, :-1]) * z, axis=1)
    return value_from_sums(across, within, matmul(z, sizes[:-1]), xp.sum(sizes))


def _values_with_candidates(
    between: Float[AnyArray, "blocks blocks"], sizes: Float[AnyArray, " blocks"]
) -> Float[AnyArray, " n"]:
    xp = array_module(between, sizes)
    across = xp.sum(between, axis=1)
    within = xp.diag(between)[:-1] + 2 * between[:-1, -1] + between[-1, -1]
    size = sizes[:-1] + sizes[-1]
    return 2 * (across[:-1] + across[-1]) / (size * xp.sum(sizes)) - within / size**2

"""Bounds on a kernel that make data values non-negative or monotone.

S ⊆ T have s and t points, 1 ≤ s < t, and γ ≤ k(x, x') ≤ η off the diagonal, where
k(x, x) = k*. A lower bound γ makes v(S) (Eq. 2) non-negative, an upper bound η makes it
grow with every point, and for small S no kernel meets both. The formulas take Python
numbers, fractions, NumPy and JAX arrays, and work under ``jit``, ``vmap`` and ``grad``.

Reference: Tay et al. 2022, Sec. 3, Sec. 5 and App. C.
"""

from numbers import Real
from typing import Any

import numpy as np

from cgm_jax._shared.arrays import is_traced

__all__ = [
    "bounds_conflict",
    "monotonicity_upper_bound",
    "nonnegativity_lower_bound",
    "value_bounds",
]

Number = Any  # whatever does arithmetic; arrays must have shapes that broadcast


def nonnegativity_lower_bound(
    subset_size: Number,
    reference_size: Number,
    *,
    upper: Number,
    diagonal: Number = 1.0,
) -> Number:
    r"""Smallest off-diagonal kernel value γ that guarantees v(S) >= 0.

    .. math:: \gamma = \frac{(t - 2s)\,(k^* + (s - 1)\,\eta)}{2 s\,(t - s)}

    No smaller γ gives the guarantee. Above s = t/2 the formula is negative, and any
    kernel without negative values has v(S) >= 0.

    Args:
        subset_size: s, number of points in S, 1 <= s < t.
        reference_size: t, number of points in the reference.
        upper: η, an upper bound of the off-diagonal kernel values.
        diagonal: k*, the kernel of a point with itself.

    Returns:
        γ, in the units of the kernel. It falls with s: that of s = 1 serves every S.

    Raises:
        ValueError: if not 1 <= s < t.

    Example:
        >>> round(nonnegativity_lower_bound(10, 100, upper=0.5), 4)
        0.2444

    Reference:
        Tay et al. 2022, Proposition 4, Eq. 7.
    """
    s, t = subset_size, reference_size
    _check(s, t)
    _check_numbers(upper=upper, diagonal=diagonal)
    # One size a factor, so that integers do not overflow: s·t passes 2**31 in practice.
    return (t - 2 * s) / (2 * s) * ((diagonal + (s - 1) * upper) / (t - s))


def monotonicity_upper_bound(
    subset_size: Number, reference_size: Number, *, diagonal: Number = 1.0
) -> Number:
    r"""Off-diagonal kernel value η below which v(S ∪ {x}) >= v(S) for every x.

    .. math:: \eta = \frac{t\,k^*}{(s + 1)\,(s\,(t - 2) + t)}

    Sufficient for kernels without negative values, and far from necessary for large s.

    Args:
        subset_size: s, before x joins; the others as in `nonnegativity_lower_bound`.
        reference_size: t.
        diagonal: k*.

    Returns:
        η, in the units of the kernel, falling with s.

    Raises:
        ValueError: if not 1 <= s < t.

    Example:
        >>> round(monotonicity_upper_bound(10, 100), 4)
        0.0084

    Reference:
        Kim, Khanna, Koyejo 2016; Tay et al. 2022, Theorem 1, Eq. 8.
    """
    s, t = subset_size, reference_size
    _check(s, t)
    return diagonal / (s + 1) / (s * ((t - 2) / t) + 1)


def value_bounds(
    subset_size: Number,
    mmd2_unbiased: Number,
    *,
    lower: Number,
    upper: Number,
    reference_mean: Number,
    diagonal: Number = 1.0,
) -> tuple[Number, Number]:
    r"""Bounds of v(S) by the size of S and its distance to the reference.

    .. math:: \frac{\gamma - k^*}{s} - \mathrm{MMD}_u^2(S, T) + c \le v(S) \le
              \frac{\eta - k^*}{s} - \mathrm{MMD}_u^2(S, T) + c

    Args:
        subset_size: s >= 2.
        mmd2_unbiased: MMD²_u(S, T), signed.
        lower: γ, a lower bound of the off-diagonal kernel values.
        upper: η, an upper bound of them.
        reference_mean: c, the mean off-diagonal kernel value over the reference.
        diagonal: k*.

    Returns:
        The lower and the upper bound, in the units of the kernel.

    Example:
        >>> value_bounds(10, 0.02, lower=0.0, upper=0.5, reference_mean=0.25)
        (0.13, 0.18)

    Reference:
        Tay et al. 2022, Corollary 1, Eq. 4.
    """
    _check_numbers(
        subset_size=subset_size,
        mmd2_unbiased=mmd2_unbiased,
        lower=lower,
        upper=upper,
        reference_mean=reference_mean,
        diagonal=diagonal,
    )
    if not is_traced(subset_size) and not np.all(np.asarray(subset_size) >= 1):
        raise ValueError(f"Expected subset_size >= 1, got {subset_size}.")
    closeness = reference_mean - mmd2_unbiased
    return (
        closeness + (lower - diagonal) / subset_size,
        closeness + (upper - diagonal) / subset_size,
    )


def bounds_conflict(subset_size: Number, reference_size: Number) -> Number:
    r"""Whether the lower bound γ of Eq. 7 is above the upper bound η of Eq. 8.

    .. math:: s < t/2 - 1 \implies \gamma > \eta

    Then the bounds do not vouch for any kernel to be both non-negative and monotone.

    Args:
        subset_size: s, 1 <= s < t.
        reference_size: t.

    Returns:
        True where s < t/2 − 1; at s = t/2 − 1 the two are equal (Lemma 1).

    Raises:
        ValueError: if not 1 <= s < t.

    Example:
        >>> bounds_conflict(10, 100), bounds_conflict(49, 100)
        (True, False)

    Reference:
        Tay et al. 2022, Proposition 5.
    """
    _check(subset_size, reference_size)
    # 2 s < t − 2, of numbers no larger than t: sizes of few bits would overflow.
    return subset_size + 1 < reference_size - subset_size - 1


def _check_numbers(**named: Number) -> None:
    for name, number in named.items():
        kind = getattr(getattr(number, "dtype", None), "kind", "")
        if not (is_traced(number) or isinstance(number, Real) or kind in {*"iufV"}):
            raise TypeError(f"Expected numbers as {name}, got {number!r}.")


def _check(s: Number, t: Number) -> None:
    _check_numbers(subset_size=s, reference_size=t)
    if is_traced(s, t):
        return
    if not np.all((np.asarray(s) >= 1) & (np.asarray(s) < np.asarray(t))):
        raise ValueError(
            "Expected 1 <= subset_size < reference_size, got "
            f"subset_size = {s} and reference_size = {t}."
        )

"""The value of a data set, and the squared MMD it is made of.

With S and T two sets of s and t points,

    MMD²_b(S, T) = mean k(S, S) − 2 mean k(S, T) + mean k(T, T)            (Eq. 1)
    v(S)         = 2 mean k(S, T) − mean k(S, S) = mean k(T, T) − MMD²_b   (Eq. 2)

and MMD²_u leaves the pairs of a point with itself out of the first and third mean.
"""

from typing import Any

from jaxtyping import Float

from cgm_jax._shared.arrays import (
    ArrayLike,
    Points,
    Scalar,
    as_point_sets,
    to_host,
)
from cgm_jax._shared.precision import at_once
from cgm_jax.gram.embedding import kernel_diagonal
from cgm_jax.gram.gram_sums import sums_with_parties
from cgm_jax.kernels import Kernel

__all__ = ["mmd2_biased", "mmd2_unbiased", "two_sets", "value"]


def value(
    kernel: Kernel, subset: Float[ArrayLike, "s d"], reference: Float[ArrayLike, "t d"]
) -> Scalar:
    r"""Value of a set of points with respect to a reference set.

    .. math:: v(S) = \frac{2}{st} \sum_{x \in S, x' \in T} k(x, x')
              - \frac{1}{s^2} \sum_{x, x' \in S} k(x, x')

    Args:
        kernel: the kernel.
        subset: S, shape ``(s, d)``, s >= 1; its points belong to the reference set.
        reference: T, shape ``(t, d)``, t >= 1: the pool and the synthetic points.

    Returns:
        The value in the units of the kernel, a float64 scalar; inside the user's own
        transformation one of the dtype of the points.

    Raises:
        ValueError: if a set is empty, shapes do not fit or an entry is not finite.

    Example:
        >>> import numpy as np
        >>> from cgm_jax.kernels import SquaredExponential
        >>> points = np.array([[0.0], [1.0]])
        >>> float(value(SquaredExponential(1.0), points[:1], points))
        0.6065306

    Reference:
        Tay et al. 2022, Eq. 2.
    """
    s, t = two_sets(subset=subset, reference=reference)
    with at_once(kernel, s, t):
        between, rows = sums_with_parties(kernel, [s], t, in_total=True)
        size, total = float(len(s)), float(len(t))
        result = 2 * rows.sum() / (size * total) - between[0, 0] / size**2
    return to_host(result)[()]


def mmd2_biased(
    kernel: Kernel, x: Float[ArrayLike, "m d"], y: Float[ArrayLike, "n d"]
) -> Scalar:
    r"""Biased estimate of the squared MMD, the distance of the mean embeddings.

    .. math:: \mathrm{MMD}_b^2 = \frac{1}{m^2} \sum_{i,j} k(x_i, x_j)
              - \frac{2}{mn} \sum_{i,j} k(x_i, y_j)
              + \frac{1}{n^2} \sum_{i,j} k(y_i, y_j)

    Args:
        kernel: the kernel.
        x: shape ``(m, d)``, m >= 1.
        y: shape ``(n, d)``, n >= 1.

    Returns:
        The estimate, >= 0 up to rounding, a float64 scalar (as in `value`).

    Raises:
        ValueError: if a set is empty, shapes do not fit or an entry is not finite.

    Example:
        >>> import numpy as np
        >>> from cgm_jax.kernels import SquaredExponential
        >>> x, y = np.array([[0.0]]), np.array([[1.0]])
        >>> float(mmd2_biased(SquaredExponential(1.0), x, y))
        0.7869387

    Reference:
        Gretton et al. 2012, Eq. 5; Tay et al. 2022, Eq. 1.
    """
    x, y = two_sets(x=x, y=y)
    with at_once(kernel, x, y):
        within_x, across, within_y = _sums(kernel, x, y)
        m, n = float(len(x)), float(len(y))
        result = within_x / m**2 - 2 * across / (m * n) + within_y / n**2
    return to_host(result)[()]


def mmd2_unbiased(
    kernel: Kernel, x: Float[ArrayLike, "m d"], y: Float[ArrayLike, "n d"]
) -> Scalar:
    r"""Unbiased estimate of the squared MMD; negative about half the time when P = Q.

    .. math:: \mathrm{MMD}_u^2 = \frac{1}{m(m-1)} \sum_{i \ne j} k(x_i, x_j)
              - \frac{2}{mn} \sum_{i,j} k(x_i, y_j)
              + \frac{1}{n(n-1)} \sum_{i \ne j} k(y_i, y_j)

    It is signed: never clip it and never take its root.

    Args:
        kernel: the kernel.
        x: shape ``(m, d)``, m >= 2.
        y: shape ``(n, d)``, n >= 2.

    Returns:
        The estimate, a float64 scalar (as in `value`).

    Raises:
        ValueError: as `mmd2_biased`, or if a set has one point.

    Example:
        >>> import numpy as np
        >>> from cgm_jax.kernels import SquaredExponential
        >>> x = np.array([[0.0], [1.0]])
        >>> float(mmd2_unbiased(SquaredExponential(1.0), x, x))
        -0.3934693

    Reference:
        Gretton et al. 2012, Eq. 3; Tay et al. 2022, Eq. 1.
    """
    x, y = two_sets(x=x, y=y, smallest=2)
    with at_once(kernel, x, y):
        within_x, across, within_y = _sums(kernel, x, y)
        m, n = float(len(x)), float(len(y))
        between_x = within_x - kernel_diagonal(kernel, x).sum(dtype=within_x.dtype)
        between_y = within_y - kernel_diagonal(kernel, y).sum(dtype=within_y.dtype)
        result = (
            between_x / (m * (m - 1)) - 2 * across / (m * n) + between_y / (n * (n - 1))
        )
    return to_host(result)[()]


def two_sets(*, smallest: int = 1, **named: ArrayLike) -> list[Points]:
    """Two sets of points, checked, with one number of columns and one dtype."""
    sets = as_point_sets(**named)
    for name, points in zip(named, sets, strict=True):
        if len(points) < smallest:
            hint = "; `mmd2_biased` takes single points" if smallest > 1 else ""
            raise ValueError(
                f"Expected at least {smallest} points in {name}, got "
                f"{len(points)}{hint}."
            )
    return sets


def _sums(kernel: Kernel, x: Points, y: Points) -> tuple[Any, Any, Any]:
    """Sums of k within x, across, and within y."""
    within_x, rows = sums_with_parties(kernel, [x], y, in_total=True)
    within_y, _ = sums_with_parties(kernel, [y], y[:0])
    return within_x[0, 0], rows.sum(), within_y[0, 0]

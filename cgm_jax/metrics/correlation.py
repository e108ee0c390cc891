r"""Correlations over a handful of parties or temperatures, and their mean.

A correlation with something constant does not exist: it is NaN here, left out of every
mean, and the number of those that remain is reported.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Num

from cgm_jax._shared.arrays import ArrayLike, to_host

__all__ = ["CorrelationSummary", "correlation", "correlation_summary"]

_ROUNDING = 1e-12  # spread of so little of the largest entry


@dataclass(frozen=True)
class CorrelationSummary:
    """Mean of the correlations that exist, its standard error, and their number.

    The mean of none is NaN, and so is the error of fewer than two.
    """

    mean: float
    standard_error: float
    count: int


def correlation(
    x: Num[ArrayLike, "... n"], y: Num[ArrayLike, "... n"]
) -> Float[np.ndarray, "..."] | np.floating:
    r"""Pearson's correlation along the last axis.

    .. math:: \frac{\sum_i (x_i - \bar x)(y_i - \bar y)}
              {\sqrt{\sum_i (x_i - \bar x)^2 \sum_i (y_i - \bar y)^2}}

    Args:
        x: shape ``(..., n)``, n >= 2.
        y: shape ``(..., n)``; leading axes as those of x, or none.

    Returns:
        Correlations in [-1, 1], float64; NaN where x or y is constant up to rounding,
        or has an entry that is not finite.

    Raises:
        ValueError: if lengths differ or n < 2.

    Example:
        >>> correlation(np.array([[1, 2, 3], [5, 5, 5]]), np.array([3, 2, 1]))
        array([-1., nan])

    Reference: Tay et al. 2022, Sec. 6, Figure 2 and Tables 7-8.
    """
    x, y = (np.asarray(to_host(values)) for values in (x, y))
    if x.shape[-1:] != y.shape[-1:] or x.shape[-1:] < (2,):
        raise ValueError(
            "Expected at least two numbers each, as many in x as in y, got shapes "
            f"{x.shape} and {y.shape}."
        )
    if x.ndim > 1 < y.ndim and x.shape != y.shape:
        raise ValueError(
            "Expected leading axes of y as those of x, or none, got shapes "
            f"{x.shape} and {y.shape}."
        )
    (x, varies_x), (y, varies_y) = _standardized(x), _standardized(y)
    result = np.clip(np.sum(x * y, axis=-1), -1, 1)
    return np.where(varies_x & varies_y, result, np.nan)[()]


def correlation_summary(correlations: Float[ArrayLike, " n"]) -> CorrelationSummary:
    r"""Mean and standard error of the correlations that exist.

    .. math:: \bar c \pm \sqrt{\frac{1}{n (n - 1)} \sum_i (c_i - \bar c)^2}

    Args:
        correlations: shape ``(n,)``; NaN where there is none.

    Example:
        >>> correlation_summary(np.array([0.5, 0.7, np.nan]))
        CorrelationSummary(mean=0.6, standard_error=0.1, count=2)
    """
    given = to_host(correlations)
    if given.ndim != 1:
        raise ValueError(
            f"Expected correlations of shape (n,), got an array of shape {given.shape}."
        )
    given = given[~np.isnan(given)]
    count = len(given)
    mean = float(given.mean()) if count else np.nan
    error = float(given.std(ddof=1) / np.sqrt(count)) if count > 1 else np.nan
    return CorrelationSummary(mean, error, count)


def _standardized(
    x: Float[np.ndarray, "... n"],
) -> tuple[Float[np.ndarray, "... n"], np.ndarray | np.bool_]:
    """Deviations from the mean of unit length, and whether there are any."""
    x = np.where(np.isfinite(x).all(axis=-1, keepdims=True), x, np.nan)
    largest = np.abs(x).max(axis=-1, keepdims=True)
    # By the largest entry first: squares of tiny numbers would vanish.
    x = x / np.where(largest > 0, largest, 1)
    centered = x - x.mean(axis=-1, keepdims=True)
    length = np.linalg.norm(centered, axis=-1, keepdims=True)
    varies = np.ptp(x, axis=-1) > _ROUNDING
    return centered / np.where(length > 0, length, 1), varies

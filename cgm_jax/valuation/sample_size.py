r"""How many random orders are enough for Shapley values, before any is drawn.

What a party adds in a random order has the mean φ_i. If it never leaves an interval of
length r, or if its variance is at most σ², then of the mean over m draws

    P(|φ̂_i − φ_i| ≥ ε) ≤ 2 exp(−2 m ε² / r²)     (Hoeffding)
    P(|φ̂_i − φ_i| ≥ ε) ≤ σ² / (m ε²)             (Chebyshev)

and each is solved for m. A pair of orders, one and its reverse, is one draw: its mean
stays within the same range, and its variance is no larger.

Reference: Maleki, Tran-Thanh, Hines, Rahwan, Rogers: Bounding the Estimation Error of
Sampling-based Shapley Value Approximation, 2013; Tay et al. 2022, App. H.
"""

import math

__all__ = ["permutation_sample_size"]


def permutation_sample_size(
    error: float,
    *,
    failure_probability: float = 0.05,
    marginal_range: float | None = None,
    marginal_variance: float | None = None,
    num_parties: int = 1,
) -> int:
    r"""Orders after which an error is exceeded only with a small probability.

    .. math:: m = 2 \left\lceil \min\left\{ \frac{r^2}{2 \varepsilon^2}
              \ln\frac{2n}{\delta},\ \frac{n \sigma^2}{\delta \varepsilon^2}
              \right\} \right\rceil

    Args:
        error: ε > 0, in the units of the game.
        failure_probability: δ, between 0 and 1.
        marginal_range: r, the largest less the smallest that a party adds to any
            coalition.
        marginal_variance: σ², the variance of what a party adds in a random order.
        num_parties: n, how many parties are all to be within ε at once.

    Returns:
        A budget for `permutation_shapley_values`: the smaller bound of those whose
        assumption is given. It counts both orders of a pair; of independent orders,
        half as many do.

    Raises:
        ValueError: if neither the range nor the variance is given, or a number is out
            of range.

    Example:
        >>> permutation_sample_size(0.01, marginal_range=1.0)
        36890
        >>> permutation_sample_size(0.01, marginal_variance=0.01)
        4000

    Reference:
        Maleki et al. 2013; Tay et al. 2022, App. H.
    """
    _check(error, failure_probability, marginal_range, marginal_variance, num_parties)
    share = failure_probability / num_parties
    bounds = []
    if marginal_range is not None:
        bounds.append((marginal_range / error) ** 2 * math.log(2 / share) / 2)
    if marginal_variance is not None:
        bounds.append(marginal_variance / error**2 / share)
    # A rounding error above a whole number is not one draw more.
    pairs = math.ceil(min(bounds) * (1 - 1e-12))
    return 2 * max(pairs, 2)


def _check(
    error: float,
    failure_probability: float,
    marginal_range: float | None,
    marginal_variance: float | None,
    num_parties: int,
) -> None:
    if not 0 < error < math.inf:
        raise ValueError(f"Expected an error above 0, got {error}.")
    if not 0 < failure_probability < 1:
        raise ValueError(
            "Expected a failure_probability between 0 and 1, got "
            f"{failure_probability}."
        )
    if num_parties < 1:
        raise ValueError(f"Expected num_parties >= 1, got {num_parties}.")
    given = [x for x in (marginal_range, marginal_variance) if x is not None]
    if not given or not all(0 <= x < math.inf for x in given):
        raise ValueError(
            "Expected a marginal_range or a marginal_variance, finite and >= 0, got "
            f"{marginal_range} and {marginal_variance}."
        )

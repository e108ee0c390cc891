r"""Features without chance: quadrature in place of draws, for one to three dimensions.

The squared exponential is a product over dimensions of exp(−r²/2), r = |x − x'| / ℓ,
each the mean of cos(ωr) over ω ~ N(0, 1). A rule of nodes and weights for that normal
density, right up to the largest r there can be, gives features right everywhere in a
box of points. Of two rules, each dimension takes the one with fewer nodes:

- Gauss–Hermite with n nodes (Dao, De Sa and Ré 2017): the error is at most
  r^{2n} n! / (2n)!, which falls faster than any power of n once 4n > e r²;
- the trapezoid rule with step h: by Poisson's formula the error is Σ_k exp(−(2πk/h −
  r)²/2) over k ≠ 0, so that 2π/h = r + c is enough for an error of about exp(−c²/2),
  with c (r + c) / 2π nodes above 0. It is the better one for r > 4 or so: its nodes
  grow like r, those of Gauss–Hermite like r². (So do the powers of x in the kernel's
  Taylor expansion, exp(−x²/2) x^k / √k!, which is not better than either.)

In several dimensions the weights multiply, and the nodes of smallest weight, far from
the middle in all directions, are left out. Nodes come in pairs ω and −ω, of which one
is enough. Weights are scaled to sum to k(x, x): the norm of features is exact.

Reference: T. Dao, C. De Sa and C. Ré, *Gaussian Quadrature for Kernel Features*, 2017;
L. Trefethen and J. Weideman, *The Exponentially Convergent Trapezoidal Rule*, 2014.
"""

import math
from functools import reduce

import numpy as np
from jaxtyping import Float

from cgm_jax._shared.arrays import ArrayLike, to_host
from cgm_jax._shared.checks import as_number, as_whole
from cgm_jax.kernels import Kernel

from .fourier import FourierFeatures
from .spectra import squared_exponentials

__all__ = ["hermite_features", "trapezoid"]

_MOST_DIMENSIONS = 3
_MOST_NODES = 2**22  # of the product of rules, before any is left out
_DISTANCES = 513  # at which a rule's error is looked at
_ORDERS = (1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 28, 32, 40, 48)

Rule = tuple[Float[np.ndarray, " nodes"], Float[np.ndarray, " nodes"]]


def hermite_features(
    kernel: Kernel,
    low: Float[ArrayLike, " d"],
    high: Float[ArrayLike, " d"],
    *,
    tolerance: float = 1e-8,
    max_features: int = 20_000,
) -> FourierFeatures:
    r"""Features that are right for all points of a box, of one to three dimensions.

    .. math:: \left|\phi(x) \cdot \phi(x') - k(x, x')\right| \le
              \varepsilon\, k(x, x) \quad \text{for } low \le x, x' \le high

    They converge exponentially: half as large a tolerance takes a few features more.
    The number of features grows with the size of the box in length scales. Points
    outside of the box have features of the same norm, whose products are wrong.

    Args:
        kernel: `SquaredExponential`, `ScaleMixture`, or sums, products and multiples of
            such.
        low: the lowest point of the box, shape ``(d,)``, d <= 3.
        high: the highest point, shape ``(d,)``.
        tolerance: ε, the largest error relative to k(x, x), 1e-13 to 0.1. Features in
            float32 have an error of about 1e-6 from rounding beside it.
        max_features: refuse to make more.

    Returns:
        The features; their ``max_error`` is an upper limit of the error of k. An error
        of ε in k is one of at most 3ε in values and 6ε in Shapley values.

    Raises:
        ValueError: if no such features are known for the kernel, the box has more than
            three dimensions or is none, or more than ``max_features`` are needed.

    Example:
        >>> from cgm_jax.kernels import SquaredExponential
        >>> kernel = SquaredExponential(0.3)
        >>> features = hermite_features(kernel, np.zeros(2), np.ones(2))
        >>> x, y = np.zeros((1, 2)), np.full((1, 2), 0.5)
        >>> error = float((features(x) @ features(y).T - kernel(x, y))[0, 0])
        >>> features.num_features, abs(error) < 1e-6
        (224, True)

    Reference:
        Dao, De Sa and Ré 2017; Trefethen and Weideman 2014.
    """
    lowest, highest = _box(low, high)
    if not 1e-13 <= as_number(tolerance, "as the tolerance") <= 0.1:
        raise ValueError(f"Expected a tolerance from 1e-13 to 0.1, got {tolerance}.")
    max_features = as_whole(max_features, "max_features", smallest=2)
    terms = squared_exponentials(kernel, len(lowest))
    if terms is None:
        raise ValueError(
            "No features that converge fast are known for "
            f"{type(kernel).__name__}: expected SquaredExponential, ScaleMixture, or "
            "sums, products and multiples of them; random_fourier_features knows more."
        )
    height = sum(factor for factor, _ in terms)
    parts = [
        (*_nodes((highest - lowest) / scales, tolerance), factor, scales)
        for factor, scales in terms
    ]
    num = 2 * sum(len(weights) for _, weights, *_ in parts)
    if num > max_features:
        raise ValueError(
            f"Expected at most {max_features} features, but {num} are needed for a box "
            f"of {((highest - lowest) / terms[0][1]).round(1).tolist()} length scales: "
            "take a larger tolerance or max_features, or random_fourier_features."
        )
    return FourierFeatures(
        kernel,
        np.concatenate([nodes / scales[None] for nodes, *_, scales in parts]),
        np.concatenate([factor * weights for _, weights, factor, _ in parts]),
        (lowest + highest) / 2,
        max_error=float(tolerance * height),
    )


def _box(low: Float[ArrayLike, " d"], high: Float[ArrayLike, " d"]) -> list[np.ndarray]:
    box = [to_host(end) for end in (low, high)]
    if box[0].ndim != 1 or box[0].shape != box[1].shape:
        raise ValueError(
            "Expected low and high of one shape (d,), got "
            f"{box[0].shape} and {box[1].shape}."
        )
    if not 1 <= len(box[0]) <= _MOST_DIMENSIONS:
        raise ValueError(
            f"Expected 1 to {_MOST_DIMENSIONS} dimensions, got {len(box[0])}: the "
            "number of features grows exponentially with them; take "
            "random_fourier_features."
        )
    if not (np.isfinite(box).all() and (box[0] <= box[1]).all()):
        raise ValueError(f"Expected finite low <= high, got {box[0]} and {box[1]}.")
    return box


def _nodes(
    widths: Float[np.ndarray, " d"], tolerance: float
) -> tuple[Float[np.ndarray, "m d"], Float[np.ndarray, " m"]]:
    """Frequencies and weights for distances up to so many length scales."""
    # Half of the error for the rules, half for what is left out and for scaling.
    rules = [_rule(width, tolerance / (2 * len(widths))) for width in widths]
    if math.prod(len(nodes) for nodes, _ in rules) > _MOST_NODES:
        raise ValueError(
            f"Expected a box of fewer length scales, got {widths.round(1).tolist()}: "
            "take random_fourier_features."
        )
    grids = np.meshgrid(*(nodes for nodes, _ in rules), indexing="ij")
    nodes = np.stack([grid.reshape(-1) for grid in grids], axis=1)
    weights = reduce(np.multiply.outer, (w for _, w in rules)).reshape(-1)
    # Of ω and −ω the one whose first number that is not 0 is positive.
    signs = np.sign(nodes)
    first = signs[np.arange(len(nodes)), np.argmax(signs != 0, axis=1)]
    nodes, weights = nodes[first >= 0], (weights * (1 + first))[first >= 0]
    order = np.argsort(-weights, kind="stable")
    total = np.cumsum(weights[order])
    keep = order[: 1 + int(np.searchsorted(total, total[-1] * (1 - tolerance / 4)))]
    return nodes[keep], weights[keep] / weights[keep].sum()


def _rule(width: float, tolerance: float) -> Rule:
    """Nodes and weights for exp(−r²/2), r from 0 to a width, as few as can be."""
    step, c = trapezoid(width, tolerance)
    # Beyond 2c the normal density is the tolerance to the fourth power.
    places = step * np.arange(-math.ceil(2 * c / step), math.ceil(2 * c / step) + 1)
    densities = np.exp(-(places**2) / 2) / math.sqrt(2 * math.pi)
    num_needed = 1 + 2 * math.floor(c / step)
    distances = np.linspace(0, width, _DISTANCES)
    for order in (n for n in _ORDERS if n < num_needed):
        nodes, weights = np.polynomial.hermite_e.hermegauss(order)
        weights = weights / weights.sum()
        waves = np.cos(distances[:, None] * nodes[None]) @ weights
        if np.abs(waves - np.exp(-(distances**2) / 2)).max() <= tolerance:
            return nodes, weights
    return places, step * densities


def trapezoid(width: float, tolerance: float) -> tuple[float, float]:
    """The step of the trapezoid rule, and c, beyond which nodes weigh next to nothing.

    With all nodes up to c the error is at most the tolerance, for distances up to a
    width in length scales.
    """
    c = math.sqrt(2 * math.log(4 / tolerance))
    return 2 * math.pi / (width + c), c

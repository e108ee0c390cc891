r"""Frequencies of kernels, drawn from the measure whose Fourier transform they are.

All stationary kernels of the package are means of squared exponentials,

    k(r) = E_τ exp(−τ r² / 2)    and so    ω = √τ z / ℓ,   z ~ N(0, I):

squared exponential: τ = 1; rational quadratic: τ ~ Gamma(α, rate α); Matérn of
smoothness ν, of which ν = 1/2 is Laplace: ν/τ ~ Gamma(ν), that is, ω is a multivariate
t of 2ν degrees of freedom, Cauchy's for Laplace; a mixture of scales q: τ = 1/q².

A product of kernels is the characteristic function of a sum of independent frequencies.
In a sum, which kernel a frequency is of is drawn in proportion to k(x, x).
"""

from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float
from scipy.special import gammaincinv

from cgm_jax._shared.arrays import AnyArray, array_module, is_traced
from cgm_jax.kernels import (
    Kernel,
    Laplace,
    Matern,
    RationalQuadratic,
    ScaleMixture,
    SquaredExponential,
)
from cgm_jax.kernels.base import Product, Scaled, Sum, check_positive
from cgm_jax.kernels.stationary import Stationary

__all__ = [
    "NumberSource",
    "concrete",
    "drawn_frequencies",
    "length_scales",
    "num_numbers",
    "squared_exponentials",
]


@runtime_checkable
class NumberSource(Protocol):
    """Where frequencies come from: standard normal rows and uniform numbers."""

    def normals(self, num_dimensions: int) -> Float[np.ndarray, "m d"]:
        """m rows of independent standard normal numbers."""
        ...

    def uniforms(self) -> Float[np.ndarray, " m"]:
        """m numbers in (0, 1)."""
        ...


def drawn_frequencies(
    kernel: Kernel, num_dimensions: int, source: NumberSource
) -> tuple[Float[AnyArray, "m d"], Any]:
    """Frequencies of a kernel, one row each, and k(x, x)."""
    match kernel:
        case Scaled():
            frequencies, height = drawn_frequencies(
                kernel.kernel, num_dimensions, source
            )
            return frequencies, kernel.factor * height
        case Product() | Sum():
            (left, a), (right, b) = (
                drawn_frequencies(part, num_dimensions, source)
                for part in (kernel.left, kernel.right)
            )
            if isinstance(kernel, Product):
                return left + right, a * b
            a, b = (concrete(x, "the factors of kernels in a sum") for x in (a, b))
            is_left = source.uniforms() < a / (a + b)
            xp = array_module(left, right)
            return xp.where(is_left[:, None], left, right), a + b
        case Stationary():
            tau = _inverse_squares(kernel, source)
            unit = np.sqrt(tau)[:, None] * source.normals(num_dimensions)
            return unit / length_scales(kernel, num_dimensions)[None], 1.0
    raise _unknown(kernel)


def num_numbers(kernel: Kernel, num_dimensions: int) -> int:
    """How many numbers of a source make one frequency."""
    match kernel:
        case Scaled():
            return num_numbers(kernel.kernel, num_dimensions)
        case Product() | Sum():
            parts = (kernel.left, kernel.right)
            own = sum(num_numbers(part, num_dimensions) for part in parts)
            return own + isinstance(kernel, Sum)
        case SquaredExponential():
            return num_dimensions
        case Stationary():
            return num_dimensions + 1
    raise _unknown(kernel)


def _inverse_squares(
    kernel: Stationary, source: NumberSource
) -> Float[np.ndarray, " m"]:
    """τ of every frequency."""
    match kernel:
        case SquaredExponential():
            return np.ones(1)
        case RationalQuadratic():
            alpha = concrete(kernel.alpha, "alpha")
            return gammaincinv(alpha, source.uniforms()) / alpha
        case Laplace() | Matern():
            nu = kernel.smoothness if isinstance(kernel, Matern) else 0.5
            return nu / gammaincinv(nu, source.uniforms())
        case ScaleMixture():
            ratios = np.array(kernel.ratios)
            place = (source.uniforms() * len(ratios)).astype(int)
            return ratios[place] ** -2
    raise _unknown(kernel)


def length_scales(kernel: Stationary, num_dimensions: int) -> Float[AnyArray, " d"]:
    """ℓ of every dimension."""
    scale = kernel.length_scale
    check_positive("length scale", scale)
    if np.shape(scale) not in ((), (1,), (num_dimensions,)):
        raise ValueError(
            f"Expected a scalar length scale or one a dimension ({num_dimensions}), "
            f"got shape {np.shape(scale)}."
        )
    xp = array_module(scale)
    scale = xp.asarray(scale) if is_traced(scale) else np.asarray(scale, float)
    return xp.broadcast_to(scale.reshape(-1), (num_dimensions,))


def squared_exponentials(
    kernel: Kernel, num_dimensions: int
) -> list[tuple[float, Float[np.ndarray, " d"]]] | None:
    """A kernel as a sum of squared exponentials: factors and length scales, if it is.

    It is one of `SquaredExponential` and `ScaleMixture`, or made of such.
    """
    match kernel:
        case SquaredExponential() | ScaleMixture():
            if type(kernel) not in (SquaredExponential, ScaleMixture):
                return None  # a subclass has a formula of its own
            if is_traced(kernel.length_scale):
                concrete(kernel.length_scale, "the length scale")
            scales = np.asarray(length_scales(kernel, num_dimensions))
            ratios = kernel.ratios if isinstance(kernel, ScaleMixture) else (1.0,)
            return [(1 / len(ratios), ratio * scales) for ratio in ratios]
        case Scaled():
            parts = squared_exponentials(kernel.kernel, num_dimensions)
            if parts is None:
                return None
            factor = concrete(kernel.factor, "the factor of a kernel")
            return [(factor * weight, scales) for weight, scales in parts]
        case Sum() | Product():
            left, right = (
                squared_exponentials(part, num_dimensions)
                for part in (kernel.left, kernel.right)
            )
            if left is None or right is None:
                return None
            if isinstance(kernel, Sum):
                return left + right
            return [
                (a * b, 1 / np.hypot(1 / s, 1 / t)) for a, s in left for b, t in right
            ]
    return None


def concrete(number: Any, name: str) -> float:
    """A parameter that decides what is drawn, which must not be traced."""
    if is_traced(number):
        raise TypeError(
            f"Expected numbers for {name}, got traced ones: they decide which "
            "frequencies are drawn. Only length scales and one factor may be traced."
        )
    return float(number)


def _unknown(kernel: Kernel) -> ValueError:
    return ValueError(
        f"No features are known for {type(kernel).__name__}: expected a stationary "
        "kernel of the package, such as SquaredExponential or Laplace, or sums, "
        "products and multiples of them; deep_features is for a DeepKernel."
    )

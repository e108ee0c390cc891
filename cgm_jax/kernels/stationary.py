"""Kernels of the distance alone: squared exponential, Laplace, rational quadratic.

Points are divided by the length scale once (`embed`), so that every formula below is
one of the scaled distance r = ‖x − x'‖ / ℓ. All are characteristic, positive definite
and 1 on the diagonal.
"""

import abc
from dataclasses import dataclass, field, replace

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from cgm_jax._shared.arrays import ArrayLike, array_module
from cgm_jax._shared.exponential import exp_nonpositive, log1p_nonnegative

from .base import Kernel, check_positive
from .distances import squared_distances

__all__ = ["Laplace", "RationalQuadratic", "SquaredExponential", "Stationary"]


@dataclass(frozen=True)
class Stationary(Kernel):
    """A kernel of r = ‖x − x'‖ / ℓ; a subclass gives the formula."""

    length_scale: Float[ArrayLike, "..."]
    is_stationary = True
    is_nonnegative = True

    def __post_init__(self) -> None:
        scale = self.length_scale
        if isinstance(scale, list | tuple):  # it would be a pytree of its own
            object.__setattr__(self, "length_scale", array_module(scale).asarray(scale))

    @abc.abstractmethod
    def of_squared_distance(self, r2: Float[Array, "m n"]) -> Float[Array, "m n"]:
        """The formula: k as a function of r²; decreasing from 1 at 0, never below 0."""

    def embed(self, points: Float[Array, "n d"]) -> Float[Array, "n d"]:
        """Points in units of the length scale."""
        scale = self.length_scale
        check_positive("length scale", scale)
        if np.ndim(scale) > 1 or np.shape(scale) not in ((), (1,), points.shape[1:]):
            raise ValueError(
                "Expected a scalar length scale or one a dimension "
                f"({points.shape[1]}), got shape {np.shape(scale)}."
            )
        return points / jnp.asarray(scale, points.dtype).reshape(1, -1)

    def pairwise(
        self, x: Float[Array, "m d"], y: Float[Array, "n d"]
    ) -> Float[Array, "m n"]:
        return self.of_squared_distance(squared_distances(x, y))

    def diagonal(self, points: Float[Array, "n d"]) -> Float[Array, " n"]:
        return jnp.ones(points.shape[0], points.dtype)

    def with_length_scale(self, length_scale: Float[ArrayLike, "..."]) -> "Kernel":
        return replace(self, length_scale=length_scale)


@dataclass(frozen=True)
class SquaredExponential(Stationary):
    r"""The squared exponential (Gaussian, RBF) kernel, the paper's choice.

    .. math:: k(x, x') = \exp\left(-\frac{\lVert x - x' \rVert^2}{2 \ell^2}\right)

    The paper's Eq. 9 prints :math:`2\ell`; its tables follow :math:`2\ell^2`.

    Args:
        length_scale: ℓ > 0 in the units of the points, a scalar or one a dimension.

    Example:
        >>> kernel = SquaredExponential(1.0)
        >>> kernel(jnp.array([[0.0]]), jnp.array([[0.0], [1.0]]))
        Array([[1.       , 0.6065307]], dtype=float32)

    Reference:
        Tay et al. 2022, App. A, Eq. 9.
    """

    def of_squared_distance(self, r2: Float[Array, "m n"]) -> Float[Array, "m n"]:
        """exp(−r²/2)."""
        return exp_nonpositive(-r2 / 2)


@dataclass(frozen=True)
class Laplace(Stationary):
    r"""The Laplace (exponential) kernel of the Euclidean distance.

    .. math:: k(x, x') = \exp\left(-\frac{\lVert x - x' \rVert}{\ell}\right)

    Args:
        length_scale: ℓ > 0 in the units of the points, a scalar or one a dimension.

    Example:
        >>> Laplace(2.0)(jnp.array([[0.0, 0.0]]), jnp.array([[0.0, 2.0]]))
        Array([[0.36787945]], dtype=float32)

    Reference:
        Fukumizu et al. 2007; Tay et al. 2022, App. A.
    """

    def pairwise(
        self, x: Float[Array, "m d"], y: Float[Array, "n d"]
    ) -> Float[Array, "m n"]:
        # Near 0 the root makes 1e-3 of an error of 1e-6.
        return self.of_squared_distance(squared_distances(x, y, exact=True))

    def of_squared_distance(self, r2: Float[Array, "m n"]) -> Float[Array, "m n"]:
        """exp(−r), with derivative 0 at r = 0, where it has none."""
        is_same = r2 == 0
        distance = jnp.sqrt(jnp.where(is_same, 1, r2))
        return jnp.where(is_same, 1, exp_nonpositive(-distance))


@dataclass(frozen=True)
class RationalQuadratic(Stationary):
    r"""The rational quadratic kernel: squared exponentials of many length scales.

    .. math:: k(x, x') =
              \left(1 + \frac{\lVert x - x' \rVert^2}{2 \alpha \ell^2}\right)^{-\alpha}

    Args:
        length_scale: ℓ > 0 in the units of the points, a scalar or one a dimension.
        alpha: α > 0, the smaller the more length scales are mixed; the squared
            exponential at infinity.

    Example:
        >>> RationalQuadratic(1.0)(jnp.array([[0.0]]), jnp.array([[2.0]]))
        Array([[0.3333333]], dtype=float32)

    Reference:
        Rasmussen and Williams 2006, Eq. 4.19.
    """

    alpha: Float[ArrayLike, ""] = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        check_positive("alpha", self.alpha, is_scalar=True)

    def of_squared_distance(self, r2: Float[Array, "m n"]) -> Float[Array, "m n"]:
        """(1 + r²/2α)^−α."""
        alpha = jnp.asarray(self.alpha, r2.dtype)
        return exp_nonpositive(-alpha * log1p_nonnegative(r2 / (2 * alpha)))


@dataclass(frozen=True)
class Matern(Stationary):
    r"""The Matérn kernels of once and twice differentiable functions.

    .. math:: k_{3/2} = (1 + \sqrt3\, r)\, e^{-\sqrt3\, r}, \qquad
              k_{5/2} = (1 + \sqrt5\, r + \tfrac53 r^2)\, e^{-\sqrt5\, r}, \qquad
              r = \lVert x - x' \rVert / \ell

    The Laplace kernel is :math:`k_{1/2}`, the squared exponential the limit.

    Args:
        length_scale: ℓ > 0 in the units of the points, a scalar or one a dimension.
        smoothness: ν, 1.5 or 2.5.

    Example:
        >>> Matern(1.0, smoothness=2.5)(jnp.array([[0.0]]), jnp.array([[1.0]]))
        Array([[0.524]], dtype=float32)

    Reference:
        Rasmussen and Williams 2006, Eq. 4.17.
    """

    smoothness: float = field(default=1.5, metadata={"static": True})

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.smoothness not in (1.5, 2.5):
            raise ValueError(f"Expected smoothness 1.5 or 2.5, got {self.smoothness}.")

    def of_squared_distance(self, r2: Float[Array, "m n"]) -> Float[Array, "m n"]:
        """A polynomial of r times an exponential."""
        scaled = 2 * self.smoothness * r2
        # With derivative 0 at r = 0, where that of the root has none.
        is_same = scaled == 0
        r = jnp.sqrt(jnp.where(is_same, 1, scaled))
        polynomial = 1 + r if self.smoothness == 1.5 else 1 + r + scaled / 3
        return jnp.where(is_same, 1, polynomial * exp_nonpositive(-r))


@dataclass(frozen=True)
class ScaleMixture(Stationary):
    r"""The mean of squared exponentials of several length scales.

    .. math:: k(x, x') = \frac1m \sum_{j=1}^m
              \exp\left(-\frac{\lVert x - x' \rVert^2}{2 (q_j \ell)^2}\right)

    It sees differences on every one of the scales, at the cost of one distance.

    Args:
        length_scale: ℓ > 0 in the units of the points, a scalar or one a dimension.
        ratios: q, the length scales in units of ℓ, all positive.

    Example:
        >>> ScaleMixture(1.0, (0.5, 2.0))(jnp.array([[0.0]]), jnp.array([[1.0]]))
        Array([[0.509]], dtype=float32)

    Reference:
        Gretton et al. 2012 b, *Optimal kernel choice for large-scale two-sample tests*;
        Li, Swersky and Zemel 2015.
    """

    ratios: tuple[float, ...] = field(
        default=(0.25, 0.5, 1.0, 2.0, 4.0), metadata={"static": True}
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        check_positive("ratio of length scales", self.ratios)
        object.__setattr__(self, "ratios", tuple(map(float, np.ravel(self.ratios))))

    def of_squared_distance(self, r2: Float[Array, "m n"]) -> Float[Array, "m n"]:
        """The mean of exp(−r²/2q²) over all q."""
        parts = (exp_nonpositive(-r2 / (2 * q**2)) for q in self.ratios)
        return sum(parts, start=jnp.zeros_like(r2)) / len(self.ratios)

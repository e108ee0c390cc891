"""Linear and polynomial kernels, for comparison: they see a few moments of the data.

They are not characteristic: two distributions with the same means (linear), or the same
moments up to the degree (polynomial), have an MMD of 0. A party whose data differ in
other ways gets nothing for it. Nor is their diagonal constant or their value bounded.
"""

from dataclasses import dataclass, field, replace

import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from cgm_jax._shared.precision import matmul

from .base import Kernel, check_positive

__all__ = ["Linear", "Polynomial"]


@dataclass(frozen=True)
class Linear(Kernel):
    r"""The inner product of the points: its MMD is the distance of the means.

    .. math:: k(x, x') = x \cdot x' / \ell^2

    It is not characteristic.

    Args:
        length_scale: ℓ > 0 in the units of the points.

    Example:
        >>> Linear(2.0)(jnp.array([[2.0, 0.0]]), jnp.array([[4.0, 1.0]]))
        Array([[2.]], dtype=float32)

    Reference:
        Schölkopf and Smola 2002.
    """

    length_scale: Float[ArrayLike, ""] = 1.0

    def embed(self, points: Float[Array, "n d"]) -> Float[Array, "n d"]:
        """Points in units of the length scale."""
        check_positive("length scale", self.length_scale, is_scalar=True)
        return points / jnp.asarray(self.length_scale, points.dtype)

    def pairwise(
        self, x: Float[Array, "m d"], y: Float[Array, "n d"]
    ) -> Float[Array, "m n"]:
        return matmul(x, y.T)

    def diagonal(self, points: Float[Array, "n d"]) -> Float[Array, " n"]:
        return jnp.sum(self.embed(points) ** 2, axis=1)

    def with_length_scale(self, length_scale: Float[ArrayLike, "..."]) -> "Linear":
        return replace(self, length_scale=length_scale)


@dataclass(frozen=True)
class Polynomial(Kernel):
    r"""A power of the inner product: its MMD compares moments up to the degree.

    .. math:: k(x, x') = (x \cdot x' / \ell^2 + c)^p

    It is not characteristic.

    Args:
        length_scale: ℓ > 0 in the units of the points.
        offset: c > 0, the weight of lower moments.
        degree: p >= 1.

    Example:
        >>> Polynomial(1.0, degree=3)(jnp.array([[1.0]]), jnp.array([[1.0]]))
        Array([[8.]], dtype=float32)

    Reference:
        Schölkopf and Smola 2002.
    """

    length_scale: Float[ArrayLike, ""] = 1.0
    offset: Float[ArrayLike, ""] = 1.0
    degree: int = field(default=2, metadata={"static": True})

    def __post_init__(self) -> None:
        check_positive("offset", self.offset, is_scalar=True)
        if not isinstance(self.degree, int) or self.degree < 1:
            raise ValueError(f"Expected a whole degree >= 1, got {self.degree}.")

    def embed(self, points: Float[Array, "n d"]) -> Float[Array, "n d"]:
        """Points in units of the length scale."""
        return Linear(self.length_scale).embed(points)

    def pairwise(
        self, x: Float[Array, "m d"], y: Float[Array, "n d"]
    ) -> Float[Array, "m n"]:
        return self._power(matmul(x, y.T))

    def diagonal(self, points: Float[Array, "n d"]) -> Float[Array, " n"]:
        return self._power(Linear(self.length_scale).diagonal(points))

    def with_length_scale(self, length_scale: Float[ArrayLike, "..."]) -> "Polynomial":
        return replace(self, length_scale=length_scale)

    def _power(self, product: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        return (product + jnp.asarray(self.offset, product.dtype)) ** self.degree

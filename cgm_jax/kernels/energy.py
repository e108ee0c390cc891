r"""The kernel of the energy distance.

With any origin o, k(x, x') = (|x − o| + |x' − o| − |x − x'|) / 2ℓ is positive definite,
and its MMD² is half of the energy distance over ℓ, whatever o is:

    MMD² = [2 E|X − Y| − E|X − X'| − E|Y − Y'|] / 2ℓ

Reference: D. Sejdinovic, B. Sriperumbudur, A. Gretton and K. Fukumizu, *Equivalence of
distance-based and RKHS-based statistics in hypothesis testing*, 2013.
"""

from dataclasses import dataclass, replace

import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from .base import Kernel, check_positive
from .distances import squared_distances

__all__ = ["Energy"]


@dataclass(frozen=True)
class Energy(Kernel):
    r"""The distance-induced kernel, whose MMD is the energy distance.

    .. math:: k(x, x') = \frac{\lVert x \rVert + \lVert x' \rVert
              - \lVert x - x' \rVert}{2 \ell}

    It has no scale on which it looks: ℓ is only a unit. It is characteristic, not
    bounded, and not 1 on the diagonal; data values depend on where the origin is
    (center the pool), the MMD does not.

    Args:
        length_scale: ℓ > 0, the unit of distances.

    Example:
        >>> Energy(1.0)(jnp.array([[1.0]]), jnp.array([[3.0], [-2.0]]))
        Array([[1., 0.]], dtype=float32)

    Reference:
        Sejdinovic et al. 2013; Székely and Rizzo 2013.
    """

    length_scale: Float[ArrayLike, ""] = 1.0
    is_nonnegative = True

    def embed(
        self, points: Float[Array, "n d"]
    ) -> tuple[Float[Array, "n d"], Float[Array, " n"]]:
        """Scaled points, and how far each is from the origin."""
        check_positive("length scale", self.length_scale, is_scalar=True)
        scaled = points / jnp.asarray(self.length_scale, points.dtype)
        return scaled, _root(jnp.sum(scaled * scaled, axis=1))

    def pairwise(
        self,
        x: tuple[Float[Array, "m d"], Float[Array, " m"]],
        y: tuple[Float[Array, "n d"], Float[Array, " n"]],
    ) -> Float[Array, "m n"]:
        distances = _root(squared_distances(x[0], y[0], exact=True))
        return (x[1][:, None] + y[1][None] - distances) / 2

    def diagonal(self, points: Float[Array, "n d"]) -> Float[Array, " n"]:
        return self.embed(points)[1]

    def with_length_scale(self, length_scale: Float[ArrayLike, "..."]) -> "Energy":
        return replace(self, length_scale=length_scale)


def _root(squares: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """The root, with derivative 0 at 0, where it has none."""
    is_zero = squares == 0
    return jnp.where(is_zero, 0, jnp.sqrt(jnp.where(is_zero, 1, squares)))

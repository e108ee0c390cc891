r"""How surely a kernel tells two samples apart: the power of its two-sample test.

For n points x and n points y,

    H_ij   = k(x_i, x_j) + k(y_i, y_j) − k(x_i, y_j) − k(x_j, y_i),
    MMD²_u = Σ_{i≠j} H_ij / n(n − 1),
    σ̂²     = 4/n³ Σ_i (Σ_j H_ij)² − 4/n⁴ (Σ_ij H_ij)² + λ,

and √n MMD²_u is nearly Gaussian of standard deviation σ̂ where P and Q differ, so that
the power of the test grows with √n J, J = MMD²_u / σ̂. Only sums of rows of H are
needed, and H is never built.

Reference: Liu, Xu, Lu, Zhang, Gretton and Sutherland, *Learning Deep Kernels for
Non-Parametric Two-Sample Tests*, 2020, Eq. 2 to 5.
"""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from cgm_jax._shared.arrays import to_host
from cgm_jax._shared.precision import x64_unless_traced
from cgm_jax.gram.gram_sums import default_tile_size
from cgm_jax.kernels import Kernel
from cgm_jax.valuation.mmd import two_sets

from .criterion import LAMBDA, power_terms

__all__ = ["PowerEstimate", "estimate_power"]

Number = Float[Array | np.ndarray, ""] | np.floating


@jax.tree_util.register_dataclass
@dataclass(frozen=True, eq=False)
class PowerEstimate:
    """What the power of a two-sample test is estimated from."""

    mmd2: Number
    """MMD²_u over pairs i ≠ j, signed. It leaves out every k(x_i, y_i), and so differs
    a little from `mmd2_unbiased`."""

    standard_deviation: Number
    """σ̂, the spread of √n MMD²_u."""

    @property
    def criterion(self) -> Number:
        """J = MMD²_u / σ̂."""
        return self.mmd2 / self.standard_deviation


def estimate_power(
    kernel: Kernel,
    x: Float[ArrayLike, "n d"],
    y: Float[ArrayLike, "n d"],
    *,
    tile_size: int | None = None,
) -> PowerEstimate:
    r"""Estimate what the power of the MMD²_u test of a kernel grows with.

    .. math:: J = \mathrm{MMD}_u^2 / \hat\sigma, \quad \hat\sigma^2 = \frac{4}{n^3}
              \sum_i \Big(\sum_j H_{ij}\Big)^2 - \frac{4}{n^4}
              \Big(\sum_{ij} H_{ij}\Big)^2 + 10^{-8}

    Args:
        kernel: the kernel.
        x: shape ``(n, d)``, n >= 2.
        y: as many points: H pairs them. Of samples of different sizes, draw a part of
            the larger one at random.
        tile_size: as in `gram_sums`: the same numbers, and less memory.

    Returns:
        MMD²_u, σ̂ and J, float64. It is a pytree: inside the user's own `jit`, `grad`
        or `vmap` its numbers are arrays in the dtype of the points.

    Raises:
        ValueError: if the samples are of different sizes or have fewer than two points,
            shapes do not fit or an entry is not finite.

    Example:
        >>> from cgm_jax.kernels import SquaredExponential
        >>> x = np.linspace(0.0, 1.0, 20)[:, None]
        >>> kernel = SquaredExponential(0.5)
        >>> near, far = (estimate_power(kernel, x, x + a).criterion for a in (0.1, 1.0))
        >>> bool(near < far)
        True

    Reference:
        Liu et al. 2020, Eq. 4 and 5.
    """
    if tile_size is None:
        tile_size = default_tile_size()
    if tile_size < 1:
        raise ValueError(f"Expected tile_size >= 1, got {tile_size}.")
    x, y = two_sets(("x", x), ("y", y), smallest=2)
    n = len(x)
    if len(y) != n:
        raise ValueError(
            f"Expected as many points in y as in x, got {n} and {len(y)}; draw a part "
            "of the larger sample at random."
        )
    with x64_unless_traced(kernel, x, y):
        mmd2, variance = power_terms(
            kernel, jnp.asarray(x), jnp.asarray(y), tile_size=tile_size
        )
        deviation = jnp.sqrt(variance + LAMBDA)
    return PowerEstimate(to_host(mmd2)[()], to_host(deviation)[()])

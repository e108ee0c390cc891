r"""The power of the two-sample test that a kernel makes, as a number to learn from.

For n points x of P and n points y of Q,

    H_ij     = k(x_i, x_j) + k(y_i, y_j) − k(x_i, y_j) − k(x_j, y_i)
    MMD²_u   = Σ_{i≠j} H_ij / n(n − 1)
    σ̂²       = 4/n³ Σ_i (Σ_j H_ij)² − 4/n⁴ (Σ_ij H_ij)²
    J        = MMD²_u / √(σ̂² + λ)

The larger J, the more surely the test finds that P and Q differ. Only sums of rows of H
are needed, so neither J nor its gradient takes more than O(n) memory.

Reference: Liu et al. 2020, Eq. 2 to 5.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from cgm_jax._shared.arrays import array_module
from cgm_jax.gram.gram_sums import default_tile_size
from cgm_jax.gram.tiles import Blocks, rows_between_blocks
from cgm_jax.kernels.base import Kernel

__all__ = ["LAMBDA", "power_criterion", "power_terms"]

LAMBDA = 1e-8  # as in the authors' program; a variance of 0 gives a finite J


def power_criterion(
    kernel: Kernel,
    x: Float[Array, "n d"],
    y: Float[Array, "n d"],
    *,
    tile_size: int | None = None,
) -> Float[Array, ""]:
    r"""J of two samples of the same size, differentiable in the kernel and the points.

    .. math:: J = \mathrm{MMD}_u^2 / \sqrt{\hat\sigma^2 + \lambda}, \quad
              \lambda = 10^{-8}

    Example:
        >>> from cgm_jax.kernels import SquaredExponential
        >>> x = jnp.array([[0.0], [1.0], [2.0]])
        >>> near, far = (
        ...     power_criterion(SquaredExponential(1.0), x, x + a) for a in (1, 9)
        ... )
        >>> bool(near < far)
        True
    """
    mmd2, variance = power_terms(kernel, x, y, tile_size=tile_size)
    return mmd2 / jnp.sqrt(variance + jnp.asarray(LAMBDA, variance.dtype))


def power_terms(
    kernel: Kernel,
    x: Float[Array, "n d"],
    y: Float[Array, "n d"],
    *,
    tile_size: int | None = None,
) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """MMD²_u over i ≠ j, and σ̂² without λ.

    Example:
        >>> from cgm_jax.kernels import SquaredExponential
        >>> x = jnp.array([[0.0], [1.0]])
        >>> terms = power_terms(SquaredExponential(1.0), x, x)
        >>> [round(float(term), 4) for term in terms]
        [0.0, 0.0]
    """
    n = len(x)
    if x.shape != y.shape or n < 2:
        raise ValueError(
            "Expected two samples of the same number of points, at least 2, got shapes "
            f"{x.shape} and {y.shape}."
        )
    limit = default_tile_size() if tile_size is None else tile_size
    side = -(-n // -(-n // limit))  # tiles of one side, hardly filled up
    xp = array_module(kernel, x, y)
    blocks = Blocks.cut(kernel, xp.concatenate([x, y]), [n, n], side)
    rows = rows_between_blocks(kernel, blocks)
    of_x, of_y = (
        jax.tree.map(
            lambda leaf, part=part: leaf.reshape(-1, *leaf.shape[2:])[part],
            blocks.tiles,
        )
        for part in (slice(n), slice(n, 2 * n))
    )
    h = (rows[:n, 0] - rows[:n, 1]) + (rows[n:, 1] - rows[n:, 0])
    own = kernel.diagonal(x) + kernel.diagonal(y) - 2 * _pairs(kernel, of_x, of_y)
    mmd2 = jnp.sum(h - own) / n / (n - 1)
    # The same as by the formula, without the difference of two large numbers.
    scaled = (h - jnp.mean(h)) / n
    return mmd2, 4 * jnp.mean(scaled * scaled)


def _pairs(kernel: Kernel, x, y) -> Float[Array, " n"]:
    """k(x_i, y_i)."""

    def of_one(x, y):
        one = [jax.tree.map(lambda leaf: leaf[None], each) for each in (x, y)]
        return kernel.pairwise(*one)[0, 0]

    return jax.vmap(of_one)(x, y)

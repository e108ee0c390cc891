r"""How surely a kernel tells two samples apart: the power of its two-sample test.

For n points x of P and n points y of Q,

    H_ij     = k(x_i, x_j) + k(y_i, y_j) − k(x_i, y_j) − k(x_j, y_i)
    MMD²_u   = Σ_{i≠j} H_ij / n(n − 1)
    σ̂²       = 4/n³ Σ_i (Σ_j H_ij)² − 4/n⁴ (Σ_ij H_ij)² + λ
    J        = MMD²_u / σ̂

Where P and Q differ, √n MMD²_u is nearly Gaussian of standard deviation σ̂, and the
power of the test grows with √n J: kernels are learned by J. Only sums of rows of H are
needed, so neither J nor its gradient takes more than O(n) memory.

Reference: Liu, Xu, Lu, Zhang, Gretton and Sutherland, *Learning Deep Kernels for
Non-Parametric Two-Sample Tests*, 2020, Eq. 2 to 5.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.sharding import Mesh
from jaxtyping import Array, Float

from cgm_jax._shared.arrays import (
    ArrayLike,
    Points,
    Scalar,
    array_module,
    rounded_up,
    to_host,
)
from cgm_jax._shared.data_parallel import split_by_rows, whole
from cgm_jax._shared.precision import at_once, matmul
from cgm_jax._shared.results import Result
from cgm_jax.gram.embedding import by_tile
from cgm_jax.gram.gram_sums import checked_tile_size
from cgm_jax.gram.tiles import Blocks, even_side, rows_between_blocks
from cgm_jax.kernels.base import Embedding, Kernel, centred
from cgm_jax.valuation.mmd import two_sets

__all__ = ["PowerEstimate", "estimate_power", "power_criterion"]

LAMBDA = 1e-8  # as in the authors' program; a variance of 0 gives a finite J
FEW_PAIRS = 1024  # at a time


@jax.tree_util.register_dataclass
@dataclass(frozen=True, eq=False, repr=False)
class PowerEstimate(Result):
    """What the power of a two-sample test is estimated from."""

    mmd2: Scalar
    """MMD²_u over pairs i ≠ j, signed. It leaves out every k(x_i, y_i), and so differs
    a little from `mmd2_unbiased`."""

    standard_deviation: Scalar
    """σ̂, the spread of √n MMD²_u."""

    @property
    def criterion(self) -> Scalar:
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
              \sum_i \left(\sum_j H_{ij}\right)^2 - \frac{4}{n^4}
              \left(\sum_{ij} H_{ij}\right)^2 + 10^{-8}

    Args:
        kernel: the kernel.
        x: shape ``(n, d)``, n >= 2.
        y: as many points: H pairs them. Of samples of different sizes, draw a part of
            the larger one at random.
        tile_size: as in `gram_sums`.

    Returns:
        MMD²_u, σ̂ and J, float64. It is a pytree: inside the user's own ``jit``,
        ``grad`` or ``vmap`` its numbers are arrays in the dtype of the points.

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
    x, y = two_sets(x=x, y=y, smallest=2)
    if len(y) != len(x):
        raise ValueError(
            f"Expected as many points in y as in x, got {len(x)} and {len(y)}; draw a "
            "part of the larger sample at random."
        )
    with at_once(kernel, x, y):
        x, y = centred(kernel, x, y)
        power = _power(kernel, x, y, checked_tile_size(tile_size))
    return jax.tree.map(lambda number: to_host(number)[()], power)


def power_criterion(
    kernel: Kernel,
    x: Float[Array, "n d"],
    y: Float[Array, "n d"],
    *,
    tile_size: int | None = None,
    mesh: Mesh | None = None,
) -> Float[Array, ""]:
    """J in the dtype of the points, which are not checked: for a gradient step.

    In a program on a mesh, devices share the rows of the kernel matrix.
    """
    tile_size = checked_tile_size(tile_size)
    if mesh is None:
        return jnp.asarray(_power(kernel, x, y, tile_size).criterion)
    return jnp.asarray(_shared_power(kernel, x, y, tile_size, mesh).criterion)


def _power(kernel: Kernel, x: Points, y: Points, tile_size: int) -> PowerEstimate:
    n = len(x)
    if x.shape != y.shape or n < 2:
        raise ValueError(
            "Expected two samples of the same number of points, at least 2, got shapes "
            f"{x.shape} and {y.shape}."
        )
    xp = array_module(kernel, x, y)
    traced = xp is jnp
    # A tile that x fills up alone would be another program.
    side = even_side(n if traced else n + 1, tile_size, traced=traced)
    blocks = Blocks.cut(kernel, xp.concatenate([x, y]), [n, n], side)
    rows = rows_between_blocks(blocks)
    num = n if traced else rounded_up(n)

    def filled(points: Any) -> Any:
        widths = [(0, num - n)] + [(0, 0)] * (points.ndim - 1)
        return xp.pad(points, widths, mode="edge") if num > n else points

    def of_both(points: Any) -> list[Any]:
        return [filled(points[:n]), filled(points[n : 2 * n])]

    tiles = jax.tree.map(
        lambda leaf: xp.asarray(leaf).reshape(-1, *leaf.shape[2:]), blocks.members.tiles
    )
    leaves, to_tiles = jax.tree.flatten(tiles)
    embedded = map(to_tiles.unflatten, zip(*map(of_both, leaves), strict=True))
    points = [filled(x), filled(y)]
    return _power_of_rows(
        blocks.kernel, points, [*embedded], of_both(xp.asarray(rows)), n
    )


def _shared_power(
    kernel: Kernel,
    x: Float[Array, "n d"],
    y: Float[Array, "n d"],
    tile_size: int,
    mesh: Mesh,
) -> PowerEstimate:
    """As `_power`: a device compares its rows of x and y with all, tile by tile."""
    kernel, n = by_tile(kernel), len(x)
    of_x, of_y = (split_by_rows(mesh, kernel.embed(points)) for points in (x, y))
    side = even_side(n, tile_size, traced=True)
    place = np.arange(-(-n // side) * side).reshape(-1, side)
    weight = (place < n).astype(x.dtype)

    def sums(rows: Embedding, columns: Embedding) -> Float[Array, " n"]:
        tiles = jax.tree.map(lambda leaf: leaf[np.minimum(place, n - 1)], columns)

        @partial(jax.checkpoint, prevent_cse=False)  # as for one device
        def add(total: Array, tile: tuple[Embedding, Array]) -> tuple[Array, None]:
            k = split_by_rows(mesh, kernel.pairwise(rows, tile[0]))
            return total + matmul(k, tile[1]).astype(total.dtype), None

        dtype = jnp.promote_types(x.dtype, jax.dtypes.canonicalize_dtype(float))
        return lax.scan(add, jnp.zeros(n, dtype), (tiles, weight))[0]

    columns = whole(mesh, (of_x, of_y))
    own = _own(kernel, x, y, of_x, of_y, few=True)  # a part of them on each device
    both = [[sums(a, b) for b in columns] for a in (of_x, of_y)]
    return _power_of_sums(both, own, n)


@jax.jit
def _power_of_rows(
    kernel: Kernel,
    points: Sequence[Float[Array, "n d"]],
    embedded: Sequence[Embedding],
    rows: Sequence[Float[Array, "n 2"]],
    num_points: ArrayLike,
) -> PowerEstimate:
    own = _own(kernel, *points, *embedded, few=len(points[0]) <= FEW_PAIRS)
    return _power_of_sums([[side[:, 0], side[:, 1]] for side in rows], own, num_points)


def _power_of_sums(
    sums: Sequence[Sequence[Float[Array, " n"]]],
    own: Float[Array, " n"],
    num_points: Any,
) -> PowerEstimate:
    """What follows from the sums of every row of x and of y, over x and over y.

    Rows from ``num_points`` on fill up.
    """
    (x_to_x, x_to_y), (y_to_x, y_to_y) = sums
    n, is_point = num_points, jnp.arange(len(own)) < num_points
    h = jnp.where(is_point, (x_to_x - x_to_y) + (y_to_y - y_to_x), 0)
    mmd2 = jnp.sum(jnp.where(is_point, h - own.astype(h.dtype), 0)) / n / (n - 1)
    # The same as by the formula, without the difference of two large numbers.
    scaled = jnp.where(is_point, (h - jnp.sum(h) / n) / n, 0)
    variance = 4 * (jnp.sum(scaled * scaled) / n)
    return PowerEstimate(mmd2, jnp.sqrt(variance + LAMBDA))


def _own(kernel: Kernel, *samples: Any, few: bool) -> Float[Array, " n"]:
    """k(x_i, x_i) + k(y_i, y_i) − 2 k(x_i, y_i), of points as given and embedded."""

    @jax.checkpoint  # for a gradient they are made again
    def of_one(samples):
        x, y, of_x, of_y = jax.tree.map(lambda leaf: leaf[None], samples)
        across = kernel.pairwise(of_x, of_y)[0]
        return (kernel.diagonal(x) + kernel.diagonal(y) - 2 * across)[0]

    if few:
        return jax.vmap(of_one)(samples)
    return jax.lax.map(of_one, samples, batch_size=FEW_PAIRS)

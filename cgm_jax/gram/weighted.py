"""Sums of a kernel between blocks of weighted points, for many weights at once.

With K the kernel matrix, Z the membership of points in blocks and D_r the diagonal of
the r-th weights,

    B^r = Zᵀ D_r K D_r Z

as of resamples of the points. A tile of K is made once for all r. It holds points of
one block, filled up by points of weight 0, and so belongs to one pair of blocks.
"""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Num

from cgm_jax._shared.arrays import Points, rounded_up
from cgm_jax._shared.precision import matmul
from cgm_jax.kernels.base import Kernel, centred

from .embedding import embedded_tiles
from .tile_loops import add_at, over_tiles
from .tiles import kernel_tile

__all__ = ["weighted_sums_between_blocks"]

# A tile costs as much as this many kernel entries, squared, however small it is.
_OVERHEAD = 64


def weighted_sums_between_blocks(
    kernel: Kernel,
    points: Points,
    sizes: Sequence[int],
    weights: Num[np.ndarray, "r num_points"],
    largest_tile: int,
) -> Float[np.ndarray, "blocks blocks r"]:
    """B^r of points in consecutive blocks, symmetric, for every row of weights."""
    (points,) = centred(kernel, points)
    side = _side_of_tiles(sizes, largest_tile)
    tiles_of = [-(-size // side) for size in sizes]
    num_tiles = sum(tiles_of)
    filling = rounded_up(num_tiles) - num_tiles
    last = np.cumsum(sizes) - 1
    # Filled up by a block's last point, at weight 0.
    rows, is_real = [], []
    for size, count, end in zip(sizes, tiles_of, last, strict=True):
        place = np.arange(count * side)
        rows.append(np.minimum(place + end - size + 1, end))
        is_real.append(place < size)
    rows.append(np.full(filling * side, last[-1]))
    is_real.append(np.zeros(filling * side, bool))
    place = np.concatenate(rows).reshape(-1, side)
    tiles = embedded_tiles(kernel, points, place)
    dtype = jnp.result_type(*jax.tree.leaves(tiles))
    in_tile = np.concatenate(is_real).reshape(-1, side)
    weight_tiles = np.moveaxis(weights[:, place] * in_tile[None], 0, 1).astype(dtype)
    block = np.repeat(np.arange(len(sizes)), tiles_of).astype(np.int32)
    num_columns = rounded_up(max(len(sizes), 8))
    i, j = np.triu_indices(num_tiles)
    half = over_tiles(
        _add_weighted,
        1,
        (num_columns, num_columns, len(weights)),
        (kernel, tiles, weight_tiles, np.pad(block, (0, filling))),
        (i, j, np.where(i == j, 0.5, 1.0)),  # a tile on the diagonal is its own mirror
    )[: len(sizes), : len(sizes)]
    return half + np.swapaxes(half, 0, 1)


def _side_of_tiles(sizes: Sequence[int], largest: int) -> int:
    """Large enough for few tiles, small enough to fill up little in small blocks."""
    sides = [2**k for k in range(4, 13) if 2**k < largest]

    def cost(side: int) -> float:
        num_tiles = float(np.ceil(np.asarray(sizes) / side).sum())
        return num_tiles**2 * (side**2 + _OVERHEAD**2)

    return min([*sides, largest], key=cost)


def _add_weighted(total, width, tile, kernel, tiles, weights, block):
    del width  # one block
    i, j, weight = tile
    k = kernel_tile(kernel, tiles, i, tiles, j)
    sums = jnp.sum(matmul(weights[i], k) * weights[j], axis=1)
    return add_at(total, (block[i], block[j], 0), (weight * sums)[None, None])

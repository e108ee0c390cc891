"""Sums of a kernel over all pairs of points, tile by tile.

Points come in consecutive blocks (the parties, the candidates). With K the kernel
matrix and Z the membership of points in blocks, two sums are needed:

- `sums_between_blocks`: B = ZᵀKZ of one set of points with itself;
- `sums_of_rows`: R = KZ of one set against another;
- `sums_of_symmetric_rows`, `rows_between_blocks`: the same of a set with itself, where
  every pair is compared once; the first for a single block.

No matrix is ever built: a tile of K lives for two small products. K is symmetric, so a
tile above the diagonal serves both of its sides. Tile sums are taken in the precision
of the points, sums of tiles in float64 where 64-bit types are on.

A CPU gets one worker thread a core: XLA runs the small operations of one tile on one
core, and two tiles in two cores' caches are twice as fast.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, Int

from cgm_jax._shared.arrays import is_traced
from cgm_jax._shared.workers import map_on_workers, num_workers
from cgm_jax.kernels.base import Embedding, Kernel

__all__ = [
    "Blocks",
    "add_at",
    "kernel_tile",
    "matmul",
    "over_tiles",
    "rows_between_blocks",
    "sums_between_blocks",
    "sums_of_rows",
    "sums_of_symmetric_rows",
]

CHUNK = 512  # tiles a call: some tenths of a second, so that an interrupt is answered


class Blocks(NamedTuple):
    """Embedded points cut into tiles, and which block every point is in."""

    tiles: Embedding  # every leaf (num_tiles, tile_size, ...)
    # Counted within the tile, from 0; -1 is padding.
    block_of: Int[Array | np.ndarray, "num_tiles tile_size"]
    first: Int[Array | np.ndarray, " num_tiles"]  # number of the tile's first block
    num_points: int
    num_blocks: int
    width: int  # most blocks that meet in one tile

    @classmethod
    def cut(cls, points: Embedding, sizes: Sequence[int], tile_size: int) -> "Blocks":
        """Cut points, given in consecutive blocks of some sizes, into tiles."""
        num_points = sum(sizes)
        tile_size = min(tile_size, num_points)
        num_tiles = -(-num_points // tile_size)
        padding = num_tiles * tile_size - num_points
        block = np.repeat(np.arange(len(sizes)), sizes)
        block = np.pad(block, (0, padding), mode="edge").reshape(num_tiles, tile_size)
        first = block[:, 0]
        width = int((block[:, -1] - first).max()) + 1
        block_of = (block - first[:, None]).reshape(-1)
        block_of[num_points:] = -1

        def tiles(leaf: Array) -> Array:
            # The last row again, not zeros: what a kernel makes of zeros is unknown.
            widths = [(0, padding)] + [(0, 0)] * (leaf.ndim - 1)
            padded = jnp.pad(leaf, widths, mode="edge")
            return padded.reshape(num_tiles, tile_size, *leaf.shape[1:])

        return cls(
            jax.tree.map(tiles, points),
            block_of.reshape(num_tiles, tile_size).astype(np.int32),
            first.astype(np.int32),
            num_points,
            len(sizes),
            width,
        )


def sums_between_blocks(
    kernel: Kernel, points: Blocks
) -> Float[Array, "blocks blocks"]:
    """B = ZᵀKZ of points with themselves, symmetric."""
    rows, columns = np.triu_indices(len(points.first))
    # A tile on the diagonal is its own mirror image.
    weight = np.where(rows == columns, 0.5, 1.0)
    size = points.num_blocks + points.width - 1
    half = over_tiles(
        _add_between,
        points.width,
        (size, size),
        (kernel, points.tiles, points.block_of, points.first),
        (rows, columns, weight),
    )
    half = half[: points.num_blocks, : points.num_blocks]
    return half + half.T


def sums_of_rows(
    kernel: Kernel, x: Blocks, y: Blocks
) -> Float[Array, "num_points blocks"]:
    """R = KZ: for every point of x, the sum of k over every block of y."""
    num_tiles, tile_size = x.block_of.shape
    rows, columns = (i.reshape(-1) for i in np.indices((num_tiles, len(y.first))))
    sums = over_tiles(
        _add_rows,
        y.width,
        (num_tiles, tile_size, y.num_blocks + y.width - 1),
        (kernel, x.tiles, y.tiles, y.block_of, y.first),
        (rows, columns, np.ones(len(rows))),
    )
    return sums.reshape(num_tiles * tile_size, -1)[: x.num_points, : y.num_blocks]


def sums_of_symmetric_rows(
    kernel: Kernel, points: Blocks
) -> Float[Array, " num_points"]:
    """K·1 of points with themselves, every pair of points compared once."""
    rows, columns = np.triu_indices(len(points.first))
    weight = np.where(rows == columns, 0.5, 1.0)
    sums = over_tiles(
        _add_symmetric_rows,
        points.width,
        points.block_of.shape,
        (kernel, points.tiles, points.block_of),
        (rows, columns, weight),
    )
    return sums.reshape(-1)[: points.num_points]


def rows_between_blocks(
    kernel: Kernel, points: Blocks
) -> Float[Array, "num_points blocks"]:
    """R = KZ of points with themselves, every pair of points compared once."""
    rows, columns = np.triu_indices(len(points.first))
    num_tiles, tile_size = points.block_of.shape
    sums = over_tiles(
        _add_rows_of_both,
        points.width,
        (num_tiles, tile_size, points.num_blocks + points.width - 1),
        (kernel, points.tiles, points.block_of, points.first),
        (rows, columns, np.where(rows == columns, 0.5, 1.0)),
    )
    sums = sums.reshape(num_tiles * tile_size, -1)
    return sums[: points.num_points, : points.num_blocks]


def _add_between(total, width, tile, kernel, tiles, block_of, first):
    i, j, weight = tile
    k = kernel_tile(kernel, tiles, i, tiles, j)
    zi, zj = (_membership(block_of[m], width, k.dtype) for m in (i, j))
    return add_at(total, (first[i], first[j]), weight * matmul(zi.T, matmul(k, zj)))


def _add_rows(total, width, tile, kernel, x, y, block_of, first):
    i, j, weight = tile
    k = kernel_tile(kernel, x, i, y, j)
    rows = weight * matmul(k, _membership(block_of[j], width, k.dtype))
    return add_at(total, (i, 0, first[j]), rows[None])


def _add_symmetric_rows(total, width, tile, kernel, tiles, block_of):
    del width  # one block
    i, j, weight = tile
    k = kernel_tile(kernel, tiles, i, tiles, j)
    zi, zj = ((block_of[m] >= 0).astype(k.dtype) for m in (i, j))
    # Products with a vector: XLA's CPU reduction over a leading axis is far slower.
    total = add_at(total, (i, 0), weight * matmul(k, zj)[None])
    return add_at(total, (j, 0), weight * matmul(zi, k)[None])


def _add_rows_of_both(total, width, tile, kernel, tiles, block_of, first):
    i, j, weight = tile
    k = kernel_tile(kernel, tiles, i, tiles, j)
    zi, zj = (_membership(block_of[m], width, k.dtype) for m in (i, j))
    total = add_at(total, (i, 0, first[j]), weight * matmul(k, zj)[None])
    return add_at(total, (j, 0, first[i]), weight * matmul(k.T, zi)[None])


def kernel_tile(
    kernel: Kernel, x: Embedding, i: Int[Array, ""], y: Embedding, j: Int[Array, ""]
) -> Float[Array, "m n"]:
    """K between tile i of x and tile j of y."""
    at_i, at_j = (jax.tree.map(lambda a, m=m: a[m], e) for e, m in ((x, i), (y, j)))
    # Kept: fused into two sums, every entry would be computed twice, and slowly.
    return lax.optimization_barrier(kernel.pairwise(at_i, at_j))


def _membership(block_of, width, dtype):
    return (block_of[:, None] == np.arange(width)[None]).astype(dtype)


def matmul(a, b):
    """A product in the precision of its factors, on every device."""
    return jnp.matmul(a, b, precision=lax.Precision.HIGHEST)


def add_at(total, start, update):
    """Add a block at a place."""
    start = [jnp.asarray(i, jnp.int32) for i in start]
    old = lax.dynamic_slice(total, start, update.shape)
    return lax.dynamic_update_slice(total, old + update.astype(total.dtype), start)


def over_tiles(
    add: Callable[..., Array],
    width: int,
    shape: tuple[int, ...],
    data: tuple,
    tiles: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> Array:
    """Sum of a contribution over a list of tiles (row, column, weight).

    Args:
        add: called as ``add(total, width, tile, *data)``; gives the total with one
            more tile.
        width: passed on.
        shape: of the total.
        data: the kernel, embedded points, and what else ``add`` reads.
        tiles: row, column and weight of every tile.

    Returns:
        The total, in float64 where 64-bit types are on.
    """
    dtype = jnp.result_type(*jax.tree.leaves(data[1]))
    rows, columns, weight = tiles
    tiles = (rows.astype(np.int32), columns.astype(np.int32), weight.astype(dtype))
    total = jnp.zeros(
        shape, jnp.promote_types(dtype, jax.dtypes.canonicalize_dtype(float))
    )
    if is_traced(data):
        return _sum_chunk(add, width, total, tiles, data)

    def work(share: list[tuple], check: Callable[[], None]) -> Array:
        result = total
        for chunk in share:
            check()
            result = jax.block_until_ready(_sum_chunk(add, width, result, chunk, data))
        return result

    workers = num_workers()
    chunks = _chunks(tiles, workers)
    first, *others = map_on_workers(work, [chunks[w::workers] for w in range(workers)])
    return sum(others, start=first)


def _chunks(tiles: tuple, workers: int) -> list[tuple]:
    """Equally long chunks, padded by tiles of weight 0: one program serves all."""
    num_tiles = len(tiles[0])
    num_chunks = workers * -(-num_tiles // (workers * CHUNK))
    length = -(-num_tiles // num_chunks)
    padding = num_chunks * length - num_tiles
    padded = [np.pad(a, (0, padding)) for a in tiles]
    return list(zip(*(np.split(a, num_chunks) for a in padded), strict=True))


@partial(jax.jit, static_argnames=("add", "width"))
def _sum_chunk(add, width, total, tiles, data):
    # For a gradient, tiles are made again: kept, they would be the whole matrix.
    @partial(jax.checkpoint, prevent_cse=False)  # in a loop there is no other copy
    def step(total, tile, data):
        return add(total, width, tile, *data)

    return lax.scan(lambda s, tile: (step(s, tile, data), None), total, tiles)[0]

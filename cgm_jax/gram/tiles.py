"""Sums of a kernel over all pairs of points, tile by tile.

Points come in consecutive blocks (the parties, the candidates). With K the kernel
matrix and Z the membership of points in blocks, two sums are needed:

- `sums_between_blocks`: B = ZᵀKZ of one set of points with itself;
- `sums_of_rows`: R = KZ of one set against another;
- `sums_of_symmetric_rows`, `rows_between_blocks`: the same of a set with itself, where
  every pair is compared once; the first for a single block.

No matrix is ever built: a tile of K lives for two small products. Tile sums are taken
in the precision of the points, sums of tiles in float64 where 64-bit types are on. A
CPU gets one thread per core: XLA runs the small operations of one tile on one core.
"""

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, Int

from cgm_jax._shared.arrays import AnyArray, Points, is_traced, rounded_up
from cgm_jax._shared.precision import matmul
from cgm_jax._shared.workers import map_on_workers, num_workers
from cgm_jax.kernels.base import Embedding, Kernel, scalar_length_scale

__all__ = [
    "Blocks",
    "add_at",
    "embedded_tiles",
    "kernel_diagonal",
    "kernel_tile",
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
    block_of: Int[AnyArray, "num_tiles tile_size"]
    first: Int[AnyArray, " num_tiles"]  # number of the tile's first block
    num_points: int
    num_blocks: int
    width: int  # most blocks that meet in one tile
    num_tiles: int  # those with points; the others fill up

    @classmethod
    def cut(
        cls, kernel: Kernel, points: Points, sizes: Sequence[int], tile_size: int
    ) -> "Blocks":
        """Embed points, given in consecutive blocks of some sizes, and cut them.

        Unless traced, sides and numbers are rounded up to a few sizes, for which
        programs are compiled.
        """
        num_points = int(sum(sizes))
        traced = is_traced(kernel, points)
        round_up = (lambda number: number) if traced else rounded_up
        tile_size = min(tile_size, num_points if traced else _power_of_two(num_points))
        num_tiles = -(-num_points // tile_size)
        shape = round_up(num_tiles), tile_size
        padding = math.prod(shape) - num_points
        block = np.repeat(np.arange(len(sizes)), sizes)
        block = np.pad(block, (0, padding), mode="edge").reshape(shape)
        first = block[:, 0]
        width = round_up(int((block[:, -1] - first).max()) + 1)
        block_of = (block - first[:, None]).reshape(-1)
        block_of[num_points:] = -1
        # The last row again, not zeros: what a kernel makes of zeros is unknown.
        if traced:
            tiles = _padded_tiles(kernel.embed(jnp.asarray(points)), padding, shape)
        else:
            place = np.minimum(np.arange(math.prod(shape)), num_points - 1)
            tiles = embedded_tiles(kernel, points, place.reshape(shape))
        return cls(
            tiles,
            block_of.reshape(shape).astype(np.int32),
            first.astype(np.int32),
            num_points,
            len(sizes),
            width,
            num_tiles,
        )

    @property
    def num_columns(self) -> int:
        """Blocks of a total, to which a tile of ``width`` blocks is added anywhere."""
        columns = self.num_blocks + self.width - 1
        return columns if is_traced(self.tiles) else rounded_up(max(columns, 8))

    def pairs(self) -> tuple[np.ndarray, ...]:
        """Rows, columns and weights of the tiles on and above the diagonal."""
        rows, columns = np.triu_indices(self.num_tiles)
        # A tile on the diagonal is its own mirror image.
        return rows, columns, np.where(rows == columns, 0.5, 1.0)


def embedded_tiles(
    kernel: Kernel, points: Points, place: Int[np.ndarray, "num_tiles tile_size"]
) -> Embedding:
    """The embedding of the points of every place, as tiles; for points not traced."""
    tiles = np.asarray(points)[place]
    # Inside `jit` a kernel cannot look at its parameters: here it can, and raises.
    jax.eval_shape(lambda x: kernel.embed(x), tiles.reshape(-1, tiles.shape[-1]))
    embedding, is_finite = _embedded(kernel, tiles)
    if not is_finite:
        raise ValueError(_overflow(kernel, tiles))
    return embedding


@jax.jit
def _embedded(kernel: Kernel, tiles: Float[Array, "num_tiles tile_size d"]):
    embedding = kernel.embed(tiles.reshape(-1, tiles.shape[-1]))
    leaves = jax.tree.leaves(embedding)
    is_finite = jnp.all(jnp.array([jnp.all(jnp.isfinite(leaf)) for leaf in leaves]))
    shape = tiles.shape[:2]
    tiles = jax.tree.map(lambda leaf: leaf.reshape(*shape, *leaf.shape[1:]), embedding)
    return tiles, is_finite


def _overflow(kernel: Kernel, points: Points) -> str:
    if np.isnan(scalar_length_scale(kernel)):
        return (
            f"Expected finite numbers of {kernel} for these points, got NaN or "
            "infinity: look at its parameters, or scale the points."
        )
    limits = np.finfo(points.dtype)
    smallest = max(float(np.abs(points).max()) / float(limits.max), float(limits.tiny))
    return (
        f"Expected a length scale of {1.01 * smallest:.3g} at least, so that points "
        f"divided by it are finite in {points.dtype}, got {kernel.length_scale}."
    )


def _padded_tiles(
    embedding: Embedding, padding: int, shape: tuple[int, int]
) -> Embedding:
    def tiles(leaf: Array) -> Array:
        widths = [(0, padding)] + [(0, 0)] * (leaf.ndim - 1)
        return jnp.pad(leaf, widths, mode="edge").reshape(*shape, *leaf.shape[1:])

    return jax.tree.map(tiles, embedding)


def kernel_diagonal(kernel: Kernel, points: Points) -> Any:
    """k(x, x) of every point, in the dtype of the points; NumPy unless traced."""
    if is_traced(kernel, points):
        return kernel.diagonal(jnp.asarray(points))
    if len(points) == 0:
        return np.zeros(0, points.dtype)
    place = np.minimum(np.arange(rounded_up(len(points))), len(points) - 1)
    return np.asarray(_diagonal(kernel, np.asarray(points)[place]))[: len(points)]


@jax.jit
def _diagonal(kernel: Kernel, points: Float[Array, "n d"]) -> Float[Array, " n"]:
    return kernel.diagonal(points)


def _power_of_two(number: int) -> int:
    return max(64, 1 << (number - 1).bit_length())


def sums_between_blocks(
    kernel: Kernel, points: Blocks
) -> Float[AnyArray, "blocks blocks"]:
    """B = ZᵀKZ of points with themselves, symmetric."""
    size = points.num_columns
    half = over_tiles(
        _add_between,
        points.width,
        (size, size),
        (kernel, points.tiles, points.block_of, points.first),
        points.pairs(),
    )
    half = half[: points.num_blocks, : points.num_blocks]
    return half + half.T


def sums_of_rows(
    kernel: Kernel, x: Blocks, y: Blocks
) -> Float[AnyArray, "num_points blocks"]:
    """R = KZ: for every point of x, the sum of k over every block of y."""
    rows, columns = (i.reshape(-1) for i in np.indices((x.num_tiles, y.num_tiles)))
    sums = over_tiles(
        _add_rows,
        y.width,
        (*x.block_of.shape, y.num_columns),
        (kernel, x.tiles, y.tiles, y.block_of, y.first),
        (rows, columns, np.ones(len(rows))),
    )
    return sums.reshape(-1, y.num_columns)[: x.num_points, : y.num_blocks]


def sums_of_symmetric_rows(
    kernel: Kernel, points: Blocks
) -> Float[AnyArray, " num_points"]:
    """K·1 of points with themselves, every pair of points compared once."""
    sums = over_tiles(
        _add_symmetric_rows,
        points.width,
        points.block_of.shape,
        (kernel, points.tiles, points.block_of),
        points.pairs(),
    )
    return sums.reshape(-1)[: points.num_points]


def rows_between_blocks(
    kernel: Kernel, points: Blocks, pairs: tuple[np.ndarray, ...] | None = None
) -> Float[AnyArray, "num_points blocks"]:
    """R = KZ of points with themselves, every pair of points compared once.

    With some ``pairs`` of tiles it is the part of R that comes of them.
    """
    sums = over_tiles(
        _add_rows_of_both,
        points.width,
        (*points.block_of.shape, points.num_columns),
        (kernel, points.tiles, points.block_of, points.first),
        points.pairs() if pairs is None else pairs,
    )
    sums = sums.reshape(-1, points.num_columns)
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
    # The barrier materialises the tile; otherwise XLA fuses `exp` into both reductions.
    return lax.optimization_barrier(kernel.pairwise(at_i, at_j))


def _membership(block_of, width, dtype):
    return (block_of[:, None] == np.arange(width, dtype=np.int32)[None]).astype(dtype)


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
    tiles: tuple[np.ndarray, ...],
) -> Any:
    """Sum of a contribution over a list of tiles (row, column, weight)."""
    dtype = jnp.result_type(*jax.tree.leaves(data[1]))
    rows, columns, weight = tiles
    tiles = (rows.astype(np.int32), columns.astype(np.int32), weight.astype(dtype))
    dtype = np.promote_types(dtype, jax.dtypes.canonicalize_dtype(float))
    if is_traced(data):
        # Zeros of the data: inside of `shard_map` these know which axes they vary over.
        zero = sum(jnp.zeros_like(x).sum(dtype=dtype) for x in jax.tree.leaves(data))
        return _sum_traced(add, width, jnp.full(shape, zero, dtype), tiles, data)

    def work(share: list[tuple], check: Callable[[], None]) -> Any:
        total: Any = np.zeros(shape, dtype)
        for count, chunk in share:
            check()
            total = _sum_chunk(add, width, total, count, chunk, data)
            jax.block_until_ready(total)
        return total

    workers = num_workers()
    chunks = _chunks(tiles, workers)
    shares = [chunks[w::workers] for w in range(workers)]
    first, *others = map_on_workers(work, filter(None, shares))
    return sum(map(np.asarray, others), start=np.asarray(first))


def _chunks(tiles: tuple, workers: int) -> list[tuple[int, tuple]]:
    """Chunks of about equal numbers of tiles, filled up to one length."""
    num_tiles = len(tiles[0])
    num_chunks = min(workers * -(-num_tiles // (workers * CHUNK)), num_tiles)
    return [
        (len(part), tuple(np.pad(a[part], (0, CHUNK - len(part))) for a in tiles))
        for part in np.array_split(np.arange(num_tiles), num_chunks)
    ]


@partial(jax.jit, static_argnames=("add", "width"))
def _sum_chunk(add, width, total, count, tiles, data):
    def step(i, total):
        return add(total, width, tuple(a[i] for a in tiles), *data)

    return lax.fori_loop(0, count, step, total)


@partial(jax.jit, static_argnames=("add", "width"))
def _sum_traced(add, width, total, tiles, data):
    # For a gradient, tiles are made again: kept, they would be the whole matrix.
    @partial(jax.checkpoint, prevent_cse=False)  # in a loop there is no other copy
    def step(total, tile, data):
        return add(total, width, tile, *data)

    return lax.scan(lambda s, tile: (step(s, tile, data), None), total, tiles)[0]

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
from jaxtyping import Array, DTypeLike, Float, Int

from cgm_jax._shared.arrays import (
    AnyArray,
    Points,
    array_module,
    is_traced,
    rounded_up,
)
from cgm_jax._shared.precision import compiled, matmul
from cgm_jax._shared.workers import map_on_workers, num_workers
from cgm_jax.kernels.base import Embedding, Kernel

from .embedding import by_tile, embedded_tiles

__all__ = [
    "CHUNK",
    "Blocks",
    "Members",
    "add_at",
    "add_between",
    "add_rows",
    "add_symmetric_rows",
    "kernel_tile",
    "num_columns",
    "over_tiles",
    "rows_between_blocks",
    "side_and_number",
    "sums_between_blocks",
    "sums_of_rows",
    "sums_of_symmetric_rows",
]

CHUNK = 512  # tiles a call: some tenths of a second, so that an interrupt is answered
WIDE = 16  # blocks in a tile: from here a sum over rows beats a product with Z
TOTALS = 2**30  # bytes: a larger total is kept once, and not by every thread


class Members(NamedTuple):
    """Embedded points as tiles, with the block and the weight of every point."""

    tiles: Embedding  # every leaf (num_tiles, tile_size, ...)
    # Counted within the tile, from 0.
    block_of: Int[AnyArray, "num_tiles tile_size"]
    weight: Float[AnyArray, "num_tiles tile_size"]  # in the dtype of the points
    first: Int[AnyArray, " num_tiles"]  # number of the tile's first block


class Blocks(NamedTuple):
    """Points in consecutive blocks, cut into tiles; those that fill up weigh 0."""

    kernel: Kernel  # that pairs these tiles
    members: Members
    num_points: int
    num_blocks: int
    width: int  # most blocks that meet in one tile
    num_tiles: int  # those with points; the others fill up

    @classmethod
    def cut(
        cls,
        kernel: Kernel,
        points: Points,
        sizes: Sequence[int],
        tile_size: int,
        weights: Float[AnyArray, " num_points"] | None = None,
    ) -> "Blocks":
        """Embed points, given in consecutive blocks of some sizes, and cut them.

        Every point has weight 1 unless ``weights`` says otherwise.

        Unless traced, sides and numbers are rounded up to a few sizes, for which
        programs are compiled.
        """
        num_points = int(sum(sizes))
        traced = is_traced(kernel, points)
        round_up = (lambda number: number) if traced else rounded_up
        if traced:
            tile_size = min(tile_size, num_points)
            num_tiles = -(-num_points // tile_size)
        else:
            tile_size, num_tiles = side_and_number(num_points, tile_size)
        shape = round_up(num_tiles), tile_size
        padding = math.prod(shape) - num_points
        block = np.repeat(np.arange(len(sizes)), sizes)
        block = np.pad(block, (0, padding), mode="edge").reshape(shape)
        first = block[:, 0]
        width = round_up(int((block[:, -1] - first).max()) + 1)
        if weights is None:
            weights = np.ones(num_points, points.dtype)
        xp = array_module(weights)
        weight = xp.pad(xp.asarray(weights, points.dtype), (0, padding)).reshape(shape)
        # The last row again, not zeros: what a kernel makes of zeros is unknown.
        if traced:
            kernel = by_tile(kernel)
            tiles = _padded_tiles(kernel.embed(jnp.asarray(points)), padding, shape)
        else:
            place = np.minimum(np.arange(math.prod(shape)), num_points - 1)
            tiles = embedded_tiles(kernel, points, place.reshape(shape))
        block_of = (block - first[:, None]).astype(np.int32)
        return cls(
            kernel,
            Members(tiles, block_of, weight, first.astype(np.int32)),
            num_points,
            len(sizes),
            width,
            num_tiles,
        )

    @property
    def num_columns(self) -> int:
        """Blocks of a total, to which a tile of ``width`` blocks is added anywhere."""
        if is_traced(self.members):
            return self.num_blocks + self.width - 1
        return num_columns(self.num_blocks, self.width)

    def pairs(self) -> tuple[np.ndarray, ...]:
        """Rows, columns and weights of the tiles on and above the diagonal."""
        rows, columns = np.triu_indices(self.num_tiles)
        # A tile on the diagonal is its own mirror image.
        return rows, columns, np.where(rows == columns, 0.5, 1.0)


def _padded_tiles(
    embedding: Embedding, padding: int, shape: tuple[int, int]
) -> Embedding:
    def tiles(leaf: Array) -> Array:
        widths = [(0, padding)] + [(0, 0)] * (leaf.ndim - 1)
        return jnp.pad(leaf, widths, mode="edge").reshape(*shape, *leaf.shape[1:])

    return jax.tree.map(tiles, embedding)


def side_and_number(num_points: int, tile_size: int) -> tuple[int, int]:
    """Points on the side of a tile, for few points a power of two, and tiles."""
    side = min(tile_size, max(64, 1 << (num_points - 1).bit_length()))
    return side, -(-num_points // side)


def num_columns(num_blocks: int, width: int) -> int:
    """`Blocks.num_columns` outside of a trace, one of few sizes."""
    return rounded_up(max(num_blocks + width - 1, 8))


def sums_between_blocks(points: Blocks) -> Float[AnyArray, "blocks blocks"]:
    """B = ZᵀKZ of points with themselves, symmetric."""
    size = points.num_columns
    sums = over_tiles(
        add_between,
        points.width,
        (size, size),
        (points.kernel, points.members),
        points.pairs(),
    )
    return sums[: points.num_blocks, : points.num_blocks]


def sums_of_rows(x: Blocks, y: Blocks) -> Float[AnyArray, "num_points blocks"]:
    """R = KZ: for every point of x, the sum of k over every block of y."""
    rows, columns = (i.reshape(-1) for i in np.indices((x.num_tiles, y.num_tiles)))
    sums = over_tiles(
        add_rows,
        y.width,
        (*x.members.block_of.shape, y.num_columns),
        (x.kernel, x.members.tiles, y.members),
        (rows, columns, np.ones(len(rows))),
    )
    return sums.reshape(-1, y.num_columns)[: x.num_points, : y.num_blocks]


def sums_of_symmetric_rows(points: Blocks) -> Float[AnyArray, " num_points"]:
    """K·1 of points with themselves, every pair of points compared once."""
    sums = over_tiles(
        add_symmetric_rows,
        points.width,
        points.members.block_of.shape,
        (points.kernel, points.members),
        points.pairs(),
    )
    return sums.reshape(-1)[: points.num_points]


def rows_between_blocks(
    points: Blocks, pairs: tuple[np.ndarray, ...] | None = None
) -> Float[AnyArray, "num_points blocks"]:
    """R = KZ of points with themselves, every pair of points compared once.

    With some ``pairs`` of tiles it is the part of R that comes of them.
    """
    sums = over_tiles(
        _add_rows_of_both,
        points.width,
        (*points.members.block_of.shape, points.num_columns),
        (points.kernel, points.members),
        points.pairs() if pairs is None else pairs,
    )
    sums = sums.reshape(-1, points.num_columns)
    return sums[: points.num_points, : points.num_blocks]


def add_between(total, width, tile, kernel, points):
    """What two tiles add to B."""
    i, j, weight = tile
    k = kernel_tile(kernel, points.tiles, i, points.tiles, j)
    if width < WIDE:
        sums = _rows_by_block(_columns_by_block(k, points, j, width), points, i, width)
    else:  # what is transposed is small
        sums = _columns_by_block(_rows_by_block(k, points, i, width), points, j, width)
    at_i, at_j = points.first[i], points.first[j]
    total = add_at(total, (at_i, at_j), weight * sums)
    return add_at(total, (at_j, at_i), weight * sums.T)


def add_rows(total, width, tile, kernel, x, y):
    """What two tiles add to R of x."""
    i, j, weight = tile
    k = kernel_tile(kernel, x, i, y.tiles, j)
    rows = weight * _columns_by_block(k, y, j, width)
    return add_at(total, (i, 0, y.first[j]), rows[None])


def add_symmetric_rows(total, width, tile, kernel, points):
    """What two tiles of one block add to the rows of both."""
    del width  # one block
    i, j, weight = tile
    k = kernel_tile(kernel, points.tiles, i, points.tiles, j)
    # Products with a vector: XLA's CPU reduction over a leading axis is far slower.
    at_i = matmul(k, _weight(points, j, k.dtype))
    at_j = matmul(_weight(points, i, k.dtype), k)
    total = add_at(total, (i, 0), weight * at_i[None])
    return add_at(total, (j, 0), weight * at_j[None])


def _add_rows_of_both(total, width, tile, kernel, points):
    i, j, weight = tile
    k = kernel_tile(kernel, points.tiles, i, points.tiles, j)
    at_i = _columns_by_block(k, points, j, width)
    at_j = _rows_by_block(k, points, i, width).T
    total = add_at(total, (i, 0, points.first[j]), weight * at_i[None])
    return add_at(total, (j, 0, points.first[i]), weight * at_j[None])


def kernel_tile(
    kernel: Kernel, x: Embedding, i: Int[Array, ""], y: Embedding, j: Int[Array, ""]
) -> Float[Array, "m n"]:
    """K between tile i of x and tile j of y."""
    at_i, at_j = (jax.tree.map(lambda a, m=m: a[m], e) for e, m in ((x, i), (y, j)))
    # The barrier materialises the tile; otherwise XLA fuses `exp` into both reductions.
    return lax.optimization_barrier(kernel.pairwise(at_i, at_j))


def _columns_by_block(
    k: Float[Array, "m n"], points: Members, j: Int[Array, ""], width: int
) -> Float[Array, "m width"]:
    """kZ, the columns of k being the points of tile j."""
    if width >= WIDE:
        return _rows_by_block(k.T, points, j, width).T
    return matmul(k, _membership(points, j, width, k.dtype))


def _rows_by_block(
    k: Float[Array, "m n"], points: Members, i: Int[Array, ""], width: int
) -> Float[Array, "width n"]:
    """Zᵀk, the rows of k being the points of tile i."""
    if width >= WIDE:
        weighted = _weight(points, i, k.dtype)[:, None] * k
        return jax.ops.segment_sum(
            weighted, points.block_of[i], width, indices_are_sorted=True
        )
    return matmul(_membership(points, i, width, k.dtype).T, k)


def _membership(
    points: Members, tile: Int[Array, ""], width: int, dtype: DTypeLike
) -> Float[Array, "n width"]:
    columns = np.arange(width, dtype=np.int32)
    is_member = points.block_of[tile][:, None] == columns[None]
    return jnp.where(is_member, _weight(points, tile, dtype)[:, None], 0)


def _weight(
    points: Members, tile: Int[Array, ""], dtype: DTypeLike
) -> Float[Array, " n"]:
    return points.weight[tile].astype(dtype)


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
    # The whole numbers beside the points say which block each is in.
    leaves = [x for x in jax.tree.leaves(data[1]) if x.dtype.kind not in "iu"]
    dtype = jnp.result_type(*leaves)
    rows, columns, weight = tiles
    tiles = (rows.astype(np.int32), columns.astype(np.int32), weight.astype(dtype))
    dtype = np.promote_types(dtype, jax.dtypes.canonicalize_dtype(float))
    if is_traced(data):
        # Zeros of the data: inside of `shard_map` these know which axes they vary over.
        zero = sum(jnp.zeros_like(x).sum(dtype=dtype) for x in jax.tree.leaves(data))
        return _sum_traced(add, width, jnp.full(shape, zero, dtype), tiles, data)

    def work(share: list[tuple], check: Callable[[], None]) -> Any:
        total: Any = jax.device_put(np.zeros(shape, dtype))
        for count, chunk in share:
            check()
            total = _sum_chunk(add, width, total, count, chunk, data)
            jax.block_until_ready(total)
        return total

    workers = num_workers() if 8 * math.prod(shape) <= TOTALS else 1
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


@compiled(static_argnames=("add", "width"), donate_argnames="total")
def _sum_chunk(add, width, total, count, tiles, data):
    def step(i, total):
        return add(total, width, tuple(a[i] for a in tiles), *data)

    return lax.fori_loop(0, count, step, total)


@compiled(static_argnames=("add", "width"))
def _sum_traced(add, width, total, tiles, data):
    # For a gradient, tiles are made again: kept, they would be the whole matrix.
    @partial(jax.checkpoint, prevent_cse=False)  # in a loop there is no other copy
    def step(total, tile, data):
        return add(total, width, tile, *data)

    return lax.scan(lambda s, tile: (step(s, tile, data), None), total, tiles)[0]

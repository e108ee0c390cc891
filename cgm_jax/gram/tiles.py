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
from typing import NamedTuple

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
from cgm_jax._shared.precision import matmul
from cgm_jax._shared.workers import map_on_workers, num_workers
from cgm_jax.kernels.base import Embedding, Kernel

from .embedding import by_tile, embedded_tiles
from .tile_loops import (
    add_at,
    as_tiles,
    chunks_of,
    dtype_of_sums,
    over_tiles,
    sum_chunks,
    zeros,
)

__all__ = [
    "Blocks",
    "Members",
    "add_between",
    "add_rows",
    "add_symmetric_rows",
    "columns_by_block",
    "kernel_tile",
    "num_columns",
    "rows_between_blocks",
    "rows_by_block",
    "side_and_number",
    "sums_between_blocks",
    "sums_of_rows",
    "sums_of_symmetric_rows",
]

# Where there are less, compiling takes longer than summing: all share few programs.
FEW_TILES, FEW_BLOCKS, FEW_COLUMNS = 8, 8, 32
MANY_TILES = 64  # from here compiling takes less, and sizes are as they are
WIDE = 16  # blocks in a tile: from here a sum over rows beats a product with Z
BAND = 2**26  # bytes of sums of rows that a thread works on, before they are copied


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
        if traced:
            tile_size = min(tile_size, num_points)
            num_tiles = -(-num_points // tile_size)
            shape = num_tiles, tile_size
        else:
            tile_size, num_tiles = side_and_number(num_points, tile_size)
            least = FEW_TILES if kernel.is_cheap_to_embed else 1
            shape = _of_few_numbers(num_tiles, num_tiles, least=least), tile_size
        padding = math.prod(shape) - num_points
        block = np.repeat(np.arange(len(sizes)), sizes)
        block = np.pad(block, (0, padding), mode="edge").reshape(shape)
        first = block[:, 0]
        width = int((block[:, -1] - first).max()) + 1
        if not traced:
            width = _of_few_numbers(width, num_tiles, least=FEW_BLOCKS)
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
        columns = num_columns(self.num_blocks, self.width)
        return _of_few_numbers(columns, self.num_tiles, least=FEW_COLUMNS)

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
    """Points on the side of a tile, fewer for few points, and the number of tiles."""
    side = min(tile_size, 64) if num_points <= 64 else tile_size
    return side, -(-num_points // side)


def _of_few_numbers(number: int, num_tiles: int, *, least: int = 1) -> int:
    """A number or a larger one: of fewer for few tiles, for which compiling is long."""
    if num_tiles >= MANY_TILES:
        return rounded_up(number)
    return max(least, rounded_up(number, steps=1))


def even_side(num_points: int, tile_size: int, *, traced: bool) -> int:
    """The side of tiles that are all hardly filled up; one of few unless traced."""
    side = -(-num_points // -(-num_points // tile_size))
    return side if traced else min(tile_size, rounded_up(side, steps=8))


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


def sums_of_rows(
    x: Blocks, y: Blocks, *, last: Float[AnyArray, " num_points"] | None = None
) -> Float[AnyArray, "num_points columns"]:
    """R = KZ: for every point of x, the sum of k over every block of y.

    ``last`` is a column that stands behind the sums. Unless traced, R is held once:
    every thread sums a band of rows at a time, and copies it to its place.
    """
    num_rows, side = x.members.block_of.shape
    data = (x.kernel, x.members.tiles, y.members)
    if is_traced(data):
        shape = (num_rows, side, y.num_columns)
        every = _pairs_of_tiles(0, x.num_tiles, y.num_tiles)
        sums = over_tiles(add_rows, y.width, shape, (*data, np.int32(0)), every)
        sums = sums.reshape(-1, y.num_columns)[: x.num_points, : y.num_blocks]
        return sums if last is None else jnp.concatenate([sums, last[:, None]], axis=1)
    height = band_height(x.num_tiles, side, y.num_columns)
    shape = (_of_few_numbers(height, height), side, y.num_columns)
    dtype = dtype_of_sums(data)
    rows = np.empty((x.num_points, y.num_blocks + (last is not None)), dtype)
    if last is not None:
        rows[:, -1] = last

    firsts = range(0, x.num_tiles, height)
    is_few = len(firsts) <= num_workers()
    totals = [zeros(shape, data) if is_few else None for _ in firsts]

    def work(index: int, check: Callable[[], None]) -> None:
        first = firsts[index]
        total, totals[index] = totals[index], None
        total = zeros(shape, data) if total is None else total
        height_here = min(height, x.num_tiles - first)
        tiles = _pairs_of_tiles(first, height_here, y.num_tiles)
        chunks = chunks_of(as_tiles(tiles, data), 1)
        here = (*data, np.int32(first))
        band = np.asarray(sum_chunks(add_rows, y.width, total, here, chunks, check))
        place = slice(first * side, (first + height_here) * side)
        into = rows[place, : y.num_blocks]
        into[...] = band.reshape(-1, y.num_columns)[: len(into), : y.num_blocks]

    map_on_workers(work, range(len(firsts)))
    return rows


def band_height(num_tiles: int, side: int, num_columns: int) -> int:
    """How many tiles of rows a thread sums at a time: all of its share, or less."""
    workers = num_workers()
    most = max(1, BAND // (8 * side * num_columns))
    bands = workers * -(-num_tiles // (workers * most))
    return -(-num_tiles // bands)


def _pairs_of_tiles(first: int, num_rows: int, num_columns: int) -> tuple:
    """Some tiles of rows with all tiles of columns, and a weight of 1."""
    rows, columns = (i.reshape(-1) for i in np.indices((num_rows, num_columns)))
    return rows + first, columns, np.ones(len(rows))


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
        sums = rows_by_block(columns_by_block(k, points, j, width), points, i, width)
    else:  # what is transposed is small
        sums = columns_by_block(rows_by_block(k, points, i, width), points, j, width)
    at_i, at_j = points.first[i], points.first[j]
    total = add_at(total, (at_i, at_j), weight * sums)
    return add_at(total, (at_j, at_i), weight * sums.T)


def add_rows(total, width, tile, kernel, x, y, first):
    """What two tiles add to R of x, of which rows from ``first`` are summed."""
    i, j, weight = tile
    k = kernel_tile(kernel, x, i, y.tiles, j)
    rows = weight * columns_by_block(k, y, j, width)
    return add_at(total, (i - first, 0, y.first[j]), rows[None])


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
    at_i = columns_by_block(k, points, j, width)
    at_j = rows_by_block(k, points, i, width).T
    total = add_at(total, (i, 0, points.first[j]), weight * at_i[None])
    return add_at(total, (j, 0, points.first[i]), weight * at_j[None])


def kernel_tile(
    kernel: Kernel, x: Embedding, i: Int[Array, ""], y: Embedding, j: Int[Array, ""]
) -> Float[Array, "m n"]:
    """K between tile i of x and tile j of y."""
    at_i, at_j = (jax.tree.map(lambda a, m=m: a[m], e) for e, m in ((x, i), (y, j)))
    # The barrier materialises the tile; otherwise XLA fuses `exp` into both reductions.
    return lax.optimization_barrier(kernel.pairwise(at_i, at_j))


def columns_by_block(
    k: Float[Array, "m n"], points: Members, j: Int[Array, ""], width: int
) -> Float[Array, "m width"]:
    """kZ, the columns of k being the points of tile j."""
    if width >= WIDE:
        return rows_by_block(k.T, points, j, width).T
    return matmul(k, _membership(points, j, width, k.dtype))


def rows_by_block(
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

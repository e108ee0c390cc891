"""Sums of a kernel between many small blocks, each written to its place.

A tile holds whole blocks, as many as fit. What two tiles of points say of their blocks
is then all that there is, and nobody else writes to that part of

    B = ZᵀKZ

so that B is held once, however many threads there are: for thousands of parties of few
points each, B is far larger than all else, and making it takes longer than the kernel.
"""

from collections.abc import Callable, Sequence

import numpy as np
from jax import lax
from jaxtyping import Float

from cgm_jax._shared.arrays import AnyArray, Points, rounded_up
from cgm_jax._shared.precision import compiled
from cgm_jax._shared.workers import map_on_workers, num_workers
from cgm_jax.kernels.base import Kernel

from .embedding import embedded_tiles
from .tile_loops import dtype_of_sums
from .tiles import Members, columns_by_block, kernel_tile, rows_by_block

__all__ = ["AT_ONCE", "are_small", "sums_between_small_blocks"]

FILLED = 8  # blocks of the largest size that a tile holds at least: little is empty
MANY = 32  # blocks a tile: with fewer, what is saved is less than what stays empty
AT_ONCE = 8  # pairs of tiles a call


def are_small(num_blocks: int, num_points: int, largest: int, tile_size: int) -> bool:
    """Whether so many blocks go into every tile that they are best kept whole."""
    is_many = num_blocks >= max(tile_size, MANY * num_points / tile_size)
    return is_many and FILLED * largest <= tile_size


def sums_between_small_blocks(
    kernel: Kernel,
    points: Points,
    sizes: Sequence[int],
    tile_size: int,
    weights: Float[np.ndarray, " num_points"] | None = None,
    *,
    room: int = 0,
) -> Float[np.ndarray, "blocks blocks"]:
    """B of points in consecutive blocks, symmetric, and ``room`` for others behind."""
    ends = np.cumsum(sizes)
    first = _first_blocks(ends, tile_size)
    num_tiles = len(first) - 1
    width = rounded_up(int(np.diff(first).max())) if max(sizes) > 1 else None
    data = kernel, _members(kernel, points, ends, first, tile_size, weights)
    between = np.empty((len(sizes) + room, len(sizes) + room), dtype_of_sums(data))
    between[len(sizes) :] = 0
    between[:, len(sizes) :] = 0
    pairs = np.stack(np.triu_indices(num_tiles)).astype(np.int32)
    starts = range(0, pairs.shape[1], AT_ONCE)

    def work(share: range, check: Callable[[], None]) -> None:
        for start in share:
            check()
            some = pairs[:, start : start + AT_ONCE]
            padding = ((0, 0), (0, AT_ONCE - some.shape[1]))
            sums = np.asarray(_between(width, np.pad(some, padding, "edge"), data))
            for (i, j), of_pair in zip(some.T, sums, strict=False):
                at_i, at_j = (slice(first[tile], first[tile + 1]) for tile in (i, j))
                part = of_pair[: at_i.stop - at_i.start, : at_j.stop - at_j.start]
                between[at_j, at_i] = part.T
                # A tile with itself is its own mirror image but for rounding.
                between[at_i, at_j] = part if i < j else (part + part.T) / 2

    workers = num_workers()
    map_on_workers(work, [starts[w::workers] for w in range(workers)])
    return between


def _first_blocks(ends: np.ndarray, side: int) -> np.ndarray:
    """The first block of every tile, and the number of blocks."""
    first = [0]
    while first[-1] < len(ends):
        before = ends[first[-1] - 1] if first[-1] else 0
        first.append(int(np.searchsorted(ends, before + side, "right")))
    return np.array(first)


def _members(
    kernel: Kernel,
    points: Points,
    ends: np.ndarray,
    first: np.ndarray,
    side: int,
    weights: AnyArray | None,
) -> Members:
    """Tiles of whole blocks, each filled up by its last point at weight 0."""
    stops = ends[first[1:] - 1]
    number = np.concatenate([[0], stops[:-1]])[:, None] + np.arange(side)[None]
    is_point = number < stops[:, None]
    place = np.minimum(number, stops[:, None] - 1)
    block_of = np.searchsorted(ends, place, "right") - first[:-1, None]
    weight = is_point if weights is None else np.where(is_point, weights[place], 0)
    filling = ((0, rounded_up(len(place)) - len(place)), (0, 0))
    return Members(
        embedded_tiles(kernel, points, np.pad(place, filling, "edge")),
        np.pad(block_of, filling).astype(np.int32),
        np.pad(weight, filling).astype(points.dtype),
        np.pad(first[:-1], filling[0]).astype(np.int32),
    )


@compiled(static_argnames="width")
def _between(width, pairs, data):
    kernel, points = data

    def of_pair(pair):
        i, j = pair
        k = kernel_tile(kernel, points.tiles, i, points.tiles, j)
        if width is None:  # every point is a block
            return points.weight[i][:, None] * k * points.weight[j][None]
        return columns_by_block(rows_by_block(k, points, i, width), points, j, width)

    return lax.map(of_pair, tuple(pairs))

"""Loops over many tiles: a sum of what each of them adds to a total.

Tiles are a list of (row, column, weight). A total is donated from call to call, and
every thread has its own while all of them fit into ``TOTALS`` bytes.
"""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array

from cgm_jax._shared.arrays import is_traced
from cgm_jax._shared.precision import compiled
from cgm_jax._shared.workers import map_on_workers, num_workers

__all__ = [
    "add_at",
    "as_tiles",
    "chunks_of",
    "dtype_of_sums",
    "over_tiles",
    "sum_chunks",
    "threads_with_totals",
    "zeros",
]

CHUNK = 512  # tiles a call: some tenths of a second, so that an interrupt is answered
TOTALS = 2**30  # bytes that the totals of all threads may take, or one that is larger


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
    tiles, dtype = as_tiles(tiles, data), dtype_of_sums(data)
    if is_traced(data):
        # Zeros of the data: inside of `shard_map` these know which axes they vary over.
        zero = sum(jnp.zeros_like(x).sum(dtype=dtype) for x in jax.tree.leaves(data))
        return _sum_traced(add, width, jnp.full(shape, zero, dtype), tiles, data)

    def work(share: tuple[Any, list[tuple]], check: Callable[[], None]) -> Any:
        total, chunks = share
        return sum_chunks(add, width, total, data, chunks, check)

    workers = threads_with_totals(8 * math.prod(shape))
    chunks = chunks_of(tiles, workers)
    shares = filter(None, (chunks[w::workers] for w in range(workers)))
    # Made by this thread: what others free, they keep for themselves.
    given = [(zeros(shape, data), share) for share in shares]
    first, *others = map_on_workers(work, given)
    if not others:
        return np.asarray(first)
    total = np.array(first)
    for other in others:
        total += np.asarray(other)
    return total


def threads_with_totals(num_bytes: int) -> int:
    """How many threads add up a total of their own, of so many bytes each."""
    return max(1, min(num_workers(), TOTALS // num_bytes))


def _element_dtype(data: tuple) -> Any:
    # The whole numbers beside the points say which block each is in.
    leaves = [x for x in jax.tree.leaves(data[1]) if x.dtype.kind not in "iu"]
    return jnp.result_type(*leaves)


def dtype_of_sums(data: tuple) -> Any:
    """That of the points, or float64 where 64-bit types are on."""
    return np.promote_types(_element_dtype(data), jax.dtypes.canonicalize_dtype(float))


def as_tiles(tiles: tuple[np.ndarray, ...], data: tuple) -> tuple[np.ndarray, ...]:
    """A list of tiles in the types of a program."""
    rows, columns, weight = tiles
    weight = weight.astype(_element_dtype(data))
    return rows.astype(np.int32), columns.astype(np.int32), weight


def zeros(shape: tuple[int, ...], data: tuple) -> Any:
    """A total to start with, on the device."""
    return jax.device_put(np.zeros(shape, dtype_of_sums(data)))


def sum_chunks(
    add: Callable[..., Array],
    width: int,
    total: Any,
    data: tuple,
    chunks: list[tuple],
    check: Callable[[], None],
) -> Any:
    """Add a contribution of chunks of tiles to a total, which is donated."""
    for count, chunk in chunks:
        check()
        total = _sum_chunk(add, width, total, count, chunk, data)
        jax.block_until_ready(total)
    return total


def chunks_of(tiles: tuple, workers: int) -> list[tuple[int, tuple]]:
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

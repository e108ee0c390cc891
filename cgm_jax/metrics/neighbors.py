r"""Distances to the nearest points: exact, tile by tile, in bounded memory.

Points are cut into tiles that lie close together, by halving the longest side of a box
again and again. A tile of queries visits the tiles of points from the nearest box
outwards and stops where the next box is farther than every query's k-th neighbour:

.. math:: \min_{x \in A, y \in B} \lVert x - y \rVert^2 \ge
          \sum_c \max(0, \ell^B_c - u^A_c, \ell^A_c - u^B_c)^2

for boxes :math:`[\ell^A, u^A]` and :math:`[\ell^B, u^B]`. Nothing is left out, and few
tiles are compared unless points of many dimensions fill their space.

Reference: J. L. Bentley, *Multidimensional binary search trees used for associative
searching*, Communications of the ACM, 1975.
"""

from collections.abc import Callable, Iterator
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, ArrayLike, Float, Int

from cgm_jax._shared.arrays import Points, as_points, is_traced, with_common_dtype
from cgm_jax._shared.workers import map_on_workers, num_workers
from cgm_jax.kernels.distances import squared_distances

__all__ = ["nearest_distances"]

_Tiles = tuple[Float[Array, "tiles p d"], Float[Array, "tiles d"], Float[Array, "..."]]


def nearest_distances(
    queries: Float[ArrayLike, "m d"],
    points: Float[ArrayLike, "n d"],
    *,
    num_neighbors: int,
    tile_size: int | None = None,
) -> Float[np.ndarray, "m k"]:
    r"""Distance of every query to its nearest points, by differences.

    Args:
        queries: shape ``(m, d)``. A query that is one of the points has itself, at
            distance 0, as its first neighbour: copies of a point are at exactly 0.
        points: shape ``(n, d)``, n >= ``num_neighbors``.
        num_neighbors: k >= 1, how many distances.
        tile_size: number of points on the side of a tile: the same distances, and
            memory of ``tile_size**2`` distances a core. By default 128 on a CPU and
            2,048 elsewhere.

    Returns:
        Distances, ascending, shape ``(m, k)``, float64 numbers with the rounding of the
        points' own dtype.

    Raises:
        ValueError: if shapes do not fit, an entry is not finite, or there are fewer
            points than neighbours asked for.
        TypeError: inside the user's own transformation.

    Example:
        >>> line = np.array([[0.0], [1.0], [3.0]])
        >>> nearest_distances(line, line, num_neighbors=2)
        array([[0., 1.],
               [0., 1.],
               [0., 2.]])

    Reference: J. L. Bentley 1975.
    """
    if is_traced(queries, points):
        raise TypeError("Expected concrete points: call it outside `jit`.")
    if tile_size is None:
        tile_size = 128 if jax.default_backend() == "cpu" else 2048
    if tile_size < 1:
        raise ValueError(f"Expected tile_size >= 1, got {tile_size}.")
    queries, points = with_common_dtype(
        ("queries", as_points(queries, "queries")),
        ("points", as_points(points, "points")),
    )
    if not 1 <= num_neighbors <= len(points):
        raise ValueError(
            f"Expected num_neighbors between 1 and the number of points, {len(points)},"
            f" got {num_neighbors}."
        )
    queries, points = np.asarray(queries), np.asarray(points)
    if len(queries) == 0:
        return np.zeros((0, num_neighbors))
    scale = _power_of_two(queries, points)
    with jax.enable_x64(True):
        tiles = _cut(points * scale, tile_size)
        squares = _search_all(queries * scale, tiles, tile_size, num_neighbors)
    return np.sqrt(squares) / float(scale)


def _power_of_two(*sets: Points) -> np.floating:
    """What brings the points to about unit size: no square under- or overflows.

    A power of two changes no digit.
    """
    lowest = np.min([x.min(axis=0) for x in sets], axis=0).astype(np.float64)
    highest = np.max([x.max(axis=0) for x in sets], axis=0).astype(np.float64)
    largest = float(np.max(highest / 2 - lowest / 2))
    exponent = np.frexp(largest)[1] if largest > 0 else 0
    limit = np.finfo(sets[0].dtype).maxexp - 2
    return np.ldexp(sets[0].dtype.type(1), int(np.clip(-exponent, -limit, limit)))


def _leaves(points: Points, size: int) -> Iterator[Int[np.ndarray, " p"]]:
    """Rows of points that lie together; all leaves are full but one."""
    waiting = [np.arange(len(points))]
    while waiting:
        rows = waiting.pop()
        if len(rows) <= size:
            yield rows
            continue
        here = points[rows]
        axis = np.argmax(here.max(axis=0) - here.min(axis=0))
        middle = size * (-(-len(rows) // size) // 2)
        order = np.argpartition(here[:, axis], middle)
        waiting += [rows[order[middle:]], rows[order[:middle]]]


def _cut(points: Points, tile_size: int) -> _Tiles:
    """Tiles and the corners of their boxes, padded by tiles infinitely far away."""
    leaves = list(_leaves(points, tile_size))
    # To a power of two: sets of similar sizes share one program.
    num_tiles = 1 << (len(leaves) - 1).bit_length()
    shape = (num_tiles, min(tile_size, len(points)), points.shape[1])
    tiles = np.full(shape, np.inf, points.dtype)
    low, high = (np.full((num_tiles, shape[2]), np.inf, points.dtype) for _ in range(2))
    for i, rows in enumerate(leaves):
        tiles[i, : len(rows)] = points[rows]
        low[i], high[i] = points[rows].min(axis=0), points[rows].max(axis=0)
    return jnp.asarray(tiles), jnp.asarray(low), jnp.asarray(high)


def _search_all(
    queries: Points, tiles: _Tiles, tile_size: int, num_neighbors: int
) -> Float[np.ndarray, "m k"]:
    squares = np.empty((len(queries), num_neighbors))
    leaves = list(_leaves(queries, tile_size))
    length = min(tile_size, len(queries))

    def work(share: list[np.ndarray], check: Callable[[], None]) -> None:
        for rows in share:
            check()
            # The last row again, so that one program serves all tiles.
            padded = np.pad(rows, (0, length - len(rows)), mode="edge")
            found = _search(queries[padded], *tiles, num_neighbors=num_neighbors)
            squares[rows] = np.asarray(found)[: len(rows)]

    workers = num_workers()
    map_on_workers(work, [leaves[w::workers] for w in range(workers)])
    return squares


@partial(jax.jit, static_argnames="num_neighbors")
def _search(
    queries: Float[Array, "m d"],
    tiles: Float[Array, "tiles p d"],
    low: Float[Array, "tiles d"],
    high: Float[Array, "tiles d"],
    *,
    num_neighbors: int,
) -> Float[Array, "m k"]:
    """Squared distances to the nearest points, ascending."""
    lowest = jnp.min(queries, axis=0, keepdims=True)
    highest = jnp.max(queries, axis=0, keepdims=True)
    gaps = jnp.maximum(jnp.maximum(low - highest, lowest - high), 0)
    # A bound must not be above a distance that was rounded down.
    slack = 1 - 4 * queries.shape[1] * jnp.finfo(queries.dtype).eps
    bounds = jnp.sum(gaps * gaps, axis=1) * slack
    order = jnp.argsort(bounds)
    bounds = jnp.append(bounds[order], jnp.inf)

    def is_unfinished(state: tuple[Array, Array]) -> Array:
        visited, best = state
        return bounds[visited] < jnp.max(best[:, -1])

    def visit(state: tuple[Array, Array]) -> tuple[Array, Array]:
        visited, best = state
        squares = squared_distances(queries, tiles[order[visited]], exact=True)
        joined = jnp.concatenate([best, squares], axis=1)
        return visited + 1, -lax.top_k(-joined, num_neighbors)[0]

    best = jnp.full((len(queries), num_neighbors), jnp.inf, queries.dtype)
    return lax.while_loop(is_unfinished, visit, (jnp.int32(0), best))[1]

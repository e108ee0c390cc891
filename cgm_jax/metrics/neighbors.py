"""Distances to the nearest points, exact: by a tree, or by a full search.

In few dimensions a k-d tree finds them; in many it looks at nearly all points, and a
full search in tiles, in bounded memory, is faster. Both compute differences, so that
copies of a point are at distance 0 exactly.
"""

from collections.abc import Callable

import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float

from cgm_jax._shared.arrays import AnyArray, ArrayLike, Points, as_point_sets, is_traced
from cgm_jax._shared.checks import as_whole
from cgm_jax._shared.platforms import platform_settings
from cgm_jax._shared.precision import at_once, compiled
from cgm_jax._shared.workers import map_on_workers
from cgm_jax.kernels.distances import squared_distances

__all__ = ["nearest_distances"]

# Up to so many dimensions, by bytes of a number, a tree is the faster. Seconds on two
# cores, tree / full search: 2.0 / 2.5 for 10,000 points of 8 float32 numbers, 1.9 / 0.5
# for 5,000 of 16, 7.8 / 0.6 for 1,500 of 784; 3 / 14 for 5,000 of 16 float64 numbers.
DIMENSIONS_OF_A_TREE = {4: 8, 8: 16}


def nearest_distances(
    queries: Float[ArrayLike, "m d"],
    points: Float[ArrayLike, "n d"],
    *,
    num_neighbors: int,
) -> Float[AnyArray, "m k"]:
    """Distance of every query to its nearest points, by differences.

    Args:
        queries: shape ``(m, d)``. One that is also a point is its own first neighbour.
        points: shape ``(n, d)``, n >= ``num_neighbors``.
        num_neighbors: k >= 1, how many distances.

    Returns:
        Distances, ascending, shape ``(m, k)``, float64 numbers; in many dimensions with
        the rounding of the points' own dtype, and inside ``jit`` in that.

    Raises:
        ValueError: for shapes that do not fit, entries that are not finite, or fewer
            points than neighbours.

    Example:
        >>> line = np.array([[0.0], [1.0], [3.0]])
        >>> nearest_distances(line, line, num_neighbors=2)[2]
        array([0., 2.])

    Reference: J. L. Bentley, *Multidimensional binary search trees used for associative
    searching*, 1975.
    """
    queries, points = as_point_sets(queries=queries, points=points)
    if as_whole(num_neighbors, "num_neighbors", smallest=1) > len(points):
        raise ValueError(
            f"Expected num_neighbors between 1 and the number of points, {len(points)},"
            f" got {num_neighbors}."
        )
    if is_traced(queries, points):  # all distances at once
        squares = squared_distances(queries, points, exact=True)
        nearest = -lax.top_k(-squares, num_neighbors)[0]
        is_same = nearest == 0
        return jnp.where(is_same, 0, jnp.sqrt(jnp.where(is_same, 1, nearest)))
    queries, points = np.asarray(queries), np.asarray(points)
    if len(queries) == 0:
        return np.zeros((0, num_neighbors))
    scale = _power_of_two(queries, points)
    is_few = points.shape[1] <= DIMENSIONS_OF_A_TREE[points.itemsize]
    search = _by_tree if is_few else _by_full_search
    return search(queries * scale, points * scale, num_neighbors) / float(scale)


def _power_of_two(*sets: Points) -> np.floating:
    """What brings the points to about unit size: no square under- or overflows.

    A power of two changes no digit.
    """
    dtype = sets[0].dtype
    largest = float(max(np.abs(x).max() for x in sets))
    limit = np.finfo(dtype).maxexp - 2
    return np.ldexp(dtype.type(1), int(np.clip(-np.frexp(largest)[1], -limit, limit)))


def _by_tree(queries: Points, points: Points, num: int) -> Float[np.ndarray, "m k"]:
    from scipy.spatial import KDTree

    tree = KDTree(points.astype(np.float64))
    return tree.query(queries, k=range(1, num + 1), workers=-1)[0]


def _by_full_search(
    queries: Points, points: Points, num: int
) -> Float[np.ndarray, "m k"]:
    size = platform_settings().neighbor_tile_size
    # To a power of two: sets of similar sizes share one program.
    num_tiles = 1 << (-(-len(points) // size) - 1).bit_length()
    padding = [(0, num_tiles * size - len(points)), (0, 0)]
    padded = np.pad(points, padding, constant_values=np.inf)
    with at_once():
        tiles = jnp.asarray(padded.reshape(num_tiles, size, -1))

    def work(start: int, check: Callable[[], None]) -> np.ndarray:
        check()
        rows = queries[start : start + size]
        filled = np.pad(rows, [(0, size - len(rows)), (0, 0)])
        squares = _search(filled, tiles, num_neighbors=num)
        return np.asarray(squares, np.float64)[: len(rows)]

    return np.sqrt(np.concatenate(map_on_workers(work, range(0, len(queries), size))))


@compiled(static_argnames="num_neighbors")
def _search(
    queries: Float[AnyArray, "m d"],
    tiles: Float[Array, "tiles p d"],
    *,
    num_neighbors: int,
) -> Float[Array, "m k"]:
    """Squared distances to the nearest points, ascending."""

    def visit(best: Array, tile: Array) -> tuple[Array, None]:
        squares = squared_distances(queries, tile, exact=True)
        joined = jnp.concatenate([best, squares], axis=1)
        return -lax.top_k(-joined, num_neighbors)[0], None

    best = jnp.full((len(queries), num_neighbors), jnp.inf, queries.dtype)
    return lax.scan(visit, best, tiles)[0]

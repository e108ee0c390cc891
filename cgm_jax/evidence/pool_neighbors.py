"""Which rows of all parties are nearest to each row, and how far away they are.

Columns are brought to one scale first, so that their units do not matter: each is
divided by the root mean square of its distances to its median, rows that are at the
median left out. That is about a standard deviation of a continuous column; two rows
of different categories are √2 apart whether the categories are rare or frequent.

In few dimensions a k-d tree finds the neighbours. In many it would look at nearly all
rows: a matrix product finds them, and their distances are then computed by differences,
so that copies of a row are at distance 0 exactly.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from cgm_jax._shared.arrays import Points

__all__ = [
    "ENTRIES_AT_ONCE",
    "PoolNeighbors",
    "in_one_scale",
    "nearest_rows",
    "neighbors_in_pool",
]

_DIMENSIONS_OF_A_TREE = 8
ENTRIES_AT_ONCE = 1 << 21  # of squared distances: 16 MB, and four such arrays


class PoolNeighbors(NamedTuple):
    """The nearest other rows of the pool, of each row of it, nearest first."""

    distances: Float[np.ndarray, "m k"]
    rows: Int[np.ndarray, "m k"]
    """Their places in the pool: the parties' rows, one party after the other."""

    owner: Int[np.ndarray, " m"]
    """The party of each row of the pool."""


def in_one_scale(parties: Sequence[Points]) -> list[Float[np.ndarray, "_ d"]]:
    """The parties' points in columns of one scale; constant columns are 0."""
    pool = np.concatenate([np.asarray(x, np.float64) for x in parties])
    centre = np.median(pool, axis=0)[None]
    largest = np.abs(pool - centre).max(axis=0)[None]
    largest = np.where(largest > 0, largest, 1)
    deviations = (pool - centre) / largest  # no square underflows
    counts = np.maximum((deviations != 0).sum(axis=0), 1)
    squares = np.square(deviations).sum(axis=0) / counts
    scale = largest * np.sqrt(np.where(squares > 0, squares, 1))[None]
    return [(np.asarray(x, np.float64) - centre) / scale for x in parties]


def neighbors_in_pool(
    points: Sequence[Float[np.ndarray, "_ d"]], num_neighbors: int
) -> PoolNeighbors:
    """The nearest rows of each row among all others: at most all there are."""
    pool = np.concatenate(points)
    num = min(num_neighbors, len(pool) - 1)
    owner = np.repeat(np.arange(len(points)), [len(x) for x in points])
    distances, rows = nearest_rows(pool, pool, num, leave_out_own=True)
    return PoolNeighbors(distances, rows, owner)


def nearest_rows(
    queries: Float[np.ndarray, "m d"],
    points: Float[np.ndarray, "n d"],
    num_neighbors: int,
    *,
    leave_out_own: bool = False,
) -> tuple[Float[np.ndarray, "m k"], Int[np.ndarray, "m k"]]:
    """Distances and places of the nearest points, nearest first.

    With ``leave_out_own`` query r is point r, which is not its own neighbour.
    """
    if num_neighbors == 0:
        return np.zeros((len(queries), 0)), np.zeros((len(queries), 0), int)
    is_few = points.shape[1] <= _DIMENSIONS_OF_A_TREE
    search = _by_tree if is_few else _by_products
    return search(queries, points, num_neighbors, leave_out_own=leave_out_own)


def _by_tree(
    queries: np.ndarray, points: np.ndarray, num: int, *, leave_out_own: bool
) -> tuple[np.ndarray, np.ndarray]:
    from scipy.spatial import KDTree  # slow to import

    ranks = range(1, num + 1 + leave_out_own)
    distances, rows = KDTree(points).query(queries, k=ranks)
    if not leave_out_own:
        return distances, rows
    is_own = rows == np.arange(len(queries))[:, None]
    is_own[~is_own.any(axis=1), -1] = True  # too many copies of it are as near
    shape = len(queries), num
    return distances[~is_own].reshape(shape), rows[~is_own].reshape(shape)


def _by_products(
    queries: np.ndarray, points: np.ndarray, num: int, *, leave_out_own: bool
) -> tuple[np.ndarray, np.ndarray]:
    sizes, doubled = np.square(points).sum(axis=1), -2 * points.T
    distances = np.empty((len(queries), num))
    rows = np.empty((len(queries), num), int)
    step = max(1, ENTRIES_AT_ONCE // len(points))
    for start in range(0, len(queries), step):
        part = queries[start : start + step]
        squares = part @ doubled + sizes[None]
        if leave_out_own:
            own = np.arange(len(part))
            squares[own, start + own] = np.inf
        nearest = np.argpartition(squares, num - 1, axis=1)[:, :num]
        found = np.linalg.norm(part[:, None] - points[nearest], axis=2)
        order = np.argsort(found, axis=1, kind="stable")
        distances[start : start + step] = np.take_along_axis(found, order, axis=1)
        rows[start : start + step] = np.take_along_axis(nearest, order, axis=1)
    return distances, rows

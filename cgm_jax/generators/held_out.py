"""Which rows are held out: as many of each of 16 parts of the pool, by chance in each.

Of rows that are chosen by chance alone, a group may have more than its share; then what
is learned has less of it, and so have the candidates, by which parties are valued. The
pool is halved at the median of its widest coordinate, and each half again, four times.
Every row is held out with the same probability, and which rows of a part is chance, so
that the nearest of them to a point is as far as it would be. MMD² to them is lower than
to rows that are chosen by chance alone, of any sample that has the pool's shares.

Reference: W. Cochran, *Sampling Techniques*, 1977, chapters 5 and 8.
"""

import jax
import numpy as np
from jaxtyping import Array, Float, Int, Key

NUM_HALVINGS = 4
LEAST_HELD_OUT = 8  # rows of a part


def split_rows(
    key: Key[Array, ""], points: Float[np.ndarray, "n d"], share: int | float
) -> tuple[Int[np.ndarray, " h"], Int[np.ndarray, " m"]]:
    """Rows held out, at least two unless the share is 0, and the others; shuffled."""
    order_key, start_key = jax.random.split(key)
    order = np.asarray(jax.random.permutation(order_key, len(points)))
    start = float(jax.random.uniform(start_key))
    if not share:
        return order[:0], order
    num = max(2, round(share * len(points)))
    places = np.argsort(_parts(points, num)[order], kind="stable")
    chosen = places[((np.arange(num) + start) * (len(points) / num)).astype(int)]
    return order[np.sort(chosen)], np.delete(order, chosen)


def _parts(points: Float[np.ndarray, "n d"], num: int) -> Int[np.ndarray, " n"]:
    """The part that each row is in; fewer parts where few rows are held out."""
    parts = [np.arange(len(points))]
    for i in range(NUM_HALVINGS):
        if num < LEAST_HELD_OUT << (i + 1):
            break
        parts = [half for rows in parts for half in _halves(points, rows)]
    result = np.empty(len(points), int)
    for i, rows in enumerate(parts):
        result[rows] = i
    return result


def _halves(
    points: Float[np.ndarray, "n d"], rows: Int[np.ndarray, " k"]
) -> list[Int[np.ndarray, " _"]]:
    """Below the median of the coordinate that varies most, and above."""
    widest = points[rows].var(axis=0).argmax()
    return np.array_split(rows[np.argsort(points[rows, widest], kind="stable")], 2)

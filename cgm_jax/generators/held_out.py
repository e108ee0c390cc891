"""Rows set aside that are like those that stay.

Rows are put in an order in which neighbours are alike, that of the leaves of a k-d
tree, and cut into as many runs as rows are wanted; of each, one is drawn. Every row has
the same chance. But what is set aside takes its share of every group of rows, and what
stays keeps the pool's shares. Without order, a tenth of 5,000 rows leaves a group of
1,000 one per cent too large or too small.

Reference: D. Stevens and A. Olsen, *Spatially balanced sampling of natural resources*,
2004, who order places by a quadtree; W. Cochran, *Sampling techniques*, 1977, ch. 8.
"""

import jax
import numpy as np
from jaxtyping import Array, Int, Key
from scipy.spatial import cKDTree

from cgm_jax._shared.arrays import Points
from cgm_jax._shared.precision import at_once

__all__ = ["split_rows"]


def split_rows(
    key: Key[Array, ""], points: Points, share: int | float
) -> tuple[Int[np.ndarray, " h"], Int[np.ndarray, " m"]]:
    """A share of the rows, at least two unless it is 0, and the others; both shuffled.

    Args:
        key: typed random key.
        points: at least two rows, finite.
        share: from 0 to 0.5.

    Returns:
        Numbers of rows, from 0.
    """
    num_rows = len(points)
    num_chosen = max(2, round(share * num_rows)) if share else 0
    with at_once(x64=False):
        row_key, order_key = jax.random.split(key)
        uniforms = np.asarray(jax.random.uniform(row_key, (num_chosen,)), np.float64)
        shuffled = np.asarray(jax.random.permutation(order_key, num_rows))
    ends = np.arange(num_chosen + 1) * num_rows // max(1, num_chosen)
    order = cKDTree(np.asarray(points, np.float64), balanced_tree=False).indices
    is_chosen = np.zeros(num_rows, bool)
    is_chosen[order[ends[:-1] + (uniforms * np.diff(ends)).astype(int)]] = True
    return shuffled[is_chosen[shuffled]], shuffled[~is_chosen[shuffled]]

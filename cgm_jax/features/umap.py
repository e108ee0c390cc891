"""UMAP: a few coordinates that keep who is whose neighbour (App. I.3-I.4).

The map is fitted to the pooled real points; synthetic ones are then placed among their
neighbours of the pool and move none of it. umap-learn does the work, with its default
settings: on one core, 25,000 points of 784 columns are fitted in a minute and 100,000
more placed in half a minute, in 2 GB. Of small pools (below 4,096 points) all distances
are handed in: its own loop takes minutes.
"""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Num

from cgm_jax._shared.arrays import ArrayLike, as_points
from cgm_jax._shared.checks import as_whole

__all__ = ["UmapFeatures", "umap_class", "umap_features"]


@dataclass(frozen=True, eq=False)
class UmapFeatures:
    """A fitted map, and where it put the points it was fitted to.

    ``pool`` are coordinates of ``points``, both float32; ``model`` is a ``umap.UMAP``.
    """

    pool: Float[np.ndarray, "m k"]
    points: Float[np.ndarray, "m d"]
    model: Any

    def __call__(self, points: Num[ArrayLike, "n d"]) -> Float[np.ndarray, "n k"]:
        """Coordinates of other points, float32.

        All points that are to be compared belong into one call: how far a point is
        moved depends a little on those that are placed with it.
        """
        rows = np.asarray(as_points(points, "points"), np.float32)
        expected, found = self.points.shape[1], rows.shape[1]
        if found != expected:
            raise ValueError(
                f"Expected points of {expected} columns, as the pool's; got {found}."
            )
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", ".*precomputed metric")
            places = self.model.transform(_input(rows, self.points))
        return np.asarray(places, np.float32)


def umap_features(
    pool: Num[ArrayLike, "m d"], *, seed: int, num_coordinates: int = 8
) -> UmapFeatures:
    """Fit a map to the pool.

    Args:
        pool: the parties' points together, more than 15 and ``num_coordinates`` + 1.
        seed: it determines the coordinates on one machine, and costs all but one core.
        num_coordinates: columns of the result, at least 1.

    Returns:
        The pool's coordinates, and the map for other points.

    Raises:
        ValueError: if the pool is too small or not finite.
        TypeError: if it is not of real numbers.
        ModuleNotFoundError: if umap-learn is not installed (extra ``images``).

    Example:
        >>> features = umap_features(pool, seed=0)  # doctest: +SKIP
        >>> features.pool.shape, features(candidates).shape  # doctest: +SKIP
        ((25000, 8), (100000, 8))

    Reference: McInnes, Healy and Melville, *UMAP: uniform manifold approximation and
    projection for dimension reduction*, 2018.
    """
    rows = np.asarray(as_points(pool, "pool"), np.float32)
    least = max(16, num_coordinates + 2)  # 15 neighbours; k + 1 eigenvectors
    if len(rows) < least:
        raise ValueError(
            f"Expected a pool of at least {least} points, got {len(rows)}."
        )
    seed = as_whole(seed, "seed", smallest=0)
    model = umap_class()(
        n_components=num_coordinates,
        random_state=seed,
        transform_seed=seed,
        n_jobs=1,  # what a seed allows; otherwise umap-learn warns that it sets it
        metric="precomputed" if _is_small(rows) else "euclidean",
    )
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "using precomputed metric")
        coordinates = model.fit_transform(_input(rows, rows))
    return UmapFeatures(np.asarray(coordinates, np.float32), rows, model)


def umap_class() -> Any:
    """umap-learn's class, imported where it is first needed."""
    with warnings.catch_warnings():
        # umap-learn wants TensorFlow, for a part of it that is not used here, and
        # widgets, for a progress bar in a notebook.
        warnings.simplefilter("ignore", ImportWarning)
        warnings.filterwarnings("ignore", "IProgress not found")
        from umap import UMAP
    return UMAP


def _is_small(pool: Float[np.ndarray, "m d"]) -> bool:
    return len(pool) < 4_096  # as umap-learn has it


def _input(
    rows: Float[np.ndarray, "n d"], pool: Float[np.ndarray, "m d"]
) -> Float[np.ndarray, "n _"]:
    """What the model wants of points: their distances to a small pool, or they."""
    from sklearn.metrics import euclidean_distances

    return euclidean_distances(rows, pool) if _is_small(pool) else rows

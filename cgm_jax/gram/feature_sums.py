"""Sums of features of points in blocks: all that replaces a Gram pass.

With φ the features and M_j = Σ_{x in block j} φ(x), B = M Mᵀ and R = φ Mᵀ. Features of
one tile at a time exist; a gradient makes them again.
"""

from typing import Any

import numpy as np
from jax.sharding import Mesh
from jaxtyping import Float

from cgm_jax._shared.arrays import AnyArray, Points, array_module, is_traced
from cgm_jax.embeddings import FeatureMap
from cgm_jax.kernels import Kernel
from cgm_jax.kernels.base import centred

from .embedding import ByTile
from .feature_tiles import add_embedding, add_embedding_rows
from .mesh import embeddings_on_mesh, rows_on_mesh
from .tile_loops import over_tiles
from .tiles import Blocks

__all__ = ["check_features", "embeddings", "rows_of_embeddings"]


def check_features(features: FeatureMap, kernel: Kernel | None, points: Points) -> None:
    """Raise unless these are features, of this kernel if one is given, for points."""
    if not isinstance(features, FeatureMap):
        raise TypeError(
            "Expected features of cgm_jax.embeddings, such as "
            f"random_fourier_features(...), got {type(features).__name__}."
        )
    if kernel is not None and kernel != features.kernel:
        raise ValueError(
            f"Expected features of the kernel {kernel}, got those of "
            f"{features.kernel}; make them anew, or hand in features.kernel as the "
            "kernel."
        )
    if points.shape[1] != features.num_dimensions:
        raise ValueError(
            f"Expected points of {features.num_dimensions} columns for these features, "
            f"got {points.shape[1]}."
        )


def embeddings(
    features: FeatureMap,
    sets: list[Points],
    tile_size: int,
    weights: list[AnyArray] | None = None,
    mesh: Mesh | None = None,
) -> Float[AnyArray, "blocks features"]:
    """M, the sum of the features of every set of points; weights of all but the last.

    A sum of features is that of the points moved to the origin, if the products of
    features do not depend on it.
    """
    sets = _moved(features, sets)
    if weights is not None:
        xp = array_module(weights)
        weights = [*weights, xp.ones(len(sets[-1]), sets[-1].dtype)]
    if mesh is not None:
        totals: Any = embeddings_on_mesh(mesh, features, sets, tile_size, weights)
    else:
        xp = array_module(features, sets, weights)
        weight = None if weights is None else xp.concatenate(weights)
        sizes, kernel = [*map(len, sets)], ByTile(features.kernel)
        points = Blocks.cut(kernel, xp.concatenate(sets), sizes, tile_size, weight)
        shape = points.num_columns, features.num_features
        data = (features, points.members)
        totals = over_tiles(add_embedding, points.width, shape, data, _tiles(points))
        totals = totals[: points.num_blocks]
    if not is_traced(totals) and not np.isfinite(totals).all():
        raise ValueError(
            f"Expected finite features of {features.kernel} for these points, got NaN: "
            "look at its length scale, or scale the points."
        )
    return totals


def rows_of_embeddings(
    features: FeatureMap,
    parties: list[Points],
    points: Points,
    totals: Float[AnyArray, "blocks features"],
    tile_size: int,
    mesh: Mesh | None = None,
) -> Float[AnyArray, "num_points blocks"]:
    """R of the last set of points: their features' products with M."""
    if len(points) == 0:
        return array_module(totals).zeros((0, len(totals)), totals.dtype)
    points = _moved(features, [*parties, points])[-1]
    if mesh is not None:
        return rows_on_mesh(mesh, features, points, np.asarray(totals), tile_size)
    x = Blocks.cut(ByTile(features.kernel), points, [len(points)], tile_size)
    shape = *x.members.block_of.shape, len(totals)
    data = ((features, totals), x.members)
    rows = over_tiles(add_embedding_rows, 1, shape, data, _tiles(x))
    return rows.reshape(-1, len(totals))[: x.num_points]


def _moved(features: FeatureMap, sets: list[Points]) -> list[Points]:
    return centred(features.kernel, *sets) if features.is_stationary else sets


def _tiles(points: Blocks) -> tuple[np.ndarray, ...]:
    """Every tile once."""
    tile = np.arange(points.num_tiles)
    return tile, tile, np.ones(points.num_tiles)

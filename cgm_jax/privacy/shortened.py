"""Features of norm at most 1, whatever the feature map returns."""

from collections.abc import Iterator

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from cgm_jax._shared.arrays import AnyArray, Points
from cgm_jax._shared.precision import at_once, compiled
from cgm_jax.embeddings import FeatureMap

__all__ = ["in_chunks", "shortened_features", "sum_of_features"]

CHUNK = 1_024  # points whose features are in memory at a time


def shortened_features(
    features: FeatureMap, points: Float[AnyArray, "n d"]
) -> Float[Array, "n D"]:
    """φ of every point in float64, shortened to norm 1 where it is longer."""
    rows = jnp.asarray(features(points), jnp.float64)
    return rows / jnp.maximum(jnp.linalg.norm(rows, axis=1, keepdims=True), 1.0)


def in_chunks(points: Points) -> Iterator[tuple[np.ndarray, int]]:
    """Points in chunks of one size, the last one padded, and how many are points."""
    size = min(CHUNK, len(points))
    for start in range(0, len(points), max(size, 1)):
        chunk = np.asarray(points[start : start + size])
        yield np.pad(chunk, ((0, size - len(chunk)), (0, 0))), len(chunk)


def sum_of_features(features: FeatureMap, points: Points) -> Float[np.ndarray, " D"]:
    """Σ φ(x) over the points, in float64."""
    total = np.zeros(features.num_features)
    with at_once(features, points):
        for chunk, number in in_chunks(points):
            is_point = np.arange(len(chunk)) < number
            total += np.asarray(_sum_of_chunk(features, chunk, is_point))
    return total


@compiled()
def _sum_of_chunk(
    features: FeatureMap, points: Float[AnyArray, "n d"], is_point: Bool[AnyArray, " n"]
) -> Float[Array, " D"]:
    rows = shortened_features(features, points)
    return jnp.sum(jnp.where(is_point[:, None], rows, 0.0), axis=0)

"""Candidates of an experiment on a table: drawn from its rows, labelled by a forest.

Reference: Tay et al. 2022, App. I.1 and I.2.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import jax
import numpy as np
from jaxtyping import Array, Float, Int, Key

from cgm_jax._shared.progress import Progress, silent
from cgm_jax.features.labels import label_points

from .candidates import SyntheticOptions, SyntheticSource, feature_source, raw_source

if TYPE_CHECKING:
    from cgm_jax.generators import MMDGANModel

__all__ = ["LabelledCandidates", "label_by_forest", "table_candidates"]


@dataclass(frozen=True, eq=False)
class LabelledCandidates:
    """Synthetic points that are valued, their classes, and where both come from."""

    points: Float[np.ndarray, "g d"]

    labels: Int[np.ndarray, " g"]

    note: str
    """Sentences for people."""

    model: "MMDGANModel | None" = None
    """The generator, where one was trained."""

    images: Float[np.ndarray, "g pixels"] | None = None
    """The candidates in pixels, where the points are features of images."""


def table_candidates(
    key: Key[Array, ""],
    pool: Float[np.ndarray, "m d"],
    labels: Int[np.ndarray, " m"],
    options: SyntheticOptions,
    *,
    progress: Progress = silent,
) -> Callable[[int], LabelledCandidates]:
    """Synthetic points like those of the pool, and their classes, in any number.

    Example:
        >>> import jax
        >>> pool = np.random.default_rng(0).normal(size=(100, 2)).astype(np.float32)
        >>> labels = np.array(pool[:, 0] > 0, int)
        >>> options = SyntheticOptions(generator="kde")
        >>> draw = table_candidates(jax.random.key(0), pool, labels, options)
        >>> draw(5).points.shape
        (5, 2)
    """
    raw_key, feature_key = jax.random.split(key)
    source = raw_source(raw_key, pool, options, shape=None, progress=progress)
    if source is None:
        source = feature_source(feature_key, pool, options)
    return lambda num: label_by_forest(pool, labels, source, num)


def label_by_forest(
    pool: Float[np.ndarray, "m d"],
    labels: Int[np.ndarray, " m"],
    source: SyntheticSource,
    num: int,
) -> LabelledCandidates:
    """Candidates with the classes that a random forest of the pool tells them."""
    points = source.draw(num)
    predicted = label_points(pool, labels, points, seed=0)
    note = (
        f"{source.note} Their classes are told by a random forest, which is right for "
        f"{predicted.accuracy:.1%} of held-out real points."
    )
    return LabelledCandidates(points, predicted.labels, note, source.model)

"""Candidates of an experiment on a table: drawn from its rows, labelled by a forest.

Reference: Tay et al. 2022, App. I.1 and I.2.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Array, Float, Int, Key

from cgm_jax.collaboration.collaboration import Progress
from cgm_jax.features.labels import label_points

from .candidates import Synthetic, SyntheticOptions, draw_features, draw_raw

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
    progress: Progress | None = None,
) -> LabelledCandidates:
    """Synthetic points like those of the pool.

    Args:
        key: typed random key.
        pool: the parties' points together, shape ``(m, d)``.
        labels: the class of every point, shape ``(m,)``.
        options: where they come from.
        progress: called with what is under way and the share that is done.

    Returns:
        The candidates.

    Raises:
        ValueError: if a file does not hold points of d numbers.
        OSError: if it cannot be read.

    Example:
        >>> import jax
        >>> pool = np.random.default_rng(0).normal(size=(100, 2)).astype(np.float32)
        >>> options = SyntheticOptions(generator="kde", num_candidates=5)
        >>> labels = np.array(pool[:, 0] > 0, int)
        >>> table_candidates(jax.random.key(0), pool, labels, options).points.shape
        (5, 2)
    """
    drawn = draw_raw(key, pool, options, shape=None, progress=progress)
    if drawn is None:
        drawn = draw_features(key, pool, options)
    return label_by_forest(pool, labels, drawn)


def label_by_forest(
    pool: Float[np.ndarray, "m d"], labels: Int[np.ndarray, " m"], drawn: Synthetic
) -> LabelledCandidates:
    """Candidates with the classes that a random forest of the pool tells them."""
    found = label_points(pool, labels, drawn.points, seed=0)
    note = (
        f"{drawn.note} Their classes are told by a random forest, which is right for "
        f"{found.accuracy:.1%} of held-out real points."
    )
    return LabelledCandidates(drawn.points, found.labels, note, drawn.model)

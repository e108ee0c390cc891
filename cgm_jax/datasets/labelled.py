"""Real points with the class of each, before they are shared among parties."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

__all__ = ["LabelledImages", "LabelledPoints"]


@dataclass(frozen=True, eq=False)
class LabelledPoints:
    """Points as rows, and the class of each."""

    points: Float[np.ndarray, "n d"]
    """float32, one row per point."""

    labels: Int[np.ndarray, " n"]
    """int64, from 0."""


@dataclass(frozen=True, eq=False)
class LabelledImages:
    """Images as rows of height · width · channels numbers, and the class of each."""

    points: Float[np.ndarray, "n d"]
    """float32 in 0..1, one row an image."""

    labels: Int[np.ndarray, " n"]
    """int64, from 0."""

    shape: tuple[int, int, int]
    """Height, width and channels of an image."""

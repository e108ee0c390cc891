"""Real points with the class of each, before they are shared among parties."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

__all__ = ["LabelledImages", "LabelledPoints"]


@dataclass(frozen=True, eq=False)
class LabelledPoints:
    """Points as rows, float32, and the class of each, int64 from 0."""

    points: Float[np.ndarray, "n d"]
    labels: Int[np.ndarray, " n"]


@dataclass(frozen=True, eq=False)
class LabelledImages:
    """Images as rows of height · width · channels numbers in 0..1, and their classes.

    The dtypes are those of `LabelledPoints`; ``shape`` is height, width and channels.
    """

    points: Float[np.ndarray, "n d"]
    labels: Int[np.ndarray, " n"]
    shape: tuple[int, int, int]

"""Real data of 64 features: scikit-learn's handwritten digits, shared by five parties.

1,797 images of 8 x 8 pixels with ink from 0 to 16, ten classes. They ship inside
scikit-learn, so nothing is downloaded.
"""

import jax
import numpy as np

from .labelled import LabelledImages
from .splits import LabelledParties, Split, split_by_proportions

__all__ = ["DIGIT_FEATURES", "digits", "digits_parties"]

DIGIT_FEATURES = tuple(f"pixel_{row}_{col}" for row in range(8) for col in range(8))

_SEED = 0
_INK = np.float32(16)  # the most that a pixel has; a power of two changes no digit


def digits() -> LabelledImages:
    """Handwritten digits that need no file: 1,797 images, 8 x 8 in grey, ten classes.

    Returns:
        scikit-learn's images, with ink from 0 to 1, and their digits.

    Example:
        >>> images = digits()
        >>> images.points.shape, images.shape
        ((1797, 64), (8, 8, 1))

    Reference: E. Alpaydin and C. Kaynak, *Optical Recognition of Handwritten Digits*,
    UCI, 1998.
    """
    from sklearn.datasets import load_digits

    ink, labels = load_digits(return_X_y=True)
    points = np.asarray(ink, np.float32) / _INK
    return LabelledImages(points, np.asarray(labels, np.int64), (8, 8, 1))


def digits_parties(split: Split) -> LabelledParties:
    """Handwritten digits shared by five parties in the paper's ten-class proportions.

    The parties are as large as the data allow, no image is owned twice, and the split
    is the same on every machine.

    Args:
        split: "equal-disjoint" (Table 3) or "unequal" (Table 4).

    Returns:
        Five parties of 349 points: float32, the 64 columns of `DIGIT_FEATURES`, each a
        whole number in 0..16; and the digit of every point, int64 in 0..9.

    Raises:
        ValueError: for an unknown split.

    Example:
        >>> data = digits_parties("equal-disjoint")
        >>> len(data.parties), data.parties[0].shape
        (5, (349, 64))

    Reference: Tay et al. 2022, App. I.6; the data as in `digits`.
    """
    images = digits()
    key = jax.random.key(_SEED, impl="threefry2x32")
    return split_by_proportions(key, images.points * _INK, images.labels, split)

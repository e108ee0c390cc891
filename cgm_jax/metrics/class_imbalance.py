"""How unevenly a set of points is spread over the classes."""

import numpy as np
from jaxtyping import ArrayLike, Int

__all__ = ["class_imbalance"]


def class_imbalance(labels: Int[ArrayLike, " s"], *, num_classes: int) -> np.floating:
    r"""Mean of the squared shares of the classes: the paper's class imbalance.

    .. math:: \frac{1}{m} \sum_{y=1}^{m} p_y^2

    Args:
        labels: the class of every point, from 0 to m - 1, shape ``(s,)``, s >= 1.
        num_classes: m, counting classes without a point.

    Returns:
        float64: :math:`1/m^2` where all classes are equally frequent, :math:`1/m` where
        there is only one.

    Raises:
        ValueError: if there is no label, or one that is no class.

    Example:
        >>> float(class_imbalance(np.array([0, 1, 1, 0]), num_classes=2))
        0.25

    Reference: Tay et al. 2022, Sec. 6, where it is called ρ.
    """
    labels = np.asarray(labels)
    if labels.ndim != 1 or labels.dtype.kind not in "iu":
        raise ValueError(
            "Expected labels of shape (s,), whole numbers, got shape "
            f"{labels.shape} and dtype {labels.dtype}."
        )
    if len(labels) == 0 or labels.min() < 0 or labels.max() >= num_classes:
        found = f"{labels.min()} to {labels.max()}" if len(labels) else "none"
        raise ValueError(
            f"Expected labels from 0 to {num_classes - 1}, one per point, got {found}."
        )
    shares = np.bincount(labels, minlength=num_classes) / len(labels)
    return np.mean(shares**2)

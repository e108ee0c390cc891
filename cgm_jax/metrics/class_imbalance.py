"""How unevenly a set of points is spread over the classes."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Int

from cgm_jax._shared.arrays import ArrayLike, Scalar, array_module
from cgm_jax._shared.checks import as_whole

__all__ = ["class_imbalance"]


def class_imbalance(labels: Int[ArrayLike, " s"], *, num_classes: int) -> Scalar:
    r"""Mean of the squared shares of the classes: the paper's class imbalance.

    .. math:: \frac{1}{m} \sum_{y=1}^{m} p_y^2

    Args:
        labels: the class of every point, from 0 to m - 1, shape ``(s,)``, s >= 1.
        num_classes: m, counting classes without a point.

    Returns:
        float64: :math:`1/m^2` where all classes are equally frequent, :math:`1/m` where
        there is only one. Inside the user's transformation labels are not checked.

    Raises:
        ValueError: if there is no label, or one that is no class.

    Example:
        >>> float(class_imbalance(np.array([0, 1, 1, 0]), num_classes=2))
        0.25

    Reference: Tay et al. 2022, Sec. 6, where it is called ρ.
    """
    num_classes = as_whole(num_classes, "num_classes", smallest=1)
    xp = array_module(labels)
    array: Any = xp.asarray(labels)
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise ValueError(
            "Expected labels of shape (s,), whole numbers, got shape "
            f"{array.shape} and dtype {array.dtype}."
        )
    if xp is jnp and len(array):  # values cannot be looked at
        return jnp.mean(jnp.mean(jax.nn.one_hot(array, num_classes), axis=0) ** 2)
    if len(array) == 0 or array.min() < 0 or array.max() >= num_classes:
        found = f"{array.min()} to {array.max()}" if len(array) else "none"
        raise ValueError(
            f"Expected labels from 0 to {num_classes - 1}, one per point, got {found}."
        )
    shares = np.bincount(array, minlength=num_classes) / len(array)
    return np.square(shares).mean()

"""A learned kernel brought to the valid range of Section 5 of the paper.

It begins at the smallest length scale at which no party's data have a negative value;
there the value is as near to monotone as it can be.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from cgm_jax._shared.arrays import ArrayLike
from cgm_jax.kernels.base import Kernel, check_kernel

from .length_scale import smallest_scale

__all__ = ["project_kernel"]


def project_kernel(
    kernel: Kernel,
    parties: Sequence[Float[ArrayLike, "_ d"]],
    candidates: Float[ArrayLike, "g d"],
) -> Kernel:
    """The kernel at the smallest length scale at which no party's value is negative.

    Length scales one a dimension keep their proportions: it is their geometric mean
    that is searched.

    Args:
        kernel: with a length scale, or one a dimension.
        parties: the points to be valued, arrays of shape ``(n_i, d)``.
        candidates: the other points of the reference set, shape ``(g, d)``; g may be 0.

    Returns:
        The kernel at another length scale.

    Raises:
        ValueError: if the kernel has no length scale, or none of the range will do.

    Example:
        >>> from cgm_jax.kernels import SquaredExponential
        >>> parties = [np.zeros((2, 2)), np.ones((2, 2))]
        >>> kernel = SquaredExponential(np.array([1.0, 3.0]))
        >>> scales = project_kernel(kernel, parties, np.ones((2, 2))).length_scale
        >>> round(float(scales[1] / scales[0]), 6)
        3.0

    Reference:
        Tay et al. 2022, Sec. 5.
    """
    check_kernel(kernel)
    if kernel.length_scale is None:
        raise ValueError(
            "Expected a kernel with a length scale to bring to the valid range, got "
            f"{type(kernel).__name__} without one, or whose parts do not share one."
        )
    scales = np.asarray(kernel.length_scale, np.float64)
    shape = 1.0  # one scale is the number that the search finds, to the last bit
    if scales.ndim:
        shape = scales / np.exp(np.mean(np.log(scales)))
    found = smallest_scale(
        lambda scale: kernel.with_length_scale(scale * shape), parties, candidates
    )
    return kernel.with_length_scale(found * shape)

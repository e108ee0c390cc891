r"""Whether a new sample is nearer to a reference than an old one is.

With D = MMD²(X, new) − MMD²(X, old), a sum of means over three samples, each point's
part in D gives its standard error (the first-order term of a U-statistic):

.. math:: z = D / \sqrt{s_X^2 / m + s_{new}^2 / n + s_{old}^2 / n'}

Reference: Bounliphone et al. 2016; Bińkowski et al. 2018, Sec. 4.
"""

import math

import jax
import numpy as np
from jaxtyping import Array, Float

from cgm_jax._shared.arrays import ArrayLike
from cgm_jax.kernels import Kernel

SIGNIFICANT = -1.645  # one-sided, at 5 %


def is_nearer(
    kernel: Kernel,
    reference: Float[ArrayLike, "m d"],
    new: Float[ArrayLike, "n d"],
    old: Float[ArrayLike, "k d"],
) -> bool:
    """Whether the new sample is significantly nearer to the reference, at 5 %."""
    difference, error = difference_and_error(kernel, reference, new, old)
    return difference < SIGNIFICANT * error


def difference_and_error(
    kernel: Kernel,
    reference: Float[ArrayLike, "m d"],
    new: Float[ArrayLike, "n d"],
    old: Float[ArrayLike, "k d"],
) -> tuple[float, float]:
    """D, the difference of the two MMD²_u, and its standard error."""
    new_reference, new_self, new_part = _sides(kernel, reference, new)
    old_reference, old_self, old_part = _sides(kernel, reference, old)
    difference = new_self - old_self - 2 * (new_reference - old_reference).mean()
    samples = (2 * (new_reference - old_reference), 2 * new_part, 2 * old_part)
    variance = sum(float(np.var(a, ddof=1)) / len(a) for a in samples)
    return float(difference), math.sqrt(variance)


def _sides(
    kernel: Kernel, reference: Float[ArrayLike, "m d"], sample: Float[ArrayLike, "n d"]
) -> tuple[np.ndarray, float, np.ndarray]:
    """Means of k: over the sample for every reference point, and within the sample.

    And for every sample point, that over the others less that over the reference.
    """
    x, y = (np.asarray(points, np.float32) for points in (reference, sample))
    across, within = (np.asarray(_block(kernel, a, y), float) for a in (x, y))
    n = len(within)
    of_others = (within.sum(axis=1) - np.diag(within)) / (n - 1)
    return across.mean(axis=1), float(of_others.mean()), of_others - across.mean(axis=0)


@jax.jit
def _block(
    kernel: Kernel, x: Float[Array, "m d"], y: Float[Array, "n d"]
) -> Float[Array, "m n"]:
    return kernel(x, y)

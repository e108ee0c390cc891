r"""What labels teach, whatever the points: values of the distributions p(y | x).

A party may have good points and bad labels. With labels of c classes, written as unit
vectors e_y, the conditional distribution of party i at x is estimated by kernel ridge
regression, a conditional mean embedding,

    p_i(· | x) = Σ_a α_a(x) e_{y_a},      α(x) = (K_i + λ s_i I)⁻¹ k_i(x),

from its s_i points, and the value is minus the root of the mean squared distance to
that of a reference, at the points x of the reference:

    V_i = −sqrt(Σ_x w_x |p_i(· | x) − p(· | x)|²).

The reference is a labelled set, w_x = 1/m, or the uniform mixture of the parties: all
points, those of party i with weight w_x = 1/(n s_i), and then K + λ diag(1/w) is what
is inverted for p. Time O(t³) in the number of points of the reference.

Reference: J. Park, K. Muandet, *A Measure-Theoretic Approach to Kernel Conditional Mean
Embeddings*, NeurIPS 2020, whose distance this is on average; X. Xu et al., *Data
Distribution Valuation*, NeurIPS 2024, whose variant on p(y | x) takes a trained
classifier.
"""

from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
from jax.scipy.linalg import cho_factor, cho_solve
from jaxtyping import Array, Float, Int

from cgm_jax._shared.arrays import (
    AnyArray,
    ArrayLike,
    Points,
    as_parties,
    as_sequence,
    is_traced,
    to_host,
    with_common_dtype,
)
from cgm_jax._shared.checks import as_real, one_each
from cgm_jax._shared.precision import at_once, matmul
from cgm_jax.kernels import Kernel
from cgm_jax.kernels.base import check_kernel

__all__ = ["conditional_distribution_values"]


def conditional_distribution_values(
    kernel: Kernel,
    parties: Sequence[Float[ArrayLike, "_ d"]],
    labels: Sequence[Int[ArrayLike, " _"]],
    *,
    reference: tuple[Float[ArrayLike, "m d"], Int[ArrayLike, " m"]] | None = None,
    ridge: float | int = 1e-3,
) -> Float[AnyArray, " n"]:
    r"""Minus the distance of every party's p(y | x) to that of a reference.

    .. math:: V_i = -\sqrt{\sum_x w_x |p_i(\cdot|x) - p(\cdot|x)|^2}

    Args:
        kernel: the kernel of the points.
        parties: the parties' points, arrays of shape ``(n_i, d)``.
        labels: the class of every point, whole numbers of shape ``(n_i,)``, not traced.
        reference: points of shape ``(m, d)`` and their classes; by default the uniform
            mixture of the parties.
        ridge: λ > 0. The more, the smoother the estimate of p(y | x).

    Returns:
        The values, shape ``(n,)``, without units, 0 is best; float64, or inside the
        user's own transformation of the dtype of the points.

    Raises:
        ValueError: if shapes do not fit, labels are no whole numbers, an entry is not
            finite, or ``ridge`` is not positive.

    Example:
        The second party has turned a third of its labels:

        >>> from cgm_jax.kernels import SquaredExponential
        >>> random = np.random.default_rng(0)
        >>> points = random.normal(size=(3, 100, 1))
        >>> labels = (points[:, :, 0] > 0).astype(int)
        >>> labels[1, :33] = 1 - labels[1, :33]
        >>> kernel = SquaredExponential(1.0)
        >>> found = conditional_distribution_values(
        ...     kernel, list(points), list(labels), ridge=0.01
        ... )
        >>> found.round(1)
        array([-0.2, -0.3, -0.1])

    Reference:
        Park and Muandet 2020; Xu et al. 2024.
    """
    ridge = as_real(ridge, "ridge", smallest=np.finfo(float).tiny)
    sets, classes = as_sequence(parties), one_each(labels, "labels")
    if reference is not None:
        if not isinstance(reference, tuple | list) or len(reference) != 2:
            raise TypeError(
                "Expected a reference of points and their labels, got "
                f"{type(reference).__name__}."
            )
        sets, classes = [*sets, reference[0]], [*classes, reference[1]]
    points = as_parties(sets)
    points = with_common_dtype(*((f"set {i}", x) for i, x in enumerate(points)))
    one_hot = _one_hot(classes, points)
    check_kernel(kernel)
    with at_once(kernel, *points):
        if not is_traced(kernel, *points):
            points = [np.asarray(x, np.float64) for x in points]
        if reference is None:
            n = len(points)
            at, targets = jnp.concatenate(points), np.concatenate(one_hot)
            sizes = [len(x) for x in points]
            weights = 1 / (n * np.repeat(sizes, sizes))
        else:
            *points, at = points
            *one_hot, targets = one_hot
            weights = np.full(len(at), 1 / len(at))
        expected = _conditional(kernel, at, targets, weights, at, ridge)
        values = []
        for x, y in zip(points, one_hot, strict=True):
            alike = np.full(len(x), 1 / len(x))
            found = _conditional(kernel, x, y, alike, at, ridge)
            distance2 = jnp.sum((found - expected) ** 2, axis=1)
            mean = matmul(jnp.asarray(weights, distance2.dtype), distance2)
            root = jnp.sqrt(jnp.where(mean > 0, mean, 1))
            values.append(jnp.where(mean > 0, -root, 0 * mean))  # NaN stays NaN
        result = to_host(jnp.stack(values))
    if not is_traced(result) and not np.isfinite(result).all():
        raise ValueError(
            "Expected a ridge with which p(y|x) can be solved for, got "
            f"{ridge:g}: points that are alike make it singular; raise it."
        )
    return result


def _one_hot(labels: list[ArrayLike], points: list[Points]) -> list[np.ndarray]:
    """The labels of every set as unit vectors, in one order of classes."""
    arrays = [np.asarray(y) for y in labels]
    if [y.shape for y in arrays] != [(len(x),) for x in points] or any(
        y.dtype.kind not in "iub" for y in arrays
    ):
        raise ValueError(
            "Expected one whole number as the label of every point, arrays of shape "
            f"{[(len(x),) for x in points]}, got {[y.shape for y in arrays]} of "
            f"{sorted({str(y.dtype) for y in arrays})}."
        )
    classes = np.unique(np.concatenate(arrays))
    return [(y[:, None] == classes[None]).astype(float) for y in arrays]


def _conditional(
    kernel: Kernel,
    points: Points,
    one_hot: np.ndarray,
    weights: np.ndarray,
    at: Points,
    ridge: float,
) -> Float[Array, "m classes"]:
    """p(· | x) at some points x, of weighted points and their labels."""
    gram = kernel(points, points)
    noise = jnp.asarray(ridge / weights, gram.dtype)
    factor = cho_factor(gram + jnp.diag(noise), lower=True)
    coefficients = cho_solve(factor, jnp.asarray(one_hot, gram.dtype))
    return matmul(kernel(at, points), coefficients)

r"""Squared Wasserstein-2 distance of the Gaussians fitted to two sets of points.

It is the squared Fréchet distance that the FID of generated images is computed with.
With A and B the centred points over √(m − 1) and √(n − 1), covariances are AᵀA and BᵀB,
and the trace of the root of their product is the nuclear norm of ABᵀ. No covariance is
ever formed, so no digit is lost to squares, whatever is singular or repeated.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from cgm_jax._shared.arrays import (
    ArrayLike,
    Points,
    Scalar,
    array_module,
    as_point_sets,
    is_traced,
)
from cgm_jax._shared.precision import matmul

__all__ = ["wasserstein2_gaussians"]


def wasserstein2_gaussians(
    x: Float[ArrayLike, "m d"], y: Float[ArrayLike, "n d"]
) -> Scalar:
    r"""Squared Wasserstein-2 distance of the Gaussians fitted to two sets of points.

    .. math:: \lVert \mu_x - \mu_y \rVert^2 + \operatorname{tr} \left( C_x + C_y
              - 2 (C_x^{1/2} C_y C_x^{1/2})^{1/2} \right)

    with means :math:`\mu` and unbiased covariances C.

    Args:
        x: shape ``(m, d)``, m >= 2.
        y: shape ``(n, d)``, n >= 2.

    Returns:
        The squared distance, >= 0, in squared units of the points, float64; inside the
        user's own transformation in the dtype of the points. Its gradient is finite for
        singular covariances and repeated eigenvalues, too.

    Raises:
        ValueError: if a set has fewer than two points, shapes do not fit or an entry is
            not finite.

    Example:
        >>> x = np.array([[0.0], [2.0]])
        >>> round(float(wasserstein2_gaussians(x, 3 * x + 1)), 9)  # 3² + (3√2 - √2)²
        17.0

    Reference: D. C. Dowson and B. V. Landau, *The Fréchet distance between multivariate
    normal distributions*, 1982; Heusel et al. 2017; Tay et al. 2022, Sec. 6.
    """
    x, y = as_point_sets(x=x, y=y)
    for name, points in (("x", x), ("y", y)):
        if len(points) < 2:
            raise ValueError(
                f"Expected at least 2 points in {name}, got {len(points)}."
            )
    if not is_traced(x, y):
        x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    (mean_x, a), (mean_y, b) = _moments(x), _moments(y)
    xp = array_module(x)
    means = xp.sum((mean_x - mean_y) ** 2)
    # Of equal Gaussians, rounding may leave a negative rest.
    return means + xp.maximum(_spread(a, b) if xp is jnp else _parts(a, b)[0], 0)


def _moments(
    x: Points,
) -> tuple[Float[Array | np.ndarray, " d"], Points]:
    """The mean, and the centred points as a root of the unbiased covariance."""
    mean = x.mean(axis=0)
    return mean, (x - mean[None]) / (len(x) - 1) ** 0.5


@jax.custom_jvp
def _spread(a: Points, b: Points) -> Float[Array, ""]:
    """tr(AᵀA + BᵀB) − 2 ‖ABᵀ‖, in the nuclear norm."""
    return _parts(a, b)[0]


@_spread.defjvp
def _derivative(
    primals: tuple[Array, Array], tangents: tuple[Array, Array]
) -> tuple[Array, Array]:
    # d‖M‖ = tr(Pᵀ dM), with P = UVᵀ of the singular vectors of M whose value is not 0.
    # JAX's own derivative of the vectors divides by differences of the values.
    a, b = primals
    spread, to_a, to_b = _parts(a, b)
    da, db = tangents
    return spread, 2 * (jnp.sum((a - to_a) * da) + jnp.sum((b - to_b) * db))


def _parts(a: Points, b: Points) -> tuple[Any, Points, Points]:
    """tr(AᵀA + BᵀB) − 2 ‖ABᵀ‖, and P B and Pᵀ A."""
    xp = array_module(a, b)
    (qa, ra), (qb, rb) = xp.linalg.qr(a), xp.linalg.qr(b)
    u, values, vt = xp.linalg.svd(matmul(ra, rb.T), full_matrices=False)
    is_zero = values <= values[0] * max(a.shape[1], 8) * xp.finfo(values.dtype).eps
    p = matmul(xp.where(is_zero[None], 0, u), vt)
    spread = xp.sum(a**2) + xp.sum(b**2) - 2 * xp.sum(values)
    return spread, matmul(qa, matmul(p, rb)), matmul(qb, matmul(p.T, ra))

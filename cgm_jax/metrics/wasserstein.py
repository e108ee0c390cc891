"""Squared Wasserstein-2 distance of the Gaussians fitted to two sets of points.

It is the squared Fréchet distance that the FID of generated images is computed with.
The root of a product of covariances is taken in its symmetric form, by eigenvalues that
are cut at 0: no complex numbers come from singular covariances.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from cgm_jax._shared.arrays import Points, as_points, is_traced, with_common_dtype
from cgm_jax._shared.precision import in_float64

__all__ = ["wasserstein2_gaussians"]

Vector = Float[Array | np.ndarray, " d"]
Matrix = Float[Array | np.ndarray, "d d"]


def wasserstein2_gaussians(
    x: Float[ArrayLike, "m d"], y: Float[ArrayLike, "n d"]
) -> Float[Array | np.ndarray, ""] | np.floating:
    r"""Squared Wasserstein-2 distance of the Gaussians fitted to two sets of points.

    .. math:: \lVert \mu_x - \mu_y \rVert^2 + \operatorname{tr} \left( C_x + C_y
              - 2 (C_x^{1/2} C_y C_x^{1/2})^{1/2} \right)

    with means :math:`\mu` and unbiased covariances C.

    Args:
        x: shape ``(m, d)``, m >= 2.
        y: shape ``(n, d)``, n >= 2.

    Returns:
        At least 0, in squared units of the points, float64; inside the user's own
        transformation in the dtype of the points.

    Raises:
        ValueError: for fewer than two points, shapes that do not fit, or entries that
            are not finite.

    Example:
        >>> x = np.array([[0.0], [2.0]])
        >>> float(wasserstein2_gaussians(x, 3 * x + 1))  # (4 - 1)² + (3√2 - √2)²
        17.0

    Reference: D. C. Dowson and B. V. Landau, *The Fréchet distance between multivariate
    normal distributions*, 1982; Heusel et al. 2017; Tay et al. 2022, Sec. 6.
    """
    x, y = with_common_dtype(("x", as_points(x, "x")), ("y", as_points(y, "y")))
    for name, points in (("x", x), ("y", y)):
        if len(points) < 2:
            raise ValueError(
                f"Expected at least 2 points in {name}, got {len(points)}."
            )
    return in_float64(_squared_distance, *_moments(x), *_moments(y))[()]


def _moments(x: Points) -> tuple[Vector, Matrix]:
    """Mean and unbiased covariance."""
    # NumPy unless traced: XLA would compile anew for every number of points.
    x = x if is_traced(x) else np.asarray(x, np.float64)
    mean = x.mean(axis=0)
    centered = x - mean[None]
    with jax.default_matmul_precision("highest"):
        return mean, centered.T @ centered / (len(x) - 1)


@jax.jit
def _squared_distance(
    mean_x: Vector, covariance_x: Matrix, mean_y: Vector, covariance_y: Matrix
) -> Float[Array | np.ndarray, ""]:
    with jax.default_matmul_precision("highest"):
        root = _square_root(covariance_x)
        across = _square_root(root @ covariance_y @ root)
    spread = jnp.trace(covariance_x) + jnp.trace(covariance_y) - 2 * jnp.trace(across)
    # Of equal Gaussians, rounding may leave a negative rest.
    return jnp.sum((mean_x - mean_y) ** 2) + jnp.maximum(spread, 0)


def _square_root(matrix: Matrix) -> Matrix:
    """The symmetric root of a positive semi-definite matrix."""
    values, vectors = jnp.linalg.eigh((matrix + matrix.T) / 2)
    roots = jnp.sqrt(jnp.maximum(values, 0))
    return (vectors * roots[None]) @ vectors.T

r"""Pairs of samples that are hard to tell apart: blobs, and Gaussian mixtures (HDGM).

Both are the standard examples of kernels learned for two-sample tests. P and Q have the
same means and the same marginals; they differ in correlations that change their sign
from one mode to the next, which one length scale for all of space averages away.

Reference: Liu, Xu, Lu, Zhang, Gretton and Sutherland, *Learning Deep Kernels for
Non-Parametric Two-Sample Tests*, 2020, Sec. 7; Gretton et al. 2012 (blobs).
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

__all__ = ["blobs", "high_dimensional_gaussian_mixtures"]

_SIDE = 3  # of the grid of blobs
_BLOB_VARIANCE = 0.03
_DISTANCE = 0.5  # of the two means of the mixture, in every coordinate
_CORRELATION = 0.5


def blobs(
    key: Key[Array, ""], num_per_blob: int, *, same: bool = False
) -> tuple[Float[Array, "n 2"], Float[Array, "n 2"]]:
    r"""A 3 × 3 grid of Gaussians, and the same with blobs that lean left or right.

    .. math:: P = \frac{1}{9} \sum_i \mathcal{N}(\mu_i, 0.03\,I), \quad
              Q = \frac{1}{9} \sum_i \mathcal{N}\left(\mu_i,
              \begin{pmatrix} 0.03 & c_i \\ c_i & 0.03 \end{pmatrix}\right),
              \quad \mu_i = (\lfloor i / 3 \rfloor,\ i \bmod 3)

    with c_i = −0.02 − 0.002 i for i < 4, 0 for i = 4 and 0.02 + 0.002 (i − 5) for
    i > 4. Points are independent: how many fall into a blob is random.

    Args:
        key: typed random key.
        num_per_blob: expected number of points of a sample in each blob, at least 1.
        same: whether the second sample is from P too, to measure the level of a test.

    Returns:
        Two samples of ``9 * num_per_blob`` points, float32.

    Raises:
        ValueError: if ``num_per_blob < 1``.

    Example:
        >>> x, y = blobs(jax.random.key(0), 40)
        >>> x.shape, y.shape
        ((360, 2), (360, 2))

    Reference:
        Liu et al. 2020, Sec. 7.1 and Figure 1. The authors' program multiplies by the
        Cholesky factor from the other side, which makes other covariances than these.
    """
    if num_per_blob < 1:
        raise ValueError(f"Expected num_per_blob >= 1, got {num_per_blob}.")
    num = _SIDE**2 * num_per_blob
    i = np.arange(_SIDE**2)
    means = np.stack(np.divmod(i, float(_SIDE)), axis=1)
    covariance = np.where(i < 4, -0.02 - 0.002 * i, 0.02 + 0.002 * (i - 5))
    covariance[4] = 0
    return _two_mixtures(key, num, means, _BLOB_VARIANCE, covariance, same=same)


def high_dimensional_gaussian_mixtures(
    key: Key[Array, ""], num_points: int, *, num_columns: int = 10, same: bool = False
) -> tuple[Float[Array, "n d"], Float[Array, "n d"]]:
    r"""Two Gaussians in d dimensions that differ in one correlation each (HDGM).

    .. math:: P = \tfrac{1}{2} \mathcal{N}(0, I)
              + \tfrac{1}{2} \mathcal{N}(0.5 \cdot \mathbf{1}, I), \quad
              Q = \tfrac{1}{2} \mathcal{N}(0, \Sigma_{+})
              + \tfrac{1}{2} \mathcal{N}(0.5 \cdot \mathbf{1}, \Sigma_{-})

    with Σ± the identity but for the covariance ±0.5 of the first two coordinates.

    Args:
        key: typed random key.
        num_points: number of points of each sample, at least 1.
        num_columns: d, at least 2.
        same: whether the second sample is from P too, to measure the level of a test.

    Returns:
        Two samples of ``num_points`` points, float32.

    Raises:
        ValueError: if ``num_points < 1`` or ``num_columns < 2``.

    Example:
        >>> x, y = high_dimensional_gaussian_mixtures(jax.random.key(0), 1_000)
        >>> x.shape, y.shape
        ((1000, 10), (1000, 10))

    Reference:
        Liu et al. 2020, Sec. 7.1.
    """
    if num_points < 1:
        raise ValueError(f"Expected num_points >= 1, got {num_points}.")
    if num_columns < 2:
        raise ValueError(f"Expected num_columns >= 2, got {num_columns}.")
    means = np.outer([0.0, _DISTANCE], np.ones(num_columns))
    covariance = np.array([_CORRELATION, -_CORRELATION])
    return _two_mixtures(key, num_points, means, 1.0, covariance, same=same)


def _two_mixtures(
    key: Key[Array, ""],
    num: int,
    means: Float[np.ndarray, "modes d"],
    variance: float,
    covariance: Float[np.ndarray, " modes"],
    *,
    same: bool,
) -> tuple[Float[Array, "n d"], Float[Array, "n d"]]:
    """Equal mixtures: one round, one where the first two coordinates covary."""
    in_x, in_y = jax.random.split(key)
    none = np.zeros_like(covariance)
    x = _mixture(in_x, num, means, variance, none)
    return x, _mixture(in_y, num, means, variance, none if same else covariance)


def _mixture(
    key: Key[Array, ""],
    num: int,
    means: Float[np.ndarray, "modes d"],
    variance: float,
    covariance: Float[np.ndarray, " modes"],
) -> Float[Array, "n d"]:
    mode_key, noise_key = jax.random.split(key)
    num_modes, d = means.shape
    mode = jax.random.randint(mode_key, (num,), 0, num_modes)
    noise = jax.random.normal(noise_key, (num, d), np.float32)
    # The second coordinate is made of the first and what is independent of it.
    slope = covariance / variance
    rest = np.sqrt(1 - slope**2)
    second = jnp.asarray(slope, np.float32)[mode] * noise[:, 0]
    second = second + jnp.asarray(rest, np.float32)[mode] * noise[:, 1]
    noise = noise.at[:, 1].set(second)
    return jnp.asarray(means, np.float32)[mode] + np.float32(variance**0.5) * noise

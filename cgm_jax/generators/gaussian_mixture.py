"""Gaussian mixture with known parameters: the generator behind the credit ratings.

.. math:: p(x) = \\sum_c w_c \\, \\mathcal{N}(x; \\mu_c, \\Sigma_c)

There is nothing to learn, so ``fit`` returns the mixture itself. The samples are drawn
from the truth: no party's point is in them (App. I.1).
"""

from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from cgm_jax._shared.arrays import ArrayLike, Points, as_points, to_host
from cgm_jax._shared.precision import at_once

from .base import BLOCK_SIZE, sample_in_blocks

__all__ = ["GaussianMixture"]


@dataclass(frozen=True, eq=False)
class GaussianMixture:
    """Mixture of Gaussians whose parameters are known.

    Samples are float64 (in NumPy) if ``means`` is float64, otherwise float32.

    Args:
        weights: share of each component, shape ``(k,)``, in [0, 1], summing to 1.
        means: shape ``(k, d)``.
        covariances: shape ``(k, d, d)``, symmetric, without negative eigenvalues.

    Raises:
        ValueError: for other shapes or values.

    Example:
        >>> means = np.zeros((1, 2), np.float32)
        >>> mixture = GaussianMixture(np.ones(1), means, 0.5 * np.eye(2)[None])
        >>> mixture.sample(jax.random.key(0), mixture, 3).shape
        (3, 2)
    """

    weights: Float[ArrayLike, " k"]
    means: Float[ArrayLike, "k d"]
    covariances: Float[ArrayLike, "k d d"]

    def __post_init__(self) -> None:
        _check(*map(_float64, (self.weights, self.means, self.covariances)))

    def fit(
        self, key: Key[Array, ""], points: Float[ArrayLike, "n d"]
    ) -> "GaussianMixture":
        """The mixture itself: its parameters are known, the points are not used."""
        del key, points
        return self

    def sample(self, key: Key[Array, ""], model: "GaussianMixture", num: int) -> Points:
        """Draw ``num`` >= 1 points of ``model``; more points start with fewer."""
        dtype = as_points(model.means, "means").dtype
        with np.errstate(divide="ignore"):  # log 0: such a component is never drawn
            log_weights = np.log(_float64(model.weights))
        roots = _square_roots(_float64(model.covariances))
        with at_once(key, model, x64=True if dtype == np.float64 else None):
            parameters = [
                jnp.asarray(a, dtype) for a in (log_weights, model.means, roots)
            ]
            return sample_in_blocks(partial(_draw, *parameters), key, num)


@jax.jit
def _draw(
    log_weights: Float[Array, " k"],
    means: Float[Array, "k d"],
    roots: Float[Array, "k d d"],
    key: Key[Array, ""],
) -> Float[Array, "block d"]:
    component_key, noise_key = jax.random.split(key)
    component = jax.random.categorical(component_key, log_weights, shape=(BLOCK_SIZE,))
    noise = jax.random.normal(noise_key, (BLOCK_SIZE, means.shape[1]), means.dtype)
    # Every component's version of every point costs k small matmuls; gathering a d x d
    # root a point would cost the memory of BLOCK_SIZE of them.
    offsets = jnp.einsum("bj,kij->kbi", noise, roots, precision="highest")
    return means[component] + offsets[component, jnp.arange(BLOCK_SIZE)]


def _square_roots(covariances: Float[np.ndarray, "k d d"]) -> np.ndarray:
    """Symmetric square roots: unique, so the same points on every machine."""
    values, vectors = np.linalg.eigh(covariances)
    scaled = vectors * np.sqrt(np.maximum(values, 0))[:, None, :]
    return scaled @ vectors.swapaxes(1, 2)


def _check(weights: np.ndarray, means: np.ndarray, covariances: np.ndarray) -> None:
    k, d = means.shape if means.ndim == 2 else (0, 0)
    if 0 in (k, d) or weights.shape != (k,) or covariances.shape != (k, d, d):
        raise ValueError(
            "Expected weights (k,), means (k, d) and covariances (k, d, d), "
            f"got {weights.shape}, {means.shape} and {covariances.shape}."
        )
    # 1e-6 of the largest entry: parameters rounded to float32 must pass.
    if not ((weights >= 0).all() and abs(weights.sum() - 1) <= 1e-6):
        raise ValueError(
            "Expected weights of at least 0 that sum to 1, "
            f"got {weights.tolist()}; divide them by their sum."
        )
    if not (np.isfinite(means).all() and np.isfinite(covariances).all()):
        raise ValueError("Expected finite means and covariances, got NaN or infinity.")
    slack = 1e-6 * np.abs(covariances).max(axis=(1, 2))
    asymmetry = np.abs(covariances - covariances.swapaxes(1, 2)).max(axis=(1, 2))
    smallest = np.linalg.eigvalsh(covariances).min(axis=1)
    wrong = np.flatnonzero((asymmetry > slack) | (smallest < -slack))
    if wrong.size:
        raise ValueError(
            "Expected symmetric covariances without negative eigenvalues; "
            f"that of component {wrong[0]} (counted from 0) is not one."
        )


def _float64(x: ArrayLike) -> np.ndarray:
    return to_host(x)

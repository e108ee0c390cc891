"""Kernel density estimate with a Gaussian kernel: the data, blurred.

.. math:: p(x) = \\frac{1}{n} \\sum_{i=1}^n \\mathcal{N}(x; x_i, h^2 I)
"""

import math
from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key, Num

from cgm_jax._shared.arrays import ArrayLike, Points, as_points
from cgm_jax._shared.checks import as_number
from cgm_jax._shared.precision import at_once

from .base import BLOCK_SIZE, sample_in_blocks

__all__ = ["KernelDensity"]


@dataclass(frozen=True)
class KernelDensity:
    """Gaussian kernel density: a row drawn at random plus noise of width ``bandwidth``.

    Whoever receives samples holds other parties' data in disguise: with a small
    bandwidth they show the rows that they came from.

    Args:
        bandwidth: standard deviation h of the noise in every coordinate, in the units
            of the points, positive and finite. The paper uses 0.05 (App. I.2).

    Raises:
        ValueError: for any other bandwidth.

    Example:
        >>> generator = KernelDensity(bandwidth=0.05)
        >>> fit_key, sample_key = jax.random.split(jax.random.key(0))
        >>> model = generator.fit(fit_key, jnp.eye(3, 2))
        >>> generator.sample(sample_key, model, 4).shape
        (4, 2)

    Reference: scikit-learn's ``KernelDensity(kernel="gaussian")`` is the same density.
    """

    bandwidth: float

    def __post_init__(self) -> None:
        if not 0 < as_number(self.bandwidth, "as the bandwidth") < math.inf:
            raise ValueError(
                "Expected a positive and finite bandwidth, in the units of the points; "
                f"got {self.bandwidth}."
            )

    def fit(self, key: Key[Array, ""], points: Num[ArrayLike, "n d"]) -> Points:
        """Remember the points, at least one: a copy of them is the model."""
        del key
        model = as_points(points, "points").copy()
        if len(model) == 0:
            raise ValueError(
                "Expected at least one point to fit a density to, got none."
            )
        return model

    def sample(self, key: Key[Array, ""], model: Points, num: int) -> Points:
        """Draw ``num`` >= 1 points near rows of ``model``; more start with fewer."""
        model = as_points(model, "model")
        with at_once(key, model, x64=True if model.dtype == np.float64 else None):
            draw = partial(_draw, jnp.asarray(model), float(self.bandwidth))
            return sample_in_blocks(draw, key, num)


@jax.jit
def _draw(
    rows: Float[Array, "n d"], bandwidth: float | Array, key: Key[Array, ""]
) -> Float[Array, "block d"]:
    row_key, noise_key = jax.random.split(key)
    # int32 by name: the draw would differ where the user has switched on x64.
    drawn = jax.random.randint(row_key, (BLOCK_SIZE,), 0, len(rows), jnp.int32)
    noise = jax.random.normal(noise_key, (BLOCK_SIZE, rows.shape[1]), rows.dtype)
    return rows[drawn] + bandwidth * noise

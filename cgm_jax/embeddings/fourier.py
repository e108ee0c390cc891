r"""Features that are waves: a stationary kernel is a mean of cosines (Bochner 1932).

A stationary k is positive definite if and only if there is a measure of frequencies Λ
with

    k(x, x') = ∫ cos(ω·(x − x')) dΛ(ω) = ∫ [cos ω·x cos ω·x' + sin ω·x sin ω·x'] dΛ(ω),

so that m frequencies ω_j with weights w_j >= 0 give 2m features,

    φ(x) = (√w_j cos ω_j·x, √w_j sin ω_j·x)_j,
    φ(x)·φ(x') = Σ_j w_j cos(ω_j·(x − x')).

With the pair of cosine and sine, ‖φ(x)‖² = Σ_j w_j = k(x, x) exactly, whatever the
frequencies are; with a cosine and a random phase it would only be so on average. The
frequencies are drawn from Λ with equal weights, or are the nodes of a quadrature rule.

Reference: A. Rahimi and B. Recht, *Random Features for Large-Scale Kernel Machines*,
2007; D. Sutherland and J. Schneider, *On the Error of Random Fourier Features*, 2015,
on the pair and the phase.
"""

from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from cgm_jax._shared.arrays import AnyArray, array_module
from cgm_jax._shared.precision import matmul

from .base import FeatureMap

__all__ = ["FourierFeatures", "norm_of", "waves"]


@dataclass(frozen=True, eq=False)
class FourierFeatures(FeatureMap):
    """A cosine and a sine of every frequency.

    Args:
        kernel: the stationary kernel they stand for.
        frequencies: ω, one row per frequency, in the inverse units of the points.
        weights: w, which sum to k(x, x).
        origin: what points are taken relative to: no inner product depends on it, but
            far from it the phases of float32 points lose digits.
    """

    frequencies: Float[AnyArray, "m d"]
    weights: Float[AnyArray, " m"]
    origin: Float[AnyArray, " d"]

    is_stationary = True

    @property
    def num_dimensions(self) -> int:
        """d."""
        return self.frequencies.shape[1]

    @property
    def num_features(self) -> int:
        """D, two per frequency."""
        return 2 * self.frequencies.shape[0]

    @property
    def norm(self) -> float | Float[Array, ""]:
        """The root of Σ w."""
        return norm_of(self.weights)

    def embed(self, points: Float[Array, "n d"]) -> Float[Array, "n features"]:
        """The waves, group by group: first cosines, then sines."""
        points = points - jnp.asarray(self.origin, points.dtype)[None]
        return waves(points, self.frequencies, self.weights, self.num_groups)


def waves(
    points: Float[Array, "n d"],
    frequencies: Float[AnyArray, "m d"],
    weights: Float[AnyArray, " m"],
    num_groups: int,
) -> Float[Array, "n features"]:
    """√w cos(ω·x) and √w sin(ω·x), the frequencies being in groups of one size."""
    phases = matmul(points, jnp.asarray(frequencies, points.dtype).T)
    groups = len(points), num_groups, len(weights) // num_groups
    amplitudes = jnp.sqrt(jnp.asarray(weights, points.dtype))
    pair = (amplitudes[None] * wave(phases) for wave in (jnp.cos, jnp.sin))
    both = [each.reshape(groups) for each in pair]
    return jnp.concatenate(both, axis=2).reshape(len(points), 2 * len(weights))


def norm_of(weights: Float[AnyArray, " m"]) -> float | Float[Array, ""]:
    """The root of the sum of weights; a Python float unless traced."""
    norm = array_module(weights).sqrt(weights.sum())
    return norm if array_module(weights) is not np else float(norm)

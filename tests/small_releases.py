"""Small releases, and a feature map whose rows move sums as far as any can."""

from dataclasses import dataclass, field

import jax
import numpy as np
from jaxtyping import Array, Float

from cgm_jax.embeddings import FeatureMap, random_fourier_features
from cgm_jax.kernels import Linear, SquaredExponential
from cgm_jax.privacy import Release, release


@dataclass(frozen=True, eq=False)
class Coordinates(FeatureMap):
    """The coordinates themselves, longer than 1 where the points are."""

    dimensions: int = field(metadata={"static": True})

    norm = 1.0

    @classmethod
    def of(cls, num_dimensions: int) -> "Coordinates":
        return cls(Linear(1.0), num_dimensions, max_error=0.0)

    @property
    def num_dimensions(self) -> int:
        return self.dimensions

    @property
    def num_features(self) -> int:
        return self.dimensions

    def embed(self, points: Float[Array, "n d"]) -> Float[Array, "n d"]:
        return points


def small_parties() -> list[np.ndarray]:
    """Three parties of different sizes, not far from each other."""
    rng = np.random.default_rng(3)
    return [rng.normal(i / 2, 0.7, size=(n, 2)) for i, n in enumerate((150, 400, 250))]


def small_features(num_features: int = 200, *, seed: int = 0) -> FeatureMap:
    """In many groups, so that standard errors are known well."""
    return random_fourier_features(
        jax.random.key(seed),
        SquaredExponential(0.8),
        2,
        num_features,
        kind="independent",
        num_groups=num_features // 4,
    )


def releases_of(
    parties: list[np.ndarray], features: FeatureMap, *, seed: int = 1, **options
) -> list[Release]:
    """What the parties send; ε = 1 and δ = 1e-5 if nothing else is said."""
    options = {"epsilon": 1.0, "delta": 1e-5, **options}
    keys = jax.random.split(jax.random.key(seed), len(parties))
    return [
        release(key, features, points, **options)
        for key, points in zip(keys, parties, strict=True)
    ]

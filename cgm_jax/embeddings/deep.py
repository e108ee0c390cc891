r"""Random features of a deep kernel: waves of what its network makes of points.

For k(x, x') = κ(f(x), f(x')) they are those of κ at f(x). For the second form, with q a
kernel of the points and ν a frequency of it,

    [(1 − ε) κ(f(x), f(x')) + ε] q(x, x') = E cos(ω·[f(x) − f(x')] + ν·[x − x']),

where ω is 0 with probability ε, and otherwise a frequency of κ.
"""

from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from cgm_jax._shared.arrays import AnyArray, array_module
from cgm_jax._shared.checks import as_whole
from cgm_jax.kernels import DeepKernel

from .base import FeatureMap
from .fourier import norm_of, waves
from .random_fourier import FrequencyKind, drawn_in_groups
from .spectra import NumberSource, concrete, drawn_frequencies, num_numbers

__all__ = ["DeepFeatures", "deep_features"]


@dataclass(frozen=True, eq=False)
class DeepFeatures(FeatureMap):
    """A cosine and a sine of every frequency, of f(x), or of f(x) and x.

    Args:
        kernel: the deep kernel; its network is that of the features.
        frequencies: (ω, ν), one row per frequency.
        weights: w, which sum to k(x, x).
        columns: d.
    """

    kernel: DeepKernel
    frequencies: Float[AnyArray, "m k"]
    weights: Float[AnyArray, " m"]
    columns: int = field(metadata={"static": True})

    @property
    def num_dimensions(self) -> int:
        """d."""
        return self.columns

    @property
    def num_features(self) -> int:
        """D, two per frequency."""
        return 2 * self.frequencies.shape[0]

    @property
    def norm(self) -> float | Float[Array, ""]:
        """The root of Σ w."""
        return norm_of(self.weights)

    def embed(self, points: Float[Array, "n d"]) -> Float[Array, "n features"]:
        """The waves of the network's features, group by group."""
        inputs = self.kernel.features(points)
        if self.kernel.points_kernel is not None:
            inputs = jnp.concatenate([inputs, points], axis=1)
        return waves(inputs, self.frequencies, self.weights, self.num_groups)


def deep_features(
    key: Key[Array, ""],
    kernel: DeepKernel,
    num_dimensions: int,
    num_features: int,
    *,
    kind: FrequencyKind = "orthogonal",
    num_groups: int | None = None,
) -> DeepFeatures:
    r"""Random Fourier features of a deep kernel, alone or times a kernel of points.

    .. math:: \mathbb{E}[\phi(x) \cdot \phi(x')] = \kappa(f(x), f(x')) \quad \text{or}
              \quad [(1 - \varepsilon) \kappa(f(x), f(x')) + \varepsilon]\, q(x, x')

    Args:
        key: a typed key; it must not be traced.
        kernel: the deep kernel; its base and the kernel of points are such as
            `random_fourier_features` takes. A gradient goes through the network.
        num_dimensions: d, the number of columns of points.
        num_features: D, even.
        kind: as in `random_fourier_features`.
        num_groups: as in `random_fourier_features`.

    Returns:
        The features; ‖φ(x)‖² = k(x, x) exactly.

    Raises:
        ValueError: as `random_fourier_features`.
        TypeError: if ``kernel`` is no deep kernel, or what is drawn depends on traced
            numbers.

    Example:
        >>> from cgm_jax.kernels import SquaredExponential
        >>> kernel = DeepKernel(jnp.cos, SquaredExponential(1.0))
        >>> features = deep_features(jax.random.key(0), kernel, 1, 400)
        >>> phi = features(np.array([[0.0], [2 * np.pi]], np.float32))
        >>> float((phi[0] @ phi[1]).round(4))
        1.0

    Reference:
        Rahimi and Recht 2007; Liu et al. 2020, Eq. 1.
    """
    if not isinstance(kernel, DeepKernel):
        raise TypeError(f"Expected a DeepKernel, got {type(kernel).__name__}.")
    d = as_whole(num_dimensions, "num_dimensions", smallest=1)
    row = jax.ShapeDtypeStruct((1, d), np.float32)
    num_outputs = jax.eval_shape(kernel.features, row).shape[1]
    base, q = kernel.base, kernel.points_kernel
    count = num_numbers(base, num_outputs)
    if q is not None:
        count += num_numbers(q, d) + 1

    def draw(source: NumberSource) -> tuple[Any, Any]:
        omega, height = drawn_frequencies(base, num_outputs, source)
        if q is None:
            return omega, height
        epsilon = concrete(kernel.epsilon, "epsilon")
        nu, height_of_points = drawn_frequencies(q, d, source)
        # (1 − ε) κ + ε is a sum of κ and of a kernel that is 1 everywhere.
        own = (1 - epsilon) * concrete(height, "the factors of kernels in a sum")
        xp = array_module(omega, nu)
        is_constant = source.uniforms() < epsilon / (own + epsilon)
        omega = xp.where(is_constant[:, None], 0.0, omega)
        both = xp.concatenate([omega, nu], axis=1)
        return both, (own + epsilon) * height_of_points

    frequencies, height, groups = drawn_in_groups(
        key, draw, count, num_features, kind=kind, num_groups=num_groups
    )
    m = len(frequencies)
    weights = array_module(height).broadcast_to(height / m, (m,))
    return DeepFeatures(kernel, frequencies, weights, d, num_groups=groups)

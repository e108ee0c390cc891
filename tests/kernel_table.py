"""A table of kernels, each beside its formula in NumPy."""

import itertools
from collections.abc import Callable

import jax
import numpy as np
import oracles
from flax import nnx

from cgm_jax.kernels import (
    DeepKernel,
    Energy,
    FeatureNetwork,
    Kernel,
    Laplace,
    Linear,
    Matern,
    Polynomial,
    RationalQuadratic,
    ScaleMixture,
    SquaredExponential,
)


def scales(d: int) -> np.ndarray:
    return np.linspace(0.5, 2.0, d)


def layers(d: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Weights and biases of a small network."""
    rng = np.random.default_rng(d)
    sizes = (d, 6, 5)
    return [
        (rng.normal(size=(m, n)) / np.sqrt(m), rng.normal(size=n))
        for m, n in itertools.pairwise(sizes)
    ]


def network(d: int) -> nnx.Module:
    """The same numbers in a module, in float64."""
    module = FeatureNetwork((d, 6, 5), rngs=nnx.Rngs(0))
    for layer, (weights, bias) in zip(module.layers, layers(d), strict=True):
        layer.kernel, layer.bias = nnx.Param(weights), nnx.Param(bias)
    return module


# Of the dimension d: one length scale a dimension has d entries.
KERNELS: dict[str, Callable[[int], Kernel]] = {
    "squared exponential": lambda d: SquaredExponential(1.3),
    "a scale a dimension": lambda d: SquaredExponential(scales(d)),
    "Laplace": lambda d: Laplace(0.8),
    "rational quadratic, heavy tail": lambda d: RationalQuadratic(0.9, alpha=0.3),
    "Matérn 3/2": lambda d: Matern(0.9),
    "Matérn 5/2": lambda d: Matern(scales(d), 2.5),
    "mixture of scales": lambda d: ScaleMixture(0.8, (0.5, 1.0, 3.0)),
    "linear": lambda d: Linear(1.2),
    "polynomial": lambda d: Polynomial(1.5, 0.5, 3),
    "energy": lambda d: Energy(1.5),
    "sum": lambda d: SquaredExponential(1.3) + Laplace(0.8),
    "product": lambda d: (
        SquaredExponential(scales(d)) * (1.5 * RationalQuadratic(1.1, 0.5))
    ),
    "scaled": lambda d: 2.5 * SquaredExponential(0.7),
    "all of it": lambda d: (
        0.3 * (Laplace(2.0) + SquaredExponential(0.5)) * RationalQuadratic(2.0, 2.0)
        + SquaredExponential(3.0) * 0.1
    ),
    "deep": lambda d: DeepKernel(
        network(d), Laplace(1.2), SquaredExponential(scales(d)), 0.2
    ),
}
PLAIN: dict[str, Callable[[int], oracles.KernelFunction]] = {
    "squared exponential": lambda d: oracles.squared_exponential(1.3),
    "a scale a dimension": lambda d: oracles.squared_exponential(scales(d)),
    "Laplace": lambda d: oracles.laplace(0.8),
    "rational quadratic, heavy tail": lambda d: oracles.rational_quadratic(0.9, 0.3),
    "Matérn 3/2": lambda d: oracles.matern(0.9, 1.5),
    "Matérn 5/2": lambda d: oracles.matern(scales(d), 2.5),
    "mixture of scales": lambda d: (
        lambda x, y: (SE(0.4)(x, y) + SE(0.8)(x, y) + SE(2.4)(x, y)) / 3
    ),
    "linear": lambda d: oracles.polynomial(1.2, 0.0, 1),
    "polynomial": lambda d: oracles.polynomial(1.5, 0.5, 3),
    "energy": lambda d: oracles.energy(1.5),
    "sum": lambda d: lambda x, y: SE(1.3)(x, y) + LAPLACE(0.8)(x, y),
    "product": lambda d: lambda x, y: 1.5 * SE(scales(d))(x, y) * RQ(1.1, 0.5)(x, y),
    "scaled": lambda d: lambda x, y: 2.5 * SE(0.7)(x, y),
    "all of it": lambda d: (
        lambda x, y: (
            0.3 * (LAPLACE(2.0)(x, y) + SE(0.5)(x, y)) * RQ(2.0, 2.0)(x, y)
            + 0.1 * SE(3.0)(x, y)
        )
    ),
    "deep": lambda d: oracles.deep(
        LAPLACE(1.2), oracles.softplus_network(layers(d)), SE(scales(d)), 0.2
    ),
}
SE, LAPLACE = oracles.squared_exponential, oracles.laplace
RQ = oracles.rational_quadratic


@jax.jit
def _block(kernel: Kernel, x: jax.Array, y: jax.Array) -> jax.Array:
    return kernel(x, y)


def block(kernel: Kernel, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """``kernel(x, y)`` in the dtype of the points, as the package computes it."""
    with jax.enable_x64(True):
        result = _block(kernel, x, y)
    assert result.dtype == x.dtype
    return np.asarray(result)

"""A network that makes features of points. Flax takes long to import: so apart."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Literal, get_args

import jax
from flax import nnx
from jaxtyping import Array, Float

from cgm_jax._shared.checks import as_list

__all__ = ["FeatureNetwork"]

Activation = Literal["softplus", "silu", "relu", "tanh"]


class FeatureNetwork(nnx.Module):
    """Linear layers with a smooth step between them.

    Initial weights and biases are uniform on ±1/√(number of inputs of the layer), as
    in the experiments of the reference.

    Args:
        sizes: number of columns, of every hidden layer's units and of features.
        activation: the step: "softplus", "silu", "relu" or "tanh".
        rngs: draws the initial weights.

    Raises:
        ValueError: for fewer than two sizes, a size below 1 or another activation.

    Example:
        >>> import jax.numpy as jnp
        >>> network = FeatureNetwork((2, 50, 50, 50, 50), rngs=nnx.Rngs(0))
        >>> network(jnp.zeros((3, 2))).shape
        (3, 50)

    Reference:
        Liu et al. 2020, App. B.
    """

    def __init__(
        self,
        sizes: Sequence[int],
        *,
        activation: Activation = "softplus",
        rngs: nnx.Rngs,
    ):
        sizes = as_list(sizes, "layer sizes")
        if len(sizes) < 2 or min(sizes) < 1:
            raise ValueError(
                "Expected the number of columns, of hidden units and of features, each "
                f"at least 1, as in (2, 50, 50); got {tuple(sizes)}."
            )
        if activation not in get_args(Activation):
            raise ValueError(
                f"Expected activation to be one of {', '.join(get_args(Activation))}; "
                f"got {activation!r}."
            )
        self.sizes = tuple(sizes)
        self.activation = activation
        self.layers = nnx.List([_layer(m, n, rngs) for m, n in pairwise(sizes)])

    def __call__(self, points: Float[Array, "n d"]) -> Float[Array, "n features"]:
        """Features, one row per point."""
        step: Callable[[Array], Array] = getattr(jax.nn, self.activation)
        *hidden, last = self.layers
        for layer in hidden:
            points = step(layer(points))
        return last(points)


def _layer(num_in: int, num_out: int, rngs: nnx.Rngs) -> nnx.Linear:
    def uniform(key: Array, shape: tuple[int, ...], dtype: type) -> Array:
        bound = num_in**-0.5
        return jax.random.uniform(key, shape, dtype, -bound, bound)

    return nnx.Linear(
        num_in,
        num_out,
        kernel_init=uniform,
        bias_init=uniform,
        precision=jax.lax.Precision.HIGHEST,  # accelerators round to 10 bits otherwise
        rngs=rngs,
    )

r"""Kernels of features that a network makes of the points.

With f a network, κ a kernel of features and q a kernel of the points themselves,

    k(x, x') = κ(f(x), f(x'))                                   or
    k(x, x') = [(1 − ε) κ(f(x), f(x')) + ε] · q(x, x'),         0 < ε < 1.

Whatever f is, k is positive definite. The second form tells any two distributions
apart, like q, where f alone may have lost what makes them different. Points go through
the network once per pass, in batches of rows, and are then compared tile by tile.

Reference: Liu, Xu, Lu, Zhang, Gretton and Sutherland, *Learning Deep Kernels for
Non-Parametric Two-Sample Tests*, 2020.
"""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float, PyTree

from cgm_jax._shared.arrays import is_traced
from cgm_jax._shared.checks import as_number, check_kind

from .base import Embedding, Kernel

__all__ = ["DeepKernel", "SplitNetwork"]

BATCH_SIZE = 1_024  # rows that go through a network at a time
Network = Callable[[Array], Any]


@jax.tree_util.register_pytree_with_keys_class
@dataclass(frozen=True)
class SplitNetwork:
    """A network taken apart: what is compiled for, and arrays.

    Attributes:
        graph: an NNX graph, or a function of points; hashable, and equal for networks
            that differ in their numbers only.
        parameters: what can be learned.
        fixed: other arrays, as the averages of a batch norm.
    """

    graph: Any = field(repr=False)
    parameters: PyTree = None
    fixed: PyTree = None

    @classmethod
    def of(cls, network: Network) -> "SplitNetwork":
        """Take a network apart, as it is when it is not being trained."""
        from flax import nnx

        if not isinstance(network, nnx.Module):
            return cls(network)
        network = nnx.clone(network)  # the user's own stays as it is
        network.eval()
        return cls(*nnx.split(network, nnx.Param, ...))

    def network(self) -> Network:
        """The network with its arrays."""
        if callable(self.graph):
            return self.graph
        from flax import nnx

        return nnx.merge(self.graph, self.parameters, self.fixed)

    def tree_flatten_with_keys(self) -> tuple[list[tuple[Any, Any]], Hashable]:
        """Arrays, and what is compiled for."""
        key = jax.tree_util.GetAttrKey
        arrays = [(key("parameters"), self.parameters), (key("fixed"), self.fixed)]
        return arrays, self.graph

    @classmethod
    def tree_unflatten(cls, graph: Hashable, arrays: tuple[Any, Any]) -> "SplitNetwork":
        """The inverse."""
        return cls(graph, *arrays)


@dataclass(frozen=True)
class DeepKernel(Kernel):
    r"""A kernel of features, alone or times a kernel of the points.

    .. math:: k(x, x') = \kappa(f(x), f(x')) \quad \text{or} \quad
              [(1 - \varepsilon)\, \kappa(f(x), f(x')) + \varepsilon]\, q(x, x')

    Args:
        network: f, any Flax NNX module or a function, from points of shape ``(n, d)``
            to features of shape ``(n, m)``, each row by itself. A module is copied and
            put into evaluation mode; a new function object is compiled anew.
        base: κ, on features; its length scale is that of the kernel.
        points_kernel: q, on points; without it the first form.
        epsilon: ε, for the second form.

    Raises:
        ValueError: when points are embedded, if ε is not in (0, 1) or the network does
            not give one row of features per point.

    Example:
        >>> from cgm_jax.kernels import SquaredExponential
        >>> kernel = DeepKernel(jnp.cos, SquaredExponential(1.0))
        >>> kernel(jnp.zeros((1, 1)), jnp.array([[2 * np.pi], [np.pi]]))
        Array([[1.        , 0.13533528]], dtype=float32)

    Reference:
        Liu et al. 2020, Eq. 1; Wilson et al. 2016.
    """

    network: Any = field(metadata={"domain": "real"})
    base: Kernel
    points_kernel: Kernel | None = None
    epsilon: Float[ArrayLike, ""] = field(default=0.01, metadata={"domain": "unit"})

    is_cheap_to_embed = False

    def __post_init__(self) -> None:
        # While JAX takes a tree apart, other things than networks stand here.
        for name in ("network", "base", "points_kernel"):
            if isinstance(kind := getattr(self, name), type):
                raise TypeError(
                    f"Expected {name} to be an instance, got the class {kind.__name__}."
                )
        if callable(self.network) and not isinstance(self.network, SplitNetwork):
            object.__setattr__(self, "network", SplitNetwork.of(self.network))

    @property
    def is_nonnegative(self) -> bool:
        """Whether the kernels of features and of points are."""
        parts = (
            [self.base]
            if self.points_kernel is None
            else [self.base, self.points_kernel]
        )
        return all(part.is_nonnegative for part in parts)

    @property
    def length_scale(self) -> Float[ArrayLike, "..."] | None:
        """That of κ, in the units of the features."""
        return self.base.length_scale

    def features(self, points: Float[Array, "n d"]) -> Float[Array, "n m"]:
        """f of every point, in the dtype of the points."""
        check_kind(self.network, SplitNetwork, "a network")
        return _features(self.network, jnp.asarray(points))

    def embed(self, points: Float[Array, "n d"]) -> tuple[Embedding, ...]:
        features = self.base.embed(self.features(points))
        if self.points_kernel is None:
            return (features,)
        epsilon = self.epsilon
        if not is_traced(epsilon) and not 0 < as_number(epsilon, "epsilon") < 1:
            raise ValueError(
                f"Expected epsilon in (0, 1) beside points_kernel, got {epsilon}."
            )
        return features, self.points_kernel.embed(points)

    def pairwise(
        self, x: tuple[Embedding, ...], y: tuple[Embedding, ...]
    ) -> Float[Array, "m n"]:
        block = self.base.pairwise(x[0], y[0])
        if self.points_kernel is None:
            return block
        return self._mixed(block) * self.points_kernel.pairwise(x[1], y[1])

    def diagonal(self, points: Float[Array, "n d"]) -> Float[Array, " n"]:
        return _diagonal(self, points)

    def with_length_scale(self, length_scale: Float[ArrayLike, "..."]) -> "DeepKernel":
        return replace(self, base=self.base.with_length_scale(length_scale))

    def _mixed(self, values: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        epsilon = jnp.asarray(self.epsilon, values.dtype)
        return (1 - epsilon) * values + epsilon


@jax.jit
def _features(
    network: SplitNetwork, points: Float[Array, "n d"]
) -> Float[Array, "n m"]:
    network = jax.tree.map(lambda leaf: _in_dtype(leaf, points.dtype), network)
    network = replace(network, fixed=jax.lax.stop_gradient(network.fixed))

    # For a gradient, a batch is computed again: what lies between the layers of an
    # image network is far larger than the images.
    @jax.checkpoint
    def of_batch(network: SplitNetwork, points: Array) -> Array:
        try:
            features = jnp.asarray(network.network()(points))
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"Expected a network for points of {points.shape[1]} columns, but it "
                f"failed with {error}"
            ) from error
        if features.ndim != 2 or len(features) != len(points):
            raise ValueError(
                "Expected a network that gives one row of features per point, from "
                f"shape {points.shape} to ({len(points)}, m), got {features.shape}."
            )
        return features.astype(points.dtype)

    num_points, num_columns = points.shape
    if num_points <= BATCH_SIZE:
        return of_batch(network, points)
    num_batches = -(-num_points // BATCH_SIZE)
    padding = num_batches * BATCH_SIZE - num_points
    # The last row again, not zeros: what a network makes of zeros is unknown.
    batches = jnp.pad(points, ((0, padding), (0, 0)), mode="edge")
    batches = batches.reshape(num_batches, BATCH_SIZE, num_columns)
    features = jax.lax.map(lambda batch: of_batch(network, batch), batches)
    return features.reshape(num_batches * BATCH_SIZE, -1)[:num_points]


@jax.jit  # where a kernel does not read the features, none are computed
def _diagonal(kernel: DeepKernel, points: Float[Array, "n d"]) -> Float[Array, " n"]:
    diagonal = kernel.base.diagonal(_features(kernel.network, points))
    if kernel.points_kernel is None:
        return diagonal
    return kernel._mixed(diagonal) * kernel.points_kernel.diagonal(points)


def _in_dtype(leaf: ArrayLike, dtype: np.dtype) -> Array:
    array = jnp.asarray(leaf)
    if jnp.issubdtype(array.dtype, jnp.floating):
        return array.astype(dtype)
    return array  # a count, a key

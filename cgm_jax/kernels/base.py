"""What a kernel is, and kernels made of kernels.

A kernel k(x, x') says how similar two points are. The work that is done once a point
(`embed`: scaling, a network) is apart from the work done once a pair (`pairwise`), so
that a pass over all pairs embeds every point once and then compares tile by tile.
"""

import abc
from dataclasses import dataclass
from typing import Any

import jax
from jaxtyping import Array, ArrayLike, Float, PyTree

__all__ = ["Embedding", "Kernel", "Product", "Scaled", "Sum"]

Embedding = PyTree[Array]  # every leaf has one row a point


class Kernel(abc.ABC):
    """A positive definite function of two points; a pytree of its parameters.

    A subclass is a frozen dataclass, registered with
    ``jax.tree_util.register_dataclass``, that defines the four abstract methods.
    ``kernel(x, y)`` is the dense block, ``+`` and ``*`` make new kernels.
    """

    @abc.abstractmethod
    def embed(self, points: Float[Array, "n d"]) -> Embedding:
        """All that is done once a point: arrays of one row a point."""

    @abc.abstractmethod
    def pairwise(self, x: Embedding, y: Embedding) -> Float[Array, "m n"]:
        """k of every pair of embedded points."""

    @abc.abstractmethod
    def diagonal(self, points: Float[Array, "n d"]) -> Float[Array, " n"]:
        """k(x, x) of every point."""

    @abc.abstractmethod
    def with_length_scale(self, length_scale: Float[ArrayLike, "..."]) -> "Kernel":
        """The same kernel at another length scale."""

    def __call__(
        self, x: Float[Array, "m d"], y: Float[Array, "n d"]
    ) -> Float[Array, "m n"]:
        """The dense block of k between two sets of points."""
        return self.pairwise(self.embed(x), self.embed(y))

    def __add__(self, other: "Kernel") -> "Sum":
        return Sum(self, other) if isinstance(other, Kernel) else NotImplemented

    def __mul__(self, other: "Kernel | Float[ArrayLike, '']") -> "Product | Scaled":
        return (
            Product(self, other) if isinstance(other, Kernel) else Scaled(self, other)
        )

    def __rmul__(self, factor: Float[ArrayLike, ""]) -> "Scaled":
        return Scaled(self, factor)


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Sum(Kernel):
    """k(x, x') = left(x, x') + right(x, x').

    Its length scale is that of both.
    """

    left: Kernel
    right: Kernel

    def embed(self, points: Float[Array, "n d"]) -> tuple[Embedding, Embedding]:
        """Both embeddings."""
        return self.left.embed(points), self.right.embed(points)

    def pairwise(self, x: Any, y: Any) -> Float[Array, "m n"]:
        """The sum of both."""
        return self.left.pairwise(x[0], y[0]) + self.right.pairwise(x[1], y[1])

    def diagonal(self, points: Float[Array, "n d"]) -> Float[Array, " n"]:
        """The sum of both."""
        return self.left.diagonal(points) + self.right.diagonal(points)

    def with_length_scale(self, length_scale: Float[ArrayLike, "..."]) -> "Sum":
        """Both at the same length scale."""
        return Sum(
            self.left.with_length_scale(length_scale),
            self.right.with_length_scale(length_scale),
        )


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Product(Kernel):
    """k(x, x') = left(x, x') · right(x, x').

    Its length scale is that of both.
    """

    left: Kernel
    right: Kernel

    def embed(self, points: Float[Array, "n d"]) -> tuple[Embedding, Embedding]:
        """Both embeddings."""
        return self.left.embed(points), self.right.embed(points)

    def pairwise(self, x: Any, y: Any) -> Float[Array, "m n"]:
        """The product of both."""
        return self.left.pairwise(x[0], y[0]) * self.right.pairwise(x[1], y[1])

    def diagonal(self, points: Float[Array, "n d"]) -> Float[Array, " n"]:
        """The product of both."""
        return self.left.diagonal(points) * self.right.diagonal(points)

    def with_length_scale(self, length_scale: Float[ArrayLike, "..."]) -> "Product":
        """Both at the same length scale."""
        return Product(
            self.left.with_length_scale(length_scale),
            self.right.with_length_scale(length_scale),
        )


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Scaled(Kernel):
    """k(x, x') = factor · kernel(x, x'), for a factor > 0."""

    kernel: Kernel
    factor: Float[ArrayLike, ""]

    def embed(self, points: Float[Array, "n d"]) -> Embedding:
        """The kernel's embedding."""
        return self.kernel.embed(points)

    def pairwise(self, x: Embedding, y: Embedding) -> Float[Array, "m n"]:
        """The kernel times the factor."""
        block = self.kernel.pairwise(x, y)
        return jax.numpy.asarray(self.factor, block.dtype) * block

    def diagonal(self, points: Float[Array, "n d"]) -> Float[Array, " n"]:
        """The kernel's diagonal times the factor."""
        diagonal = self.kernel.diagonal(points)
        return jax.numpy.asarray(self.factor, diagonal.dtype) * diagonal

    def with_length_scale(self, length_scale: Float[ArrayLike, "..."]) -> "Scaled":
        """The kernel at another length scale, times the same factor."""
        return Scaled(self.kernel.with_length_scale(length_scale), self.factor)

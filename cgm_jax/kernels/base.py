"""What a kernel is, and kernels made of kernels.

A kernel k(x, x') says how similar two points are. The work that is done once per point
(`embed`: scaling, a network) is apart from the work done once per pair (`pairwise`), so
that a pass over all pairs embeds every point once and then compares tile by tile.
"""

import abc
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any

import jax
from jax.tree_util import GetAttrKey, register_pytree_with_keys
from jaxtyping import Array, ArrayLike, Float, PyTree

__all__ = ["Embedding", "Kernel", "Product", "Scaled", "Sum"]

Embedding = PyTree[Array]  # every leaf has one row per point


class Kernel(abc.ABC):
    """A positive definite function of two points; a pytree of its parameters.

    A subclass is a frozen dataclass that defines the four abstract methods. Its fields
    are parameters, or static where they say ``field(metadata={"static": True})``; it is
    registered with JAX by itself. ``kernel(x, y)`` is the dense block, ``+`` and ``*``
    make new kernels.

    `learning.fit_kernel` learns a parameter as its field declares it:
    ``field(metadata={"domain": "positive"})``, the default, as a logarithm, "unit", a
    number in (0, 1), as a logit, and "real", any number, as it is. A parameter that
    starts outside of its domain is refused.
    """

    def __init_subclass__(cls, **kwargs: Any):
        """Register the subclass with JAX as a pytree."""
        super().__init_subclass__(**kwargs)
        _register(cls)

    @abc.abstractmethod
    def embed(self, points: Float[Array, "n d"]) -> Embedding:
        """All that is done once per point: arrays of one row per point."""

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


def _register(kind: type[Kernel]) -> None:
    # Not by `jax.tree_util.register_dataclass`: its nodes are equal whenever their
    # fields are, whatever the class, and once in a while, when two hashes fall
    # together, `jit` runs one kernel's program for another (seen with JAX 0.10.2).
    # Nodes of this function are equal only if their classes are.
    def names(*, static: bool) -> list[str]:
        return [
            field.name
            for field in fields(kind)  # type: ignore[arg-type]
            if field.metadata.get("static", False) is static
        ]

    def flatten(kernel: Kernel) -> tuple[list[tuple[Any, Any]], tuple[Any, ...]]:
        parameters = [
            (GetAttrKey(name), getattr(kernel, name)) for name in names(static=False)
        ]
        return parameters, tuple(getattr(kernel, name) for name in names(static=True))

    def unflatten(static: tuple[Any, ...], parameters: Iterable[Any]) -> Kernel:
        # Bypass `__init__`: JAX unflattens with sentinels and None, too.
        kernel = object.__new__(kind)
        for is_static, values in ((False, parameters), (True, static)):
            for name, value in zip(names(static=is_static), values, strict=True):
                object.__setattr__(kernel, name, value)
        return kernel

    register_pytree_with_keys(kind, flatten, unflatten)


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

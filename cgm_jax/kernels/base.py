"""What a kernel is, and kernels made of kernels.

What is done once per point (`embed`: scaling, a network) is apart from what is done
once per pair (`pairwise`): a pass over all pairs embeds every point once, and then
compares tile by tile.
"""

import abc
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.tree_util import GetAttrKey, register_pytree_with_keys
from jaxtyping import Array, ArrayLike, Float, PyTree, Real

from cgm_jax._shared import arrays
from cgm_jax._shared.arrays import Points, aligned, array_module, as_points, is_traced
from cgm_jax._shared.results import are_equal
from cgm_jax._shared.sharded import corners, is_sharded

__all__ = [
    "Embedding",
    "Kernel",
    "Product",
    "Scaled",
    "Sum",
    "centred",
    "check_kernel",
    "check_positive",
    "register_node",
    "same_fields",
    "scalar_length_scale",
]

Embedding = PyTree[Array]  # every leaf has one row per point
FAR = 4  # times the spread of a column: farther from 0, it is moved there


class _NoLengthScale:
    """None, until a field or a property of a subclass takes its place.

    A property of `Kernel` would be the default value of a field of its name, and would
    not let the field be set.
    """

    def __get__(self, kernel: "Kernel | None", kind: type) -> None:
        if kernel is None:  # asked of the class: a field has no default
            raise AttributeError("length_scale")


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

    What is scaled by ``with_length_scale`` is a field or a property ``length_scale``. A
    kernel of kernels has the one that its parts share. Where it is None, no length
    scale can be searched.
    """

    length_scale: Any = _NoLengthScale()
    is_stationary: Any = False  # whether k depends on x − x' only
    is_nonnegative: Any = False  # whether k >= 0 for any two points
    is_cheap_to_embed: Any = True  # whether `embed` costs little beside `pairwise`

    def __init_subclass__(cls, **kwargs: Any):
        super().__init_subclass__(**kwargs)
        cls.__eq__ = same_fields  # or `dataclass` would make one that arrays break
        register_node(cls)

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
        self, x: Float[arrays.ArrayLike, "m d"], y: Float[arrays.ArrayLike, "n d"]
    ) -> Float[Array, "m n"]:
        """The dense block of k between two sets of points, of numbers of any kind."""
        named = zip(aligned(x, y), "xy", strict=True)
        sets = [as_points(points, name, finite=False) for points, name in named]
        if sets[0].shape[1] != sets[1].shape[1]:
            raise ValueError(
                "Expected as many columns in x as in y, got "
                f"{sets[0].shape[1]} and {sets[1].shape[1]}."
            )
        x, y = (self.embed(jnp.asarray(points)) for points in centred(self, *sets))
        return self.pairwise(x, y)

    def __add__(self, other: "Kernel") -> "Sum":
        if not isinstance(other, Kernel):
            raise TypeError(f"Expected a kernel to add, got {type(other).__name__}.")
        return Sum(self, other)

    def __radd__(self, other: int) -> "Kernel":
        if isinstance(other, int) and other == 0:  # the start of `sum`
            return self
        raise TypeError(f"Expected a kernel to add, got {other}.")

    def __sub__(self, other: Any) -> "Kernel":
        raise TypeError("A difference of kernels is none: not positive definite.")

    def __mul__(self, other: "Kernel | Real[ArrayLike, '']") -> "Product | Scaled":
        return (
            Product(self, other) if isinstance(other, Kernel) else Scaled(self, other)
        )

    __array_ufunc__ = None  # a NumPy number or array before `*` asks the kernel

    def __rmul__(self, factor: Real[ArrayLike, ""]) -> "Scaled":
        return Scaled(self, factor)

    def __truediv__(self, divisor: Real[ArrayLike, ""]) -> "Scaled":
        return Scaled(self, 1 / divisor)

    def __pow__(self, exponent: int) -> "Kernel":
        if not isinstance(exponent, int) or exponent < 1:
            raise ValueError(
                f"Expected a whole number >= 1 as the power of a kernel, got {exponent}"
                ": others need not be positive definite."
            )
        return self if exponent == 1 else self * self ** (exponent - 1)


def scalar_length_scale(kernel: Kernel) -> float:
    """The kernel's length scale; NaN for none, or one per dimension."""
    scale = kernel.length_scale
    return float(scale) if scale is not None and np.ndim(scale) == 0 else np.nan


def centred(kernel: Kernel, *sets: Points) -> list[Points]:
    """Points moved to the origin, column by column, where the kernel cannot see it.

    Far from 0 the rounding of the points' own numbers is larger than it need be. The
    difference to one of the points is exact where they are close to each other.
    """
    check_kernel(kernel)
    own = [points for points in sets if len(points)]
    if not kernel.is_stationary or not own:
        return list(sets)
    xp = array_module(sets)
    if xp is np:  # of what is on many devices, a row and the extremes will do
        own = [corners(x) if is_sharded(x) else x for x in own]
    origin = xp.asarray(own[0][:1])
    distances = [
        xp.abs(x - origin).max(axis=0, keepdims=True) for x in map(xp.asarray, own)
    ]
    is_far = xp.abs(origin) > FAR * xp.stack(distances).max(axis=0)
    if xp is np and not is_far.any():
        return list(sets)
    origin = xp.where(is_far, origin, 0)
    return [x - (origin if xp is np else jax.lax.stop_gradient(origin)) for x in sets]


def check_kernel(kernel: Any) -> None:
    """Raise unless it is one."""
    if not isinstance(kernel, Kernel):
        raise TypeError(
            "Expected a kernel, such as SquaredExponential(1.0), got "
            f"{f'the class {kernel.__name__}' if isinstance(kernel, type) else kernel}."
        )


def check_positive(name: str, number: Any, *, is_scalar: bool = False) -> None:
    """Raise for a parameter that is no positive number, unless it is traced."""
    if is_traced(number):
        return
    values = np.asarray(number)  # not a program, and not part of a trace
    is_real = jnp.issubdtype(values.dtype, np.floating) or values.dtype.kind in "iu"
    if not (is_real and (values > 0).all() and np.isfinite(values).all()):
        raise ValueError(f"Expected a positive, finite {name}, got {number}.")
    if is_scalar and values.ndim:
        raise ValueError(f"Expected one number as the {name}, got {number}.")


def same_fields(one: Any, other: Any) -> bool:
    """Whether two dataclasses are of one class and of equal fields."""
    if type(one) is not type(other):
        return False
    names = [field.name for field in fields(type(one))]  # type: ignore[arg-type]
    return all(are_equal(getattr(one, n), getattr(other, n)) for n in names)


def register_node(kind: type[Any]) -> None:
    """Make a dataclass a pytree of its fields; those that say so are static."""

    # Not by `jax.tree_util.register_dataclass`: its nodes are equal whenever their
    # fields are, whatever the class, and once in a while, when two hashes fall
    # together, `jit` runs one kernel's program for another (seen with JAX 0.10.2).
    # Nodes of this function are equal only if their classes are.
    def names(*, static: bool) -> list[str]:
        return [
            field.name
            for field in fields(kind)
            if field.metadata.get("static", False) is static
        ]

    def flatten(kernel: Any) -> tuple[list[tuple[Any, Any]], tuple[Any, ...]]:
        parameters = [
            (GetAttrKey(name), getattr(kernel, name)) for name in names(static=False)
        ]
        return parameters, tuple(getattr(kernel, name) for name in names(static=True))

    def unflatten(static: tuple[Any, ...], parameters: Iterable[Any]) -> Any:
        # Bypass `__init__`: JAX unflattens with sentinels and None, too.
        kernel = object.__new__(kind)
        for is_static, values in ((False, parameters), (True, static)):
            for name, value in zip(names(static=is_static), values, strict=True):
                object.__setattr__(kernel, name, value)
        return kernel

    register_pytree_with_keys(kind, flatten, unflatten)


@dataclass(frozen=True)
class _Pair(Kernel):
    """Two kernels of the same points."""

    left: Kernel
    right: Kernel

    @property
    def length_scale(self) -> Float[ArrayLike, "..."] | None:
        """The one of both, or None where they differ."""
        left, right = self.left.length_scale, self.right.length_scale
        if left is None or right is None or is_traced(left, right):
            return None
        return left if np.array_equal(left, right) else None

    @property
    def is_stationary(self) -> bool:
        """Whether both are."""
        return self.left.is_stationary and self.right.is_stationary

    @property
    def is_nonnegative(self) -> bool:
        """Whether both are."""
        return self.left.is_nonnegative and self.right.is_nonnegative

    @property
    def is_cheap_to_embed(self) -> bool:
        """Whether both are."""
        return self.left.is_cheap_to_embed and self.right.is_cheap_to_embed

    def embed(self, points: Float[Array, "n d"]) -> tuple[Embedding, Embedding]:
        return self.left.embed(points), self.right.embed(points)

    def with_length_scale(self, length_scale: Float[ArrayLike, "..."]) -> Kernel:
        """Both at the same length scale."""
        parts = (k.with_length_scale(length_scale) for k in (self.left, self.right))
        return type(self)(*parts)


@dataclass(frozen=True)
class Sum(_Pair):
    """k(x, x') = left(x, x') + right(x, x')."""

    def pairwise(self, x: Any, y: Any) -> Float[Array, "m n"]:
        return self.left.pairwise(x[0], y[0]) + self.right.pairwise(x[1], y[1])

    def diagonal(self, points: Float[Array, "n d"]) -> Float[Array, " n"]:
        return self.left.diagonal(points) + self.right.diagonal(points)


@dataclass(frozen=True)
class Product(_Pair):
    """k(x, x') = left(x, x') · right(x, x')."""

    def pairwise(self, x: Any, y: Any) -> Float[Array, "m n"]:
        return self.left.pairwise(x[0], y[0]) * self.right.pairwise(x[1], y[1])

    def diagonal(self, points: Float[Array, "n d"]) -> Float[Array, " n"]:
        return self.left.diagonal(points) * self.right.diagonal(points)


@dataclass(frozen=True)
class Scaled(Kernel):
    """k(x, x') = factor · kernel(x, x'), for a factor > 0."""

    kernel: Kernel
    factor: Real[ArrayLike, ""]

    def __post_init__(self) -> None:
        check_positive("factor of a kernel", self.factor, is_scalar=True)

    @property
    def length_scale(self) -> Float[ArrayLike, "..."] | None:
        """That of the kernel."""
        return self.kernel.length_scale

    @property
    def is_stationary(self) -> bool:
        """Whether the kernel is."""
        return self.kernel.is_stationary

    @property
    def is_nonnegative(self) -> bool:
        """Whether the kernel is."""
        return self.kernel.is_nonnegative

    @property
    def is_cheap_to_embed(self) -> bool:
        """Whether the kernel is."""
        return self.kernel.is_cheap_to_embed

    def embed(self, points: Float[Array, "n d"]) -> Embedding:
        return self.kernel.embed(points)

    def pairwise(self, x: Embedding, y: Embedding) -> Float[Array, "m n"]:
        return self._scaled(self.kernel.pairwise(x, y))

    def diagonal(self, points: Float[Array, "n d"]) -> Float[Array, " n"]:
        return self._scaled(self.kernel.diagonal(points))

    def with_length_scale(self, length_scale: Float[ArrayLike, "..."]) -> "Scaled":
        return Scaled(self.kernel.with_length_scale(length_scale), self.factor)

    def _scaled(self, values: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        return jnp.asarray(self.factor, values.dtype) * values

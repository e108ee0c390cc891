"""What users hand in, made into arrays once, at the boundary.

The precision rule of the package: kernel entries are computed in the precision of the
points, float64 or else float32. What is reported or decided on is accumulated in
float64 and returned as NumPy float64: outside a scope of `jax.enable_x64` the next
operation on a float64 ``jax.Array`` would cut it to float32.
"""

from collections.abc import Sequence
from types import ModuleType
from typing import Any

import jax
import jax.core
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

__all__ = [
    "AnyArray",
    "Points",
    "array_module",
    "as_parties",
    "as_points",
    "in_float32",
    "is_traced",
    "rounded_up",
    "to_host",
    "with_common_dtype",
]

AnyArray = Array | np.ndarray
Points = Float[Array, "_ _"] | Float[np.ndarray, "_ _"]


def is_traced(*trees: Any) -> bool:
    """Whether a leaf belongs to the user's own `jit`, `grad` or `vmap`."""
    return any(isinstance(leaf, jax.core.Tracer) for leaf in jax.tree.leaves(trees))


def array_module(*trees: Any) -> ModuleType:
    """`jax.numpy` while one of these is traced; otherwise NumPy.

    Outside a trace XLA would compile every operation for every new shape.
    """
    return jnp if is_traced(*trees) else np


def rounded_up(number: int, *, steps: int = 4) -> int:
    """The next of a few sizes, so that arrays of similar sizes share a program.

    Powers of two, and beyond twice ``steps`` as many sizes between two powers of two.
    """
    bits = (int(number) - 1).bit_length()
    unit = 1 << max(0, bits - steps.bit_length())
    return max(-(-int(number) // unit) * unit, min(2 * steps, 1 << bits))


def as_points(points: Float[ArrayLike, "n d"], name: str) -> Points:
    """A float32 or float64 matrix of finite numbers, one row per point."""
    array = points if isinstance(points, jax.Array) else np.asarray(points)
    if array.dtype not in (np.float32, np.float64):
        is_number = (
            jnp.issubdtype(array.dtype, jnp.floating) or array.dtype.kind in "biu"
        )
        if not is_number:
            raise TypeError(
                f"Expected {name} to be real numbers, got dtype {array.dtype}."
            )
        array = array.astype(np.float32)
    if array.ndim != 2 or array.shape[1] == 0:
        raise ValueError(
            f"Expected {name} of shape (n, d), one row per point, got {array.shape}."
        )
    if not is_traced(array):
        finite = np.isfinite(np.asarray(array)).all(axis=1)
        if not finite.all():
            raise ValueError(
                f"Expected finite numbers in {name}, got NaN or infinity in row "
                f"{int(np.argmin(finite))}; remove or impute such rows."
            )
    return array


def as_parties(parties: Sequence[Float[ArrayLike, "_ d"]]) -> list[Points]:
    """Every party's points; at least one party, each with at least one point."""
    arrays = [as_points(x, f"parties[{i}]") for i, x in enumerate(parties)]
    if not arrays:
        raise ValueError("Expected at least one party, got none.")
    for i, x in enumerate(arrays):
        if len(x) == 0:
            raise ValueError(
                f"Expected points in parties[{i}], got none; leave it out."
            )
    return arrays


def with_common_dtype(*named: tuple[str, Points]) -> list[Points]:
    """Points of one dimension, in the widest dtype; all traced where one is."""
    first_name, first = named[0]
    dtype = np.result_type(*(x.dtype for _, x in named))
    for name, x in named:
        if x.shape[1] != first.shape[1]:
            raise ValueError(
                f"Expected the same number of columns everywhere, got {first.shape[1]} "
                f"in {first_name} and {x.shape[1]} in {name}."
            )
    points = [x if x.dtype == dtype else _widened(x, dtype) for _, x in named]
    return jax.lax.optimization_barrier(points) if is_traced(points) else points


def _widened(points: Points, dtype: np.dtype) -> Points:
    # Outside a scope of 64-bit types JAX would leave a float32 array as it is.
    return (points if is_traced(points) else np.asarray(points)).astype(dtype)


def in_float32(tree: Any) -> Any:
    """A pytree with floating numbers in float32, as NumPy arrays; the rest as is."""

    def of_leaf(leaf: Any) -> Any:
        is_number = jnp.issubdtype(jnp.result_type(leaf), np.floating)
        return np.asarray(leaf, np.float32) if is_number else leaf

    return jax.tree.map(of_leaf, tree)


def to_host(array: Any) -> Float[Array | np.ndarray, "..."]:
    """A result as NumPy float64, or as it is inside the user's transformation."""
    return array if is_traced(array) else np.asarray(array, np.float64)

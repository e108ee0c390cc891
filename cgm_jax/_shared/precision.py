"""The precision of what is computed: 64-bit types for a while, and full products."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import ArrayLike

from .arrays import is_traced, to_host

__all__ = ["in_float64", "matmul", "x64_if", "x64_unless_traced"]


def x64_if(condition: bool) -> AbstractContextManager[Any]:  # noqa: FBT001
    """A scope of 64-bit types, or one that changes nothing."""
    return jax.enable_x64(True) if condition else nullcontext()


def x64_unless_traced(*inputs: Any) -> AbstractContextManager[Any]:
    """A scope of 64-bit types, unless the user's own transformation decides."""
    return x64_if(not is_traced(*inputs))


def in_float64(function: Callable[..., Any], *inputs: ArrayLike) -> Any:
    """Call a pure function of arrays with NumPy float64, or with the user's tracers.

    The result is NumPy float64, or what the function returns of tracers.
    """
    if is_traced(*inputs):
        return function(*inputs)
    with jax.enable_x64(True):
        return to_host(function(*(np.asarray(x, np.float64) for x in inputs)))


def matmul(a: ArrayLike, b: ArrayLike) -> Any:
    """A product in the precision of its factors (on a GPU, no TF32)."""
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        return np.matmul(a, b)
    return jnp.matmul(a, b, precision=jax.lax.Precision.HIGHEST)

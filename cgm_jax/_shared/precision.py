"""Reported numbers are float64, whatever the user's ``jax_enable_x64``."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike

from .arrays import is_traced, to_host

__all__ = ["in_float64"]


def in_float64(function: Callable[..., Array], *inputs: ArrayLike) -> Any:
    """Call a pure function of arrays in float64, or in the dtype of the tracers.

    Args:
        function: the function.
        inputs: its arguments.

    Returns:
        NumPy float64, an array or a number; inside the user's transformation, what the
        function returns.
    """
    if is_traced(*inputs):
        return function(*inputs)
    with jax.enable_x64(True):
        return to_host(function(*(jnp.asarray(x, jnp.float64) for x in inputs)))

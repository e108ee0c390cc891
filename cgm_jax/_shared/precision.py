"""How and where numbers are computed: at once, in 64-bit types, on the data's device.

What is concrete is computed at once, also in the middle of the user's `jit`: a scope of
64-bit types that is opened inside of a trace leaves JAX with two copies of an array.
"""

from collections.abc import Callable, Iterator
from contextlib import (
    AbstractContextManager,
    ExitStack,
    contextmanager,
    nullcontext,
    suppress,
)
from functools import partial, wraps
from typing import Any, TypeVar, cast

import jax
import jax.core
import jax.numpy as jnp
import numpy as np

from .arrays import AnyArray, ArrayLike, device_of, is_traced, to_host
from .platforms import platform_settings

__all__ = ["at_once", "compiled", "in_float64", "matmul", "on_numbers"]

Function = TypeVar("Function", bound=Callable[..., Any])


@contextmanager
def at_once(*data: Any, x64: bool | None = True) -> Iterator[None]:
    """A scope in which data are computed at once, on their device, in 64-bit types.

    Where some are traced it changes nothing: the user's own transformation decides.
    ``x64`` of None leaves the user's setting.
    """
    if is_traced(*data):
        yield
        return
    with ExitStack() as scope:
        scope.enter_context(jax.core.eval_context())
        if jax.sharding.get_abstract_mesh().explicit_axes:
            # Data come from the host: explicit shardings have nothing to say of them.
            scope.enter_context(jax.set_mesh(None))
        if x64 is not None:
            scope.enter_context(jax.enable_x64(x64))
        if (device := device_of(data)) is not None:
            scope.enter_context(jax.default_device(device))
        yield


def on_numbers(instead: str = "") -> Callable[[Function], Function]:
    """For a function that decides on numbers: refuse traced ones, compute at once."""

    def decorate(function: Function) -> Function:
        @wraps(function)
        def wrapper(*args: Any, **options: Any) -> Any:
            if is_traced(args, options):
                raise TypeError(
                    f"Expected numbers, got traced ones: {function.__name__} decides "
                    f"on them. Call it outside of `jit`, `grad` and `vmap`{instead}."
                )
            with at_once(x64=None):
                return function(*args, **options)

        return cast(Function, wrapper)

    return decorate


def compiled(**options: Any) -> Callable[[Function], Function]:
    """`jax.jit` with options, after which the function's own types are still known."""
    return cast(Callable[[Function], Function], partial(jax.jit, **options))


def in_float64(function: Callable[..., Any], *inputs: ArrayLike) -> Any:
    """Call a pure function of arrays with NumPy float64, or with the user's tracers.

    The result is NumPy float64, or what the function returns of tracers. It is for
    numbers of parties and coalitions: where an accelerator computes, the CPU has them.
    """
    if is_traced(*inputs):
        return function(*inputs)
    with at_once(*inputs), _small_work_device():
        return to_host(function(*map(to_host, inputs)))


def _small_work_device() -> AbstractContextManager[Any]:
    if platform_settings().small_work_on_cpu:
        with suppress(RuntimeError):  # the user left no CPU in `jax_platforms`
            return jax.default_device(jax.local_devices(backend="cpu")[0])
    return nullcontext()


def matmul(a: AnyArray, b: AnyArray) -> Any:
    """A product in the precision of its factors (on a GPU, no TF32)."""
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        return np.matmul(a, b)
    return jnp.matmul(a, b, precision=jax.lax.Precision.HIGHEST)

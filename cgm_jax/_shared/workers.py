"""Threads that keep all cores busy while XLA runs small operations on one.

XLA releases the interpreter while it computes, so two independent programs in two
threads run on two cores. An accelerator runs one program at a time: no thread.
"""

import os
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack, suppress
from typing import Any, TypeVar

import jax

from .platforms import platform_settings
from .precision import at_once

__all__ = ["beside", "map_on_workers", "num_workers"]

Item = TypeVar("Item")
Output = TypeVar("Output")


def num_workers() -> int:
    """One per core that this process may use, or one for an accelerator."""
    if not platform_settings().thread_per_core:
        return 1
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1


def map_on_workers(
    function: Callable[[Item, Callable[[], None]], Output], items: Iterable[Item]
) -> list[Output]:
    """Call a function for every item, as many at a time as there are workers."""
    stop = threading.Event()
    called = _with_settings_of_here(function)

    def check() -> None:
        if stop.is_set():
            raise _Stopped

    def work(item: Item) -> Output:
        check()
        try:
            return called(item, check)
        except BaseException:
            stop.set()
            raise

    if num_workers() == 1:
        return [work(item) for item in items]
    with ThreadPoolExecutor(num_workers()) as executor:
        futures = [executor.submit(work, item) for item in items]
        try:
            wait(futures)
        except BaseException:  # the user interrupted
            stop.set()
            raise
    for error in filter(None, (future.exception() for future in futures)):
        if not isinstance(error, _Stopped):
            raise error
    return [future.result() for future in futures]


def beside(function: Callable[[], Any]) -> Callable[[], None]:
    """Call a function in another thread; what is returned waits for its end.

    For what only saves time: whether it failed is not asked.
    """
    executor = ThreadPoolExecutor(1)
    executor.submit(_with_settings_of_here(function))
    return executor.shutdown


def _with_settings_of_here(function: Callable[..., Output]) -> Callable[..., Output]:
    """A function that another thread can call as if it were this one."""
    settings, mesh = _settings(), None
    if not jax.sharding.get_abstract_mesh().empty:
        with suppress(ValueError):  # inside of `jit` no mesh of devices is known
            mesh = jax.sharding.get_mesh()

    def called(*arguments: Any) -> Output:
        with ExitStack() as scope:
            seen = _settings()
            for name in settings:
                if seen[name] != settings[name]:
                    scope.enter_context(getattr(jax, name)(settings[name]))
            if mesh is not None:
                scope.enter_context(jax.set_mesh(mesh))
            scope.enter_context(at_once())
            return function(*arguments)

    return called


def _settings() -> dict[str, Any]:
    """Those of JAX's settings here that a context manager can change, by its name.

    As `jax.default_device` or `jax.disable_jit`: another thread does not see them.
    """
    names = (name for name in jax.config.values if name.startswith("jax_"))
    return {
        short: getattr(jax.config, name)
        for name in names
        if hasattr(jax, short := name.removeprefix("jax_"))
    }


class _Stopped(Exception):
    """Another part of the work failed, and its exception is the one to raise."""

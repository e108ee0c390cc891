"""Threads that keep all cores busy while XLA runs small operations on one.

XLA releases the interpreter while it computes, so two independent programs in two
threads run on two cores. An accelerator runs one program at a time: one thread.
"""

import os
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TypeVar

import jax

__all__ = ["map_on_workers", "num_workers"]

Item = TypeVar("Item")
Result = TypeVar("Result")


def num_workers() -> int:
    """One per core that this process may use, or one for an accelerator."""
    if jax.default_backend() != "cpu":
        return 1
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1


def map_on_workers(
    function: Callable[[Item, Callable[[], None]], Result], items: Iterable[Item]
) -> list[Result]:
    """Call a function for every item, as many at a time as there are workers."""
    stop = threading.Event()

    def check() -> None:
        if stop.is_set():
            raise _Stopped

    def work(item: Item) -> Result:
        check()
        try:
            with jax.enable_x64(True):  # a setting of the thread
                return function(item, check)
        except BaseException:
            stop.set()
            raise

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


class _Stopped(Exception):
    """Another part of the work failed, and its exception is the one to raise."""

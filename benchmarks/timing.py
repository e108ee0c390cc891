"""Time and memory, measured so that they mean something.

A first call compiles; JAX returns before its answer is there. So caches are emptied,
the first call is told from warm ones, and every call is blocked on. What must count
from nothing (a whole run, the memory of a pass) runs in a process of its own.
"""

import json
import resource
import statistics
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any, Generic, TypeVar

import jax

__all__ = [
    "Timing",
    "in_fresh_process",
    "listen_to_compilations",
    "measure",
    "measure_in_turn",
    "peak_memory",
    "seconds_of",
]

ROOT = Path(__file__).parents[1]
Result = TypeVar("Result")


@dataclass(frozen=True)
class Timing(Generic[Result]):
    """A function's time, and what it returned."""

    seconds: float
    compile_seconds: float
    runs: int
    result: Result


def measure(function: Callable[[], Result], *, runs: int) -> Timing[Result]:
    """Median time of warm calls, and how much longer the first call took.

    Args:
        function: what to call.
        runs: number of warm calls, >= 1.

    Returns:
        The times, and the result of the last call.
    """
    return measure_in_turn(function, runs=runs)[0]


def measure_in_turn(
    *functions: Callable[[], Result], runs: int
) -> tuple[Timing[Result], ...]:
    """Measure several functions whose warm calls take turns.

    What slows the machine for a while slows all of them: their ratios mean something
    where their times do not.

    Args:
        functions: what to call.
        runs: number of warm calls of each, >= 1.

    Returns:
        What `measure` returns, of each.
    """
    jax.clear_caches()
    first = [seconds_of(function)[0] for function in functions]
    warm, results = [], []
    for _ in range(runs):
        calls = [seconds_of(function) for function in functions]
        warm.append([seconds for seconds, _ in calls])
        results = [result for _, result in calls]
    medians = [statistics.median(seconds) for seconds in zip(*warm, strict=True)]
    return tuple(
        Timing(median, max(seconds - median, 0.0), runs, result)
        for seconds, median, result in zip(first, medians, results, strict=True)
    )


def seconds_of(function: Callable[[], Result]) -> tuple[float, Result]:
    """Time of one call, until its result is there, and the result."""
    start = perf_counter()
    result = jax.block_until_ready(function())
    return perf_counter() - start, result


def listen_to_compilations() -> list[float]:
    """A list that grows by the seconds of every compilation, on any thread."""
    compile_seconds = []

    def listen(event: str, seconds: float, **_: Any) -> None:
        if event == "/jax/core/compile/backend_compile_duration":
            compile_seconds.append(seconds)

    jax.monitoring.register_event_duration_secs_listener(listen)
    return compile_seconds


def in_fresh_process(module: str, function: str, *arguments: int) -> tuple[Any, float]:
    """Call a function in a Python of its own.

    Args:
        module: where it is.
        function: its name; it returns what JSON can hold, and prints nothing.
        arguments: its arguments.

    Returns:
        The result, and the seconds from the start of the process to its end.

    Raises:
        RuntimeError: with what the process had to say, if it failed.
    """
    code = (
        f"import json; from {module} import {function}; "
        f"print(json.dumps({function}(*{arguments!r})))"
    )
    start = perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True
    )
    seconds = perf_counter() - start
    if done.returncode != 0:
        raise RuntimeError(f"{module}.{function} failed:\n{done.stderr}")
    return json.loads(done.stdout), seconds


def peak_memory() -> int:
    """Most bytes held so far: by the accelerator, or by this process on a CPU."""
    on_device = jax.local_devices()[0].memory_stats()
    if on_device and "peak_bytes_in_use" in on_device:
        return on_device["peak_bytes_in_use"]
    status = Path("/proc/self/status")
    if status.exists():
        # Not `getrusage`: on Linux a new process starts with its parent's peak.
        lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
        return int(lines["VmHWM"].split()[0]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # bytes on macOS

"""Every kernel beside the squared exponential, and the same points in many parties.

A pass over all pairs, the gradient by the length scale with the memory it takes, and a
pass over the points of up to as many parties as points.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from cgm_jax.gram import GramSums, gram_sums
from cgm_jax.gram.gram_sums import default_tile_size
from cgm_jax.kernels import Kernel, SquaredExponential

from . import plain
from .data import Problem, clusters
from .kernel_table import KERNELS, REFERENCE, Compared, plain_sums
from .rows import Baseline, Row, Temporaries, relative_error
from .timing import (
    in_fresh_process,
    listen_to_compilations,
    measure_in_turn,
    peak_memory,
    seconds_of,
)

__all__ = ["one_row_each", "rows"]

_NUM_PARTIES = 5
_NUM_CHECKED = 256  # candidates whose sums are compared
_NUM_CHECKED_PARTIES = 8
_STEP = 1e-5  # of a difference that stands for a slope, in units of ℓ


def rows(*, small: bool) -> Iterator[Row]:
    """A pass and a gradient of every kernel, then passes over many small parties.

    Args:
        small: whether to run at a size that only shows that all works, with two of the
            kernels.

    Yields:
        One row after the other.
    """
    names = [REFERENCE, "product of two"] if small else [*KERNELS]
    sizes = (20, 300) if small else (800, 20_000)
    for num_dims in (2,) if small else (2, 8, 64):
        yield from _pass_rows(names, clusters(num_dims, _NUM_PARTIES, *sizes))
    sizes = (3, 60, 100) if small else (784, 2_000, 20_000)
    yield from _gradient_rows(names, *sizes)
    yield from _parties_rows(
        *((600, (1, 10)) if small else (24_000, (1, 100, 1_000, 4_000)))
    )


def one_row_each(num_points: int) -> dict[str, Any]:
    """A pass over as many parties as points, of one point each, and its memory.

    Args:
        num_points: t.

    Returns:
        What JSON can hold, by the names of `Row`: the seconds of the first call, those
        of compilation among them, the error, and the most bytes that were held.
    """
    points, kernel = _points(num_points)
    compile_seconds = listen_to_compilations()
    seconds, sums = seconds_of(lambda: _split_pass(kernel, points, num_points))
    peak = peak_memory()
    return {
        "seconds": seconds,
        "compile_seconds": sum(compile_seconds),
        "error": _parties_error(points, kernel, sums),
        "peak_bytes": peak,
    }


def _pass_rows(names: Sequence[str], problem: Problem) -> Iterator[Row]:
    num_points, num_dims = problem.reference.shape
    exact = problem.astype(float)
    checked = np.linspace(0, len(exact.candidates) - 1, _NUM_CHECKED).astype(int)
    sums = [
        plain_sums(names, block, exact.candidates[checked], [exact.length_scale])
        for block in (*exact.parties, exact.candidates)
    ]

    def run(name: str) -> GramSums:
        kernel = KERNELS[name].kernel(problem.length_scale, num_dims)
        side = default_tile_size()  # given, there are tiles in few dimensions, too
        return gram_sums(kernel, problem.parties, problem.candidates, tile_size=side)

    timings = measure_in_turn(*(partial(run, name) for name in names), runs=5)
    for name, timing in zip(names, timings, strict=True):
        expected = np.stack([block[name][0] for block in sums], axis=1)
        yield Row(
            name="Gram pass of a kernel",
            size={"t": num_points, "d": num_dims, "n": _NUM_PARTIES},
            seconds=timing.seconds,
            compile_seconds=timing.compile_seconds,
            runs=timing.runs,
            throughput=num_points**2 / timing.seconds,
            unit="pairs/s",
            error=relative_error(timing.result.candidate_rows[checked], expected),
            error_against=f"plain sums of {_NUM_CHECKED} candidates over all points",
            baseline=Baseline(f"the {REFERENCE}'s pass", timings[0].seconds, None),
            kernel=name,
        )


def _gradient_rows(
    names: Sequence[str], num_dims: int, num_points: int, num_compiled: int
) -> Iterator[Row]:
    problem = clusters(num_dims, 1, num_points, 0)
    points, exact = problem.reference, problem.astype(float).reference
    ends = [problem.length_scale * (1 + step) for step in (-_STEP, _STEP)]
    sums = plain_sums(names, exact, exact, ends)
    length_scale = jnp.asarray(problem.length_scale, points.dtype)
    slopes = [_slope_program(KERNELS[name]) for name in names]
    runs = (partial(slope, length_scale, points) for slope in slopes)
    timings = measure_in_turn(*runs, runs=5)
    many = jax.ShapeDtypeStruct((num_compiled, num_dims), points.dtype)
    for name, slope, timing in zip(names, slopes, timings, strict=True):
        means = sums[name].sum(axis=1) / num_points**2
        memory = slope.lower(length_scale, many).compile().memory_analysis()
        yield Row(
            name="gradient of a kernel by its length scale",
            size={"t": num_points, "d": num_dims},
            seconds=timing.seconds,
            compile_seconds=timing.compile_seconds,
            runs=timing.runs,
            throughput=num_points**2 / timing.seconds,
            unit="pairs/s",
            error=relative_error(
                float(timing.result), (means[1] - means[0]) / (ends[1] - ends[0])
            ),
            error_against="a difference of the plain mean over all pairs",
            baseline=Baseline(f"the {REFERENCE}'s gradient", timings[0].seconds, None),
            kernel=name,
            temporaries=Temporaries(
                memory.temp_size_in_bytes, {"t": num_compiled, "d": num_dims}
            ),
        )


def _slope_program(compared: Compared):
    """The derivative by ℓ of the kernel's mean over all pairs, a compiled program."""

    def mean(
        length_scale: Float[Array, ""], points: Float[Array, "t d"]
    ) -> Float[Array, ""]:
        kernel = compared.kernel(length_scale, points.shape[1])
        *parties, candidates = jnp.array_split(points, _NUM_PARTIES + 1)
        return (
            jnp.sum(gram_sums(kernel, parties, candidates).between) / len(points) ** 2
        )

    return jax.jit(jax.grad(mean))


def _parties_rows(num_points: int, numbers: tuple[int, ...]) -> Iterator[Row]:
    points, kernel = _points(num_points)
    timings = measure_in_turn(
        *(partial(_split_pass, kernel, points, n) for n in numbers), runs=3
    )
    alone = timings[0].seconds
    for n, timing in zip(numbers, timings, strict=True):
        yield _parties_row(
            num_points,
            n,
            alone,
            seconds=timing.seconds,
            compile_seconds=timing.compile_seconds,
            runs=timing.runs,
            error=_parties_error(points, kernel, timing.result),
        )
    once, _ = in_fresh_process("benchmarks.kernels", "one_row_each", num_points)
    yield _parties_row(
        num_points,
        num_points,
        alone,
        runs=1,
        note=f" (n = {num_points:,}: a first call, its compilation included)",
        **once,
    )


def _parties_row(
    num_points: int, n: int, seconds_alone: float, note: str = "", **measured: Any
) -> Row:
    return Row(
        name="the same points in many parties",
        size={"t": num_points, "d": 2, "n": n},
        throughput=num_points**2 / measured["seconds"],
        unit="pairs/s",
        error_against=f"plain sums of up to {_NUM_CHECKED_PARTIES} parties with all",
        baseline=Baseline(f"the same points in one party{note}", seconds_alone, None),
        **measured,
    )


def _points(num_points: int) -> tuple[np.ndarray, SquaredExponential]:
    problem = clusters(2, _NUM_PARTIES, num_points // _NUM_PARTIES, 0)
    return problem.reference, SquaredExponential(problem.length_scale)


def _split_pass(kernel: Kernel, points: np.ndarray, n: int) -> GramSums:
    parties, side = np.array_split(points, n), default_tile_size()
    return gram_sums(kernel, parties, points[:0], tile_size=side)


def _parties_error(points: np.ndarray, kernel: Kernel, sums: GramSums) -> float:
    """Relative error of some parties' sums with all parties."""
    n = sums.num_parties
    parties = np.array_split(points.astype(float), n)
    checked = np.linspace(0, n - 1, min(n, _NUM_CHECKED_PARTIES)).astype(int)
    starts = np.cumsum([0, *map(len, parties[:-1])])
    exact = [
        np.add.reduceat(
            plain.sums_over(parties[i], np.concatenate(parties), kernel.length_scale),
            starts,
        )
        for i in checked
    ]
    return relative_error(sums.between[checked, :n], np.stack(exact))

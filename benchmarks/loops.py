"""Beside loops in C that a compiler vectorises (``loops.c``), on the same cores.

Both take turns, as the cores may be slower for a while. Without a C compiler there are
no rows.
"""

import ctypes
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from cgm_jax._shared.workers import num_workers
from cgm_jax.gram import GramSums, gram_sums
from cgm_jax.gram.gram_sums import default_tile_size
from cgm_jax.kernels import SquaredExponential
from cgm_jax.sampling import lanes

from . import plain
from .data import Problem, clusters
from .rows import Baseline, Row, relative_error
from .sampling import BETA, draw, value_error
from .timing import measure_in_turn

__all__ = ["rows"]

_SOURCE = Path(__file__).with_name("loops.c")
# What lets sums be vectorised. (All of -ffast-math would have small numbers flushed to
# zero in the whole process, as soon as the library is loaded.)
_FLAGS = (
    *("-O3", "-march=native", "-shared", "-fPIC", "-ffp-contract=fast"),
    *("-fassociative-math", "-fno-signed-zeros", "-fno-trapping-math"),
    *("-ffinite-math-only", "-fno-math-errno"),
)
_NUM_PARTIES = 5
_CHUNK = 512  # points whose sums are one call
_NUM_CHECKED = 256  # candidates whose sums are compared


def rows(*, small: bool) -> Iterator[Row]:
    """The Gram pass for d = 2, as it is and by tiles, and picks for d = 2 and d = 8.

    Args:
        small: whether to run at a size that only shows that all works.

    Yields:
        One row after the other; none without a C compiler.
    """
    if (compiler := shutil.which("cc") or shutil.which("gcc")) is None:
        return
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / "loops.so"
        subprocess.run([compiler, *_FLAGS, "-o", library, _SOURCE], check=True)
        loops = ctypes.CDLL(str(library))
    party_size, num_candidates, num_picks = (
        (20, 1_000, 64) if small else (1_000, 100_000, 1_024)
    )
    for num_dims in (2,) if small else (2, 8):
        problem = clusters(num_dims, _NUM_PARTIES, party_size, num_candidates)
        kernel = SquaredExponential(problem.length_scale)
        if num_dims == 2:
            yield _gram_row(loops, problem, kernel, "Gram pass", None)
            side = default_tile_size()
            yield _gram_row(loops, problem, kernel, "Gram pass by tiles", side)
        yield _pick_row(loops, problem, kernel, num_picks)


def _gram_row(
    loops: Any,
    problem: Problem,
    kernel: SquaredExponential,
    name: str,
    tile_size: int | None,
) -> Row:
    blocks = [*problem.parties, problem.candidates]
    points, t = _coordinates(problem.reference), len(problem.reference)
    ends = np.cumsum([*map(len, blocks)])
    found = np.empty((t, len(blocks)))
    rate = 1 / (2 * problem.length_scale**2)

    def in_c() -> np.ndarray:
        def part(first: int) -> None:
            loops.sums_of_rows(
                *(ctypes.c_long(t), ctypes.c_long(len(points)), _place(points)),
                *(ctypes.c_long(len(ends)), _place(ends), ctypes.c_float(rate)),
                *(ctypes.c_long(first), ctypes.c_long(min(first + _CHUNK, t))),
                _place(found),
            )

        _on_all_cores([partial(part, first) for first in range(0, t, _CHUNK)])
        return found

    def here() -> GramSums:
        parties, candidates = problem.parties, problem.candidates
        return gram_sums(kernel, parties, candidates, tile_size=tile_size)

    ours, theirs = measure_in_turn(here, in_c, runs=5)
    checked = slice(-_NUM_CHECKED, None)
    exact, rows = problem.astype(float), ours.result.candidate_rows[checked]
    expected = np.column_stack(
        [
            plain.sums_over(x, exact.candidates[checked], exact.length_scale)
            for x in (*exact.parties, exact.candidates)
        ]
    )
    _check(theirs.result[checked], expected, 1e-5)
    return Row(
        name=f"{name} beside a loop in C",
        size={"t": t, "d": len(points), "n": _NUM_PARTIES},
        seconds=ours.seconds,
        compile_seconds=ours.compile_seconds,
        runs=ours.runs,
        throughput=t**2 / ours.seconds,
        unit="pairs/s",
        error=relative_error(rows, expected),
        error_against=f"plain sums of {_NUM_CHECKED} candidates over all points",
        baseline=Baseline("every pair twice in C, on all cores", theirs.seconds, None),
    )


def _pick_row(
    loops: Any, problem: Problem, kernel: SquaredExponential, num_picks: int
) -> Row:
    sums = gram_sums(kernel, problem.parties, problem.candidates)
    points, g = _coordinates(problem.candidates), len(problem.candidates)
    rates = (sums.candidate_rows.sum(axis=1) / sums.reference_size).astype(np.float32)
    start = np.asarray(lanes(kernel, problem.candidates, sums)[1].witness)
    start = start.reshape(_NUM_PARTIES, -1)[:, :g]
    picked = np.empty((_NUM_PARTIES, num_picks), np.int64)
    rate = 1 / (2 * problem.length_scale**2)

    def in_c() -> np.ndarray:
        witness = start.copy()

        def lane(i: int) -> None:
            weights, chunks = np.empty(g, np.float32), np.empty(g, np.float32)
            loops.pick_many(
                *(ctypes.c_long(num_picks), ctypes.c_long(g)),
                *(ctypes.c_long(len(points)), _place(points), _place(rates)),
                *(ctypes.c_float(rate), ctypes.c_float(BETA), ctypes.c_uint64(i + 1)),
                *(_place(witness[i]), _place(weights), _place(chunks)),
                _place(picked[i]),
            )

        _on_all_cores([partial(lane, i) for i in range(_NUM_PARTIES)])
        return witness

    here = partial(draw, problem, kernel, sums, num_picks)
    ours, theirs = measure_in_turn(here, in_c, runs=5)
    exact, left = problem.astype(float), np.flatnonzero(theirs.result[0] > -1e29)
    left = left[:_NUM_CHECKED]
    taken = plain.sums_over(
        exact.candidates[picked[0]], exact.candidates[left], exact.length_scale
    )
    expected = start[0, left] + num_picks * rates[left].astype(float) - taken
    _check(theirs.result[0, left], expected, 1e-3)
    seconds, their_seconds = (
        x.seconds / (_NUM_PARTIES * num_picks) for x in (ours, theirs)
    )
    return Row(
        name="picks of five parties beside a loop in C",
        size={"g": g, "d": len(points), "n": _NUM_PARTIES, "picks": num_picks},
        seconds=seconds,
        compile_seconds=ours.compile_seconds,
        runs=ours.runs,
        throughput=1e6 * seconds,
        unit="µs/pick",
        error=value_error(problem, ours.result[0]),
        error_against="the first party's value after all its picks, from its points",
        baseline=Baseline(
            "all weighed at every pick, in C, a party a core", their_seconds, None
        ),
    )


def _coordinates(points: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(points.T, np.float32)


def _place(array: np.ndarray) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)


def _on_all_cores(calls: list[Callable[[], None]]) -> None:
    """The loops let go of the interpreter."""
    with ThreadPoolExecutor(num_workers()) as pool:
        for done in [pool.submit(call) for call in calls]:
            done.result()


def _check(found: np.ndarray, expected: np.ndarray, tolerance: float) -> None:
    if not (error := relative_error(found, expected)) < tolerance:
        raise RuntimeError(f"Expected the loop in C to be right, its error: {error}.")

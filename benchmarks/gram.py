"""The Gram pass and the search for the length scale: all pairs of points."""

from collections.abc import Iterator

import numpy as np

from cgm_jax.datasets import credit_ratings
from cgm_jax.gram import gram_sums, smallest_length_scale
from cgm_jax.gram.gram_sums import default_tile_size
from cgm_jax.kernels import SquaredExponential

from . import plain
from .data import Problem, clusters
from .roofline import Work
from .rows import Baseline, Row, relative_error
from .timing import (
    in_fresh_process,
    measure,
    measure_in_turn,
    peak_memory,
    seconds_of,
)

__all__ = ["peak_of_gram_pass", "peak_of_many_parties", "rows"]

_NUM_PARTIES = 5
_HALVINGS = 20
_NUM_CHECKED = 256  # candidates, or parties, whose sums are compared


def rows(*, small: bool) -> Iterator[Row]:
    """The Gram pass by tiles, by waves, of many parties, and the length-scale search.

    Args:
        small: whether to run at a size that only shows that all works.

    Yields:
        One row after the other.
    """
    for num_dims in (2,) if small else (2, 8):
        sizes = (20, 400) if small else (1_000, 100_000)
        plain_sizes = (20, 100) if small else (500, 7_500)
        yield _gram_row(num_dims, *sizes, plain_sizes)
    for num_dims in (2,) if small else (1, 2, 3):
        yield _waves_row(num_dims, *((20, 5_000) if small else (1_000, 100_000)))
    for n in (1_050,) if small else (4_000, 24_000):
        yield _many_parties_row(n, 4 * n if small else 24_000)
    # Points of each party, and candidates; then those that the baseline gets.
    sizes = (60, 300, 30, 200) if small else (1_000, 100_000, 200, 10_000)
    yield _length_scale_row(*sizes)


def peak_of_gram_pass(num_dims: int, party_size: int, num_candidates: int) -> int:
    """Most bytes held, the program's own among them, by a process that does one pass.

    Args:
        num_dims: d.
        party_size: number of points of each of the five parties.
        num_candidates: number of candidates.

    Returns:
        Bytes.
    """
    _gram_pass(clusters(num_dims, _NUM_PARTIES, party_size, num_candidates))
    return peak_memory()


def _gram_pass(problem: Problem):
    kernel = SquaredExponential(problem.length_scale)
    side = default_tile_size()  # given, there are tiles in few dimensions, too
    return gram_sums(kernel, problem.parties, problem.candidates, tile_size=side)


def _gram_row(
    num_dims: int, party_size: int, num_candidates: int, plain_sizes: tuple[int, int]
) -> Row:
    peak, _ = in_fresh_process(
        "benchmarks.gram", "peak_of_gram_pass", num_dims, party_size, num_candidates
    )
    problem = clusters(num_dims, _NUM_PARTIES, party_size, num_candidates)
    timing = measure(lambda: _gram_pass(problem), runs=3)
    num_points = len(problem.reference)

    less = clusters(num_dims, _NUM_PARTIES, *plain_sizes)
    plain_seconds, _ = seconds_of(
        lambda: plain.gram_sums(less.parties, less.candidates, less.length_scale)
    )
    num_plain = len(less.reference)
    return Row(
        name="Gram pass",
        size={"t": num_points, "d": num_dims, "n": _NUM_PARTIES},
        seconds=timing.seconds,
        compile_seconds=timing.compile_seconds,
        runs=timing.runs,
        throughput=num_points**2 / timing.seconds,
        unit="pairs/s",
        error=_gram_error(problem, timing.result),
        error_against=f"plain sums of {_NUM_CHECKED} candidates over all points, and "
        "between all parties",
        baseline=Baseline(
            "every pair twice in NumPy tiles, float32",
            plain_seconds * (num_points / num_plain) ** 2,
            f"t = {num_plain:,}, by t²",
        ),
        peak_bytes=peak,
        work=Work(
            exponentials=num_points**2 / 2, operations=num_points**2 * (num_dims + 2)
        ),
    )


def _waves_row(num_dims: int, party_size: int, num_candidates: int) -> Row:
    """The pass as users have it, without a tile size, in turns with the tiles."""
    problem = clusters(num_dims, _NUM_PARTIES, party_size, num_candidates)
    kernel = SquaredExponential(problem.length_scale)
    timing, by_tiles = measure_in_turn(
        lambda: gram_sums(kernel, problem.parties, problem.candidates),
        lambda: _gram_pass(problem),
        runs=3,
    )
    num_points = len(problem.reference)
    return Row(
        name="Gram pass by waves",
        size={"t": num_points, "d": num_dims, "n": _NUM_PARTIES},
        seconds=timing.seconds,
        compile_seconds=timing.compile_seconds,
        runs=timing.runs,
        throughput=num_points**2 / timing.seconds,
        unit="pairs/s",
        error=_gram_error(problem, timing.result),
        error_against=f"plain sums of {_NUM_CHECKED} candidates over all points, and "
        "between all parties",
        baseline=Baseline(
            f"tiles, with an error of {_gram_error(problem, by_tiles.result):.1g}",
            by_tiles.seconds,
            None,
        ),
    )


def peak_of_many_parties(num_parties: int, num_points: int) -> int:
    """Most bytes held by a process that sums between many small parties.

    Args:
        num_parties: n.
        num_points: points of all of them.

    Returns:
        Bytes.
    """
    _gram_pass(_in_parties(num_parties, num_points))
    return peak_memory()


def _in_parties(num_parties: int, num_points: int) -> Problem:
    """The same points in any number of parties, without candidates."""
    one = clusters(2, 1, 0, num_points)
    parties = np.split(one.candidates, num_parties)
    return Problem(parties, one.candidates[:0], one.length_scale)


def _many_parties_row(num_parties: int, num_points: int) -> Row:
    peak, _ = in_fresh_process(
        "benchmarks.gram", "peak_of_many_parties", num_parties, num_points
    )
    problem, one = (_in_parties(n, num_points) for n in (num_parties, 1))
    timing = measure(lambda: _gram_pass(problem), runs=3)
    alone = measure(lambda: _gram_pass(one), runs=3)

    exact, last = problem.astype(float), num_parties - 1
    some = np.unique(np.linspace(0, last, min(num_parties, _NUM_CHECKED)).astype(int))
    first, *_ = exact.parties
    sums = [plain.sums_over(first, exact.parties[i], one.length_scale) for i in some]
    return Row(
        name="Gram pass of many parties",
        size={"t": num_points, "d": 2, "n": num_parties},
        seconds=timing.seconds,
        compile_seconds=timing.compile_seconds,
        runs=timing.runs,
        throughput=num_points**2 / timing.seconds,
        unit="pairs/s",
        error=relative_error(
            timing.result.between[0, some], np.array([x.sum() for x in sums])
        ),
        error_against=f"plain sums of the first and {len(some)} parties, float64",
        baseline=Baseline("one party of all points, this package", alone.seconds, None),
        peak_bytes=peak,
        work=Work(exponentials=num_points**2 / 2, operations=num_points**2 * 4),
    )


def _gram_error(problem: Problem, sums) -> float:
    """Relative error of some candidates' sums, or of those between parties."""
    exact = problem.astype(float)
    checked = np.linspace(0, len(exact.candidates) - 1, _NUM_CHECKED).astype(int)
    blocks = [*exact.parties, exact.candidates]
    rows = [
        plain.sums_over(block, exact.candidates[checked], exact.length_scale)
        for block in blocks
    ]
    n = len(exact.parties)
    between, _ = plain.gram_sums(
        exact.parties, exact.candidates[:0], exact.length_scale
    )
    return max(
        relative_error(sums.candidate_rows[checked], np.stack(rows, axis=1)),
        relative_error(sums.between[:n, :n], between[:n, :n]),
    )


def _length_scale_row(
    party_size: int, num_candidates: int, plain_party_size: int, num_plain: int
) -> Row:
    data = credit_ratings("equal-disjoint", num_candidates=num_candidates)
    kernel = SquaredExponential(1.0)
    parties = [x[:party_size] for x in data.parties]
    timing = measure(
        lambda: smallest_length_scale(kernel, parties, data.candidates), runs=3
    )

    fewer = [x[:plain_party_size] for x in parties]
    candidates = data.candidates[:num_plain]
    plain_seconds, _ = seconds_of(
        lambda: plain.smallest_length_scale(fewer, candidates)
    )
    exact = plain.smallest_length_scale(
        [x.astype(float) for x in fewer], candidates.astype(float)
    )
    pool, plain_pool = sum(map(len, parties)), sum(map(len, fewer))
    t, plain_t = pool + num_candidates, plain_pool + num_plain
    return Row(
        name="length-scale search",
        size={"t": t, "d": 2, "n": len(parties)},
        seconds=timing.seconds,
        compile_seconds=timing.compile_seconds,
        runs=timing.runs,
        throughput=_HALVINGS / timing.seconds,
        unit="halvings/s",
        error=relative_error(smallest_length_scale(kernel, fewer, candidates), exact),
        error_against=f"a plain search among t = {plain_t:,} points",
        baseline=Baseline(
            "20 halvings, all values from raw points, float32",
            plain_seconds * (pool * t) / (plain_pool * plain_t),
            f"t = {plain_t:,}, by pairs of a party's point and any",
        ),
    )

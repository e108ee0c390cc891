"""Shapley values by 2^n numbers, by an integral, by random orders, and of points."""

import math
from collections.abc import Iterator

import jax
import numpy as np

from cgm_jax.gram import GramSums, gram_sums
from cgm_jax.kernels import SquaredExponential
from cgm_jax.valuation import (
    asymmetric_shapley,
    coalition_values,
    mmd_shapley_values,
    permutation_shapley_values,
    point_shapley_values,
    semivalues_with_departures,
    shapley_values,
    value,
    values_of_coalitions,
)

from . import plain
from .data import Problem, clusters
from .rows import Baseline, Row, relative_error
from .timing import measure, seconds_of

__all__ = ["exact_shapley_value", "rows"]


def rows(*, small: bool) -> Iterator[Row]:
    """Coalition values and Shapley values for n = 10 to 24, then for n up to 5,000.

    Args:
        small: whether to run at a size that only shows that all works.

    Yields:
        One row after the other.
    """
    for n in (6,) if small else (10, 16, 20, 24):
        problem = clusters(2, n, *((10, 50) if small else (100, 1_000))).astype(float)
        row, values = _coalitions_row(problem, num_plain=4 if small else 32)
        yield row
        yield _shapley_row(values, num_plain=min(n, 4 if small else 8))
    for n in (6, 30) if small else (10, 20, 100, 1_000, 5_000):
        yield _without_table_row(n)
    for n in (30,) if small else (1_000,):
        yield from _family_rows(n)
    for n in (6,) if small else (10, 20, 100, 1_000):
        yield _orders_row(n, 200 if small else 1_000)
    yield _points_row(*((500, 100) if small else (100_000, 5_000)))


def exact_shapley_value(values: np.ndarray, party: int) -> float:
    """One party's Shapley value by Eq. 5, a sum over the coalitions without it."""
    n = len(values).bit_length() - 1
    coalitions = np.arange(len(values))
    without = coalitions[coalitions >> party & 1 == 0]
    weight = np.array([1 / (n * math.comb(n - 1, s)) for s in range(n)])
    marginal = values[without | 1 << party] - values[without]
    return float(np.sum(weight[np.bitwise_count(without)] * marginal))


def _coalitions_row(problem: Problem, num_plain: int) -> tuple[Row, np.ndarray]:
    n = len(problem.parties)
    kernel = SquaredExponential(problem.length_scale)
    sums = gram_sums(kernel, problem.parties, problem.candidates)
    timing = measure(lambda: coalition_values(sums), runs=5)
    values = np.asarray(timing.result)

    some = np.random.default_rng(0).integers(1, 2**n, size=num_plain)
    plain_seconds, exact = seconds_of(
        lambda: plain.coalition_values(
            problem.parties, problem.candidates, problem.length_scale, some.tolist()
        )
    )
    row = Row(
        name="coalition values",
        size={"n": n, "t": len(problem.reference), "d": 2},
        seconds=timing.seconds,
        compile_seconds=timing.compile_seconds,
        runs=timing.runs,
        throughput=2**n / timing.seconds,
        unit="values/s",
        error=relative_error(values[some], exact),
        error_against=f"{num_plain} random coalitions from their raw points",
        baseline=Baseline(
            "one MMD per coalition from raw points, float64",
            plain_seconds * 2**n / num_plain,
            f"{num_plain} random coalitions, by 2^n",
        ),
    )
    return row, values


def _shapley_row(values: np.ndarray, num_plain: int) -> Row:
    n = len(values).bit_length() - 1
    timing = measure(lambda: shapley_values(values), runs=5)
    some = sorted({0, n // 2, n - 1})
    exact = np.array([exact_shapley_value(values, party) for party in some])
    plain_seconds, _ = seconds_of(lambda: plain.shapley_values(values[: 2**num_plain]))
    # An order of joining has n steps.
    growth = math.factorial(n) * n / (math.factorial(num_plain) * num_plain)
    return Row(
        name="Shapley values",
        size={"n": n},
        seconds=timing.seconds,
        compile_seconds=timing.compile_seconds,
        runs=timing.runs,
        throughput=2**n / timing.seconds,
        unit="values/s",
        error=relative_error(np.asarray(timing.result)[some], exact),
        error_against="Eq. 5, a sum over all coalitions, for three parties",
        baseline=Baseline(
            "all n! orders of joining, Python",
            plain_seconds * growth,
            None if n == num_plain else f"n = {num_plain}, by n · n!",
        ),
    )


def _without_table_row(n: int) -> Row:
    sums = _sums_of_clusters(n)
    timing = measure(lambda: mmd_shapley_values(sums), runs=5 if n < 5_000 else 3)
    found = timing.result
    if n <= 20:
        name, extrapolated = (
            "2^n coalition values and Eq. 5 on them, this package",
            None,
        )
        baseline = measure(lambda: shapley_values(coalition_values(sums)), runs=5)
        seconds = baseline.seconds
        error = relative_error(found.shapley_values, baseline.result)
        error_against = "the Shapley values of the table"
    else:
        name, num_plain = "200 x 160 nodes in plain NumPy", min(n, 1_000)
        few = _sums_of_clusters(num_plain)
        seconds, _ = seconds_of(
            lambda: plain.mmd_shapley_values(few.between, few.sizes)
        )
        seconds *= (n / num_plain) ** 2
        extrapolated = None if n == num_plain else f"n = {num_plain:,}, by n²"
        of_all = found.shapley_values.sum() - found.efficiency_gap
        error = float(abs(found.efficiency_gap / of_all))
        error_against = "v(N), which the values are to sum to"
    return Row(
        name="Shapley values without a table",
        size={"n": n},
        seconds=timing.seconds,
        compile_seconds=timing.compile_seconds,
        runs=timing.runs,
        throughput=n / timing.seconds,
        unit="parties/s",
        error=error,
        error_against=error_against,
        baseline=Baseline(name, seconds, extrapolated),
    )


def _family_rows(n: int) -> Iterator[Row]:
    """Parties that may leave, and ten groups of parties one after the other."""
    sums = _sums_of_clusters(n)
    plain_seconds = measure(lambda: mmd_shapley_values(sums), runs=3).seconds
    stays, groups = np.linspace(0.1, 1, n), np.arange(n) % 10
    leaving = measure(lambda: semivalues_with_departures(sums, stays), runs=3)
    exact = semivalues_with_departures(sums, stays, tolerance=1e-12)
    ordered = measure(lambda: asymmetric_shapley(sums, groups), runs=3)
    of_all = values_of_coalitions(sums, np.ones((1, n), bool))[0]
    for name, timing, error, against in (
        (
            "Shapley values of parties that may leave",
            leaving,
            relative_error(leaving.result, exact),
            "the same with a tolerance of 1e-12",
        ),
        (
            "asymmetric Shapley values of ten groups",
            ordered,
            relative_error(ordered.result.sum(), of_all),
            "v(N), which the values are to sum to",
        ),
    ):
        yield Row(
            name=name,
            size={"n": n},
            seconds=timing.seconds,
            compile_seconds=timing.compile_seconds,
            runs=timing.runs,
            throughput=n / timing.seconds,
            unit="parties/s",
            error=error,
            error_against=against,
            baseline=Baseline(
                "Shapley values without a table, this package", plain_seconds, None
            ),
        )


def _orders_row(n: int, num_orders: int) -> Row:
    sums, key = _sums_of_clusters(n), jax.random.key(0)
    timing = measure(
        lambda: permutation_shapley_values(key, sums, n, max_permutations=num_orders),
        runs=3,
    )
    exact = measure(lambda: mmd_shapley_values(sums), runs=3)
    return Row(
        name=f"Shapley values by {num_orders:,} random orders",
        size={"n": n},
        seconds=timing.seconds,
        compile_seconds=timing.compile_seconds,
        runs=timing.runs,
        throughput=num_orders / timing.seconds,
        unit="orders/s",
        error=relative_error(timing.result.values, exact.result.shapley_values),
        error_against="the exact Shapley values",
        baseline=Baseline(
            "exact Shapley values without a table, this package", exact.seconds, None
        ),
    )


def _sums_of_clusters(n: int) -> GramSums:
    """Expected sums between n Gaussian clusters of 3 to 4,000 points.

    From points it would take the pass over (2,000 n)² pairs.
    """
    random = np.random.default_rng(n)
    centres = random.uniform(size=(n + 1, 2))
    sizes = np.append(random.integers(3, 4_001, n), 100_000).astype(float)
    length_scale, spread = 0.25, 0.1
    width = length_scale**2 + 2 * spread**2
    r2 = ((centres[:, None] - centres[None]) ** 2).sum(-1)
    mean = length_scale**2 / width * np.exp(-r2 / (2 * width))
    # A pair of a point with itself has k = 1.
    own = np.diag(sizes * (1 - np.diag(mean)))
    between = mean * np.outer(sizes, sizes) + own
    return GramSums(between, np.zeros((0, n + 1)), sizes)


def _points_row(num_points: int, num_plain: int) -> Row:
    problem = clusters(2, 5, num_points // 5, 0)
    points, kernel = problem.reference, SquaredExponential(problem.length_scale)
    timing = measure(lambda: point_shapley_values(kernel, points), runs=3)
    few = points[:: num_points // num_plain]
    seconds, _ = seconds_of(lambda: plain.sums_over(few, few, problem.length_scale))
    return Row(
        name="Shapley values of all points",
        size={"t": num_points, "d": 2},
        seconds=timing.seconds,
        compile_seconds=timing.compile_seconds,
        runs=timing.runs,
        throughput=num_points / timing.seconds,
        unit="points/s",
        error=relative_error(
            timing.result.shapley_values.sum(), value(kernel, points, points)
        ),
        error_against="the pool's value, which they are to sum to",
        baseline=Baseline(
            "only the sums of the kernel, over all pairs twice",
            seconds * (num_points / num_plain) ** 2,
            f"{num_plain:,} points, by t²",
        ),
    )

"""Coalition values and Shapley values: 2^n numbers."""

import math
from collections.abc import Iterator

import numpy as np

from cgm_jax.kernels import SquaredExponential, gram_sums
from cgm_jax.valuation import coalition_values, shapley_values

from . import plain
from .data import Problem, clusters
from .rows import Baseline, Row, relative_error
from .timing import measure, seconds_of

__all__ = ["exact_shapley_value", "rows"]


def rows(*, small: bool) -> Iterator[Row]:
    """Coalition values and Shapley values for n = 10, 16, 20 and 24.

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
            "one MMD a coalition from raw points, float64",
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

"""Values and Shapley values of a million rows by features: one pass over the rows."""

from collections.abc import Iterator

import jax
import numpy as np

from cgm_jax.embeddings import random_fourier_features
from cgm_jax.gram import gram_sums, party_embeddings
from cgm_jax.kernels import SquaredExponential
from cgm_jax.valuation import (
    EmbeddingUncertainty,
    embedding_uncertainty,
    mmd_shapley_values,
)

from .data import Problem, clusters
from .rows import Baseline, Row
from .timing import in_fresh_process, measure, peak_memory, seconds_of

__all__ = ["peak_of_values", "rows"]

_NUM_PARTIES = 5
_NUM_DIMS = 8
_NUM_FEATURES = 4_000


def rows(*, small: bool) -> Iterator[Row]:
    """Values of parties with their standard errors, from random Fourier features.

    Args:
        small: whether to run at a size that only shows that all works.

    Yields:
        One row.
    """
    # Points of each party, and candidates; then those that all pairs are summed of.
    sizes = (200, 400, 100, 200) if small else (160_000, 200_000, 4_000, 10_000)
    peak, _ = in_fresh_process("benchmarks.features", "peak_of_values", *sizes[:2])
    problem = clusters(_NUM_DIMS, _NUM_PARTIES, *sizes[:2])
    timing = measure(lambda: _values(problem), runs=1)

    less = clusters(_NUM_DIMS, _NUM_PARTIES, *sizes[2:])
    kernel = SquaredExponential(less.length_scale)
    pairs_seconds, exact = seconds_of(
        lambda: mmd_shapley_values(gram_sums(kernel, less.parties, less.candidates))
    )
    phi, by_features = exact.shapley_values, _values(less)
    off = abs(by_features.shapley_values.mean(axis=0) - phi)
    t, num_less = len(problem.reference), len(less.reference)
    yield Row(
        name="values by features",
        size={"t": t, "d": _NUM_DIMS, "n": _NUM_PARTIES},
        seconds=timing.seconds,
        compile_seconds=timing.compile_seconds,
        runs=timing.runs,
        throughput=t / timing.seconds,
        unit="rows/s",
        error=float(off.max() / phi.max()),
        error_against=f"Shapley values from all pairs of {num_less:,} of the rows; the "
        f"stated standard error there is {_relative_error(by_features):.2g}, and "
        f"{_relative_error(timing.result):.2g} of all",
        baseline=Baseline(
            "one pass over all pairs",
            pairs_seconds * (t / num_less) ** 2,
            f"t = {num_less:,}, by t²",
        ),
        peak_bytes=peak,
    )


def peak_of_values(party_size: int, num_candidates: int) -> int:
    """Most bytes held, the program's own among them, by a process that does it once.

    Args:
        party_size: number of points of each of the five parties.
        num_candidates: number of candidates.

    Returns:
        Bytes.
    """
    _values(clusters(_NUM_DIMS, _NUM_PARTIES, party_size, num_candidates))
    return peak_memory()


def _values(problem: Problem) -> EmbeddingUncertainty:
    kernel = SquaredExponential(problem.length_scale)
    key = jax.random.key(0)
    features = random_fourier_features(key, kernel, _NUM_DIMS, _NUM_FEATURES)
    embeddings = party_embeddings(features, problem.parties, problem.candidates)
    return embedding_uncertainty(embeddings)


def _relative_error(values: EmbeddingUncertainty) -> float:
    """The largest standard error of φ over the largest φ."""
    largest = np.max(values.shapley_values.mean(axis=0))
    return float(values.shapley_errors.max() / largest)

"""One pick of the weighted sampling algorithm."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import jax
import numpy as np

from cgm_jax.gram import GramSums, gram_sums
from cgm_jax.kernels import SquaredExponential
from cgm_jax.sampling import Reward, weighted_sampling

from . import plain
from .data import Problem, clusters
from .roofline import Work
from .rows import Baseline, Row, relative_error
from .timing import measure, seconds_of

__all__ = ["BETA", "draw", "plain_pick", "rows", "value_error"]

BETA = 4.0
_NUM_PARTIES = 5


def rows(*, small: bool) -> Iterator[Row]:
    """A pick for d = 2 and d = 8, for one party alone and for five at once.

    Args:
        small: whether to run at a size that only shows that all works.

    Yields:
        One row after the other.
    """
    # Picks of a party in one call: its preparation is in the time of a pick, as it is
    # in the life of a user. Far fewer than the candidates, so that no party stalls.
    party_size, num_candidates, num_picks = (
        (20, 400, 64) if small else (1_000, 100_000, 2_048)
    )
    for num_dims in (2,) if small else (2, 8):
        problem = clusters(num_dims, _NUM_PARTIES, party_size, num_candidates)
        kernel = SquaredExponential(problem.length_scale)
        sums = gram_sums(kernel, problem.parties, problem.candidates)
        for n in (1, _NUM_PARTIES):
            some = replace(problem, parties=problem.parties[:n])
            yield _row(some, kernel, _of_parties(sums, n), num_picks, small=small)


def plain_pick(num_dims: int, *, small: bool) -> tuple[float, int, str]:
    """Time of one pick by the plain algorithm, at a size where it ends soon.

    Args:
        num_dims: d.
        small: whether to make it smaller still.

    Returns:
        The seconds, the number of kernel entries it takes, and its size in words.
    """
    problem = clusters(
        num_dims, _NUM_PARTIES, *((20, 100) if small else (1_000, 2_000))
    )
    party, reference = problem.parties[0], problem.reference
    seconds, _ = seconds_of(
        lambda: plain.pick(
            np.random.default_rng(0),
            party,
            problem.candidates,
            reference,
            0.0,  # neither changes which Δ is the larger, nor the time
            0.0,
            problem.length_scale,
            beta=BETA,
        )
    )
    g, s, t = len(problem.candidates), len(party), len(reference)
    return seconds, g * (s + t), f"g = {g:,}, t = {t:,}"


def _of_parties(sums: GramSums, n: int) -> GramSums:
    """The sums of the first n parties and the candidates alone."""
    keep = [*range(n), sums.num_parties]
    return GramSums(
        sums.between[np.ix_(keep, keep)], sums.candidate_rows[:, keep], sums.sizes[keep]
    )


def _row(
    problem: Problem,
    kernel: SquaredExponential,
    sums: GramSums,
    num_picks: int,
    *,
    small: bool,
) -> Row:
    n = len(problem.parties)
    timing = measure(partial(draw, problem, kernel, sums, num_picks), runs=5)
    seconds = timing.seconds / (n * num_picks)

    num_dims = problem.candidates.shape[1]
    g, s, t = len(problem.candidates), len(problem.parties[0]), len(problem.reference)
    plain_seconds, entries, plain_size = plain_pick(num_dims, small=small)
    return Row(
        name=f"one pick, {'one party alone' if n == 1 else 'five parties at once'}",
        size={"g": g, "d": num_dims, "n": n, "picks": num_picks},
        seconds=seconds,
        compile_seconds=timing.compile_seconds,
        runs=timing.runs,
        throughput=1e6 * seconds,
        unit="µs/pick",
        error=value_error(problem, timing.result[0]),
        error_against="the first party's value after all its picks, from its points",
        baseline=Baseline(
            "the first pick, every Δ from scratch, float32",
            plain_seconds * g * (s + t) / entries,
            f"{plain_size}, by g (s + t)",
        ),
        # Of every candidate: the weight, the kernel with what was picked, and float32
        # numbers of d coordinates, the rate, and w before and after.
        work=Work(exponentials=2 * g, num_bytes=4 * g * (num_dims + 3)),
    )


def draw(
    problem: Problem, kernel: SquaredExponential, sums: GramSums, num_picks: int
) -> list[Reward]:
    """So many picks of every party."""
    n = len(problem.parties)
    rewards = weighted_sampling(
        jax.random.key(0),
        kernel,
        problem.candidates,
        sums,
        np.full(n, 2.0),  # above every value
        inverse_temperature=BETA,
        max_picks=num_picks,
    )
    drawn = sum(len(reward.indices) for reward in rewards)
    if drawn != n * num_picks:
        raise RuntimeError(f"Expected {n * num_picks} picks, got {drawn}.")
    return rewards


def value_error(problem: Problem, reward: Reward) -> float:
    """Of the first party's value after all its picks, beside that of its points."""
    exact = problem.astype(float)
    subset = np.concatenate([exact.parties[0], exact.candidates[reward.indices]])
    expected = plain.value(subset, exact.reference, exact.length_scale)
    return relative_error(reward.final_value, expected)

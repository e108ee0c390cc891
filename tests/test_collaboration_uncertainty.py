"""Uncertainty of values and promises, against resamples that go the plain way."""

import dataclasses
import itertools
from functools import cache

import jax
import numpy as np
import oracles
import oracles_games as games
import pytest
from small_collaborations import infeasible_points

from cgm_jax import Promises, promise
from cgm_jax.collaboration import Uncertainty, estimate_uncertainty
from cgm_jax.kernels import SquaredExponential
from cgm_jax.rewards import RewardScheme, RewardStatus, solve_reward_scheme
from cgm_jax.valuation.bootstrap import multiplicities

KEY = jax.random.key(5)
SIZES = (12, 20, 7)


def parties_of(seed: int) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.normal(0.4 * i, 0.5, size=(n, 2)) for i, n in enumerate(SIZES)]


def candidates() -> np.ndarray:
    return np.random.default_rng(9).normal(0.4, 0.7, size=(80, 2))


@cache
def promises(*, stability: bool = True) -> Promises:
    return promise(
        parties_of(1),
        candidates(),
        kernel=SquaredExponential(1.0),
        stability=stability,
    )


def plain_promise(between: np.ndarray, *, stability: bool) -> RewardScheme:
    """From block sums to reward values, each step by its definition."""
    n, size = len(SIZES), np.array([*SIZES, 80])
    total = size.sum()

    def value(members: list[int]) -> float:
        s = size[members].sum()
        across = between[members].sum()
        within = between[np.ix_(members, members)].sum()
        return 2 * across / (s * total) - within / s**2

    values = [value(games.members_of(c)) if c else 0.0 for c in range(2**n)]
    shapley = np.array(games.shapley_by_permutations(values))
    own = np.array([value([i]) for i in range(n)])
    at_most = [
        [j for j in range(n) if shapley[j] <= shapley[i] + 1e-12] for i in range(n)
    ]
    lower = np.array([value(members) for members in at_most])
    return solve_reward_scheme(
        shapley,
        lower if stability else own,
        np.array([value([i, n]) for i in range(n)]),
        own_values=own,
        throw=False,
    )


@pytest.mark.parametrize("stability", [True, False])
@pytest.mark.medium
def test_equals_resamples_that_go_the_plain_way(*, stability: bool):
    result = promises(stability=stability)
    found = estimate_uncertainty(KEY, result, 12)
    pool = np.concatenate(result.parties)
    edges = np.cumsum([0, *SIZES])
    kernel = oracles.squared_exponential(1.0)
    excess = [
        n - kernel(x, x).sum() / n for n, x in zip(SIZES, result.parties, strict=True)
    ]
    counts = multiplicities(jax.random.fold_in(KEY, 0), SIZES, 12)
    for r in range(12):
        blocks = [
            np.repeat(pool[a:b], counts[r, a:b], axis=0)
            for a, b in itertools.pairwise(edges)
        ]
        _, between = oracles.block_sums(kernel, [*blocks, result.candidates])
        between[np.arange(3), np.arange(3)] -= excess
        expected = plain_promise(between, stability=stability)
        np.testing.assert_allclose(found.own_values[r], expected.own_values, atol=1e-10)
        np.testing.assert_allclose(
            found.shapley_values[r], expected.shapley_values, atol=1e-10
        )
        np.testing.assert_allclose(
            found.reward_values[r], expected.reward_values, atol=1e-8
        )


@pytest.mark.medium
def test_the_estimate_is_what_was_promised():
    result = promises()
    found = estimate_uncertainty(KEY, result, 3)
    assert found.scheme is result.scheme
    assert found.num_resamples == 3
    assert found.shapley_values.dtype == found.reward_values.dtype == np.float64


@pytest.mark.medium
def test_large_sums_are_resampled_in_turns(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("cgm_jax.collaboration.uncertainty._MEMORY", 4 * 8 * sum(SIZES))
    found = estimate_uncertainty(KEY, promises(), 10)
    assert found.num_resamples == 10
    assert len(np.unique(found.shapley_values[:, 0])) == 10


@pytest.mark.medium
def test_more_points_make_smaller_errors():
    rng = np.random.default_rng(0)
    parties = [rng.normal(size=(n, 2)) for n in (25, 400)]
    result = promise(
        parties,
        rng.normal(size=(80, 2)),
        kernel=SquaredExponential(1.0),
        stability=False,
    )
    few, many = estimate_uncertainty(KEY, result, 100).own_value_errors
    assert 2 < few / many < 8  # sqrt(400 / 25) = 4


@pytest.mark.slow
def test_errors_are_those_of_data_drawn_anew():
    """Standard errors against the spread over 150 independent data sets."""
    schemes, errors = [], []
    for seed in range(150):
        result = promise(
            parties_of(seed),
            candidates(),
            kernel=SquaredExponential(1.0),
            stability=False,
        )
        schemes.append(result.scheme)
        if seed % 10 == 0:
            found = estimate_uncertainty(jax.random.fold_in(KEY, seed), result, 100)
            errors.append([found.own_value_errors, found.shapley_errors])
    spread = np.std(
        [[scheme.own_values, scheme.shapley_values] for scheme in schemes],
        axis=0,
        ddof=1,
    )
    ratio = np.mean(errors, axis=0) / spread
    assert ((ratio > 0.7) & (ratio < 1.3)).all(), ratio


# --- what is derived from the resamples


def made_up() -> Uncertainty:
    shapley = np.array([[1.0, 2, 3], [2, 1, 4], [1, 1, 2], [-1, -2, -3]])
    rewards = np.array([[1.0, 2, 3], [2, 2, 4], [1, 5, 2], [np.nan] * 3])
    scheme = dataclasses.replace(
        promises().scheme, shapley_values=np.array([2.0, 3, 5])
    )
    return Uncertainty(scheme, shapley / 2, shapley, rewards)


def test_errors_are_standard_deviations_of_the_resamples_that_have_a_number():
    found = made_up()
    np.testing.assert_allclose(
        found.shapley_errors, found.shapley_values.std(0, ddof=1)
    )
    np.testing.assert_allclose(
        found.own_value_errors, found.shapley_values.std(0, ddof=1) / 2
    )
    np.testing.assert_allclose(
        found.reward_value_errors, found.reward_values[:3].std(0, ddof=1)
    )
    alpha = np.array([[1 / 3, 2 / 3, 1], [1 / 2, 1 / 4, 1], [1 / 2, 1 / 2, 1]])
    np.testing.assert_allclose(found.normalized_shapley_errors, alpha.std(0, ddof=1))
    assert np.isnan(found.normalized_shapley[3]).all()


def test_pairs_are_ranked_as_by_the_data():
    # 0 < 1 in one resample, equal in another; the last turns all of them round.
    np.testing.assert_array_equal(
        made_up().ranked_alike, [[1, 0.25, 0.75], [0.25, 1, 0.75], [0.75, 0.75, 1]]
    )


def test_parties_are_ranked_by_the_data_and_compared_with_the_next():
    found = made_up()
    np.testing.assert_array_equal(found.ranking, [2, 1, 0])
    np.testing.assert_array_equal(found.above_next, [np.nan, 0.25, 0.75])


def test_progress_is_the_share_of_the_resamples():
    told = []
    estimate_uncertainty(KEY, promises(), 4, progress=lambda *args: told.append(args))
    assert told == [("uncertainty", share / 4) for share in range(5)]


def test_resamples_without_rewards_are_counted():
    found = made_up()
    assert found.num_without_rewards == 1
    kept = dataclasses.replace(found, reward_values=np.ones((4, 3)))
    assert kept.num_without_rewards == 0


def test_no_error_without_two_resamples_that_have_rewards():
    found = made_up()
    nothing = dataclasses.replace(
        found, reward_values=np.where(np.eye(4, 3) > 0, np.nan, found.reward_values)
    )
    assert nothing.num_without_rewards == 4
    assert np.isnan(nothing.reward_value_errors).all()


@pytest.mark.medium
def test_infeasible_resamples_do_not_raise():
    # Where honest promises were just possible, those of resamples often are not.
    result = promise(*infeasible_points(), kernel=SquaredExponential(0.5), relax=True)
    assert result.scheme.is_relaxed
    relaxed = estimate_uncertainty(KEY, result, 2)
    assert relaxed.num_without_rewards == 0
    strict = dataclasses.replace(
        result.scheme, status=RewardStatus.OPTIMAL, relaxation=1.0
    )
    found = estimate_uncertainty(KEY, dataclasses.replace(result, scheme=strict), 2)
    assert found.num_without_rewards == 2
    np.testing.assert_array_equal(found.shapley_values, relaxed.shapley_values)


def test_one_resample_has_no_spread():
    with pytest.raises(ValueError, match="num_resamples >= 2, got 1"):
        estimate_uncertainty(KEY, promises(), 1)

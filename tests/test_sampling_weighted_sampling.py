"""When a draw ends, what it depends on, what it tells meanwhile, what it refuses."""

import dataclasses
import importlib
import sys

import jax
import numpy as np
import oracles
import pytest
from sampling_pools import KEY, Pool, identical_parties, pool_of

from cgm_jax.gram import GramSums
from cgm_jax.kernels import SquaredExponential
from cgm_jax.sampling import Reward, pick_many, weighted_sampling
from cgm_jax.valuation import coalition_values, values_with_candidates

# The function has the name of its module.
MODULE = importlib.import_module("cgm_jax.sampling.weighted_sampling")
DTYPES = [np.float32, np.float64]


# --- when the draw ends


@pytest.mark.parametrize("dtype", DTYPES)
def test_stops_at_the_first_value_that_is_enough(dtype: type):
    pool = pool_of(g=40, dtype=dtype)
    asked = coalition_values(pool.sums)[[1, 2, 4]] * 0.3
    asked += 0.7 * values_with_candidates(pool.sums)
    for r, reward in zip(asked, pool.draw(asked), strict=True):
        assert reward.stop_reason == "reached"
        assert reward.reward_value == r
        assert len(reward.indices) == len(reward.values) > 0
        assert (reward.values[:-1] < r).all() and reward.final_value >= r
        assert reward.shortfall == 0


# PITFALLS 9
@pytest.mark.parametrize("below", [0.0, 0.01, np.inf])
def test_a_party_that_has_its_value_gets_no_point(below: float):
    pool = pool_of()
    own = coalition_values(pool.sums)[[1, 2, 4]]
    for value, reward in zip(own, pool.draw(own - below), strict=True):
        assert reward.stop_reason == "reached"
        assert len(reward.indices) == len(reward.values) == 0
        assert reward.indices.dtype.kind == "i"
        np.testing.assert_allclose(reward.initial_value, value, atol=1e-15)
        assert reward.final_value == reward.initial_value
        assert reward.shortfall < 1e-15


# PITFALLS 7: with all candidates the value is the limit itself, up to rounding
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("scale", [1e-3, 0.05, 0.5])
@pytest.mark.parametrize("beta", [0.0, 8.0])
def test_the_limit_can_be_reached(beta: float, scale: float, dtype: type):
    pool = pool_of(dtype=dtype, scale=scale)
    limits = values_with_candidates(pool.sums)
    for reward in pool.draw(limits, beta=beta):
        assert reward.stop_reason == "reached"
        assert reward.shortfall <= 4 * np.finfo(dtype).eps


# PITFALLS 8
def test_exhausted_keeps_the_best_value():
    pool = pool_of()
    longest = pool.draw(max_picks=39)
    for all_picks, reward in zip(longest, pool.draw(), strict=True):
        assert reward.stop_reason == "exhausted"
        best = all_picks.values.argmax() + 1
        assert 0 < best <= 39
        np.testing.assert_array_equal(reward.indices, all_picks.indices[:best])
        np.testing.assert_array_equal(reward.values, all_picks.values[:best])
        assert reward.final_value == all_picks.values.max()
        assert reward.shortfall == np.inf


# PITFALLS 8
@pytest.mark.medium
def test_stalled_keeps_the_best_value():
    # One good candidate, and 1,499 at a place where the parties have no point.
    rng = np.random.default_rng(0)
    parties = [rng.normal(size=(2_000, 1)), rng.normal(size=(1_000, 1))]
    far = np.full((1_499, 1), 50.0) + rng.normal(size=(1_499, 1))
    candidates = np.concatenate([far[:700], [[0.0]], far[700:]])
    pool = Pool(
        [np.full((4, 1), 0.5), *parties],
        candidates,
        SquaredExponential(1.0),
        oracles.squared_exponential(1.0),
    )
    told = []
    rewards = pool.draw(
        [np.inf, 0.0, 0.0], beta=np.inf, progress=lambda *args: told.append(args)
    )
    found = rewards[0]
    assert found.stop_reason == "stalled"
    num_best = len(found.indices)
    assert 0 < num_best < 1_000
    # It was given a tenth of the candidates to find a better one, and no more.
    assert max(count for _, count, _ in told) == num_best + 150
    longer = pool.draw([np.inf, 0.0, 0.0], beta=np.inf, max_picks=num_best + 149)[0]
    assert longer.stop_reason == "max_picks"
    assert longer.values.argmax() + 1 == num_best
    np.testing.assert_array_equal(found.indices, longer.indices[:num_best])


@pytest.mark.medium
def test_stalled_at_once_gives_nothing():
    # One point in twenty is far away; of four points one would be too many.
    near, far = np.linspace(-1, 1, 3)[:, None], 50 + np.linspace(-1, 1, 150)[:, None]
    pool = Pool(
        [near, np.tile(near, (1_000, 1))],
        far,
        SquaredExponential(1.0),
        oracles.squared_exponential(1.0),
    )
    again = pool.values_again(0, np.arange(149))
    assert (again[1:] < again[0]).all()
    reward, _ = pool.draw([again[0] + 0.5, 0.0], beta=0.0)
    assert reward.stop_reason == "stalled"
    assert len(reward.indices) == 0
    np.testing.assert_allclose(reward.shortfall, 0.5)


@pytest.mark.parametrize("max_picks", [0, 1, 38])
def test_max_picks_is_kept(max_picks: int):
    for reward in pool_of().draw(max_picks=max_picks):
        assert reward.stop_reason == "max_picks"
        assert len(reward.indices) == len(reward.values) == max_picks


@pytest.mark.parametrize("max_picks", [40, 41, 10**9])
def test_more_picks_than_candidates_is_all_of_them(max_picks: int):
    pool = pool_of()
    for without, reward in zip(
        pool.draw(), pool.draw(max_picks=max_picks), strict=True
    ):
        assert reward.stop_reason == "exhausted"
        np.testing.assert_array_equal(reward.indices, without.indices)


def test_fewer_picks_are_the_first_of_more():
    pool = pool_of(g=120, scale=0.1)
    few, more = pool.draw(max_picks=70), pool.draw(max_picks=90)
    for a, b in zip(few, more, strict=True):
        np.testing.assert_array_equal(a.indices, b.indices[:70])
        np.testing.assert_array_equal(a.values, b.values[:70])


# --- randomness


def same(one: Reward, other: Reward) -> bool:
    return np.array_equal(one.indices, other.indices)


def test_the_same_key_gives_the_same_draw_and_another_key_another():
    pool = pool_of()
    first, again = pool.draw(max_picks=20), pool.draw(max_picks=20)
    other = pool.draw(key=jax.random.key(1), max_picks=20)
    for a, b, c in zip(first, again, other, strict=True):
        assert same(a, b) and np.array_equal(a.values, b.values)
        assert not same(a, c)


def test_parties_with_the_same_points_draw_independently():
    first, second, third = identical_parties(3).draw(beta=0.0, max_picks=11)
    assert not same(first, second) and not same(second, third)


@pytest.mark.medium
def test_no_uniform_number_is_used_twice():
    # Of draws that begin alike, the 65th picks (of another chunk) would be alike too.
    rng = np.random.default_rng(0)
    pool = identical_parties(100, rng.normal(size=(120, 2)))
    rewards = pool.draw(beta=0.0, max_picks=65)
    first, last = np.array([(r.indices[0], r.indices[64]) for r in rewards]).T
    alike = np.triu(first[:, None] == first[None], k=1)
    assert alike.sum() > 30
    both = (alike & (last[:, None] == last[None])).sum()
    expected = alike.sum() / 119
    assert abs(both - expected) < 5 * expected**0.5


def test_a_draw_does_not_depend_on_what_the_others_are_promised():
    pool = pool_of()
    alone = pool.draw([np.inf, 0.0, 0.0], max_picks=30)[0]
    together = pool.draw([np.inf, np.inf, 0.1], max_picks=30)[0]
    assert same(alone, together)


@pytest.mark.medium
def test_a_draw_does_not_depend_on_the_other_parties():
    # The reference set stays: the last two parties become one, or a party is left out
    # of the sums between parties but not of those with the reference set.
    pool = pool_of((3, 9, 5))
    merged = Pool(
        [pool.parties[0], np.concatenate(pool.parties[1:])],
        pool.candidates,
        pool.kernel,
        pool.plain,
    )
    apart, together = (p.draw(max_picks=30, beta=4.0)[0] for p in (pool, merged))
    assert same(apart, together)
    np.testing.assert_allclose(apart.values, together.values, atol=1e-14)
    one_more = Pool(
        [*pool.parties, pool.parties[1]], pool.candidates, pool.kernel, pool.plain
    )
    restricted = one_more.draw(max_picks=30, beta=4.0)[:3]
    doubled = Pool(
        [pool.parties[0], np.concatenate([pool.parties[1]] * 2), pool.parties[2]],
        pool.candidates,
        pool.kernel,
        pool.plain,
    ).draw(max_picks=30, beta=4.0)
    assert same(restricted[0], doubled[0]) and same(restricted[2], doubled[2])


@pytest.mark.parametrize("length", [1, 7])
@pytest.mark.medium
def test_a_draw_does_not_depend_on_the_length_of_chunks(
    length: int, monkeypatch: pytest.MonkeyPatch
):
    pool = pool_of()
    before = pool.draw(max_picks=30)
    monkeypatch.setattr(MODULE, "PICKS_PER_CHUNK", length)
    for a, b in zip(before, pool.draw(max_picks=30), strict=True):
        assert same(a, b)
        np.testing.assert_allclose(a.values, b.values, atol=1e-14)


# --- while it runs


def test_progress_is_told_in_order_of_every_party():
    pool = pool_of(g=120, scale=1e-3)
    told: dict[int, list[tuple[int, float]]] = {}
    rewards = pool.draw(
        progress=lambda party, count, value: told.setdefault(party, []).append(
            (count, value)
        )
    )
    assert sorted(told) == [0, 1, 2]
    for party, reward in enumerate(rewards):
        counts, values = np.array(told[party]).T
        assert len(counts) > 1
        assert (np.diff(counts) > 0).all() and counts[-1] == 120
        np.testing.assert_array_equal(values, reward.values[counts.astype(int) - 1])


def test_progress_is_not_told_of_a_party_that_needs_no_point():
    told = []
    pool_of().draw([-1.0, -1.0, -1.0], progress=lambda *args: told.append(args))
    assert told == []


@pytest.mark.parametrize("error", [KeyboardInterrupt, ZeroDivisionError])
@pytest.mark.parametrize("party_that_raises", [0, 1, 2])
def test_an_error_in_progress_ends_all_draws_soon(
    party_that_raises: int, error: type, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(MODULE, "PICKS_PER_CHUNK", 1)
    pool = pool_of(scale=1e-3)  # to the end it would be told 120 times
    told = []

    def progress(party: int, count: int, value: float) -> None:
        del value
        told.append((party, count))
        if party == party_that_raises:
            raise error("enough")

    with pytest.raises(error, match="enough"):
        pool.draw(progress=progress)
    of_it = [i for i, (party, _) in enumerate(told) if party == party_that_raises]
    assert len(of_it) == 1
    # The others were in the middle of a chunk, and end with it.
    assert len(told) - of_it[0] - 1 <= 6


def test_the_users_precision_is_left_as_it_was():
    pool_of().draw(max_picks=2)
    assert not jax.config.jax_enable_x64


# --- what is refused


@pytest.mark.parametrize("beta", [-1.0, -np.inf, np.nan])
def test_a_temperature_that_is_none_is_an_error(beta: float):
    with pytest.raises(ValueError, match="inverse_temperature >= 0"):
        pool_of().draw(beta=beta)


def test_fewer_than_no_picks_are_an_error():
    with pytest.raises(ValueError, match="max_picks >= 0, got -1"):
        pool_of().draw(max_picks=-1)


def test_reward_values_that_do_not_fit_are_an_error():
    pool = pool_of()
    options = {"inverse_temperature": 1.0}
    for wrong in (np.ones(2), np.ones((3, 1)), 1.0, [1.0, np.nan, 1.0]):
        with pytest.raises(ValueError, match=r"one reward value per party \(3\)"):
            weighted_sampling(
                KEY, pool.kernel, pool.candidates, pool.sums, wrong, **options
            )


def test_other_candidates_than_those_of_the_sums_are_an_error():
    pool = pool_of()
    for candidates, sums in (
        (pool.candidates[:-1], pool.sums),
        (pool.candidates[:0], pool.sums.pool),
        (pool.candidates, pool.sums.pool),
    ):
        other = dataclasses.replace(pool)
        other.candidates, other.sums = candidates, sums
        with pytest.raises(ValueError, match="candidates that the sums were computed"):
            other.draw()


def test_a_nan_in_the_kernel_is_an_error_and_never_drawn():
    pool = pool_of()
    between = np.full_like(pool.sums.between, np.nan)
    rows = np.full_like(pool.sums.candidate_rows, np.nan)
    pool.sums = GramSums(between, rows, pool.sums.sizes)
    with pytest.raises(ValueError, match="finite sums"):
        pool.draw()


def test_candidates_whose_kernel_is_not_finite_are_never_drawn(monkeypatch):
    def broken(*arguments, **options):
        lane, picks, values = pick_many(*arguments, **options)
        return lane, picks, values * np.nan

    module = sys.modules["cgm_jax.sampling.weighted_sampling"]
    monkeypatch.setattr(module, "pick_many", broken)
    with pytest.raises(FloatingPointError, match="finite values"):
        pool_of().draw()

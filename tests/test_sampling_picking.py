"""Picks of weighted sampling: their probabilities, and values that do not drift."""

import numpy as np
import oracles
import pytest
from kernel_table import KERNELS, PLAIN
from sampling_pools import Pool, draws, identical_parties, pool_of

from cgm_jax.kernels import SquaredExponential
from cgm_jax.valuation import values_with_candidates

# Largest error of a value. In float32 every kernel entry is rounded to 6e-8, and the
# candidates' running sums with every pick.
TOLERANCE = {np.float32: 1e-6, np.float64: 1e-12}
DTYPES = list(TOLERANCE)


# --- the value after every pick


@pytest.mark.parametrize("beta", [0.0, 1.0, np.inf])
@pytest.mark.parametrize(
    ("d", "dtype"),
    [(1, np.float64), (2, np.float32), (2, np.float64), (16, np.float32)],
)
def test_values_are_those_of_the_definition(d: int, dtype: type, beta: float):
    pool = pool_of(d=d, dtype=dtype, scale=0.7 * d**0.5)
    for party, reward in enumerate(pool.draw(beta=beta, max_picks=39)):
        assert reward.values.dtype == np.float64  # PITFALLS 3
        again = pool.values_again(party, reward.indices)
        assert len(again) == 40
        found = [reward.initial_value, *reward.values]
        np.testing.assert_allclose(found, again, atol=TOLERANCE[dtype], rtol=0)
        assert reward.final_value == reward.values[-1]


@pytest.mark.parametrize("name", ["a scale a dimension", "Laplace", "all of it"])
@pytest.mark.medium
def test_values_with_other_kernels(name: str):
    pool = pool_of(d=3)
    pool = Pool(pool.parties, pool.candidates, KERNELS[name](3), PLAIN[name](3))
    for party, reward in enumerate(pool.draw(beta=4.0, max_picks=20)):
        again = pool.values_again(party, reward.indices)[1:]
        np.testing.assert_allclose(reward.values, again, atol=1e-12, rtol=0)


# PITFALLS 1: increments must not drift
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.medium
def test_a_thousand_picks(dtype: type):
    pool = pool_of((50, 20), g=2_000, dtype=dtype, scale=0.3)
    tolerance = {np.float32: 1e-6, np.float64: 1e-11}[dtype]
    for party, reward in enumerate(pool.draw(beta=2.0, max_picks=1_000)):
        assert reward.stop_reason == "max_picks" and len(reward.values) == 1_000
        subset, own = pool.subset(party, reward.indices), len(pool.parties[party])
        across = pool.plain(subset, pool.reference).mean(1)  # in float64
        within = pool.plain(subset, subset)
        for pick in (1, 2, 63, 64, 65, 500, 999, 1_000):
            size = own + pick
            again = 2 * across[:size].mean() - within[:size, :size].mean()
            np.testing.assert_allclose(
                reward.values[pick - 1], again, atol=tolerance, rtol=0
            )
            # Δ of the pick
            size -= 1
            again -= 2 * across[:size].mean() - within[:size, :size].mean()
            before = reward.values[pick - 2] if pick > 1 else reward.initial_value
            np.testing.assert_allclose(
                reward.values[pick - 1] - before, again, atol=tolerance, rtol=0
            )


# PITFALLS 1 and 2: s² passes the largest int32 at s = 46,341
@pytest.mark.slow
@pytest.mark.parametrize("dtype", DTYPES)
def test_fifty_thousand_picks(dtype: type, monkeypatch: pytest.MonkeyPatch):
    # Near its end the value rises slowly: some draws would be taken for stalled.
    monkeypatch.setattr("cgm_jax.sampling.stopping.PATIENCE", 1.0)
    rng = np.random.default_rng(0)
    parties = [rng.uniform(0, 0.5, size=(40, 1)).astype(dtype)]
    pool = Pool(
        parties,
        rng.uniform(size=(60_000, 1)).astype(dtype),
        SquaredExponential(0.01),
        oracles.squared_exponential(0.01),
    )
    (reward,) = pool.draw(beta=0.5, max_picks=50_001)
    assert reward.stop_reason == "max_picks" and len(reward.values) == 50_001
    subset = pool.subset(0, reward.indices[:-1])[:, 0].astype(float)
    left = np.delete(pool.candidates[:, 0], reward.indices[:-1]).astype(float)

    def total(x: np.ndarray, y: np.ndarray) -> float:
        """Of pairs within ten length scales: of all others each adds below 1e-21."""
        x, y = np.sort(x), np.sort(y)
        rows = []
        for part in np.split(x, 2_000):
            near = slice(*np.searchsorted(y, [part[0] - 0.1, part[-1] + 0.1]))
            rows.append(pool.plain(part[:, None], y[near, None]).sum())
        return sum(rows)

    within, size, t = total(subset[:50_000], subset), len(subset), 60_040
    # the 40 points after a split in equal parts
    rest = pool.plain(subset[50_000:, None], subset[:, None]).sum()
    within += rest
    across = within + pool.plain(subset[50_000:, None], left[:, None]).sum()
    across += total(subset[:50_000], left)
    again = 2 * across / (size * t) - within / size**2
    tolerance = {np.float32: 1e-6, np.float64: 1e-9}[dtype]
    np.testing.assert_allclose(reward.values[-2], again, atol=tolerance, rtol=0)
    # the last Δ, from scratch too
    last = pool.candidates[reward.indices[-1:]].astype(float)
    within += 2 * pool.plain(last, subset[:, None]).sum() + 1
    across += pool.plain(last, pool.reference).sum()
    delta = 2 * across / ((size + 1) * t) - within / (size + 1) ** 2 - again
    found = reward.values[-1] - reward.values[-2]
    np.testing.assert_allclose(found, delta, atol=tolerance * 1e-3, rtol=0)


# --- which candidate is drawn


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.medium
def test_infinite_beta_is_greedy_all_the_way(seed: int):
    pool = pool_of(g=120, seed=seed)
    for party, reward in enumerate(pool.draw(beta=np.inf, max_picks=100)):
        _, values = oracles.weighted_sampling(
            np.random.default_rng(0),
            pool.plain,
            pool.parties[party],
            pool.candidates,
            pool.reference,
            reward.values[4],
            np.inf,
        )
        np.testing.assert_allclose(reward.values[: len(values)], values, atol=1e-12)
        for pick in range(5, len(reward.indices), 31):
            subset = pool.subset(party, reward.indices[:pick])
            left = np.delete(pool.candidates, reward.indices[:pick], axis=0)
            best = oracles.marginal_values(
                pool.plain, subset, left, pool.reference
            ).max()
            gained = reward.values[pick] - reward.values[pick - 1]
            np.testing.assert_allclose(gained, best, atol=1e-13)


def assert_fits(counts: np.ndarray, probabilities: np.ndarray) -> None:
    """χ² within 4 standard deviations of its mean."""
    statistic, freedom = oracles.chi_square(counts, probabilities)
    assert freedom >= 2
    assert abs(statistic - freedom) < 4 * (2 * freedom) ** 0.5


@pytest.mark.parametrize("beta", [0.0, 1.0, 8.0])
@pytest.mark.medium
def test_first_and_second_pick_have_the_probabilities_of_the_softmax(beta: float):
    pool = identical_parties(1)
    drawn = draws(pool, beta)[:, :2]
    reference, party = pool.reference, pool.parties[0]

    marginals = oracles.marginal_values(pool.plain, party, pool.candidates, reference)
    first = oracles.draw_probabilities(marginals, beta)
    assert_fits(np.bincount(drawn[:, 0], minlength=12), first)

    joint = np.zeros((12, 12))
    for x in range(12):
        left = np.delete(np.arange(12), x)
        marginals = oracles.marginal_values(
            pool.plain, pool.subset(0, [x]), pool.candidates[left], reference
        )
        joint[x, left] = first[x] * oracles.draw_probabilities(marginals, beta)
    counts = np.zeros((12, 12))
    np.add.at(counts, tuple(drawn.T), 1)
    possible = joint > 0
    assert counts[~possible].sum() == 0
    assert_fits(counts[possible], joint[possible])
    # given the most frequent first pick
    most = first.argmax() if beta else 0
    assert_fits(counts[most][possible[most]], joint[most][possible[most]] / first[most])


def test_the_draws_of_the_test_above_would_not_fit_another_beta():
    pool = identical_parties(1)
    counts = np.bincount(draws(pool, 8.0)[:, 0], minlength=12)
    marginals = oracles.marginal_values(
        pool.plain, pool.parties[0], pool.candidates, pool.reference
    )
    with pytest.raises(AssertionError):
        assert_fits(counts, oracles.draw_probabilities(marginals, 6.0))


def test_the_best_of_equals_is_drawn_uniformly():
    better, worse = np.full(2, 5.0), np.zeros(2)
    pool = identical_parties(1, np.stack([better, worse] * 6))
    marginals = oracles.marginal_values(
        pool.plain, pool.parties[0], pool.candidates, pool.reference
    )
    assert marginals[0] > marginals[1] + 1e-3
    counts = np.bincount(draws(pool, np.inf)[:, 0], minlength=12)
    assert counts[1::2].sum() == 0
    assert_fits(counts[::2], np.full(6, 1 / 6))


# PITFALLS 4
@pytest.mark.parametrize(
    ("beta", "dtype"), [(0.0, np.float64), (8.0, np.float32), (np.inf, np.float32)]
)
@pytest.mark.medium
def test_candidates_that_are_all_alike_are_drawn_uniformly(beta: float, dtype: type):
    pool = identical_parties(1, np.tile([[0.3, -0.1]], (12, 1)).astype(dtype))
    drawn = draws(pool, beta)
    for pick in (0, 10):
        assert_fits(np.bincount(drawn[:, pick], minlength=12), np.full(12, 1 / 12))
    assert (np.sort(drawn, axis=1)[:, 1:] > np.sort(drawn, axis=1)[:, :-1]).all()


# PITFALLS 4: ℓ → ∞, all Δ equal up to rounding
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("beta", [1.0, np.inf])
def test_a_flat_kernel_gives_no_nan(beta: float, dtype: type):
    pool = pool_of((4, 3), g=12, dtype=dtype, scale=1e12)
    for reward in pool.draw(beta=beta, max_picks=12):
        np.testing.assert_allclose(reward.initial_value, 1, atol=1e-6)
        assert reward.stop_reason in ("reached", "exhausted")
        assert np.isfinite(reward.values).all()


@pytest.mark.parametrize("beta", [0.0, 2.0, 1e30, np.inf])
@pytest.mark.parametrize("factor", [1e-12, 1e12])
def test_the_unit_of_the_kernel_changes_no_draw(factor: float, beta: float):
    pool = pool_of(dtype=np.float32)
    kernel = factor * pool.kernel
    scaled = Pool(pool.parties, pool.candidates, kernel, pool.plain)
    many = pool.draw(beta=beta, max_picks=20), scaled.draw(beta=beta, max_picks=20)
    for plain, other in zip(*many, strict=True):
        np.testing.assert_array_equal(plain.indices, other.indices)
        # Values near 0 are differences: their rounding is that of what they are of.
        rounding = 1e-6 * factor * np.abs(plain.values).max()
        np.testing.assert_allclose(
            factor * plain.values, other.values, rtol=1e-5, atol=rounding
        )


def test_a_beta_beyond_single_precision_is_greedy():
    pool = pool_of()
    many = pool.draw(beta=1e39, max_picks=20), pool.draw(beta=np.inf, max_picks=20)
    for large, greedy in zip(*many, strict=True):
        np.testing.assert_array_equal(large.indices, greedy.indices)


def test_a_larger_beta_needs_fewer_points():
    pool = pool_of(g=120, seed=1)
    limits = values_with_candidates(pool.sums)
    counts = [
        sum(len(r.indices) for r in pool.draw(0.97 * limits, beta=beta))
        for beta in (0.0, 4.0, np.inf)
    ]
    assert counts[0] > counts[1] > counts[2] > 0


# PITFALLS 6: all of them, the last too
@pytest.mark.parametrize("g", [1, 2, 40, 120])
@pytest.mark.parametrize("beta", [0.0, 8.0])
def test_every_candidate_can_be_handed_out_and_none_twice(g: int, beta: float):
    # So short that every further point adds to the value: all are needed.
    pool = pool_of(g=g, scale=1e-3)
    for reward in pool.draw(beta=beta):
        assert reward.stop_reason == "exhausted"
        np.testing.assert_array_equal(np.sort(reward.indices), np.arange(g))

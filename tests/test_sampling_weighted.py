"""Weighted sampling against Algorithm 1, its probabilities, and its promises."""

import dataclasses
from dataclasses import dataclass

import jax
import numpy as np
import oracles
import pytest
from kernel_table import KERNELS, PLAIN

from cgm_jax.kernels import GramSums, Kernel, SquaredExponential, gram_sums
from cgm_jax.sampling import Reward, weighted, weighted_sampling
from cgm_jax.valuation import coalition_values, values_with_candidates

KEY = jax.random.key(0)
# Largest error of a value. In float32 every kernel entry is rounded to 6e-8, and the
# candidates' running sums with every pick.
TOLERANCE = {np.float32: 1e-6, np.float64: 1e-12}
DTYPES = list(TOLERANCE)


@dataclass
class Pool:
    """Parties, candidates, a kernel and its formula; sums and matrices made of them."""

    parties: list[np.ndarray]
    candidates: np.ndarray
    kernel: Kernel
    plain: oracles.KernelFunction

    def __post_init__(self) -> None:
        self.sums = gram_sums(self.kernel, self.parties, self.candidates)
        self.reference = np.concatenate([*self.parties, self.candidates]).astype(float)

    @property
    def num_candidates(self) -> int:
        return len(self.candidates)

    def draw(
        self, reward_values=np.inf, *, key=KEY, beta=1.0, **options
    ) -> list[Reward]:
        return weighted_sampling(
            key,
            self.kernel,
            self.candidates,
            self.sums,
            np.broadcast_to(np.asarray(reward_values, float), len(self.parties)),
            inverse_temperature=beta,
            **options,
        )

    def subset(self, party: int, indices: np.ndarray) -> np.ndarray:
        return np.concatenate([self.parties[party], self.candidates[indices]])

    def values_again(self, party: int, indices: np.ndarray) -> np.ndarray:
        """v(D_i), and v after each pick, every one by its definition."""
        subset, own = self.subset(party, indices), len(self.parties[party])
        across, within = self.plain(subset, self.reference), self.plain(subset, subset)
        sizes = range(own, len(subset) + 1)
        return np.array([2 * across[:s].mean() - within[:s, :s].mean() for s in sizes])


def pool_of(
    sizes: tuple[int, ...] = (3, 9, 5),
    g: int = 40,
    d: int = 2,
    dtype: type = np.float64,
    scale: float = 0.7,
    seed: int = 0,
) -> Pool:
    rng = np.random.default_rng([seed, d])
    parties = [rng.normal(rng.normal(), 0.7, size=(n, d)) for n in sizes]
    return Pool(
        [party.astype(dtype) for party in parties],
        rng.normal(size=(g, d)).astype(dtype),
        SquaredExponential(scale),
        oracles.squared_exponential(scale),
    )


def identical_parties(num: int, candidates: np.ndarray | None = None) -> Pool:
    """Many parties with the same points: as many independent draws from one start."""
    rng = np.random.default_rng(0)
    party, others = rng.normal(size=(3, 2)), rng.normal(size=(12, 2))
    return Pool(
        [party] * num,
        others if candidates is None else candidates,
        SquaredExponential(0.7),
        oracles.squared_exponential(0.7),
    )


def draws(pool: Pool, beta: float, num_picks: int) -> np.ndarray:
    """Every party's first picks, with each of four keys."""
    rewards = [
        reward
        for seed in range(4)
        for reward in pool.draw(
            key=jax.random.key(seed), beta=beta, max_picks=num_picks
        )
    ]
    return np.array([reward.indices for reward in rewards])


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
def test_values_with_other_kernels(name: str):
    pool = pool_of(d=3)
    pool = Pool(pool.parties, pool.candidates, KERNELS[name](3), PLAIN[name](3))
    for party, reward in enumerate(pool.draw(beta=4.0, max_picks=20)):
        again = pool.values_again(party, reward.indices)[1:]
        np.testing.assert_allclose(reward.values, again, atol=1e-12, rtol=0)


# PITFALLS 1: increments must not drift
@pytest.mark.parametrize("dtype", DTYPES)
def test_a_thousand_picks(dtype: type):
    pool = pool_of((50, 20), g=10_500, dtype=dtype, scale=0.3)
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
def test_fifty_thousand_picks(dtype: type):
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
        rows = (
            pool.plain(part[:, None], y[:, None]).sum() for part in np.split(x, 2_000)
        )
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
def test_infinite_beta_is_greedy_all_the_way(seed: int):
    pool = pool_of(g=120, seed=seed)
    for party, reward in enumerate(pool.draw(beta=np.inf, max_picks=100)):
        _, values = oracles.weighted_sampling(
            np.random.default_rng(0),
            pool.plain,
            pool.parties[party],
            pool.candidates,
            pool.reference,
            reward.values[9],
            np.inf,
        )
        np.testing.assert_allclose(reward.values[: len(values)], values, atol=1e-12)
        for pick in range(10, len(reward.indices), 9):
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
def test_first_and_second_pick_have_the_probabilities_of_the_softmax(beta: float):
    pool = identical_parties(400)
    drawn = draws(pool, beta, num_picks=2)
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
    pool = identical_parties(400)
    counts = np.bincount(draws(pool, 8.0, num_picks=1)[:, 0], minlength=12)
    marginals = oracles.marginal_values(
        pool.plain, pool.parties[0], pool.candidates, pool.reference
    )
    with pytest.raises(AssertionError):
        assert_fits(counts, oracles.draw_probabilities(marginals, 6.0))


def test_the_best_of_equals_is_drawn_uniformly():
    better, worse = np.zeros(2), np.full(2, 5.0)
    pool = identical_parties(400, np.stack([better, worse] * 6))
    marginals = oracles.marginal_values(
        pool.plain, pool.parties[0], pool.candidates, pool.reference
    )
    assert marginals[0] > marginals[1] + 1e-3
    counts = np.bincount(draws(pool, np.inf, num_picks=1)[:, 0], minlength=12)
    assert counts[1::2].sum() == 0
    assert_fits(counts[::2], np.full(6, 1 / 6))


# PITFALLS 4
@pytest.mark.parametrize(
    ("beta", "dtype"), [(0.0, np.float64), (8.0, np.float32), (np.inf, np.float32)]
)
def test_candidates_that_are_all_alike_are_drawn_uniformly(beta: float, dtype: type):
    pool = identical_parties(400, np.tile([[0.3, -0.1]], (12, 1)).astype(dtype))
    drawn = draws(pool, beta, num_picks=11)
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
        np.testing.assert_allclose(factor * plain.values, other.values, rtol=1e-5)


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


def test_no_uniform_number_is_used_twice():
    # Of draws that begin alike, the 65th picks (of another chunk) would be alike too.
    rng = np.random.default_rng(0)
    pool = identical_parties(400, rng.normal(size=(120, 2)))
    rewards = pool.draw(beta=0.0, max_picks=65)
    first, last = np.array([(r.indices[0], r.indices[64]) for r in rewards]).T
    alike = np.triu(first[:, None] == first[None], k=1)
    assert alike.sum() > 500
    both = (alike & (last[:, None] == last[None])).sum()
    expected = alike.sum() / 119
    assert abs(both - expected) < 5 * expected**0.5


def test_a_draw_does_not_depend_on_what_the_others_are_promised():
    pool = pool_of()
    alone = pool.draw([np.inf, 0.0, 0.0], max_picks=30)[0]
    together = pool.draw([np.inf, np.inf, 0.1], max_picks=30)[0]
    assert same(alone, together)


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
def test_a_draw_does_not_depend_on_the_length_of_chunks(
    length: int, monkeypatch: pytest.MonkeyPatch
):
    pool = pool_of()
    before = pool.draw(max_picks=30)
    monkeypatch.setattr(weighted, "PICKS_PER_CHUNK", length)
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
    monkeypatch.setattr(weighted, "PICKS_PER_CHUNK", 1)
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
        with pytest.raises(ValueError, match=r"one reward value a party \(3\)"):
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
    with pytest.raises(FloatingPointError, match="finite values"):
        pool.draw()

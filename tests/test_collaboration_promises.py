"""Promises against the paper's steps written plainly, and the paper's numbers."""

import dataclasses
from operator import attrgetter

import jax
import jax.numpy as jnp
import numpy as np
import oracles
import oracles_games as games
import pytest
from small_collaborations import ratings, small_ratings

from cgm_jax import promise
from cgm_jax.collaboration import estimate_uncertainty
from cgm_jax.datasets import credit_ratings
from cgm_jax.gram import gram_sums, smallest_length_scale
from cgm_jax.kernels import DeepKernel, Laplace, SquaredExponential
from cgm_jax.report.sentences import collaboration_warnings
from cgm_jax.rewards import InfeasibleError
from cgm_jax.valuation import values_with_candidates

# --- against the steps written plainly


@dataclasses.dataclass
class Plain:
    length_scale: float
    values: np.ndarray
    shapley_values: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    rho: float
    max_reward_value: float
    rewards: np.ndarray


def plain_steps(
    parties: list[np.ndarray], candidates: np.ndarray, *, stability: bool = True
) -> Plain:
    n = len(parties)
    scale = oracles.smallest_length_scale(
        oracles.squared_exponential, parties, candidates
    )
    k = oracles.squared_exponential(scale)
    reference = np.concatenate([*parties, candidates])
    sizes = [*map(len, parties), len(candidates)]
    values = games.coalition_values_by_definition(k(reference, reference), sizes)
    shapley = np.array(games.shapley_by_permutations(list(values)))
    own = values[[1 << i for i in range(n)]]
    lower = own
    if stability:  # v_c({j : φ_j ≤ φ_i})
        sets = [[j for j in range(n) if shapley[j] <= shapley[i]] for i in range(n)]
        lower = values[[games.bitmask(members) for members in sets]]
    upper = np.array(
        [oracles.value(k, np.concatenate([x, candidates]), reference) for x in parties]
    )
    slopes = -np.log(shapley / shapley.max())
    corners = games.crossings_of_bounds(slopes, np.log(lower), np.log(upper))
    rho, log_value = corners[np.argmax(corners @ [1e-3, 1])]
    rewards = np.maximum(own, np.exp(log_value - rho * slopes))
    return Plain(scale, values, shapley, lower, upper, rho, np.exp(log_value), rewards)


@pytest.mark.medium
def test_every_number_is_that_of_the_plain_steps():
    promises, plain = ratings().promises, plain_steps(*small_ratings())
    scheme = promises.scheme
    assert promises.length_scale == plain.length_scale
    assert promises.kernel == SquaredExponential(plain.length_scale)
    assert promises.coalition_values.dtype == np.float64
    for number, expected in (
        (promises.coalition_values, plain.values),
        (scheme.shapley_values, plain.shapley_values),
        (scheme.normalized_shapley, plain.shapley_values / plain.shapley_values.max()),
        (scheme.own_values, plain.values[[1, 2, 4, 8, 16]]),
        (scheme.lower_values, plain.lower),
        (scheme.upper_values, plain.upper),
    ):
        np.testing.assert_allclose(number, expected, rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose(scheme.rho, plain.rho, rtol=1e-7)
    np.testing.assert_allclose(
        scheme.max_reward_value, plain.max_reward_value, rtol=1e-8
    )
    np.testing.assert_allclose(scheme.reward_values, plain.rewards, rtol=1e-8)


@pytest.mark.medium
def test_stability_off_promises_each_party_only_its_own_value():
    stable = ratings().promises.scheme
    scheme = promise(*small_ratings(), stability=False).scheme
    np.testing.assert_array_equal(scheme.shapley_values, stable.shapley_values)
    np.testing.assert_array_equal(scheme.lower_values, stable.own_values)
    assert (scheme.lower_values <= stable.lower_values).all()
    assert (scheme.lower_values < stable.lower_values).sum() >= 3
    plain = plain_steps(*small_ratings(), stability=False)
    np.testing.assert_allclose(scheme.rho, plain.rho, rtol=1e-7)
    np.testing.assert_allclose(scheme.reward_values, plain.rewards, rtol=1e-8)
    assert scheme.rho > stable.rho  # more room for fairness


@pytest.mark.medium
def test_float32_points_give_nearly_the_same():
    double, single = ratings().promises, promise(*small_ratings(np.float32))
    for name in ("coalition_values", "scheme.shapley_values", "scheme.upper_values"):
        number = attrgetter(name)(single)
        assert number.dtype == np.float64
        np.testing.assert_allclose(number, attrgetter(name)(double), atol=2e-6)
    assert single.length_scale == double.length_scale
    np.testing.assert_allclose(
        single.scheme.reward_values, double.scheme.reward_values, rtol=1e-4
    )
    draw = single.draw(jax.random.key(0))
    assert [reward.stop_reason for reward in draw.rewards] == ["reached"] * 5


# PITFALLS 24
def test_pool_values_have_the_pool_alone_as_reference():
    promises = ratings().promises
    k = oracles.squared_exponential(promises.length_scale)
    pool, sizes = np.concatenate(promises.parties), [*map(len, promises.parties), 0]
    expected = games.coalition_values_by_definition(k(pool, pool), sizes)
    np.testing.assert_allclose(promises.pool_values, expected, atol=1e-13)
    assert not np.allclose(promises.pool_values, promises.coalition_values, atol=1e-3)
    np.testing.assert_allclose(
        promises.pool_own_values, promises.pool_values[[1, 2, 4, 8, 16]], rtol=1e-12
    )


def test_no_warning_without_an_outlier():
    assert ratings().promises.outlier is None
    assert collaboration_warnings(ratings()) == []


# --- without a table of all coalitions


@pytest.mark.parametrize("stability", [True, False])
@pytest.mark.medium
def test_all_is_the_same_without_the_table(
    monkeypatch: pytest.MonkeyPatch, *, stability: bool
):
    key = jax.random.key(1)
    expected = promise(*small_ratings(), stability=stability)
    resampled = estimate_uncertainty(key, expected, 3)
    monkeypatch.setattr("cgm_jax.collaboration.promising.MAX_TABLE_PARTIES", 4)
    monkeypatch.delattr("cgm_jax.rewards.from_sums.shapley_values")
    promises = promise(*small_ratings(), stability=stability)
    assert promises.coalition_values is None
    assert promises.shapley_method == "polynomial time"
    assert expected.shapley_method == "all coalitions"
    for name in (
        "scheme.shapley_values",
        "scheme.own_values",
        "scheme.lower_values",
        "scheme.upper_values",
        "pool_own_values",
    ):
        number = attrgetter(name)(promises)
        assert number.dtype == np.float64
        np.testing.assert_allclose(number, attrgetter(name)(expected), rtol=1e-10)
    np.testing.assert_allclose(
        promises.scheme.reward_values, expected.scheme.reward_values, rtol=1e-8
    )
    again = estimate_uncertainty(key, promises, 3)
    np.testing.assert_allclose(
        again.shapley_values, resampled.shapley_values, rtol=1e-9
    )
    np.testing.assert_allclose(again.reward_values, resampled.reward_values, rtol=1e-7)


@pytest.mark.medium
def test_no_table_of_more_than_20_parties(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delattr("cgm_jax.collaboration.promising.coalition_values")
    rng = np.random.default_rng(0)
    parties = [rng.normal(i % 3, 1, size=(3 + i, 2)) for i in range(21)]
    promises = promise(parties, rng.normal(1, 1.5, size=(300, 2)))
    k = oracles.squared_exponential(promises.length_scale)
    reference = np.concatenate([*parties, promises.candidates])
    phi = promises.scheme.shapley_values
    expected = oracles.value(k, np.concatenate(parties), reference)
    np.testing.assert_allclose(phi.sum(), expected, rtol=1e-10)
    for i in (0, 7, 20):
        at_most = [x for x, other in zip(parties, phi, strict=True) if other <= phi[i]]
        least = oracles.value(k, np.concatenate(at_most), reference)
        np.testing.assert_allclose(promises.scheme.lower_values[i], least, rtol=1e-10)
    with pytest.raises(
        ValueError, match=r"at most 20 parties.*got 21.*pool_own_values"
    ):
        _ = promises.pool_values


# --- laws


@pytest.mark.medium
def test_permuting_the_parties_permutes_everything():
    parties, candidates = small_ratings()
    order, expected = [3, 0, 4, 2, 1], ratings().promises
    promises = promise([parties[i] for i in order], candidates)
    assert promises.length_scale == expected.length_scale
    for name, rtol in {
        "shapley_values": 1e-11,
        "normalized_shapley": 1e-11,
        "lower_values": 1e-11,
        "upper_values": 1e-11,
        "reward_values": 1e-8,
    }.items():
        np.testing.assert_allclose(
            getattr(promises.scheme, name),
            getattr(expected.scheme, name)[order],
            rtol=rtol,
        )


@pytest.mark.medium
def test_equal_parties_are_promised_the_same():
    parties, candidates = small_ratings()
    parties = [parties[0], parties[1], parties[0].copy(), parties[4]]
    promises = promise(parties, candidates)
    for name in ("shapley_values", "normalized_shapley", "reward_values"):
        numbers = getattr(promises.scheme, name)
        np.testing.assert_allclose(numbers[0], numbers[2], rtol=1e-12)
    first, _, second, _ = promises.draw(jax.random.key(0)).rewards
    assert first.stop_reason == second.stop_reason == "reached"
    assert not np.array_equal(first.indices[:20], second.indices[:20])


# --- a kernel of the user's


@pytest.mark.medium
def test_a_given_kernel_is_used_as_it_is():
    parties, candidates = small_ratings()
    for kernel, length_scale in (
        (SquaredExponential(0.2), 0.2),
        (SquaredExponential(np.array([0.2, 0.3])), np.nan),
        (SquaredExponential(0.2) + Laplace(0.3), np.nan),
    ):
        promises = promise(parties, candidates, kernel=kernel, stability=False)
        assert promises.kernel is kernel
        np.testing.assert_equal(promises.length_scale, length_scale)
        sums = gram_sums(kernel, parties, candidates)
        np.testing.assert_array_equal(promises.sums.between, sums.between)
        np.testing.assert_array_equal(
            promises.scheme.upper_values, values_with_candidates(sums)
        )


@pytest.mark.medium
def test_the_length_scale_of_a_given_kernel_is_searched_where_asked_for():
    parties, candidates = small_ratings()
    kernel = DeepKernel(jnp.sin, SquaredExponential(7.0))
    promises = promise(parties, candidates, kernel=kernel, search_length_scale=True)
    features = [np.sin(points) for points in (*parties, candidates)]
    alone = smallest_length_scale(SquaredExponential(1.0), features[:-1], features[-1])
    np.testing.assert_allclose(promises.length_scale, alone, rtol=1e-5)
    assert promises.kernel.network is kernel.network
    assert promises.outlier is None
    assert min(promises.scheme.own_values) > -1e-12


@pytest.mark.medium
def test_the_length_scale_that_the_parts_of_a_kernel_share_is_searched():
    parties, candidates = small_ratings()
    kernel = SquaredExponential(7.0) + 2.0 * Laplace(7.0)
    found = promise(parties, candidates, kernel=kernel, search_length_scale=True)
    alone = smallest_length_scale(kernel, parties, candidates)
    assert found.kernel == kernel.with_length_scale(alone)
    assert found.length_scale == alone


@pytest.mark.parametrize(
    "kernel",
    [
        SquaredExponential(np.array([0.2, 0.3])),
        SquaredExponential(0.2) + Laplace(0.3),
    ],
    ids=["one a dimension", "parts that differ"],
)
def test_a_kernel_without_one_length_scale_is_not_searched(kernel):
    name = type(kernel).__name__
    match = rf"one length scale.*got {name} that has .* parts that do not share one"
    with pytest.raises(ValueError, match=match):
        promise(*small_ratings(), kernel=kernel, search_length_scale=True)


# --- what is refused


def test_what_does_not_fit_is_an_error():
    parties, candidates = small_ratings()
    with pytest.raises(ValueError, match="two parties, got one"):
        promise(parties[:1], candidates)
    with pytest.raises(ValueError, match="at least one party"):
        promise([], candidates)
    with pytest.raises(ValueError, match=r"columns .* in candidates"):
        promise(parties, candidates[:, :1])
    with pytest.raises(ValueError, match=r"finite numbers in parties\[1\]"):
        promise([parties[0], np.full((2, 2), np.nan)], candidates)


@pytest.mark.medium
def test_infeasible_promises_are_an_error_that_names_the_parties():
    parties, candidates = small_ratings()
    few = candidates[:25]
    with pytest.raises(InfeasibleError, match=r"party [0-4] must get") as caught:
        promise(parties, few)
    # of the plain bounds, the one above the other
    scale = oracles.smallest_length_scale(oracles.squared_exponential, parties, few)
    k, reference = oracles.squared_exponential(scale), np.concatenate([*parties, few])
    upper = [oracles.value(k, np.concatenate([x, few]), reference) for x in parties]
    least = oracles.value(k, np.concatenate(parties), reference)  # the largest v_c(C_i)
    assert min(upper) < least
    assert f"{upper[caught.value.upper_party]:.6g}" in str(caught.value)
    assert promise(parties, few, relax=True).scheme.is_relaxed


# --- the paper's numbers

# Tables 5, 6, 9 and 10 (credit ratings), and the captions of the figures.
PRINTED = {
    "equal-disjoint": {
        "length_scale": "0.265",
        "normalized_shapley": ["0.417", "0.71", "1", "0.32", "0.881"],
        "four_digits": [0.4166, 0.7104, 1.0, 0.3204, 0.8806],
        "max_reward_value": "0.536",
        "rho": "0.0943",
        "reward_values": ["0.493", "0.519", "0.536", "0.481", "0.529"],
        "num_points": [1010, 1062, 3314, 1014, 1019],  # β = 8
    },
    "unequal": {
        "length_scale": "0.0672",
        "normalized_shapley": ["0.996", "1", "0.233", "0.647", "0.321"],
        "four_digits": [0.9965, 1.0, 0.2331, 0.6467, 0.3208],
        "max_reward_value": "0.0898",
        "rho": "0.00751",
        "reward_values": ["0.0898", "0.0898", "0.0888", "0.0895", "0.089"],
        "num_points": [2162, 5425, 1407, 985, 1204],
    },
}


@pytest.mark.slow
@pytest.mark.parametrize("split", PRINTED)
def test_the_papers_tables(split: str):
    data, printed = credit_ratings(split), PRINTED[split]
    promises = promise(data.parties, data.candidates)
    scheme = promises.scheme

    def digits(numbers: np.ndarray) -> list[str]:
        return [f"{x:.3g}" for x in numbers]

    assert digits([promises.length_scale]) == [printed["length_scale"]]
    assert digits(scheme.normalized_shapley) == printed["normalized_shapley"]
    np.testing.assert_allclose(
        scheme.normalized_shapley, printed["four_digits"], atol=0.5e-4, rtol=0
    )
    assert digits([scheme.max_reward_value]) == [printed["max_reward_value"]]
    assert digits([scheme.rho]) == [printed["rho"]]
    assert digits(scheme.reward_values) == printed["reward_values"]
    # At the limit of what can be given the number of points is a matter of chance.
    below_limit = ~scheme.is_at_limit
    assert below_limit.sum() >= 3
    draw = promises.draw(jax.random.key(0), inverse_temperature=8.0)
    num_points = np.array([len(reward.indices) for reward in draw.rewards])
    expected = np.array(printed["num_points"])
    np.testing.assert_allclose(
        num_points[below_limit], expected[below_limit], rtol=0.15
    )
    assert [reward.stop_reason for reward in draw.rewards] == ["reached"] * 5

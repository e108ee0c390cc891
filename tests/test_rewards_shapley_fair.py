"""The scheme of Sim et al. by Theorem 2, and where it breaks promises."""

from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from oracles_games import coverage_game, proposition_2_game, shapley_by_permutations
from tolerances import rtol

from cgm_jax.rewards import (
    NoContributionError,
    largest_rho,
    shapley_fair_rewards,
    stability_lower_values,
)

TOLERANCE = rtol(np.float64)
GAME = proposition_2_game()
SHAPLEY = shapley_by_permutations(GAME)
ALPHA = [Fraction(1), Fraction(12, 13), Fraction(16, 39), Fraction(17, 39)]


def test_the_game_of_proposition_2_exactly():
    first, second, third, fourth = SHAPLEY
    assert (first, second) == (Fraction(13, 2), Fraction(6))
    assert (third, fourth) == (Fraction(8, 3), Fraction(17, 6))
    # App. C.3 prints 3/13 for the second, which does not follow from its φ.
    normalized = [phi / max(SHAPLEY) for phi in SHAPLEY]
    assert normalized == ALPHA


def test_rewards_in_the_game_of_proposition_2():
    rewards = shapley_fair_rewards(np.array(SHAPLEY, float), 18.0, rho=1.0)
    exact = np.array([18 * alpha for alpha in ALPHA], float)
    np.testing.assert_allclose(rewards, exact, rtol=TOLERANCE)
    # Individual rationality (R4) fails for parties 3 and 4.
    own = [GAME[1 << i] for i in range(4)]
    assert [r < v for r, v in zip(exact, own, strict=True)] == [
        False,
        False,
        True,
        True,
    ]
    # Raising both to the value of their data breaks strict desirability (F3): party 4
    # is never less useful than party 3, and more useful to party 1.
    rectified = np.maximum(rewards, np.array(own, float))
    assert rectified[2] == rectified[3] == 10
    others = [c for c in range(16) if not c & 0b1100]
    assert all(GAME[c | 0b1000] >= GAME[c | 0b0100] for c in others)
    assert GAME[0b1001] > GAME[0b0101]


def test_the_largest_rational_rho_in_the_game_of_proposition_2():
    own = np.array([GAME[1 << i] for i in range(4)], float)
    rho = largest_rho(np.array(SHAPLEY, float), own, 18.0)
    # Party 3 asks for most: 18 (16/39)^ρ = 10.
    assert rho == pytest.approx(np.log(10 / 18) / np.log(16 / 39), rel=TOLERANCE)


@pytest.mark.parametrize("incentive", ["rationality", "stability"])
@pytest.mark.parametrize("seed", range(6))
def test_rewards_reach_the_lower_values_up_to_the_largest_rho(
    seed: int, incentive: str
):
    values = coverage_game(np.random.default_rng(seed), 5)
    shapley = np.array(shapley_by_permutations(values))
    if incentive == "stability":
        lower = stability_lower_values(values, shapley)
    else:
        lower = values[1 << np.arange(5)]
    rho = largest_rho(shapley, lower, values[-1])
    assert 0 <= rho <= 1
    slack = shapley_fair_rewards(shapley, values[-1], rho=rho) - lower
    assert slack.min() > -TOLERANCE
    if rho < 1:
        assert np.delete(slack, np.argmax(shapley)).min() < TOLERANCE
        beyond = shapley_fair_rewards(shapley, values[-1], rho=rho + 1e-6)
        assert np.any(beyond < lower)


def test_the_largest_rho_is_inside_its_range_in_some_of_these_games():
    found = []
    for seed in range(6):
        values = coverage_game(np.random.default_rng(seed), 5)
        shapley = np.array(shapley_by_permutations(values))
        lower = stability_lower_values(values, shapley)
        found.append(float(largest_rho(shapley, lower, values[-1])))
    assert sum(0.01 < rho < 0.99 for rho in found) >= 3


@pytest.mark.medium
def test_stability_asks_for_no_less_than_rationality():
    values = coverage_game(np.random.default_rng(1), 6)
    shapley = np.array(shapley_by_permutations(values))
    rational = largest_rho(shapley, values[1 << np.arange(6)], values[-1])
    stable = largest_rho(shapley, stability_lower_values(values, shapley), values[-1])
    assert stable < rational


def test_rho_goes_from_equal_rewards_to_shapley_shares():
    shapley = np.array([0.5, 2.0, 1.0])
    np.testing.assert_array_equal(
        shapley_fair_rewards(shapley, 4.0, rho=0.0), [4, 4, 4]
    )
    np.testing.assert_array_equal(
        shapley_fair_rewards(shapley, 4.0, rho=1.0), [1, 4, 2]
    )
    np.testing.assert_array_equal(
        shapley_fair_rewards(shapley, 4.0, rho=0.5)[:2], [2, 4]
    )


@pytest.mark.parametrize("rho", [0.0, 0.5, 1.0])
def test_who_contributes_nothing_gets_nothing(rho: float):
    rewards = shapley_fair_rewards(np.array([1.0, 0.0, -0.5]), 3.0, rho=rho)
    np.testing.assert_array_equal(rewards, [3, 0, 0])


@pytest.mark.parametrize(
    "lower, expected",
    [
        ([0.0, 0.0, 0.0], 1.0),  # nobody asks for anything
        ([-1.0, 8.0, 0.0], 1.0),  # the best party gets v_c(N) anyway
        ([4.0, 8.0, 0.0], 0.5),
        ([8.0, 8.0, 0.0], 0.0),  # only equal rewards will do
        ([8.0 * (1 + 1e-15), 8.0 * (1 + 1e-15), 0.0], 0.0),  # up to rounding
        ([0.0, 8.1, 0.0], -np.inf),  # more than there is
        ([8.1, 0.0, 0.0], -np.inf),
        ([0.0, 0.0, 0.1], -np.inf),  # party 2 gets nothing at any ρ
        ([1.9, 0.0, -1.0], 1.0),
    ],
)
def test_the_largest_rho_at_its_edges(lower: list, expected: float):
    shapley = np.array([1.0, 4.0, 0.0])
    assert largest_rho(shapley, np.array(lower), 8.0) == pytest.approx(expected)


def test_reported_numbers_are_float64_and_traced_ones_follow():
    shapley = np.array([1.0, 2.0], np.float32)
    for found in (
        shapley_fair_rewards(shapley, 1.0, rho=0.5),
        largest_rho(shapley, np.array([0.1, 0.2]), 1.0),
    ):
        assert not isinstance(found, jax.Array) and found.dtype == np.float64

    def rewards(shapley: jax.Array, rho: jax.Array) -> jax.Array:
        return shapley_fair_rewards(shapley, 1.0, rho=rho)

    exponents = jnp.array([0.1, 0.9])
    found = jax.jit(jax.vmap(rewards, in_axes=(None, 0)))(shapley, exponents)
    assert found.dtype == jnp.float32
    np.testing.assert_allclose(
        found, [[0.5**0.1, 1], [0.5**0.9, 1]], rtol=rtol(np.float32)
    )


@pytest.mark.medium
def test_the_gradient_is_finite_for_who_contributes_nothing():
    def total(shapley: jax.Array) -> jax.Array:
        return shapley_fair_rewards(shapley, 8.0, rho=0.5).sum()

    gradient = jax.grad(total)(jnp.array([1.0, 4.0, 0.0]))
    # 8 (φ_0 / φ_1)^½ has the derivatives 4 (φ_0 φ_1)^-½ and −4 φ_0^½ φ_1^-3/2.
    np.testing.assert_allclose(gradient, [2, -0.5, 0], rtol=rtol(np.float32))

    def best_rho(lower: jax.Array) -> jax.Array:
        return largest_rho(jnp.array([1.0, 4.0, 0.0]), lower, 8.0)

    gradient = jax.grad(best_rho)(jnp.array([4.0, 0.0, 0.0]))
    np.testing.assert_allclose(
        gradient, [-1 / (4 * np.log(4)), 0, 0], rtol=rtol(np.float32)
    )


@pytest.mark.parametrize("shapley", [[0.0, 0.0], [-1.0, -2.0], [np.nan, 1.0]])
def test_nothing_to_share(shapley: list):
    phi = np.array(shapley)
    with pytest.raises(NoContributionError, match="positive Shapley"):
        shapley_fair_rewards(phi, 1.0, rho=1.0)
    with pytest.raises(NoContributionError, match="positive Shapley"):
        largest_rho(phi, np.zeros(2), 1.0)

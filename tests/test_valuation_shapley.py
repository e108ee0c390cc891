"""Exact Shapley values: their axioms, and games whose Shapley values are known."""

from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from known_games import KNOWN, airport_game
from oracles_games import proposition_2_game, shapley_by_permutations
from tolerances import rtol

from cgm_jax.valuation.coalitions import membership
from cgm_jax.valuation.shapley import shapley_values

TOLERANCE = rtol(np.float64)


def random_game(n: int, seed: int = 0) -> np.ndarray:
    """No structure at all; the empty coalition has a value too."""
    return np.random.default_rng([n, seed]).normal(size=2**n)


@pytest.mark.parametrize("values, shapley", KNOWN.values(), ids=KNOWN)
def test_games_with_known_shapley_values(values: np.ndarray, shapley: np.ndarray):
    np.testing.assert_allclose(
        shapley_values(values), shapley, rtol=TOLERANCE, atol=TOLERANCE
    )


@pytest.mark.parametrize("n", range(1, 8))
def test_equals_the_mean_over_all_orders(n: int):
    values = random_game(n)
    np.testing.assert_allclose(
        shapley_values(values), shapley_by_permutations(values), atol=TOLERANCE
    )


def test_the_game_of_proposition_2():
    game = proposition_2_game()
    exact = [Fraction(13, 2), Fraction(6), Fraction(8, 3), Fraction(17, 6)]
    assert shapley_by_permutations(game) == exact
    np.testing.assert_allclose(
        shapley_values(np.array(game, float)), np.array(exact, float), rtol=TOLERANCE
    )


@pytest.mark.parametrize("n", [1, 2, 5, 9, 16])
def test_efficiency(n: int):
    values = random_game(n)
    assert shapley_values(values).sum() == pytest.approx(
        values[-1] - values[0], rel=0, abs=1e-14
    )


@pytest.mark.parametrize("n", [2, 5, 9])
def test_renaming_parties_renames_their_shapley_values(n: int):
    values = random_game(n)
    order = np.random.default_rng(1).permutation(n)
    # Party i of the renamed game is party order[i] of the first one.
    renamed = values[membership(n, int) @ (1 << order)]
    np.testing.assert_allclose(
        shapley_values(renamed), shapley_values(values)[order], atol=TOLERANCE
    )


def test_equal_parties_get_the_same():
    values = random_game(6)
    bits = membership(6, int)
    swapped = bits[:, [0, 4, 2, 3, 1, 5]] @ (1 << np.arange(6))
    shapley = shapley_values(values + values[swapped])
    assert shapley[1] == pytest.approx(shapley[4], abs=TOLERANCE)
    assert shapley[1] != pytest.approx(shapley[0], abs=1e-3)


@pytest.mark.parametrize("null", [0, 3, 6])
def test_a_party_that_adds_nothing_gets_nothing(null: int):
    coalitions = np.arange(2**7)
    values = random_game(7)[coalitions & ~(1 << null)]
    shapley = shapley_values(values)
    assert abs(shapley[null]) < TOLERANCE
    assert np.abs(np.delete(shapley, null)).min() > 1e-3


def test_linear_in_the_game():
    first, second = random_game(8, 1), random_game(8, 2)
    np.testing.assert_allclose(
        shapley_values(3 * first - 2 * second),
        3 * shapley_values(first) - 2 * shapley_values(second),
        atol=TOLERANCE,
    )


def test_a_constant_does_not_matter():
    values = random_game(8)
    np.testing.assert_allclose(
        shapley_values(values + 1000), shapley_values(values), atol=1000 * TOLERANCE
    )


@pytest.mark.medium
def test_24_parties():
    values, shapley = airport_game(np.random.default_rng(0).uniform(size=24))
    found = shapley_values(values)
    np.testing.assert_allclose(found, shapley, rtol=0, atol=1e-14)
    assert found.sum() == pytest.approx(values[-1], rel=1e-14)


@pytest.mark.parametrize("make", [np.float32, np.float64, np.int64, list, jnp.asarray])
def test_what_is_reported_is_float64(make):
    values = [0, 1, 2, 4]
    given = make(values) if make in (list, jnp.asarray) else np.array(values, make)
    found = shapley_values(given)
    assert isinstance(found, np.ndarray) and found.dtype == np.float64
    np.testing.assert_array_equal(found, [1.5, 2.5])


def test_float64_is_computed_in_float64():
    small = np.array([0, 1, 1, 2 + 1e-12])
    assert shapley_values(small)[0] - 1 == pytest.approx(5e-13, rel=1e-3)


@pytest.mark.medium
def test_the_users_transformations_follow_the_dtype_of_the_tables():
    games = np.stack([random_game(4, seed) for seed in range(3)]).astype(np.float32)
    expected = [shapley_by_permutations(game) for game in games]
    alone = jax.jit(shapley_values)
    for found in (
        jax.vmap(alone)(games),
        jax.jit(jax.vmap(shapley_values))(games),
        np.stack([alone(game) for game in games]),
    ):
        assert found.dtype == jnp.float32
        np.testing.assert_allclose(found, expected, atol=rtol(np.float32))


def test_integers_inside_jit():
    found = jax.jit(shapley_values)(jnp.array([0, 1, 2, 4]))
    np.testing.assert_array_equal(found, [1.5, 2.5])


def test_the_jacobian_holds_the_weights():
    values = random_game(5)
    with jax.enable_x64(True):
        jacobian = jax.jit(jax.jacobian(shapley_values))(values)
    np.testing.assert_allclose(
        np.asarray(jacobian) @ values, shapley_by_permutations(values), atol=TOLERANCE
    )


@pytest.mark.parametrize(
    "values, message",
    [
        (np.zeros(6), r"2\*\*n coalition values, got 6"),
        (np.zeros(1), "got 1"),
        (np.zeros(0), "got 0"),
        (np.zeros((2, 2)), "one value per coalition"),
        (np.broadcast_to(0.0, 2**25), "at most 24"),
        (np.array([0, 1, 2, np.nan]), r"1 that are not.*parties \[0, 1\]"),
        (np.array([0, np.inf, np.nan, 0]), r"2 that are not.*parties \[0\]"),
        (np.array([np.nan, 1, 2, 3]), r"parties \[\]"),
    ],
)
def test_what_is_not_a_game(values: np.ndarray, message: str):
    with pytest.raises(ValueError, match=message):
        shapley_values(values)

"""Shapley interactions against their definition, their axioms and known games."""

import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from known_games import KNOWN, unanimity_game
from tolerances import rtol

from cgm_jax.valuation import shapley_interactions, shapley_values
from cgm_jax.valuation.coalitions import membership

TOLERANCE = rtol(np.float64)


def by_definition(values: np.ndarray) -> np.ndarray:
    """Grabisch and Roubens 1999: pairs only, the diagonal NaN."""
    n = len(values).bit_length() - 1
    result = np.full((n, n), np.nan)
    for i, j in itertools.permutations(range(n), 2):
        one, other = 1 << i, 1 << j
        total = 0.0
        for c in range(2**n):
            if c & (one | other):
                continue
            size = c.bit_count()
            weight = math.factorial(size) * math.factorial(n - size - 2)
            joint = values[c | one | other] - values[c | one] - values[c | other]
            total += weight / math.factorial(n - 1) * (joint + values[c])
        result[i, j] = total
    return result


def random_game(n: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng([n, seed]).normal(size=2**n)


@pytest.mark.parametrize("n", [2, 3, 4, 5, 8])
def test_equals_the_definition(n: int):
    values = random_game(n)
    found = shapley_interactions(values)
    pairs = ~np.eye(n, dtype=bool)
    np.testing.assert_allclose(
        found[pairs], by_definition(values)[pairs], atol=TOLERANCE
    )


@pytest.mark.parametrize("values, shapley", KNOWN.values(), ids=KNOWN)
def test_shapley_values_are_on_the_diagonal(values: np.ndarray, shapley: np.ndarray):
    found = shapley_interactions(values)
    np.testing.assert_allclose(np.diag(found), shapley, rtol=1e-13, atol=1e-13)
    np.testing.assert_array_equal(found, found.T)


@pytest.mark.parametrize("carrier", [0b1011, 0b110000, 0b111111])
def test_a_carrier_shares_its_interaction(carrier: int):
    """The unanimity game of m parties: 1 / (m − 1) a pair within, 0 elsewhere."""
    values, shapley = unanimity_game(6, carrier)
    inside = shapley > 0
    pair = inside[:, None] & inside[None] & ~np.eye(6, dtype=bool)
    found = shapley_interactions(values) - np.diag(shapley)
    np.testing.assert_allclose(found, pair / (inside.sum() - 1), atol=TOLERANCE)


def test_what_two_parties_add_to_each_other_is_how_much_one_loses_with_the_other():
    """Recursion: I_ij is φ_i where j takes part, less φ_i where j does not."""
    values = random_game(7)
    found = shapley_interactions(values)
    for j in range(7):
        has_j = np.arange(2**7) >> j & 1 == 1
        effect = shapley_values(values[has_j]) - shapley_values(values[~has_j])
        np.testing.assert_allclose(np.delete(found[j], j), effect, atol=TOLERANCE)


def test_parties_that_only_add_up_do_not_interact():
    worth = np.random.default_rng(0).normal(size=9)
    found = shapley_interactions(membership(9) @ worth + 5)
    np.testing.assert_allclose(found, np.diag(worth), atol=50 * TOLERANCE)


def test_linear_in_the_game():
    first, second = random_game(6, 1), random_game(6, 2)
    np.testing.assert_allclose(
        shapley_interactions(3 * first - 2 * second),
        3 * shapley_interactions(first) - 2 * shapley_interactions(second),
        atol=TOLERANCE,
    )


@pytest.mark.medium
def test_20_parties():
    values, shapley = unanimity_game(20, 0b1100_0000_0000_0000_0101)
    found = shapley_interactions(values)
    assert found[0, 19] == pytest.approx(1 / 3, rel=1e-12)
    assert abs(found[1, 18]) < 1e-12
    np.testing.assert_allclose(np.diag(found), shapley, atol=1e-13)


def test_one_party():
    np.testing.assert_array_equal(shapley_interactions(np.array([0.25, 2.0])), [[1.75]])


@pytest.mark.parametrize("make", [np.float32, np.float64, np.int64, list, jnp.asarray])
def test_what_is_reported_is_float64(make):
    values = [0, 1, 2, 4]
    given = make(values) if make in (list, jnp.asarray) else np.array(values, make)
    found = shapley_interactions(given)
    assert isinstance(found, np.ndarray) and found.dtype == np.float64
    np.testing.assert_array_equal(found, [[1.5, 1], [1, 2.5]])


@pytest.mark.medium
def test_the_users_transformations_follow_the_dtype_of_the_table():
    games = np.stack([random_game(4, seed) for seed in range(3)]).astype(np.float32)
    found = jax.jit(jax.vmap(shapley_interactions))(games)
    assert found.dtype == jnp.float32
    for game, pairs in zip(games, found, strict=True):
        np.testing.assert_allclose(
            pairs, shapley_interactions(game), atol=rtol(np.float32)
        )


@pytest.mark.parametrize("values", [np.zeros(6), np.zeros((2, 2)), [0, 1, 2, np.nan]])
def test_what_is_not_a_game(values):
    with pytest.raises(ValueError, match="Expected"):
        shapley_interactions(values)

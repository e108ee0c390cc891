"""The coalitions C_i = {j : φ_j ≤ φ_i}, as sets and by their values."""

import numpy as np
import pytest
from oracles_games import bitmask, coverage_game, members_of

from cgm_jax.rewards import stability_lower_values, stable_sets
from cgm_jax.valuation.shapley import shapley_values


@pytest.mark.parametrize("n", [1, 2, 6, 24])
def test_sets_by_definition(n: int):
    phi = np.random.default_rng(n).normal(size=n)
    expected = [bitmask([j for j in range(n) if phi[j] <= phi[i]]) for i in range(n)]
    np.testing.assert_array_equal(stable_sets(phi), expected)


def test_equal_parties_are_in_each_others_sets_despite_rounding():
    phi = np.array([0.1 + 0.2, 0.3, 0.3 * (1 - 1e-11), 0.05])
    assert phi[0] > phi[1]
    assert [members_of(int(c)) for c in stable_sets(phi)] == [
        [0, 1, 2, 3],
        [0, 1, 2, 3],
        [2, 3],
        [3],
    ]


@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e9])
def test_ties_do_not_depend_on_units(scale: float):
    phi = scale * np.array([0.1 + 0.2, 0.3, -0.3])
    np.testing.assert_array_equal(stable_sets(phi), [0b111, 0b111, 0b100])


@pytest.mark.parametrize("seed", range(5))
def test_lower_values_by_definition(seed: int):
    values = coverage_game(np.random.default_rng(seed), 6)
    phi = shapley_values(values)
    for i, lower in enumerate(stability_lower_values(values, phi)):
        assert lower == values[bitmask([j for j in range(6) if phi[j] <= phi[i]])]
    assert stability_lower_values(values, phi).dtype == np.float64


def test_the_party_that_contributes_most_must_get_the_value_of_all():
    values = coverage_game(np.random.default_rng(7), 5)
    phi = shapley_values(values)
    lower = stability_lower_values(values, phi)
    assert lower[np.argmax(phi)] == values[-1]
    assert lower[np.argmin(phi)] == values[1 << np.argmin(phi)]


@pytest.mark.parametrize(
    "values, shapley, message",
    [
        (np.zeros(8), np.zeros(2), "each of the 3 parties"),
        (np.zeros(8), np.zeros((3, 1)), r"shape \(3, 1\)"),
        (np.zeros(7), np.zeros(3), r"2\*\*n coalition values"),
    ],
)
def test_games_and_shapley_values_that_do_not_fit(values, shapley, message: str):
    with pytest.raises(ValueError, match=message):
        stability_lower_values(values, shapley)

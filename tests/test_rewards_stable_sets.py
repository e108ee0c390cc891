"""The coalitions C_i = {j : φ_j ≤ φ_i}, as sets and by their values."""

import numpy as np
import pytest
from block_games import log_uniform_sizes, random_sums, value_of
from oracles_games import bitmask, coverage_game

from cgm_jax.gram import GramSums
from cgm_jax.rewards import stability_lower_values, stable_sets
from cgm_jax.valuation import coalition_values, mmd_shapley_values
from cgm_jax.valuation.shapley import shapley_values


def gram_sums_of(sizes: np.ndarray) -> GramSums:
    sums = random_sums(sizes)
    return GramSums(sums.between, np.zeros((0, len(sizes))), sums.sizes)


def sets_of(shapley: np.ndarray) -> list[list[int]]:
    return [np.flatnonzero(row).tolist() for row in stable_sets(shapley)]


@pytest.mark.parametrize("n", [1, 2, 6, 100])
def test_sets_by_definition(n: int):
    phi = np.random.default_rng(n).normal(size=n)
    expected = [[j for j in range(n) if phi[j] <= phi[i]] for i in range(n)]
    assert sets_of(phi) == expected


def test_equal_parties_are_in_each_others_sets_despite_rounding():
    phi = np.array([0.1 + 0.2, 0.3, 0.3 * (1 - 1e-11), 0.05])
    assert phi[0] > phi[1]
    assert sets_of(phi) == [
        [0, 1, 2, 3],
        [0, 1, 2, 3],
        [2, 3],
        [3],
    ]


@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e9])
def test_ties_do_not_depend_on_units(scale: float):
    phi = scale * np.array([0.1 + 0.2, 0.3, -0.3])
    assert sets_of(phi) == [[0, 1, 2], [0, 1, 2], [2]]


@pytest.mark.parametrize("seed", range(5))
def test_lower_values_by_definition(seed: int):
    values = coverage_game(np.random.default_rng(seed), 6)
    phi = shapley_values(values)
    for i, lower in enumerate(stability_lower_values(values, phi)):
        assert lower == values[bitmask([j for j in range(6) if phi[j] <= phi[i]])]
    assert stability_lower_values(values, phi).dtype == np.float64


@pytest.mark.parametrize("n", [1, 5, 16])
@pytest.mark.medium
def test_single_values_are_those_of_the_table(n: int):
    sums = gram_sums_of(log_uniform_sizes(n, 10_000))
    table = np.asarray(coalition_values(sums))
    by_table = stability_lower_values(table, shapley_values(table))
    found = stability_lower_values(sums, mmd_shapley_values(sums).shapley_values)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, by_table, rtol=1e-10)


@pytest.mark.medium
def test_hundreds_of_parties():
    sums = gram_sums_of(log_uniform_sizes(300, 100))
    phi = mmd_shapley_values(sums).shapley_values
    found = stability_lower_values(sums, phi)
    for i in (0, 150, 299):
        members = np.flatnonzero(phi <= phi[i]).tolist()
        assert found[i] == pytest.approx(value_of(sums, members), rel=1e-10)


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
        (gram_sums_of(np.ones(4)), np.zeros(2), "each of the 3 parties"),
    ],
)
def test_games_and_shapley_values_that_do_not_fit(values, shapley, message: str):
    with pytest.raises(ValueError, match=message):
        stability_lower_values(values, shapley)

"""Values of parties that may leave, against the mean over who stays."""

from fractions import Fraction

import jax
import numpy as np
import oracles_family as family
import pytest
from block_games import random_sums
from oracles_family import error, exact_table, semivalues_of_stayers, whole_sums

from cgm_jax.valuation import (
    BetaShapley,
    block_semivalues,
    mmd_semivalues,
    mmd_shapley_values,
    semivalues_with_departures,
)

SIZES = {
    "few": [3, 1, 8, 2, 5, 4],
    "of one size": [4, 4, 4, 4, 4, 3],
    "one holds nearly all": [10**7, 1, 1, 2, 1, 5],
}
STAYS = {
    "half of all": [Fraction(1, 2)] * 5,
    "some surely, one not": [1, Fraction(1, 3), 1, 0, Fraction(6, 7)],
    "all but one": [1, 1, 1, 1, Fraction(1, 5)],
}
WEIGHTINGS = {
    "shapley": (BetaShapley(1, 1), family.shapley_weight),
    "banzhaf": ("banzhaf", family.banzhaf_weight),
    "leave-one-out": ("leave-one-out", family.last_weight),
}


@pytest.mark.parametrize("name", WEIGHTINGS)
@pytest.mark.parametrize("stays", STAYS.values(), ids=STAYS)
@pytest.mark.parametrize("sizes", SIZES.values(), ids=SIZES)
def test_equals_the_mean_over_who_stays(sizes, stays, name: str):
    weighting, weight = WEIGHTINGS[name]
    sums = whole_sums(sizes)
    expected = semivalues_of_stayers(exact_table(sums), stays, weight)
    found = semivalues_with_departures(
        sums, np.array(stays, float), weighting=weighting
    )
    assert found.dtype == np.float64
    assert error(found, expected) < 1e-10


@pytest.mark.medium
def test_nine_parties_equal_the_mean_over_who_stays():
    sums = whole_sums([3, 1, 8, 0, 5, 2, 9, 1, 6, 4])
    stays = [Fraction(k, 10) for k in (3, 10, 5, 8, 1, 9, 2, 7, 10)]
    expected = semivalues_of_stayers(exact_table(sums), stays)
    found = semivalues_with_departures(sums, np.array(stays, float))
    assert error(found, expected) < 1e-10


@pytest.mark.parametrize("sizes", [[3, 1, 8, 2, 5], [3, 3, 3, 3, 5]])
@pytest.mark.parametrize("one", [1, 1.0, np.ones(4)], ids=["int", "float", "array"])
def test_if_all_stay_they_are_the_semivalues(sizes, one):
    sums = random_sums(sizes)
    np.testing.assert_array_equal(
        semivalues_with_departures(sums, one), mmd_shapley_values(sums).shapley_values
    )
    law = BetaShapley(4, 1)
    np.testing.assert_array_equal(
        semivalues_with_departures(sums, one, weighting=law), mmd_semivalues(sums, law)
    )


def test_they_share_out_the_mean_value_of_those_who_stay():
    sums = whole_sums([3, 1, 8, 2, 5])
    values, p = family.in_floats(exact_table(sums)), np.array([0.1, 0.9, 0.5, 1.0])
    stay = np.arange(16)[:, None] >> np.arange(4)[None] & 1
    chance = np.where(stay, p[None], 1 - p[None]).prod(1)
    found = semivalues_with_departures(sums, p)
    np.testing.assert_allclose(found.sum(), chance @ values, rtol=1e-10)


def test_who_leaves_for_sure_gets_nothing_and_changes_nothing():
    sums = random_sums([3, 1, 8, 2, 5])
    found = semivalues_with_departures(sums, np.array([1.0, 0.0, 1.0, 1.0]))
    assert found[1] == 0
    # The reference stays as it is.
    total = float(sums.sizes.sum())
    expected = block_semivalues(*family.blocks_without(sums, 1), total)
    np.testing.assert_allclose(found[[0, 2, 3]], expected, rtol=1e-10)


@pytest.mark.medium
def test_inside_transformations():
    sums = random_sums([3, 1, 8, 2, 5])
    stays = np.array([1.0, 0.2, 0.7, 0.5])

    def values(x):
        moved = type(sums)(sums.between * (1 + x), sums.candidate_rows, sums.sizes)
        return semivalues_with_departures(moved, stays)

    expected = semivalues_with_departures(sums, stays)
    with jax.enable_x64(True):
        found = np.asarray(jax.jit(jax.vmap(values))(np.array([0.0, 1.0])))
        slope = np.asarray(jax.jacobian(values)(0.3))
    np.testing.assert_allclose(found, [expected, 2 * expected], rtol=1e-11)
    np.testing.assert_allclose(slope, expected, rtol=1e-11)


@pytest.mark.parametrize("stays", [1.5, -0.1, np.nan, np.ones(3), np.ones((4, 1))])
def test_what_are_no_probabilities(stays):
    with pytest.raises(ValueError, match="between 0 and 1 to stay"):
        semivalues_with_departures(random_sums([3, 1, 8, 2, 5]), stays)

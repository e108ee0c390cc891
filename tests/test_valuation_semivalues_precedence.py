"""Asymmetric Shapley values, against the mean over the orders that count."""

import jax
import numpy as np
import pytest
from block_games import random_sums, value_of
from oracles_family import error, exact_table, shapley_in_order, whole_sums

from cgm_jax.valuation import asymmetric_shapley, mmd_shapley_values

SIZES = {
    "few": [3, 1, 8, 2, 5, 4],
    "of one size": [4, 4, 4, 4, 4, 3],
    "one has no points": [3, 0, 8, 2, 5, 4],
    "one holds nearly all": [1, 2, 10**7, 1, 1, 5],
}


@pytest.mark.parametrize(
    "groups",
    [
        [0, 0, 0, 0, 0],
        [4, 2, 3, 1, 0],
        [1, 0, 1, 0, 2],
        [7, -5, -5, -5, 7],
        [0, 1, 1, 1, 1],
    ],
    ids=str,
)
@pytest.mark.parametrize("sizes", SIZES.values(), ids=SIZES)
def test_equals_the_mean_over_the_orders(sizes, groups):
    sums = whole_sums(sizes)
    expected = shapley_in_order(exact_table(sums), groups)
    found = asymmetric_shapley(sums, np.array(groups))
    assert found.dtype == np.float64
    assert error(found, expected) < 1e-10


@pytest.mark.parametrize("sizes", [[3, 1, 8, 2, 5], [3, 3, 3, 3, 5]])
def test_in_one_group_they_are_the_shapley_values(sizes):
    sums = random_sums(sizes)
    np.testing.assert_allclose(
        asymmetric_shapley(sums, np.full(4, 9)),
        mmd_shapley_values(sums).shapley_values,
        rtol=1e-13,
    )


def test_groups_of_one_are_marginal_contributions_along_the_order():
    sums = random_sums([3, 1, 8, 2, 5])
    order = [2, 0, 3, 1]
    found = asymmetric_shapley(sums, np.argsort(order))
    steps = np.diff([value_of(sums, order[:k]) for k in range(5)])
    np.testing.assert_allclose(found[order], steps, rtol=1e-12)


@pytest.mark.parametrize("num_groups", [7, 30, 60])
@pytest.mark.medium
def test_many_parties_share_out_the_value_of_all(num_groups: int):
    sums = random_sums([*(1 + i * 7 % 11 for i in range(60)), 40])
    group = np.arange(60) * 13 % num_groups
    found = asymmetric_shapley(sums, group)
    of_all = value_of(sums, list(range(60)))
    np.testing.assert_allclose(found.sum(), of_all, rtol=1e-10)
    # Each group shares out what it adds to those before it.
    for k in (0, num_groups // 2):
        early, later = (np.flatnonzero(group < k + j).tolist() for j in (0, 1))
        added = value_of(sums, later) - value_of(sums, early)
        np.testing.assert_allclose(found[group == k].sum(), added, atol=1e-11)


@pytest.mark.medium
def test_inside_transformations():
    sums, groups = random_sums([3, 1, 8, 2, 5]), np.array([0, 1, 1, 2])

    def values(x):
        moved = type(sums)(sums.between * (1 + x), sums.candidate_rows, sums.sizes)
        return asymmetric_shapley(moved, groups)

    expected = asymmetric_shapley(sums, groups)
    with jax.enable_x64(True):
        found = np.asarray(jax.jit(jax.vmap(values))(np.array([0.0, 1.0])))
        slope = np.asarray(jax.jacobian(values)(0.3))
    np.testing.assert_allclose(found, [expected, 2 * expected], rtol=1e-11)
    np.testing.assert_allclose(slope, expected, rtol=1e-11)


@pytest.mark.parametrize("groups", [np.zeros(3, int), np.zeros(4), ["a"] * 4])
def test_what_is_no_precedence(groups):
    with pytest.raises(ValueError, match=r"precedence of shape \(4,\)"):
        asymmetric_shapley(random_sums([3, 1, 8, 2, 5]), np.asarray(groups))

"""Sums of values of points: against single points, enumeration, and split parties."""

import jax
import numpy as np
import oracles
import pytest
from block_games import banzhaf, leave_one_out, semivalues, shapley
from kernel_table import KERNELS
from oracles_games import members_of

from cgm_jax.gram import gram_sums
from cgm_jax.kernels import SquaredExponential
from cgm_jax.valuation import group_values, point_shapley_values, value

KERNEL, PLAIN = SquaredExponential(0.9), oracles.squared_exponential(0.9)


def draw(sizes: list[int], g: int, dtype: type = np.float64):
    rng = np.random.default_rng([*sizes, g])
    parties = [rng.normal(0.3 * i, 0.6, (n, 2)) for i, n in enumerate(sizes)]
    return [x.astype(dtype) for x in parties], rng.normal(size=(g, 2)).astype(dtype)


@pytest.mark.parametrize("g", [0, 5])
@pytest.mark.parametrize(
    ("weighting", "weight"),
    [("banzhaf", banzhaf), ("leave-one-out", leave_one_out), (None, shapley)],
)
def test_equals_enumeration_over_sets_of_points(g: int, weighting, weight):
    parties, candidates = draw([2, 4, 1], g)
    pool = np.concatenate(parties)
    reference = np.concatenate([pool, candidates])
    subsets = [pool[members_of(c)] for c in range(1, 2 ** len(pool))]
    table = np.array([0.0, *(oracles.value(PLAIN, s, reference) for s in subsets)])
    of_points = semivalues(table, weight)
    expected = [x.sum() for x in np.split(of_points, [2, 6])]
    options = {} if weighting is None else {"weighting": weighting}
    found = group_values(KERNEL, parties, candidates, **options)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, expected, atol=1e-10)


@pytest.mark.parametrize("name", ["squared exponential", "all of it"])
@pytest.mark.medium
def test_equals_the_sums_over_values_of_points(name: str):
    kernel = KERNELS[name](2)
    parties, candidates = draw([30, 7, 1, 50], 40)
    pool = np.concatenate(parties)
    reference = np.concatenate([pool, candidates])
    of_points = point_shapley_values(kernel, pool, reference).shapley_values
    expected = [x.sum() for x in np.split(of_points, [30, 37, 38])]
    found = group_values(kernel, parties, candidates)
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("parts", [2, 7, 20])
def test_splitting_a_party_changes_no_sum(parts: int):
    parties, candidates = draw([20, 35, 9], 25)
    whole = group_values(KERNEL, parties, candidates)
    names = np.array_split(parties[0], parts)
    split = group_values(KERNEL, [*names, *parties[1:]], candidates)
    assert abs(split[:parts].sum() - whole[0]) < 1e-12
    np.testing.assert_allclose(split[parts:], whole[1:], atol=1e-12)


def test_they_share_out_the_value_of_the_pool():
    parties, candidates = draw([20, 35, 9], 25)
    pool = np.concatenate(parties)
    of_pool = value(KERNEL, pool, np.concatenate([pool, candidates]))
    found = group_values(KERNEL, parties, candidates)
    np.testing.assert_allclose(found.sum(), of_pool, rtol=1e-12)


def test_sums_that_are_there_are_used():
    parties, candidates = draw([20, 35, 9], 25)
    sums = gram_sums(KERNEL, parties, candidates)
    found = group_values(KERNEL, parties, candidates, sums=sums)
    np.testing.assert_array_equal(found, group_values(KERNEL, parties, candidates))
    twice = type(sums)(2 * sums.between, sums.candidate_rows, sums.sizes)
    assert not np.allclose(group_values(KERNEL, parties, candidates, sums=twice), found)
    with pytest.raises(ValueError, match="sums of blocks of sizes"):
        group_values(KERNEL, parties[:2], candidates, sums=sums)


@pytest.mark.medium
def test_inside_transformations():
    parties, candidates = draw([4, 7, 2], 5, np.float32)

    def first(scale):
        return group_values(SquaredExponential(scale), parties, candidates)[0]

    up, down = (float(first(np.float64(0.9 + h))) for h in (1e-2, -1e-2))
    found, slope = jax.jit(jax.value_and_grad(first))(np.float32(0.9))
    expected = group_values(KERNEL, parties, candidates)[0]
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    np.testing.assert_allclose(slope, (up - down) / 2e-2, rtol=1e-2)

"""Semivalues whose coalitions others join with probabilities of their own."""

import jax
import numpy as np
import pytest
from block_games import log_uniform_sizes, random_sums
from oracles_family import (
    error,
    exact_table,
    in_floats,
    semivalues_by_inclusion,
    whole_sums,
)

from cgm_jax.valuation import BetaShapley, block_semivalues, mmd_semivalues
from cgm_jax.valuation.semivalues.mmd_semivalues import blocks_of

A = np.array([0.0, 0.3, 1.0, 0.0, 0.5, 0.2])
B = np.array([1.0, 0.7, 0.0, 0.0, 0.1, 0.4])
SIZES = {
    "few": [3, 1, 8, 2, 5, 4, 7],
    "of one size": [4, 4, 4, 4, 4, 4, 9],
    "one that is always there holds nearly all": [1, 2, 10**7, 1, 3, 1, 5],
    "one holds nearly all": [10**7, 2, 1, 1, 3, 1, 5],
}


def nodes_of(weighting) -> tuple[np.ndarray, np.ndarray]:
    """Means over q of polynomials of degree up to 15."""
    x, w = np.polynomial.legendre.leggauss(8)
    q, dq = (1 + x) / 2, w / 2
    if weighting == BetaShapley(2, 3):  # density 12 q² (1 − q)
        return q, 12 * dq * q**2 * (1 - q)
    fixed = {"banzhaf": 0.5, "leave-one-out": 1.0}
    return (np.array([fixed[weighting]]), np.ones(1)) if weighting in fixed else (q, dq)


@pytest.mark.parametrize("sizes", SIZES.values(), ids=SIZES)
@pytest.mark.parametrize(
    "weighting",
    [BetaShapley(1, 1), BetaShapley(2, 3), "banzhaf", "leave-one-out"],
    ids=str,
)
def test_any_inclusion_equals_enumeration(weighting, sizes: list[int]):
    sums = whole_sums(sizes)
    expected = semivalues_by_inclusion(
        in_floats(exact_table(sums)), A, B, *nodes_of(weighting)
    )
    found = block_semivalues(
        *blocks_of(sums), weighting=weighting, inclusion=(A, B), tolerance=1e-10
    )
    assert error(found, expected) < 1e-10


@pytest.mark.medium
def test_the_largest_of_those_who_are_always_there_keeps_its_digits():
    # Sums of a kernel grow with the square of the size.
    sums = random_sums([10**6, 3, 2, 10, 7, 5])
    b = np.array([1.0, 0.5, 0.5, 1.0, 0.3])
    expected = semivalues_by_inclusion(
        in_floats(exact_table(sums)), 0 * b, b, np.ones(1), np.ones(1)
    )
    found = block_semivalues(
        *blocks_of(sums), weighting="leave-one-out", inclusion=(0 * b, b)
    )
    assert error(found, expected) < 1e-10


@pytest.mark.parametrize("weighting", [BetaShapley(1, 1), "banzhaf"])
def test_many_parties_with_a_slope_near_one_are_nearly_a_semivalue(weighting):
    sums = random_sums(log_uniform_sizes(80, 10_000))
    expected = mmd_semivalues(sums, weighting)
    near = np.full(80, 1e-12), np.full(80, 1 - 3e-12)
    found = block_semivalues(*blocks_of(sums), weighting=weighting, inclusion=near)
    assert not np.array_equal(found, expected)
    assert error(found, expected) < 1e-9


def test_own_inclusion_does_not_matter():
    sums = random_sums([3, 1, 8, 2, 5])
    a, b = np.array([0.2, 0.5, 0.0, 1.0]), np.array([0.3, 0.5, 1.0, 0.0])
    found = block_semivalues(*blocks_of(sums), inclusion=(a, b))
    for i in range(4):
        other = np.arange(4) != i
        again = block_semivalues(*blocks_of(sums), inclusion=(a * other, b * other))
        np.testing.assert_allclose(again[i], found[i], rtol=1e-11)


def test_only_a_party_that_joins_matters():
    sums = random_sums([3, 1, 8, 2, 5])
    a, b = np.array([0.5, 0.0, 0.1, 0.4]), np.array([0.5, 0.0, 0.9, 0.0])
    between, across, sizes, total = blocks_of(sums)
    keep = np.array([0, 2, 3])
    found = block_semivalues(between, across, sizes, total, inclusion=(a, b))
    without = block_semivalues(
        between[np.ix_(keep, keep)],
        across[keep],
        sizes[keep],
        total,
        inclusion=(a[keep], b[keep]),
    )
    np.testing.assert_allclose(found[keep], without, atol=1e-12)


@pytest.mark.medium
def test_inside_transformations():
    between, across, sizes, total = blocks_of(random_sums([3, 1, 8, 2, 5]))
    a, b = np.array([1.0, 0.5, 0.0, 0.3]), np.array([0.0, 0.5, 1.0, 0.2])

    def values(x):
        moved = between + x * np.diag([1.0, 2.0, 3.0, 4.0])
        return block_semivalues(moved, across, sizes, total, inclusion=(a, b))

    numbers = [values(x) for x in (0.0, 1.0)]
    with jax.enable_x64(True):
        found = np.asarray(jax.jit(jax.vmap(values))(np.array([0.0, 1.0])))
        slope = np.asarray(jax.jacobian(values)(0.5))
    np.testing.assert_allclose(found, numbers, rtol=1e-11)
    np.testing.assert_allclose(slope, numbers[1] - numbers[0], rtol=1e-9)
    single = jax.jit(values)(np.float32(1))
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, numbers[1], rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        ([0.5, 0.0], [0.6, 0.0], r"a \+ b <= 1"),
        ([-0.1, 0.0], [0.6, 0.0], "a >= 0"),
        ([0.5, np.nan], [0.5, 0.0], "got a ="),
        ([0.5], [0.5], r"shape \(2,\)"),
    ],
)
def test_inclusions_that_are_no_probabilities(a, b, message: str):
    inclusion = np.array(a), np.array(b)
    with pytest.raises(ValueError, match=message):
        block_semivalues(np.eye(2), np.ones(2), np.ones(2), 3, inclusion=inclusion)

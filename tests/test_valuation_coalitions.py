"""Values of all coalitions against v(S) by its definition on the kernel matrix."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from block_games import sums_of as block_sums
from oracles_games import coalition_values_by_definition, value_by_definition
from tolerances import rtol

from cgm_jax.gram import GramSums, gram_sums
from cgm_jax.kernels import SquaredExponential
from cgm_jax.valuation.coalitions import coalition_values, membership, num_parties
from cgm_jax.valuation.shapley import shapley_values

TOLERANCE = rtol(np.float64)
SIZES = {
    "one party": [3, 4],
    "two parties": [1, 5, 2],
    "three parties, no candidates": [2, 7, 1, 0],
    "five parties": [3, 1, 8, 2, 5, 20],
    "eight parties": [1, 2, 3, 4, 5, 6, 7, 8, 30],
    "empty first": [0, 2, 3, 4],
    "empty last": [4, 2, 0, 1],
    "all but one empty": [0, 0, 3, 0, 5],
}


def kernel_matrix(num_points: int, d: int, seed: int = 0) -> np.ndarray:
    points = np.random.default_rng([num_points, d, seed]).normal(size=(num_points, d))
    difference = points[:, None] - points[None]
    return np.exp(-(difference**2).sum(-1) / 2)


def sums_of(gram: np.ndarray, sizes: list[int]) -> GramSums:
    block = np.repeat(np.arange(len(sizes)), sizes)
    member = (block[:, None] == np.arange(len(sizes))[None]).astype(float)
    return block_sums(member.T @ gram @ member, np.array(sizes, float))


@pytest.mark.parametrize("d", [1, 3, 16])
@pytest.mark.parametrize("sizes", SIZES.values(), ids=SIZES)
def test_equals_the_definition(sizes: list[int], d: int):
    gram = kernel_matrix(sum(sizes), d)
    values = coalition_values(sums_of(gram, sizes))
    assert isinstance(values, np.ndarray) and values.dtype == np.float64
    np.testing.assert_allclose(
        values, coalition_values_by_definition(gram, sizes), atol=TOLERANCE
    )


def test_reads_the_sums_of_the_gram_pass():
    rng = np.random.default_rng(0)
    parties = [rng.normal(size=(size, 2)) for size in (4, 1, 7)]
    candidates = rng.normal(size=(9, 2))
    points = np.concatenate([*parties, candidates])
    gram = np.exp(-((points[:, None] - points[None]) ** 2).sum(-1) / (2 * 0.7**2))
    values = coalition_values(gram_sums(SquaredExponential(0.7), parties, candidates))
    np.testing.assert_allclose(
        values, coalition_values_by_definition(gram, [4, 1, 7, 9]), atol=TOLERANCE
    )


def test_many_parties():
    n = 18
    sizes = [*np.random.default_rng(0).integers(1, 8, n), 50]
    gram = kernel_matrix(sum(sizes), 2)
    values = coalition_values(sums_of(gram, sizes))
    assert values.shape == (2**n,)
    block = np.repeat(np.arange(n + 1), sizes)
    for coalition in [1, 2**n - 1, *np.random.default_rng(1).integers(1, 2**n, 200)]:
        points = np.flatnonzero((coalition >> np.minimum(block, n) & 1) & (block < n))
        expected = value_by_definition(gram, points)
        assert values[coalition] == pytest.approx(expected, abs=TOLERANCE)


@pytest.mark.parametrize("size", [1, 50_000, 3_000_000])
def test_a_constant_kernel_values_all_data_the_same(size: int):
    sizes = np.array([size, 1, 2 * size, 3], float)
    values = coalition_values(block_sums(np.outer(sizes, sizes), sizes))
    np.testing.assert_allclose(values, [0, 1, 1, 1, 1, 1, 1, 1], rtol=TOLERANCE)


def test_the_value_of_everything_is_the_mean_of_the_kernel():
    gram = kernel_matrix(12, 2)
    values = coalition_values(sums_of(gram, [3, 4, 5, 0]))
    assert values[-1] == pytest.approx(gram.mean(), rel=TOLERANCE)


@pytest.mark.parametrize("empty", [0, 1, 2])
def test_an_empty_party_changes_no_value(empty: int):
    sizes = [3, 2, 4, 5]
    sizes[empty] = 0
    values = coalition_values(sums_of(kernel_matrix(sum(sizes), 2), sizes))
    without = np.arange(8) & ~(1 << empty)
    np.testing.assert_array_equal(values, values[without])
    assert abs(shapley_values(values)[empty]) < TOLERANCE


def test_the_gradient_is_finite_where_a_coalition_has_no_points():
    sums = sums_of(kernel_matrix(9, 2), [0, 4, 5])

    def total(between: jax.Array) -> jax.Array:
        return coalition_values(block_sums(between, sums.sizes)).sum()

    with jax.enable_x64(True):
        gradient = jax.jit(jax.grad(total))(sums.between)
    step = 1e-6
    for i, j in [(0, 0), (1, 1), (1, 2), (2, 1), (2, 2)]:
        bump = np.zeros((3, 3))
        bump[i, j] = step
        up, down = (
            coalition_values(block_sums(sums.between + sign * bump, sums.sizes)).sum()
            for sign in (1, -1)
        )
        assert gradient[i, j] == pytest.approx((up - down) / (2 * step), abs=1e-8)


def test_the_users_transformations_follow_the_dtype_of_the_sums():
    sizes = [2, 3, 1, 4]
    grams = [kernel_matrix(10, 2, seed) for seed in range(3)]
    between = np.stack([sums_of(gram, sizes).between for gram in grams])
    expected = [coalition_values_by_definition(gram, sizes) for gram in grams]

    def values(between: jax.Array) -> jax.Array:
        return coalition_values(block_sums(between, np.array(sizes, float)))

    for found in (
        jax.vmap(jax.jit(values))(between.astype(np.float32)),
        jax.jit(jax.vmap(values))(between.astype(np.float32)),
    ):
        assert found.dtype == jnp.float32
        np.testing.assert_allclose(found, expected, atol=rtol(np.float32))


def test_the_sums_are_not_changed():
    sums = sums_of(kernel_matrix(10, 2), [2, 3, 1, 4])
    between, sizes = sums.between.copy(), sums.sizes.copy()
    coalition_values(sums)
    np.testing.assert_array_equal(sums.between, between)
    np.testing.assert_array_equal(sums.sizes, sizes)


@pytest.mark.parametrize(
    "between, sizes, message",
    [
        (np.ones((3, 3)), np.ones(2), r"\(3, 3\) and \(2,\)"),
        (np.ones(3), np.ones(3), r"got \(3,\)"),
        (np.ones((2, 3)), np.ones(3), r"\(2, 3\)"),
        (np.ones((1, 1)), np.ones(1), "at least one party"),
        (np.ones((26, 26)), np.ones(26), "at most 24 parties, got 25"),
        (np.full((3, 3), np.nan), np.ones(3), "NaN"),
    ],
)
def test_what_are_not_sums(between: np.ndarray, sizes: np.ndarray, message: str):
    with pytest.raises(ValueError, match=message):
        coalition_values(block_sums(between, sizes))


@pytest.mark.parametrize("n", [0, 1, 5])
def test_membership_reads_the_bits(n: int):
    bits = membership(n)
    assert bits.shape == (2**n, n)
    np.testing.assert_array_equal(bits @ 2.0 ** np.arange(n), np.arange(2**n))


def test_number_of_parties():
    assert [num_parties(2**n) for n in range(1, 25)] == list(range(1, 25))

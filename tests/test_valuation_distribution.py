"""Values of distributions: MMDs by their definition, limits, and standard errors."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import oracles
import pytest
from block_games import random_sums
from tolerances import rtol

from cgm_jax.gram import gram_sums
from cgm_jax.kernels import SquaredExponential
from cgm_jax.valuation import (
    bootstrap_sums,
    distribution_values,
    mmd2_biased,
    value,
    values_under_references,
)

KERNEL, PLAIN = SquaredExponential(0.9), oracles.squared_exponential(0.9)
SIZES = [5, 12, 3, 8]


def draw(sizes: list[int] = SIZES, g: int = 10, seed: int = 0):
    rng = np.random.default_rng(seed)
    parties = [rng.normal(0.4 * i, 1, (n, 2)) for i, n in enumerate(sizes)]
    return parties, rng.normal(size=(g, 2))


def by_definition(
    points: np.ndarray, reference: np.ndarray, weights: np.ndarray
) -> float:
    """−MMD of points to weighted points."""
    x = np.full(len(points), 1 / len(points))
    mmd2 = x @ PLAIN(points, points) @ x - 2 * x @ PLAIN(points, reference) @ weights
    return -np.sqrt(mmd2 + weights @ PLAIN(reference, reference) @ weights)


def weights_of(name) -> np.ndarray:
    """The weight of every point of the pool."""
    sizes = np.array(SIZES)
    shares = {"uniform mixture": np.full(4, 1 / 4), "pool": sizes / sizes.sum()}
    share = shares[name] if isinstance(name, str) else name
    return np.repeat(share / sizes, sizes)


REFERENCES = ["uniform mixture", "pool", np.array([0.0, 0.5, 0.2, 0.3])]


@pytest.mark.parametrize("reference", REFERENCES, ids=str)
def test_equal_the_definition(reference):
    parties, candidates = draw()
    pool = np.concatenate(parties)
    sums = gram_sums(KERNEL, parties, candidates)
    found = distribution_values(sums, reference)
    assert found.standard_errors is None and found.better is None
    assert found.values.dtype == np.float64
    expected = [by_definition(x, pool, weights_of(reference)) for x in parties]
    np.testing.assert_allclose(found.values, expected, rtol=1e-10)


def test_against_the_candidates():
    parties, candidates = draw()
    sums = gram_sums(KERNEL, parties, candidates)
    found = distribution_values(sums, "candidates").values
    expected = [mmd2_biased(KERNEL, x, candidates) for x in parties]
    np.testing.assert_allclose(found, -np.sqrt(expected), rtol=1e-10)


def test_against_the_pool_they_are_the_values_of_the_pool():
    parties, candidates = draw()
    sums = gram_sums(KERNEL, parties, candidates)
    found = distribution_values(sums, "pool").values
    pool = np.concatenate(parties)
    lost = [value(KERNEL, pool, pool) - value(KERNEL, x, pool) for x in parties]
    np.testing.assert_allclose(found**2, lost, atol=1e-12)
    # The candidates do not matter.
    other = gram_sums(KERNEL, parties, candidates + 5)
    np.testing.assert_allclose(distribution_values(other, "pool").values, found)


def test_of_parties_of_one_size_the_pool_is_the_uniform_mixture():
    sums = random_sums([6, 6, 6, 9])
    uniform = distribution_values(sums).values
    np.testing.assert_allclose(distribution_values(sums, "pool").values, uniform)
    uneven = random_sums([6, 2, 6, 9])
    uniform = distribution_values(uneven).values
    assert not np.allclose(distribution_values(uneven, "pool").values, uniform)


def test_a_party_that_is_the_reference_is_worth_most():
    parties, candidates = draw()
    sums = gram_sums(KERNEL, parties, candidates)
    found = distribution_values(sums, np.array([0.0, 1.0, 0.0, 0.0])).values
    np.testing.assert_allclose(found[1], 0, atol=1e-7)  # the root of a rounding
    assert (np.delete(found, 1) < -0.1).all()


def test_several_references_side_by_side():
    sums = random_sums([6, 2, 6, 9])
    weights = np.array([0.1, 0.9, 0.0])
    found = values_under_references(sums, ["pool", weights, "candidates"])
    for row, one in zip(found, ("pool", weights, "candidates"), strict=True):
        np.testing.assert_array_equal(row, distribution_values(sums, one).values)
    assert values_under_references(sums).shape == (3, 3)
    with pytest.raises(ValueError, match="at least one reference"):
        values_under_references(sums, [])


# How sure they are.


def test_spread_over_resamples():
    sums = random_sums([6, 2, 6, 9])
    rng = np.random.default_rng(0)
    noise = rng.normal(scale=0.3, size=(5, 4, 4))
    resampled = sums.between[None] + noise + np.swapaxes(noise, 1, 2)
    found = distribution_values(sums, "pool", resampled=resampled)
    again = np.array(
        [
            distribution_values(type(sums)(b, sums.candidate_rows, sums.sizes), "pool")
            for b in resampled
        ],
        dtype=object,
    )
    values = np.array([one.values for one in again])
    np.testing.assert_allclose(found.standard_errors, values.std(0, ddof=1), rtol=1e-12)
    wins = (values[:, :, None] > values[:, None]).mean(0)
    np.testing.assert_allclose(found.better, wins + np.eye(3) / 2)


@pytest.mark.medium
def test_standard_errors_are_the_spread_over_fresh_data():
    sizes, places, none = [60, 90, 120], (0.0, 2.0, 0.5), np.zeros((0, 2))

    def sums_of(seed: int):
        rng = np.random.default_rng(seed)
        parties = [rng.normal(x, 1, (n, 2)) for x, n in zip(places, sizes, strict=True)]
        return parties, gram_sums(KERNEL, parties, none)

    values = np.array([distribution_values(sums_of(i)[1]).values for i in range(150)])
    parties, sums = sums_of(1_000)
    resampled = bootstrap_sums(
        jax.random.key(0), KERNEL, parties, none, sums, num_resamples=300
    )
    found = distribution_values(sums, resampled=resampled)
    # Each standard deviation is known to about 6 %, that of one data set to some more.
    np.testing.assert_allclose(found.standard_errors, values.std(axis=0), rtol=0.25)
    is_better = (values[:, :, None] > values[:, None]).mean(0) + np.eye(3) / 2
    np.testing.assert_allclose(found.better, is_better, atol=0.25)
    np.testing.assert_allclose(found.better + found.better.T, 1)


SUMS = random_sums([3, 1, 8, 2, 5])


@pytest.mark.medium
def test_inside_transformations():
    rng = np.random.default_rng(0)
    points = rng.normal(size=(3, 6, 2))

    def worth(shift):
        parties = [points[0], points[1] + shift, points[2]]
        sums = gram_sums(KERNEL, parties, points[0])
        return distribution_values(sums, "candidates").values

    numbers = [worth(np.float64(x)) for x in (0.3, 0.3001, 0.2999)]
    assert abs(numbers[0][0]) < 1e-7  # the root of a rounding
    with jax.enable_x64(True):
        found = np.asarray(jax.jit(jax.vmap(worth))(np.array([0.3, 0.3001])))
        slope = np.asarray(jax.jacobian(worth)(0.3))
    np.testing.assert_allclose(found, numbers[:2], rtol=1e-9, atol=1e-7)
    expected = (numbers[1] - numbers[2]) / 2e-4
    np.testing.assert_allclose(slope[1:], expected[1:], rtol=1e-5, atol=1e-9)
    assert np.isfinite(slope).all()


@pytest.mark.medium
def test_in_float32_inside_of_jit():
    parties, candidates = (draw()[0], draw()[1].astype(np.float32))
    parties = [x.astype(np.float32) for x in parties]

    @jax.jit
    def worth(x):
        sums = gram_sums(KERNEL, [x, *parties[1:]], candidates)
        return distribution_values(sums).values

    expected = distribution_values(gram_sums(KERNEL, parties, candidates)).values
    found = worth(parties[0])
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=rtol(np.float32, roundings=1e3))


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("uniform", "'uniform mixture', 'pool', 'candidates'"),
        (np.ones(3) / 3, "each of 4 parties"),
        (np.array([0.5, 0.5, 0.5, -0.5]), "weights >= 0 whose sum is 1"),
        (np.ones(4), "divide them by their sum"),
        (np.array([np.nan, 0, 0, 1]), "weights >= 0"),
    ],
    ids=str,
)
def test_what_is_no_reference(reference, message: str):
    with pytest.raises(ValueError, match=message):
        distribution_values(SUMS, reference)


def test_what_has_no_distribution():
    with pytest.raises(ValueError, match="points of every party"):
        distribution_values(random_sums([3, 0, 5]))
    with pytest.raises(ValueError, match="candidates to compare with"):
        distribution_values(SUMS.pool, "candidates")
    with pytest.raises(ValueError, match="at least two resamples"):
        distribution_values(SUMS, resampled=SUMS.between[None])


@pytest.mark.medium
def test_a_sum_that_is_none_is_no_value():
    """0 would be the best value there is; outside of `jit` such sums are refused."""
    rng = np.random.default_rng(0)
    sums = gram_sums(
        SquaredExponential(1.0), list(rng.normal(size=(3, 5, 2))), np.ones((1, 2))
    )
    between = jnp.asarray(sums.between).at[0, 1].set(jnp.nan)

    def values(between):
        return distribution_values(replace(sums, between=between)).values

    assert np.isnan(jax.jit(values)(between)).all()

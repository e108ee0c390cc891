"""Resampled sums against resamples made plainly, and their exact moments."""

import itertools

import jax
import numpy as np
import oracles
import pytest
from kernel_table import KERNELS, PLAIN

from cgm_jax.gram import gram_sums
from cgm_jax.kernels import SquaredExponential
from cgm_jax.valuation import bootstrap_sums
from cgm_jax.valuation.bootstrap import multiplicities

KEY = jax.random.key(2)
SIZES = [4, 9, 1, 6]


def small_data(dtype: type = np.float64) -> tuple[list[np.ndarray], np.ndarray]:
    rng = np.random.default_rng(0)
    parties = [rng.normal(0.2 * i, 0.5, size=(n, 2)) for i, n in enumerate(SIZES)]
    candidates = rng.normal(0.3, 0.7, size=(15, 2))
    return [x.astype(dtype) for x in parties], candidates.astype(dtype)


def resampled_blocks(
    parties: list[np.ndarray], candidates: np.ndarray, counts: np.ndarray
) -> list[np.ndarray]:
    """A resample as the data that it is: repeated points are repeated."""
    pool = np.concatenate(parties)
    edges = np.cumsum([0, *SIZES])
    return [
        *(
            np.repeat(pool[a:b], counts[a:b], axis=0)
            for a, b in itertools.pairwise(edges)
        ),
        candidates,
    ]


@pytest.mark.parametrize("name", ["squared exponential", "all of it"])
@pytest.mark.medium
def test_equals_the_sums_of_resampled_data(name: str):
    parties, candidates = small_data()
    kernel, plain = KERNELS[name](2), PLAIN[name](2)
    sums = gram_sums(kernel, parties, candidates)
    found = bootstrap_sums(
        KEY, kernel, parties, candidates, sums, num_resamples=7, centered=False
    )
    assert found.dtype == np.float64
    for counts, between in zip(multiplicities(KEY, SIZES, 7), found, strict=True):
        blocks = resampled_blocks(parties, candidates, counts)
        assert [len(x) for x in blocks] == [*SIZES, 15]
        _, expected = oracles.block_sums(plain, blocks)
        np.testing.assert_allclose(between, expected, rtol=1e-10)


@pytest.mark.medium
def test_without_candidates():
    parties, candidates = small_data()
    kernel = SquaredExponential(0.8)
    sums = gram_sums(kernel, parties, candidates)
    alone = gram_sums(kernel, parties, candidates[:0])
    found = bootstrap_sums(KEY, kernel, parties, candidates[:0], alone, num_resamples=3)
    other = bootstrap_sums(KEY, kernel, parties, candidates, sums, num_resamples=3)
    np.testing.assert_allclose(found[:, :-1, :-1], other[:, :-1, :-1], rtol=1e-13)
    assert not found[:, -1].any() and not found[:, :, -1].any()


@pytest.mark.medium
def test_float32_points():
    parties, candidates = small_data(np.float32)
    kernel = SquaredExponential(0.8)
    sums = gram_sums(kernel, parties, candidates)
    found = bootstrap_sums(KEY, kernel, parties, candidates, sums, num_resamples=4)
    parties, candidates = small_data()
    exact = bootstrap_sums(
        KEY,
        kernel,
        parties,
        candidates,
        gram_sums(kernel, parties, candidates),
        num_resamples=4,
    )
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, exact, rtol=1e-5)


@pytest.mark.medium
def test_a_larger_number_only_adds_resamples():
    few = multiplicities(KEY, SIZES, 3)
    np.testing.assert_array_equal(multiplicities(KEY, SIZES, 8)[:3], few)


@pytest.mark.medium
def test_every_point_is_drawn_as_often_as_any_other():
    counts = multiplicities(KEY, SIZES, 20_000)
    for first, size in zip(np.cumsum([0, *SIZES[:-1]]), SIZES, strict=True):
        own = counts[:, first : first + size]
        assert (own.sum(1) == size).all()
        # Multinomial: mean 1, variance 1 − 1/n.
        spread = np.sqrt((1 - 1 / size) / 20_000)
        np.testing.assert_allclose(own.mean(0), 1, atol=5 * spread)
        np.testing.assert_allclose(own.var(0), 1 - 1 / size, atol=0.06)


@pytest.mark.medium
def test_the_mean_over_resamples_is_the_sum_of_the_data():
    parties, candidates = small_data()
    kernel = SquaredExponential(0.8)
    sums = gram_sums(kernel, parties, candidates)
    found = bootstrap_sums(KEY, kernel, parties, candidates, sums, num_resamples=4000)
    error = found.std(0) / np.sqrt(4000)
    assert (np.abs(found.mean(0) - sums.between) <= 5 * error + 1e-9).all()
    raw = bootstrap_sums(
        KEY,
        kernel,
        parties,
        candidates,
        sums,
        num_resamples=4000,
        centered=False,
    )
    shift = np.zeros((5, 5))
    for i, n in enumerate(SIZES):  # k(x, x) = 1
        shift[i, i] = n - sums.between[i, i] / n
    np.testing.assert_allclose(raw.mean(0) - found.mean(0), shift, atol=1e-10)


def test_the_standard_error_of_a_sum_of_points_is_known():
    """B_iG adds one number per point: n_i times the variance of those numbers."""
    parties, candidates = small_data()
    kernel, plain = SquaredExponential(0.8), oracles.squared_exponential(0.8)
    sums = gram_sums(kernel, parties, candidates)
    found = bootstrap_sums(KEY, kernel, parties, candidates, sums, num_resamples=4000)
    for i, party in enumerate(parties):
        exact = np.sqrt(len(party)) * plain(party, candidates).sum(1).std()
        # The standard deviation of 4,000 draws is right to 1 / sqrt(8000) = 1.1 %.
        assert found[:, i, -1].std() == pytest.approx(exact, rel=0.06, abs=1e-12)


@pytest.mark.medium
def test_sums_of_other_data():
    parties, candidates = small_data()
    kernel = SquaredExponential(0.8)
    sums = gram_sums(kernel, parties, candidates)
    with pytest.raises(ValueError, match=r"sizes \[4, 9, 1, 15\], got sums of \[ *4"):
        bootstrap_sums(KEY, kernel, parties[:3], candidates, sums, num_resamples=2)
    with pytest.raises(ValueError, match="num_resamples >= 1, got 0"):
        bootstrap_sums(KEY, kernel, parties, candidates, sums, num_resamples=0)

"""Rows that are held out: chance, but of each part of the pool its share."""

import jax
import numpy as np
import pytest
from scipy.stats import binom

from cgm_jax.generators import MMDGAN, ProductMixture
from cgm_jax.generators.held_out import split_rows

KEY = jax.random.key(0)
NUM_KEYS = 200
RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("num", "share", "expected"), [(20, 0.1, 2), (21, 0.01, 2), (800, 0.5, 400)]
)
def test_each_row_is_on_one_side(num, share, expected):
    held_out, others = split_rows(KEY, RNG.normal(size=(num, 3)), share)
    assert len(held_out) == expected
    both = np.concatenate([held_out, others])
    np.testing.assert_array_equal(np.sort(both), np.arange(num))
    assert (np.diff(others) < 0).mean() > 0.2  # shuffled


def test_nothing_is_held_out_of_a_share_of_0():
    held_out, others = split_rows(KEY, RNG.normal(size=(50, 2)), 0)
    assert len(held_out) == 0
    np.testing.assert_array_equal(np.sort(others), np.arange(50))


def test_the_shares_of_groups_are_those_of_the_pool():
    """By chance alone they would be off by about 9 of 90."""
    groups = np.repeat(np.arange(4), 900)
    centers = np.array([[0.0, 0], [9, 0], [0, 9], [9, 9]])
    points = centers[groups] + RNG.normal(size=(3_600, 2))
    for key in jax.random.split(KEY, 5):
        held_out, _ = split_rows(key, points, 0.1)
        assert np.abs(np.bincount(groups[held_out]) - 90).max() <= 1
        first = np.bincount(groups[held_out[:180]], minlength=4)  # shuffled
        assert binom.cdf(first, 180, 0.25).min() > 1e-6
        assert binom.sf(first, 180, 0.25).min() > 1e-6


@pytest.mark.parametrize(
    ("num", "points"), [(400, "apart"), (400, "equal"), (30, "apart")]
)
def test_every_row_is_as_likely_and_neighbours_are_chance(num, points):
    rows = np.zeros((num, 2)) if points == "equal" else RNG.normal(size=(num, 2))
    is_held_out = np.zeros((NUM_KEYS, num))
    for i, key in enumerate(jax.random.split(KEY, NUM_KEYS)):
        is_held_out[i, split_rows(key, rows, 0.2)[0]] = 1
    low, high = binom.ppf([1e-7, 1 - 1e-7], NUM_KEYS, 0.2)
    assert is_held_out.sum(axis=0).min() >= low
    assert is_held_out.sum(axis=0).max() <= high
    # A row and the one nearest to it, which is mostly of the same part.
    distances = ((rows[:, None] - rows[None]) ** 2).sum(axis=2)
    np.fill_diagonal(distances, np.inf)
    nearest = distances.argmin(axis=1)
    both = (is_held_out * is_held_out[:, nearest]).mean()
    assert 0.9 * 0.2**2 < both < 1.1 * 0.2**2


@pytest.mark.parametrize("generator", [ProductMixture(), MMDGAN()])
def test_what_is_no_key_or_no_points_is_refused(generator):
    points = RNG.normal(size=(100, 2))
    assert len(generator.held_out_rows(KEY, points.tolist())) == 10
    with pytest.raises(TypeError, match="Expected one random key"):
        generator.held_out_rows(3, points)
    with pytest.raises(ValueError, match="one row per point"):
        generator.held_out_rows(KEY, points[0])

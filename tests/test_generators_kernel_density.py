"""Kernel density samples against scikit-learn's, and against the definition."""

import jax
import numpy as np
import pytest
from scipy import stats
from sklearn import neighbors

from cgm_jax.generators import KernelDensity

NUM = 40_000
ROWS = np.random.default_rng(0).normal(size=(30, 3)) * [1.0, 3.0, 0.2]


def draw(bandwidth, rows, num=NUM, seed=0):
    fit_key, sample_key = jax.random.split(jax.random.key(seed))
    generator = KernelDensity(bandwidth)
    return np.asarray(generator.sample(sample_key, generator.fit(fit_key, rows), num))


@pytest.mark.parametrize("bandwidth", [0.05, 0.7])
@pytest.mark.medium
def test_same_density_as_scikit_learn(bandwidth):
    other = neighbors.KernelDensity(kernel="gaussian", bandwidth=bandwidth).fit(ROWS)
    ours, theirs = draw(bandwidth, ROWS), other.sample(NUM, random_state=1)
    # Two-sample tests of the log density and of every coordinate.
    ours, theirs = (
        np.column_stack([points, other.score_samples(points)])
        for points in (ours[:5000], theirs[:5000])
    )
    for mine, his in zip(ours.T, theirs.T, strict=True):
        assert stats.ks_2samp(mine, his).pvalue > 1e-3


def test_moments_are_those_of_the_rows_plus_noise():
    bandwidth = 0.7
    points = draw(bandwidth, ROWS)
    expected = np.cov(ROWS.T, bias=True) + bandwidth**2 * np.eye(3)
    centred = points - ROWS.mean(axis=0)
    error = 4 * points.std(axis=0) / np.sqrt(NUM)
    np.testing.assert_array_less(np.abs(centred.mean(axis=0)), error)
    products = centred[:, :, None] * centred[:, None, :]
    error = 4 * products.std(axis=0) / np.sqrt(NUM)
    np.testing.assert_array_less(np.abs(products.mean(axis=0) - expected), error)


@pytest.mark.medium
def test_every_row_is_drawn_alike():
    rows = 100.0 * np.arange(7)[:, None]  # far apart: the nearest row is the one drawn
    points = draw(1.0, rows)
    drawn = np.rint(points[:, 0] / 100).astype(int)
    assert stats.chisquare(np.bincount(drawn, minlength=7)).pvalue > 1e-3
    assert stats.kstest(points[:, 0] - rows[drawn, 0], "norm").pvalue > 1e-3


@pytest.mark.medium
def test_bandwidth_is_the_standard_deviation_in_the_units_of_the_points():
    points = draw(0.05, np.array([[3.0, -2.0]]))
    noise = (points - [3.0, -2.0]) / 0.05
    for coordinate in noise.T:
        assert stats.kstest(coordinate, "norm").pvalue > 1e-3
    assert abs(np.corrcoef(noise.T)[0, 1]) < 4 / np.sqrt(NUM)


@pytest.mark.medium
def test_dtype_is_that_of_the_points():
    assert draw(0.1, ROWS.astype(np.float32), 5).dtype == np.float32
    with jax.enable_x64(True):  # NumPy's float64 scalar must not decide
        assert draw(np.float64(0.1), ROWS.astype(np.float32), 5).dtype == np.float32
    assert draw(0.1, np.arange(6).reshape(3, 2), 5).dtype == np.float32
    points = draw(0.1, ROWS, 5)
    assert points.dtype == np.float64
    assert (points != points.astype(np.float32)).any()  # float64 all the way
    assert not jax.config.jax_enable_x64


def test_model_does_not_follow_later_changes_of_the_points():
    rows = ROWS.copy()
    model = KernelDensity(0.1).fit(jax.random.key(0), rows)
    rows[:] = 0
    np.testing.assert_array_equal(model, ROWS)


@pytest.mark.parametrize("bandwidth", [0.0, -0.1, np.inf, np.nan])
def test_bandwidth_that_is_none(bandwidth):
    with pytest.raises(ValueError, match=f"positive and finite .* got {bandwidth}"):
        KernelDensity(bandwidth)


@pytest.mark.parametrize(
    ("points", "message"),
    [
        (np.zeros((0, 2)), "at least one point"),
        (np.zeros((2, 0)), r"got \(2, 0\)"),
        (np.zeros(3), r"got \(3,\)"),
        (np.array([[0.0, np.nan]]), "finite numbers in points"),
        (np.array([[0.0, np.inf]]), "finite numbers in points"),
    ],
)
def test_points_that_are_no_data(points, message):
    with pytest.raises(ValueError, match=message):
        KernelDensity(0.1).fit(jax.random.key(0), points)

"""Samples of a known mixture against its moments, shares and distribution."""

import jax
import numpy as np
import pytest
from scipy import linalg, stats

from cgm_jax.generators import GaussianMixture

NUM = 50_000
# Far apart: the nearest mean is the component that a point was drawn from.
MEANS = np.array([[0.0, 0.0], [100.0, 0.0], [0.0, 100.0], [100.0, 100.0]])
WEIGHTS = np.array([0.1, 0.0, 0.6, 0.3])
FACTORS = np.array(
    [[[1.0, 0], [0, 1]], [[1, 0], [0, 1]], [[2, 0], [-1, 0.5]], [[1, 0], [3, 0]]]
)
COVARIANCES = FACTORS @ FACTORS.transpose(0, 2, 1)  # correlated; the last is singular


def draw(mixture, num=NUM, seed=0):
    key = jax.random.key(seed)
    return np.asarray(mixture.sample(key, mixture.fit(key, MEANS), num))


@pytest.fixture(scope="module")
def points_and_components():
    points = draw(GaussianMixture(WEIGHTS, MEANS, COVARIANCES))
    squared = ((points[:, None] - MEANS[None]) ** 2).sum(axis=2)
    return points, squared.argmin(axis=1)


def test_fit_returns_the_known_parameters():
    mixture = GaussianMixture(WEIGHTS, MEANS, COVARIANCES)
    assert mixture.fit(jax.random.key(0), np.zeros((3, 2))) is mixture


@pytest.mark.medium
def test_components_are_drawn_by_weight(points_and_components):
    counts = np.bincount(points_and_components[1], minlength=4)
    assert counts[1] == 0  # weight 0 is never drawn
    drawn = WEIGHTS > 0
    assert stats.chisquare(counts[drawn], NUM * WEIGHTS[drawn]).pvalue > 1e-3


@pytest.mark.parametrize("c", [0, 2, 3])
def test_moments_of_every_component(points_and_components, c):
    points, components = points_and_components
    own = points[components == c]
    covariance = COVARIANCES[c]
    spread = np.sqrt(np.diag(covariance))
    error = 4 * spread / np.sqrt(len(own))
    np.testing.assert_array_less(np.abs(own.mean(axis=0) - MEANS[c]), error)
    # var of a sample covariance: (S_ii S_jj + S_ij^2) / n
    error = 4 * np.sqrt((np.outer(spread, spread) ** 2 + covariance**2) / len(own))
    np.testing.assert_array_less(np.abs(np.cov(own.T) - covariance), error)


def test_singular_covariance_stays_in_its_subspace(points_and_components):
    points, components = points_and_components
    centred = points[components == 3] - MEANS[3]
    np.testing.assert_allclose(centred[:, 1], 3 * centred[:, 0], rtol=0, atol=1e-6)


@pytest.mark.medium
def test_noise_is_scaled_by_the_symmetric_root():
    # Unique, unlike eigenvectors: the same points whatever LAPACK is underneath.
    covariance = COVARIANCES[2]
    white, coloured = (
        draw(GaussianMixture([1.0], np.zeros((1, 2)), root[None]), 50)
        for root in (np.eye(2), covariance)
    )
    expected = white @ linalg.sqrtm(covariance)
    np.testing.assert_allclose(coloured, expected, rtol=0, atol=1e-12)


@pytest.mark.medium
def test_distribution_along_a_line():
    means = np.array([[-1.0], [1.5]])
    variances = np.array([0.25, 2.0])
    points = draw(GaussianMixture([0.3, 0.7], means, variances[:, None, None]))

    def cdf(x):
        normals = stats.norm(means, np.sqrt(variances)[:, None])
        return np.array([0.3, 0.7]) @ normals.cdf(x[None])

    assert stats.kstest(points[:, 0], cdf).pvalue > 1e-3


@pytest.mark.medium
def test_dtype_is_that_of_the_means():
    single = GaussianMixture(WEIGHTS, MEANS.astype(np.float32), COVARIANCES)
    double = GaussianMixture(WEIGHTS, MEANS, COVARIANCES)
    assert draw(single, 5).dtype == np.float32
    points = draw(double, 5)
    assert points.dtype == np.float64
    assert (points != points.astype(np.float32)).any()  # float64 all the way
    assert not jax.config.jax_enable_x64


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"weights": np.ones(3) / 3}, r"got \(3,\), \(4, 2\) and \(4, 2, 2\)"),
        ({"means": MEANS[:, :1]}, r"\(4, 1\)"),
        ({"means": MEANS[:, :0]}, r"\(4, 0\)"),
        ({"covariances": np.eye(2)}, r"and \(2, 2\)"),
        ({"weights": np.ones(4)}, "sum to 1"),
        ({"weights": np.array([0.5, 0.7, -0.2, 0.0])}, "at least 0"),
        ({"weights": np.array([0.5, np.nan, 0.5, 0.0])}, "at least 0"),
        ({"means": np.full((4, 2), np.nan)}, "finite means"),
        ({"covariances": COVARIANCES + 1e-3 * np.eye(2, k=1)}, "component 0"),
        ({"covariances": COVARIANCES - 0.3 * np.eye(2)}, "component 2"),
    ],
)
def test_parameters_that_are_no_mixture(changed, message):
    parameters = {"weights": WEIGHTS, "means": MEANS, "covariances": COVARIANCES}
    with pytest.raises(ValueError, match=message):
        GaussianMixture(**(parameters | changed))


@pytest.mark.medium
def test_parameters_rounded_to_float32_pass():
    shares = np.full(7, 1 / 7, np.float32)
    root = np.random.default_rng(0).normal(size=(7, 3, 1))
    covariances = (root * root.transpose(0, 2, 1)).astype(np.float32)  # rank one
    mixture = GaussianMixture(shares, np.zeros((7, 3), np.float32), covariances)
    assert np.isfinite(draw(mixture, 100)).all()

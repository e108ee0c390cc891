"""Blobs and Gaussian mixtures have the moments of their definitions."""

from collections.abc import Callable

import jax
import numpy as np
import pytest

from benchmarks.studies.two_samples import blobs, high_dimensional_gaussian_mixtures

KEY = jax.random.key(0)


def check_moments(
    points: np.ndarray, mean: np.ndarray, covariance: np.ndarray, *, errors: float = 5
):
    """Within standard errors of those of a Gaussian."""
    n = len(points)
    variance = np.diag(covariance)
    assert (np.abs(points.mean(0) - mean) < errors * np.sqrt(variance / n)).all()
    found = np.cov(points, rowvar=False)
    of_covariance = np.sqrt((np.outer(variance, variance) + covariance**2) / n)
    assert (np.abs(found - covariance) < errors * of_covariance).all()


@pytest.mark.smoke
@pytest.mark.parametrize("same", [False, True])
@pytest.mark.medium
def test_blobs_have_their_places_and_leanings(*, same: bool):
    # Fixed by hand from the definition: 0.02 + 0.002 (i − 5) for i > 4.
    covariances = [-0.02, -0.022, -0.024, -0.026, 0, 0.02, 0.022, 0.024, 0.026]
    x, y = (np.asarray(points, float) for points in blobs(KEY, 2_000, same=same))
    assert x.shape == y.shape == (18_000, 2)
    for points, off_diagonal in [
        (x, [0] * 9),
        (y, [0] * 9 if same else covariances),
    ]:
        # Blobs are 5.8 standard deviations apart: hardly a point is nearer another.
        place = np.clip(np.rint(points), 0, 2).astype(int)
        blob = 3 * place[:, 0] + place[:, 1]
        for i in range(9):
            own = points[blob == i]
            assert abs(len(own) - 2_000) < 5 * np.sqrt(18_000 * (1 / 9) * (8 / 9))
            covariance = np.array([[0.03, off_diagonal[i]], [off_diagonal[i], 0.03]])
            # The few that are nearer another blob cost 2 % of a variance.
            check_moments(own, np.array([i // 3, i % 3]), covariance, errors=7)


@pytest.mark.parametrize("d", [2, 10])
@pytest.mark.parametrize("same", [False, True])
@pytest.mark.medium
def test_mixtures_have_the_moments_of_their_definition(d: int, *, same: bool):
    x, y = (
        np.asarray(points, float)
        for points in high_dimensional_gaussian_mixtures(
            KEY, 50_000, num_columns=d, same=same
        )
    )
    assert x.shape == y.shape == (50_000, d)
    # Modes lie across each other. Whole moments: mean 1/4, covariance I + 1/16.
    covariance = np.eye(d) + 1 / 16
    for points in (x, y):
        check_moments(points, np.full(d, 0.25), covariance)
    # The sign of the correlation goes with the mode, which moments of order three see.
    # With u and v the first two coordinates about 1/4, s the sum of all, δ = ∓1/4 the
    # mode's place and c = ±0.5 its covariance, E[u v s] = dδ³ + (d + 2)δc + 2δ on
    # average over modes: u and v each meet both themselves and the other in s.
    of = [np.prod(p[:, :2] - 0.25, axis=1) * (p.sum(1) - d / 4) for p in (x, y)]
    expected = 0.0 if same else -(d + 2) / 8
    for found, mean in zip(of, [0.0, expected], strict=True):
        assert abs(found.mean() - mean) < 5 * found.std() / np.sqrt(len(x))


MAKERS: dict[str, Callable] = {
    "blobs": lambda key: blobs(key, 3),
    "mixtures": lambda key: high_dimensional_gaussian_mixtures(key, 5, num_columns=4),
}


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.medium
def test_a_key_is_a_pair_and_many_keys_are_many(name: str):
    make = jax.jit(MAKERS[name])
    x, y = make(KEY)
    assert x.dtype == y.dtype == np.float32
    assert not np.allclose(x, y)
    keys = jax.random.split(KEY, 3)
    xs, ys = jax.jit(jax.vmap(make))(keys)
    for i, key in enumerate(keys):
        one = make(key)
        np.testing.assert_allclose(xs[i], one[0], rtol=1e-6, atol=1e-6)
        np.testing.assert_allclose(ys[i], one[1], rtol=1e-6, atol=1e-6)
    assert not np.allclose(xs[0], xs[1])


def test_errors():
    with pytest.raises(ValueError, match="num_per_blob >= 1"):
        blobs(KEY, 0)
    with pytest.raises(ValueError, match="num_points >= 1"):
        high_dimensional_gaussian_mixtures(KEY, 0)
    with pytest.raises(ValueError, match="num_columns >= 2"):
        high_dimensional_gaussian_mixtures(KEY, 5, num_columns=1)

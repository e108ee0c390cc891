"""Candidates of experiments: from files, density estimates and mixtures."""

import jax
import numpy as np
import pytest

from cgm_jax.experiments.candidates import (
    SyntheticOptions,
    feature_source,
    fitted_mixture,
    raw_source,
)

KEY = jax.random.key(0)
POOL = np.random.default_rng(0).normal([[2.0, -1.0]], size=(400, 2)).astype(np.float32)


def from_file(path, num_columns=2):
    options = SyntheticOptions(generator="kde", file=path)
    pool = np.zeros((3, num_columns), np.float32)
    return raw_source(KEY, pool, options, shape=None)


def test_points_of_a_file_come_as_they_are(tmp_path):
    points = np.arange(6.0).reshape(3, 2)
    np.save(tmp_path / "drawn.npy", points)
    source = from_file(tmp_path / "drawn.npy")
    drawn = source.draw(3)
    assert np.array_equal(drawn, points)
    assert drawn.dtype == np.float32
    assert "drawn.npy" in source.note


def test_images_in_bytes_are_scaled_and_flattened(tmp_path):
    images = np.array([[[0, 255], [51, 102]]] * 2, np.uint8)
    np.save(tmp_path / "images.npy", images)
    points = from_file(tmp_path / "images.npy", num_columns=4).draw(2)
    np.testing.assert_allclose(points, [[0, 1, 0.2, 0.4]] * 2, rtol=1e-6)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((3, 5)), "2 numbers each, got 3 of 5"),
        (np.zeros((1, 2)), "at least two"),
        (np.full((2, 2), np.nan), "finite"),
        (np.array([["a", "b"]] * 2), "expected an .npy file of synthetic points"),
    ],
)
def test_files_that_do_not_fit_are_refused(tmp_path, array, message):
    np.save(tmp_path / "odd.npy", array)
    with pytest.raises(ValueError, match=message):
        from_file(tmp_path / "odd.npy")


def test_a_file_that_is_no_array_is_refused(tmp_path):
    (tmp_path / "text.npy").write_text("no array")
    with pytest.raises(ValueError, match=r"text\.npy: expected an \.npy file"):
        from_file(tmp_path / "text.npy")


def test_density_estimates_leave_raw_points_alone():
    assert raw_source(KEY, POOL, SyntheticOptions(generator="kde"), shape=None) is None


@pytest.mark.parametrize("generator", ["kde", "gaussian-mixture"])
@pytest.mark.medium
def test_drawn_features_have_the_moments_of_the_pool(generator):
    options = SyntheticOptions(generator=generator, num_components=2)
    source = feature_source(KEY, POOL, options)
    points = source.draw(4_000)
    assert points.shape == (4_000, 2) and points.dtype == np.float32
    error = 5 * POOL.std() / np.sqrt(4_000)
    np.testing.assert_allclose(points.mean(0), POOL.mean(0), atol=error)
    np.testing.assert_allclose(points.std(0), POOL.std(0), rtol=0.1)
    np.testing.assert_array_equal(source.draw(1_500), points[:1_500])


def test_a_fitted_mixture_finds_two_far_clusters():
    pool = np.concatenate([POOL, POOL + 100])
    mixture = fitted_mixture(pool, num_components=2)
    np.testing.assert_allclose(mixture.weights, [0.5, 0.5], atol=1e-6)
    np.testing.assert_allclose(np.ptp(mixture.means, axis=0), 100, rtol=1e-4)


@pytest.mark.slow
def test_a_trained_generator_comes_with_its_quality():
    options = SyntheticOptions(generator="mmd-gan", num_steps=2)
    reports = []
    source = raw_source(
        KEY, POOL, options, shape=None, progress=lambda *state: reports.append(state)
    )
    points = source.draw(50)
    assert points.shape == (50, 2)
    np.testing.assert_array_equal(source.draw(20), points[:20])
    assert source.model.quality is not None
    assert reports[-1][1] == 1.0

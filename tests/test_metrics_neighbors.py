"""Nearest distances: exactly those of a full search, in any dimension and unit."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors
from tolerances import rtol

from cgm_jax._shared.platforms import PLATFORMS, platform
from cgm_jax.metrics import nearest_distances


def clusters(seed: int, num: int, dimension: int) -> np.ndarray:
    """Points as pictures embed: tight groups far apart, some of them copies."""
    rng = np.random.default_rng(seed)
    centers = 10 * rng.normal(size=(7, dimension))
    points = centers[rng.integers(7, size=num)] + rng.normal(size=(num, dimension))
    points[::9] = points[0]
    return points


def by_full_search(queries, points, k):
    differences = queries.astype(float)[:, None] - points.astype(float)[None]
    return np.sort(np.sqrt((differences**2).sum(-1)), axis=1)[:, :k]


@pytest.mark.smoke
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("dimension", [1, 2, 8, 9, 20])  # from 9 or 17 on, no tree
def test_distances_are_those_of_a_full_search(dimension, dtype):
    points = clusters(0, 300, dimension).astype(dtype)
    queries = np.concatenate([points[::4], clusters(1, 50, dimension).astype(dtype)])
    found = nearest_distances(queries, points, num_neighbors=7)
    expected = by_full_search(queries, points, 7)
    np.testing.assert_allclose(found, expected, rtol=rtol(dtype))
    np.testing.assert_array_equal(found == 0, expected == 0)  # copies, at exactly 0
    assert found.dtype == np.float64


def test_distances_are_those_of_a_tree():
    points = clusters(2, 2_000, 3)
    tree = NearestNeighbors(n_neighbors=5, algorithm="kd_tree").fit(points)
    expected = tree.kneighbors(points)[0]
    found = nearest_distances(points, points, num_neighbors=5)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("tile_size", [1, 7, 40, 41])
@pytest.mark.medium
def test_tiles_change_nothing(tile_size, monkeypatch):
    points, queries = clusters(3, 40, 20), clusters(4, 23, 20)
    whole = nearest_distances(queries, points, num_neighbors=6)
    settings = replace(PLATFORMS["cpu"], neighbor_tile_size=tile_size)
    monkeypatch.setitem(PLATFORMS, platform(), settings)
    tiled = nearest_distances(queries, points, num_neighbors=6)
    np.testing.assert_allclose(tiled, whole, rtol=1e-14)


@pytest.mark.parametrize("unit", [1e-300, 1e-40, 1e150, 1e300])
@pytest.mark.parametrize("dimension", [3, 20])
def test_units_change_nothing(dimension, unit):
    points = clusters(5, 40, dimension)
    found = nearest_distances(points * unit, points * unit, num_neighbors=4)
    expected = by_full_search(points, points, 4)
    np.testing.assert_allclose(found / unit, expected, rtol=1e-12)


@pytest.mark.parametrize("dimension", [2, 20])
def test_far_from_the_origin_and_in_float32(dimension):
    points = (clusters(6, 60, dimension) + 1e5).astype(np.float32)
    found = nearest_distances(points, points, num_neighbors=5)
    np.testing.assert_allclose(found, by_full_search(points, points, 5), rtol=1e-6)


@pytest.mark.parametrize("dimension", [2, 20])
def test_all_points_the_same(dimension):
    points = np.full((30, dimension), 0.1)
    assert not nearest_distances(points, points, num_neighbors=30).any()


def test_no_queries():
    points = np.ones((3, 2))
    assert nearest_distances(points[:0], points, num_neighbors=2).shape == (0, 2)


def test_what_does_not_fit_is_refused():
    points = np.ones((3, 2))
    with pytest.raises(ValueError, match="number of points, 3, got 4"):
        nearest_distances(points, points, num_neighbors=4)
    with pytest.raises(ValueError, match="same number of columns"):
        nearest_distances(points[:, :1], points, num_neighbors=1)

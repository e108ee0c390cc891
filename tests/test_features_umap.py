"""UMAP features: neighbours stay, the map is one map, the seed decides."""

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.neighbors import KNeighborsClassifier

from cgm_jax.features import umap_features

NUM_POOL = 600


@pytest.fixture(scope="module")
def digits():
    images, labels = load_digits(return_X_y=True)
    return images, labels


@pytest.fixture(scope="module")
def features(digits):
    pytest.importorskip("umap")
    return umap_features(digits[0][:NUM_POOL], seed=0)


@pytest.mark.slow
def test_neighbours_stay_neighbours(features, digits):
    images, labels = digits
    assert features.pool.shape == (NUM_POOL, 8)
    assert features.pool.dtype == np.float32
    others = features(images[NUM_POOL:])
    assert others.shape == (len(images) - NUM_POOL, 8)
    assert others.dtype == np.float32
    neighbours = KNeighborsClassifier().fit(features.pool, labels[:NUM_POOL])
    assert neighbours.score(others, labels[NUM_POOL:]) > 0.9


@pytest.mark.slow
def test_points_of_the_pool_are_put_where_they_are(features, digits):
    images, _ = digits
    again = features(images[:NUM_POOL])
    spread = features.pool.std(axis=0).min()
    assert np.abs(again - features.pool).max() < 0.1 * spread


@pytest.mark.slow
def test_the_seed_decides(features, digits):
    images, _ = digits
    same = umap_features(images[:NUM_POOL], seed=0)
    np.testing.assert_array_equal(same.pool, features.pool)
    np.testing.assert_array_equal(same(images[-50:]), features(images[-50:]))
    other = umap_features(images[:NUM_POOL], seed=1, num_coordinates=2)
    assert other.pool.shape == (NUM_POOL, 2)
    assert not np.allclose(other.pool, features.pool[:, :2])


@pytest.mark.slow
def test_a_small_pool_is_placed_as_by_default(features, digits):
    umap = pytest.importorskip("umap")
    default = umap.UMAP(n_components=8, random_state=0, n_jobs=1)
    expected = default.fit_transform(digits[0][:NUM_POOL].astype(np.float32))
    np.testing.assert_array_equal(features.pool, expected)


@pytest.mark.slow
def test_a_large_pool_is_placed_too():
    pool = np.random.default_rng(0).normal(size=(4_100, 3))
    pool[:2_000] += 20
    features = umap_features(pool, seed=0, num_coordinates=2)
    places = features(np.array([[0.0] * 3] * 10 + [[20.0] * 3] * 10))
    far = features.pool[:2_000].mean(axis=0)
    near = features.pool[2_000:].mean(axis=0)
    to_far, to_near = (np.linalg.norm(places - c[None], axis=1) for c in (far, near))
    assert (to_near < to_far)[:10].all()
    assert (to_far < to_near)[10:].all()


@pytest.mark.slow
def test_points_of_other_columns_are_refused(features):
    with pytest.raises(ValueError, match=r"points of 64 columns.*got 3"):
        features(np.zeros((20, 3)))


@pytest.mark.parametrize(("num", "k", "least"), [(15, 8, 16), (20, 19, 21)])
def test_a_pool_that_is_too_small(num, k, least):
    with pytest.raises(ValueError, match=f"at least {least} points, got {num}"):
        umap_features(np.zeros((num, 4)), seed=0, num_coordinates=k)


def test_a_pool_that_is_not_finite():
    with pytest.raises(ValueError, match="finite numbers in pool"):
        umap_features(np.full((30, 4), np.nan), seed=0)

"""Labels of synthetic points."""

import numpy as np
import pytest

from cgm_jax.datasets import digits_parties
from cgm_jax.features import labels as module
from cgm_jax.features.labels import label_points, label_shares


@pytest.fixture(scope="module")
def pool():
    data = digits_parties("unequal")
    return np.concatenate(data.parties), np.concatenate(data.labels)


@pytest.fixture
def few_trees(monkeypatch):
    """A forest that is planted quickly, where it does not matter how good it is."""
    monkeypatch.setattr(module, "NUM_TREES", 20)


def test_held_out_digits_get_their_own_label(pool, monkeypatch):
    monkeypatch.setattr(module, "NUM_TREES", 50)
    points, labels = pool
    found = label_points(points[::2], labels[::2], points[1::2], seed=0)
    share = (found.labels == labels[1::2]).mean()
    assert share > 0.9
    # 872 digits a side: four standard errors of a share near 0.95.
    assert abs(found.accuracy - share) < 4 * np.sqrt(0.05 * 0.95 * (2 / 872))


def test_the_same_seed_gives_the_same_labels(pool, few_trees):
    points, labels = pool
    first, again = (
        label_points(points[:200], labels[:200], points[200:300], seed=3).labels
        for _ in range(2)
    )
    np.testing.assert_array_equal(first, again)


def test_labels_keep_their_kind(pool, few_trees):
    points, labels = pool
    names = np.array([f"digit {label}" for label in labels[:300]], object)
    found = label_points(points[:300], names, points[300:310], seed=0).labels
    assert set(found) <= set(names)


def test_a_label_too_rare_to_hold_out_gives_no_accuracy(pool, few_trees):
    points, labels = pool
    rare = labels[:200].astype(object).astype(str)
    rare[0] = "seen once"
    found = label_points(points[:200], rare, points[:5], seed=0)
    assert np.isnan(found.accuracy)
    assert len(found.labels) == 5


def test_of_a_label_a_row_no_library_warns(pool, few_trees):
    points, _ = pool
    labels = np.array([f"patient {i}" for i in range(60)], object)
    found = label_points(points[:60], labels, points[60:65], seed=0)
    assert np.isnan(found.accuracy) and len(found.labels) == 5


def test_labels_are_counted_in_the_pool_and_in_every_reward():
    pool = np.array(["b", "a", "b", "c"], object)
    rewards = [pool[:0], pool[[1, 1, 0]]]
    found = label_shares(pool, rewards, 0.5)
    assert found.labels.tolist() == ["a", "b", "c"]
    assert found.pool.tolist() == [1, 2, 1]
    assert found.rewards.tolist() == [[0, 0, 0], [2, 1, 0]]

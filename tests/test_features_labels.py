"""Labels of synthetic points."""

import numpy as np
import pytest

from cgm_jax.datasets import digits_parties
from cgm_jax.features import labels as module
from cgm_jax.features.labels import (
    PooledLabels,
    accuracy_by_label,
    label_points,
    label_shares,
)
from cgm_jax.tables import Cells


@pytest.fixture(scope="module")
def pool():
    data = digits_parties("unequal")
    return np.concatenate(data.parties), np.concatenate(data.labels)


@pytest.fixture
def few_trees(monkeypatch):
    """A forest that is planted quickly, where it does not matter how good it is."""
    monkeypatch.setattr(module, "NUM_TREES", 20)


@pytest.mark.medium
def test_held_out_digits_get_their_own_label(pool, monkeypatch):
    monkeypatch.setattr(module, "NUM_TREES", 50)
    points, labels = pool
    found = label_points(points[::2], labels[::2], points[1::2], seed=0)
    share = (found.labels == labels[1::2]).mean()
    assert share > 0.9
    # 872 digits a side: four standard errors of a share near 0.95.
    assert abs(found.accuracy - share) < 4 * np.sqrt(0.05 * 0.95 * (2 / 872))


@pytest.mark.medium
def test_the_same_seed_gives_the_same_labels(pool, few_trees):
    points, labels = pool
    first, again = (
        label_points(points[:200], labels[:200], points[200:300], seed=3).labels
        for _ in range(2)
    )
    np.testing.assert_array_equal(first, again)


@pytest.mark.medium
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
    right = [np.full(3, np.nan), np.array([0.5, 1, 0])]
    forest = PooledLabels(pool, 0.5, {"a": 0.25, "b": 0.75})
    found = label_shares(pool, rewards, forest, right)
    np.testing.assert_array_equal(found.right, [0.25, 0.75, np.nan])
    np.testing.assert_array_equal(found.right_by_reward, right)
    assert found.labels.tolist() == ["a", "b", "c"]
    assert found.pool.tolist() == [1, 2, 1]
    assert found.rewards.tolist() == [[0, 0, 0], [2, 1, 0]]


@pytest.mark.medium
def test_accuracy_is_the_mean_of_that_of_each_label(pool, few_trees):
    points, labels = pool
    found = label_points(points[:400], labels[:400], points[:1], seed=0)
    sizes = {label: (labels[:400] == label).sum() for label in np.unique(labels[:400])}
    assert found.right.keys() == sizes.keys() and len(set(found.right.values())) > 3
    mean = sum(found.right[label] * size for label, size in sizes.items()) / 400
    assert abs(mean - found.accuracy) < 1e-12


def cells(points: np.ndarray) -> dict[str, Cells]:
    """Digits as a table, with a number, a category and missing cells among them."""
    table = {
        f"x{i}": Cells("number", column.astype(float), np.zeros(len(points), bool))
        for i, column in enumerate(points.T)
    }
    words = np.where(points[:, 20] > 0.5, "dark", "light").astype(object)
    is_missing = points[:, 21] > 0.9
    words[is_missing] = ""
    numbers = np.where(is_missing, np.nan, points[:, 22])
    table["word"] = Cells("text", words, is_missing)
    table["gap"] = Cells("number", numbers, is_missing)
    return table


@pytest.mark.medium
def test_what_a_reward_teaches_of_each_label(pool):
    """Its rows lack the twos and call all threes eights: none of these is right."""
    points, labels = pool
    synthetic, theirs = points[:900], labels[:900].copy()
    keeps = theirs != 2
    synthetic, theirs = synthetic[keeps], theirs[keeps]
    theirs[theirs == 3] = 8
    real = [cells(points[900:1300]), cells(points[1300:])]
    kinds = dict.fromkeys(real[0], "number") | {"word": "category"}
    right = accuracy_by_label(cells(synthetic), theirs, real, labels[900:], kinds=kinds)
    assert len(right) == 10 and right[2] == right[3] == 0
    assert np.delete(right, [2, 3]).min() > 0.7
    again = accuracy_by_label(cells(synthetic), theirs, real, labels[900:], kinds=kinds)
    np.testing.assert_array_equal(right, again)


def test_an_empty_reward_teaches_nothing(pool):
    points, labels = pool
    real, kinds = cells(points[:30]), {}
    kinds = dict.fromkeys(real, "number") | {"word": "category"}
    right = accuracy_by_label(
        cells(points[:0]), labels[:0], [real], labels[:30], kinds=kinds
    )
    assert np.isnan(right).all() and len(right) == len(np.unique(labels[:30]))

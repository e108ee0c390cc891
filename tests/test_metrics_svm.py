"""Accuracy of support vector machines: scikit-learn's own, on the others' data."""

import numpy as np
import pytest
from sklearn.svm import SVC

from cgm_jax.metrics import svm_accuracies, svm_accuracy


def labelled(seed: int, num: int, shift: float = 0.0):
    points = np.random.default_rng(seed).normal(shift, 1, size=(num, 2))
    return points, (points[:, 0] * points[:, 1] > 0).astype(int)


def test_every_party_is_tested_on_all_others():
    data = [labelled(0, 60), labelled(1, 40, 0.5), labelled(2, 50, -0.5)]
    rewards = [labelled(3, 20), labelled(4, 0), labelled(5, 30)]
    parties, labels = zip(*data, strict=True)
    drawn, drawn_labels = zip(*rewards, strict=True)
    before = svm_accuracies(parties, labels)
    after = svm_accuracies(parties, labels, drawn, drawn_labels)
    for i in range(3):
        others = [j for j in range(3) if j != i]
        test = (
            np.concatenate([parties[j] for j in others]),
            np.concatenate([labels[j] for j in others]),
        )
        machine = SVC().fit(parties[i], labels[i])
        assert before[i] == machine.score(*test)
        machine = SVC().fit(
            np.concatenate([parties[i], drawn[i]]),
            np.concatenate([labels[i], drawn_labels[i]]),
        )
        assert after[i] == machine.score(*test)
    assert after[1] == before[1] and (after != before).any()


def test_a_cap_takes_evenly_spaced_points():
    points, labels = labelled(6, 101)
    test = labelled(7, 200)
    capped = svm_accuracy(points, labels, *test, max_training_points=51)
    assert capped == SVC().fit(points[::2], labels[::2]).score(*test)
    whole = SVC().fit(points, labels).score(*test)
    for cap in (101, None):
        assert svm_accuracy(points, labels, *test, max_training_points=cap) == whole
    assert whole != capped


def test_one_class_alone_is_always_said():
    points, labels = labelled(8, 30)
    one = np.ones(30, int)
    assert svm_accuracy(points, one, points, labels) == labels.mean()


def test_what_does_not_fit_is_refused():
    points, labels = labelled(9, 10)
    with pytest.raises(ValueError, match=r"10 points and labels of shape \(9,\)"):
        svm_accuracy(points, labels[:9], points, labels)
    with pytest.raises(ValueError, match="at least two parties"):
        svm_accuracies([points], [labels])
    with pytest.raises(ValueError, match=r"got \(2, 2, 1, 2\)"):
        svm_accuracies([points] * 2, [labels] * 2, [points], [labels] * 2)


@pytest.mark.parametrize("missing", [None, np.nan, np.float32("inf")])
def test_labels_that_are_missing_are_refused(missing):
    points, labels = labelled(9, 10)
    words = np.array(["a"] * 9 + [missing], object)
    with pytest.raises(ValueError, match="a class for each point, got None, NaN"):
        svm_accuracy(points, words, points, labels)
    with pytest.raises(ValueError, match="a class for each point, got None, NaN"):
        svm_accuracies([points] * 2, [np.array(["a"] * 10, object), words])


def test_text_and_numbers_are_no_labels_together():
    points, labels = labelled(9, 10)
    words = labels.astype(str)
    for test_labels in (words, np.array([1] * 9 + ["a"], object)):
        with pytest.raises(TypeError, match="all text, or none of them"):
            svm_accuracy(points, labels, points, test_labels)
    with pytest.raises(TypeError, match="all text, or none of them"):
        svm_accuracies([points] * 2, [labels, words])
    with pytest.raises(TypeError, match="all text, or none of them"):
        svm_accuracies([points] * 2, [labels] * 2, [points] * 2, [words] * 2)

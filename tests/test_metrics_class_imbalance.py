"""Class imbalance: its definition and its ends."""

import numpy as np
import pytest

from cgm_jax.metrics import class_imbalance


@pytest.mark.parametrize("num_classes", [1, 2, 5, 10])
def test_it_lies_between_even_and_one_class(num_classes):
    even = np.tile(np.arange(num_classes), 3)
    assert class_imbalance(even, num_classes=num_classes) == pytest.approx(
        num_classes**-2
    )
    one = np.full(7, num_classes - 1)
    assert class_imbalance(one, num_classes=num_classes) == pytest.approx(
        1 / num_classes
    )


def test_it_is_the_definition():
    labels = np.random.default_rng(0).integers(3, size=100)
    shares = [(labels == y).sum() / 100 for y in range(5)]  # two classes without points
    expected = sum(p**2 for p in shares) / 5
    assert class_imbalance(labels, num_classes=5) == pytest.approx(expected)


@pytest.mark.parametrize(
    "labels, found",
    [
        (np.array([0, 5]), "got 0 to 5"),
        (np.array([-1, 2]), "got -1 to 2"),
        (np.zeros(0, int), "got none"),
        (np.array([0.5, 1.0]), "dtype float64"),
        (np.zeros((2, 2), int), r"shape \(2, 2\)"),
    ],
)
def test_what_is_no_class_is_refused(labels, found):
    with pytest.raises(ValueError, match=found):
        class_imbalance(labels, num_classes=5)

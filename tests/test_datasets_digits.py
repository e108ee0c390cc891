"""The parties of handwritten digits: real images, owned once, the same everywhere."""

from collections import Counter

import jax
import numpy as np
import pytest
from sklearn.datasets import load_digits

from cgm_jax.datasets import DIGIT_FEATURES, digits_parties, paper_proportions

SPLITS = ("equal-disjoint", "unequal")


def images(points, labels):
    """How often every (image, digit) pair occurs."""
    pairs = zip(np.asarray(points, np.float32), labels, strict=True)
    return Counter((image.tobytes(), int(digit)) for image, digit in pairs)


@pytest.mark.parametrize("split", SPLITS)
def test_parties_own_real_images_once(split):
    data = digits_parties(split)
    bundled = load_digits()
    owned = images(np.concatenate(data.parties), np.concatenate(data.labels))
    assert owned <= images(bundled.data, bundled.target)
    assert list(DIGIT_FEATURES) == bundled.feature_names


@pytest.mark.parametrize("split", SPLITS)
def test_parties_own_their_proportions(split):
    data = digits_parties(split)
    assert [party.shape for party in data.parties] == [(349, 64)] * 5
    assert {party.dtype for party in data.parties} == {np.dtype(np.float32)}
    counts = np.array([np.bincount(labels, minlength=10) for labels in data.labels])
    shares = paper_proportions(split, num_classes=10)
    assert (np.abs(counts - 349 * shares) < 1).all()


@pytest.mark.parametrize(
    ("split", "labels", "checksums"),
    [
        ("equal-disjoint", [1, 0, 1, 1, 1, 1, 0, 0, 0, 0],
         [18965123, 18847057, 18809725, 18680014, 19478504]),
        ("unequal", [7, 1, 9, 5, 7, 7, 3, 4, 1, 1],
         [19085686, 19004631, 18972155, 18719071, 19019866]),
    ],
)  # fmt: skip
@pytest.mark.medium
def test_the_split_is_the_same_everywhere(split, labels, checksums):
    # Whole numbers: nothing rounds, so these hold on every machine and setting.
    default = digits_parties(split)
    with jax.enable_x64(True), jax.default_prng_impl("rbg"):
        other_settings = digits_parties(split)
    for data in (default, other_settings):
        assert data.labels[0][:10].tolist() == labels
        ink = [party.astype(np.int64).sum(axis=1) for party in data.parties]
        assert [int(np.arange(349) @ total) for total in ink] == checksums


def test_unknown_split():
    with pytest.raises(ValueError, match="equal-disjoint, unequal"):
        digits_parties("equal")

"""How real points are shared: the same ones in both splits, none twice."""

import jax
import numpy as np
import pytest

from cgm_jax.datasets import paper_proportions
from cgm_jax.experiments import SPLITS, credit_ratings_data
from cgm_jax.experiments.data import share

KEY = jax.random.key(0)


@pytest.fixture(scope="module", params=[5, 10])
def classes(request):
    return np.random.default_rng(0).permutation(np.arange(3_000) % request.param)


@pytest.mark.medium
def test_both_splits_share_the_same_points(classes):
    """The totals of the classes agree: a tenth (or fifth) of the pool each."""
    shared = share(KEY, classes, party_size=200)
    assert len(shared.pool) == 1_000
    for split in SPLITS:
        owned = np.concatenate(shared.owned[split])
        assert np.array_equal(np.sort(owned), np.arange(1_000))


def test_every_party_has_its_shares_of_the_classes(classes):
    shared = share(KEY, classes, party_size=200)
    labels = classes[shared.pool]
    num_classes = len(np.unique(classes))
    for split in SPLITS:
        expected = 200 * paper_proportions(split, num_classes=num_classes)
        for rows, shares in zip(shared.owned[split], expected, strict=True):
            counts = np.bincount(labels[rows], minlength=num_classes)
            np.testing.assert_allclose(counts, shares, atol=1)


def test_without_a_size_the_parties_are_as_large_as_the_data_allow(classes):
    shared = share(KEY, classes, party_size=None)
    sizes = {len(rows) for split in SPLITS for rows in shared.owned[split]}
    assert len(classes) / 5 - 2 <= min(sizes) <= max(sizes) <= len(classes) / 5


def test_too_few_points_are_refused(classes):
    with pytest.raises(ValueError, match="at most"):
        share(KEY, classes, party_size=601)


def test_credit_ratings_differ_in_who_owns_them_only():
    equal, unequal = credit_ratings_data(num_candidates=20)
    assert np.array_equal(equal.candidates, unequal.candidates)
    assert [data.split for data in (equal, unequal)] == list(SPLITS)

    def pool(data):
        points = np.concatenate(data.parties)
        return points[np.lexsort(points.T)]

    assert np.array_equal(pool(equal), pool(unequal))

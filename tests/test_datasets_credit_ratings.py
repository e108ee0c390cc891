"""The credit ratings against the recipe written out plainly, draw for draw."""

import numpy as np
import pytest

from cgm_jax.datasets import credit_ratings, paper_proportions

SPLITS = ("equal-disjoint", "unequal")


def plain_recipe(split, num_candidates):
    """Every draw by ``multivariate_normal``, in float64."""
    random = np.random.RandomState(2)
    means = random.uniform(size=(5, 2))
    covariance = np.eye(2) / 200
    pools = [random.multivariate_normal(mean, covariance, size=1000) for mean in means]
    used = [0] * 5
    parties = []
    for shares in paper_proportions(split, num_classes=5):
        points = []
        for c, share in enumerate(shares):
            count = int(share * 1000)
            points.append(pools[c][used[c] : used[c] + count])
            used[c] += count
        points = np.concatenate(points)
        parties.append(points[random.permutation(len(points))])
    smallest = min(map(len, parties))
    labels, candidates = [], []
    for _ in range(num_candidates):
        labels.append(random.randint(5))
        candidates.append(random.multivariate_normal(means[labels[-1]], covariance))
    return [party[:smallest] for party in parties], labels, np.array(candidates)


@pytest.mark.parametrize("split", SPLITS)
def test_equals_the_plain_recipe(split):
    data = credit_ratings(split, num_candidates=500)
    parties, labels, candidates = plain_recipe(split, 500)
    # half a rounding of numbers below 2, since float32 is handed out
    for got, expected in zip(data.parties, parties, strict=True):
        np.testing.assert_allclose(got, expected, rtol=0, atol=6e-8)
    np.testing.assert_allclose(data.candidates, candidates, rtol=0, atol=6e-8)
    np.testing.assert_array_equal(data.candidate_labels, labels)


def test_means_are_the_printed_ones():
    printed = [
        [0.435, 0.0259],
        [0.550, 0.435],
        [0.420, 0.330],
        [0.205, 0.619],
        [0.300, 0.267],
    ]
    # App. I.1 truncates 0.43599 to 0.435: one unit of the last printed digit
    means = credit_ratings("unequal", num_candidates=1).means
    np.testing.assert_allclose(means, printed, rtol=0, atol=1e-3)


@pytest.mark.parametrize("split", SPLITS)
def test_parties_own_their_proportions(split):
    data = credit_ratings(split, num_candidates=1)
    assert [party.shape for party in data.parties] == [(1000, 2)] * 5
    counts = [np.bincount(labels, minlength=5) for labels in data.labels]
    shares = paper_proportions(split, num_classes=5)
    np.testing.assert_allclose(counts, 1000 * shares, rtol=1e-12)


def test_both_splits_share_out_the_same_points():
    pooled = []
    for split in SPLITS:
        data = credit_ratings(split, num_candidates=1)
        rows = np.column_stack(
            [np.concatenate(data.labels), *np.concatenate(data.parties).T]
        )
        pooled.append(np.unique(rows, axis=0))
    assert len(pooled[0]) == 5000
    np.testing.assert_array_equal(*pooled)


def test_fewer_candidates_are_a_prefix():
    few, many = (credit_ratings("unequal", num_candidates=m) for m in (70, 300))
    np.testing.assert_array_equal(few.candidates, many.candidates[:70])
    np.testing.assert_array_equal(few.candidate_labels, many.candidate_labels[:70])


@pytest.mark.medium
def test_full_size_and_dtypes():
    data = credit_ratings("equal-disjoint")
    assert data.candidates.shape == (100_000, 2)
    arrays = [data.candidates, data.means, *data.parties]
    assert {array.dtype for array in arrays} == {np.dtype(np.float32)}
    # each class is drawn with probability 1/5, and has covariance I/200
    shares = np.bincount(data.candidate_labels) / 100_000
    assert (np.abs(shares - 0.2) < 4 * np.sqrt(0.16 / 100_000)).all()
    noise = data.candidates - data.means[data.candidate_labels]
    standard_error = np.sqrt(2 / 100_000) / 200
    covariance = np.cov(noise.T.astype(np.float64))
    np.testing.assert_allclose(
        covariance, np.eye(2) / 200, rtol=0, atol=4 * standard_error
    )


def test_bad_input():
    with pytest.raises(ValueError, match="equal-disjoint, unequal"):
        credit_ratings("disjoint")
    with pytest.raises(ValueError, match="num_candidates of at least 1, got 0"):
        credit_ratings("unequal", num_candidates=0)

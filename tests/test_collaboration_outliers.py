"""Outliers that make the kernel flat: found, and told to the mediator."""

import numpy as np
import pytest

from cgm_jax import promise
from cgm_jax.collaboration.outliers import find_outlier
from cgm_jax.gram import median_length_scale, smallest_length_scale
from cgm_jax.kernels import SquaredExponential
from cgm_jax.report.sentences import promise_warnings


# PITFALLS 15
@pytest.mark.medium
def test_a_party_whose_outlier_makes_the_kernel_flat_is_named():
    culprit = 1
    rng = np.random.default_rng(0)
    parties = [rng.normal(size=(n, 2)) for n in (30, 20, 25)]
    candidates = rng.normal(size=(200, 2))
    parties[culprit] = np.array([[60.0, 0.0]])
    candidates[:2] += [60.0, 0.0]
    promises = promise(parties, candidates, stability=False)
    median = median_length_scale(np.concatenate(parties))
    assert promises.length_scale > 10 * median
    (warning,) = (text for text in promise_warnings(promises) if "length scale" in text)
    others = [x for i, x in enumerate(parties) if i != culprit]
    without = smallest_length_scale(SquaredExponential(1.0), others, candidates)
    assert promises.outlier.party == culprit
    np.testing.assert_allclose(promises.outlier.without_party, without)
    assert f"{promises.length_scale:.4g}" in warning and f"{without:.4g}" in warning
    assert f"[{culprit}]" in warning or f"party {culprit}" in warning.lower()
    named = promise_warnings(promises, ["Ada", "Bob", "Cy"])
    assert ["Ada", "Bob", "Cy"][culprit] in named[0]


@pytest.mark.medium
def test_a_length_scale_of_a_few_medians_is_not_flat():
    rng = np.random.default_rng(0)
    parties = [rng.normal(size=(n, 2)) for n in (8, 9)]
    candidates = rng.normal(size=(20, 2))
    median = median_length_scale(np.concatenate(parties))
    assert find_outlier(9.9 * median, parties, candidates) is None
    assert find_outlier(10.1 * median, parties, candidates) is not None


@pytest.mark.medium
def test_of_many_parties_only_those_worth_least_are_tried(monkeypatch):
    rng = np.random.default_rng(0)
    parties = [rng.normal(size=(5, 2)) for _ in range(13)]
    parties[11] = np.array([[60.0, 0.0]])
    candidates = rng.normal(size=(100, 2))
    candidates[:2] += [60.0, 0.0]
    scale = smallest_length_scale(SquaredExponential(1.0), parties, candidates)
    tried = []

    def search(kernel, others, _, mesh):
        tried.append(len(others))
        return smallest_length_scale(kernel, others, candidates)

    monkeypatch.setattr("cgm_jax.collaboration.outliers.smallest_length_scale", search)
    assert find_outlier(scale, parties, candidates).party == 11
    assert tried == [12] * 10


@pytest.mark.medium
def test_data_whose_median_distance_is_zero():
    # Most points are the same, as in data of few categories.
    rng = np.random.default_rng(0)
    points = (rng.uniform(size=(60, 1)) > 0.8).astype(float)
    promises = promise([points[:10], points[10:30]], points[30:], stability=False)
    assert median_length_scale(points[:30]) == 0
    assert promises.outlier is None
    assert not any("length scale" in text for text in promise_warnings(promises))

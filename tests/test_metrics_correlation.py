"""Correlations: SciPy's, the paper's own tables, and those that do not exist."""

import numpy as np
import pytest
from scipy import stats

from cgm_jax.datasets import paper_results
from cgm_jax.metrics import correlation, correlation_summary


@pytest.mark.smoke
@pytest.mark.parametrize("scale", [1e-200, 1.0, 1e200])
def test_it_is_scipys(scale):
    x, y = np.random.default_rng(0).normal(size=(2, 6, 5))
    found = correlation(scale * x, y)
    expected = [stats.pearsonr(a, b).statistic for a, b in zip(x, y, strict=True)]
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    assert correlation(x, y[0])[3] == pytest.approx(stats.pearsonr(x[3], y[0])[0])
    assert correlation(x[0], -2 * x[0] + 1) == pytest.approx(-1)


def test_with_a_constant_or_nothing_finite_there_is_none():
    varied = np.array([1.0, 2.0, 4.0])
    jitter = 0.3 + np.array([0, 1, -1]) * 2**-54
    for nothing in (
        np.zeros(3),
        np.full(3, 0.1),
        jitter,
        [0, np.nan, 1],
        [0, 1, np.inf],
    ):
        assert np.isnan(correlation(nothing, varied))
        assert np.isnan(correlation(varied, nothing))


def test_summary_is_mean_and_standard_error_of_those_that_exist():
    given = np.array([0.1, 0.5, np.nan, 0.9])
    summary = correlation_summary(given)
    assert summary.mean == pytest.approx(0.5)
    assert summary.standard_error == pytest.approx(stats.sem([0.1, 0.5, 0.9]))
    assert summary.count == 3
    one = correlation_summary(given[:1])
    assert (one.mean, one.count) == (0.1, 1) and np.isnan(one.standard_error)
    none = correlation_summary(given[2:3])
    assert np.isnan(none.mean) and none.count == 0


@pytest.mark.parametrize("split", ["equal-disjoint", "unequal"])
@pytest.mark.parametrize(
    "dataset", ["credit-ratings", "credit-card", "mnist", "cifar10"]
)
def test_tables_7_and_8_follow_from_tables_9_to_16(dataset, split):
    """The paper's correlations, from the numbers of points that it prints."""
    paper = paper_results(dataset, split)
    counts = np.stack(list(paper.num_points.values()))
    betas = np.array(list(paper.num_points), float)
    found = correlation_summary(correlation(counts.T, betas))
    printed = paper.beta_correlations["num_points"]
    assert found.mean == pytest.approx(printed.mean, abs=1.1e-3)
    assert found.standard_error == pytest.approx(printed.standard_error, rel=0.01)


def test_lengths_must_fit():
    with pytest.raises(ValueError, match=r"\(3,\) and \(2,\)"):
        correlation(np.ones(3), np.ones(2))
    with pytest.raises(ValueError, match="at least two numbers"):
        correlation(np.ones((4, 1)), np.ones((4, 1)))

"""The paper's printed numbers."""

import itertools

import numpy as np
import pytest

from cgm_jax.datasets import paper_results

DATASETS = ["credit-ratings", "credit-card", "mnist", "cifar10"]
SPLITS = ["equal-disjoint", "unequal"]


@pytest.mark.parametrize("dataset, split", [*itertools.product(DATASETS, SPLITS)])
def test_what_is_printed_fits_together(dataset: str, split: str):
    results = paper_results(dataset, split)
    alpha = results.normalized_shapley
    assert alpha.shape == (5,)
    assert alpha.max() == 1
    # Eq. 6 with the printed alpha, rho and v*, all to three digits.
    expected = alpha**results.rho * results.max_reward_value
    np.testing.assert_allclose(results.reward_values, expected, rtol=6e-3)
    assert list(results.num_points) == list(results.mmd2_unbiased) == [1, 2, 4, 8]
    assert all(n.shape == (5,) for n in results.num_points.values())


def test_a_number_looked_up_by_hand():
    """Table 10, party 2, beta = 4."""
    assert paper_results("credit-ratings", "unequal").num_points[4][1] == 10_732


def test_unknown_names():
    with pytest.raises(ValueError, match='"mnist2" and "unequal"'):
        paper_results("mnist2", "unequal")
    with pytest.raises(ValueError, match='"even"'):
        paper_results("mnist", "even")

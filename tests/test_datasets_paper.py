"""The paper's printed numbers."""

import itertools
import json
from pathlib import Path

import numpy as np
import pytest

from cgm_jax.datasets import paper_proportions, paper_results

DATASETS = ["credit-ratings", "credit-card", "mnist", "cifar10"]
SPLITS = ["equal-disjoint", "unequal"]
PRINTED = Path(__file__).resolve().parents[2] / "shared" / "paper" / "tables.json"


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
    caption = results.normalized_shapley_caption
    np.testing.assert_allclose(caption, alpha, atol=1.1e-3)  # a caption cuts off 0.8529
    assert set(results.beta_correlations) == {"num_points", "mmd2_unbiased"}
    assert (results.accuracy_correlation is None) == (dataset == "credit-ratings")


def test_a_number_looked_up_by_hand():
    """Table 10, party 2, beta = 4."""
    assert paper_results("credit-ratings", "unequal").num_points[4][1] == 10_732


def test_unknown_names():
    with pytest.raises(ValueError, match='"mnist2" and "unequal"'):
        paper_results("mnist2", "unequal")
    with pytest.raises(ValueError, match='"even"'):
        paper_results("mnist", "even")


@pytest.mark.parametrize("dataset, split", [*itertools.product(DATASETS, SPLITS)])
def test_everything_is_as_transcribed_from_the_paper(dataset: str, split: str):
    if not PRINTED.exists():
        pytest.skip(f"no transcription at {PRINTED}")
    printed = json.loads(PRINTED.read_text("utf-8"))
    results = paper_results(dataset, split)
    tables = printed["rewards_tables_9_16"][split][dataset]
    for name in ("table", "length_scale", "max_reward_value", "rho"):
        assert getattr(results, name) == tables[name], name
    assert results.reward_values.tolist() == tables["reward_values"]
    for name in ("num_points", "mmd2_unbiased"):
        ours = getattr(results, name)
        assert {str(beta): ours[beta].tolist() for beta in ours} == {
            beta: run[name] for beta, run in tables["runs"].items()
        }
        correlations = printed["beta_correlations_tables_7_8"][split][name][dataset]
        assert list(results.beta_correlations[name]) == correlations
    alpha = printed["normalized_shapley_tables_5_6"][split][dataset]
    assert results.normalized_shapley.tolist() == alpha
    caption = printed["normalized_shapley_figure_captions"][split][dataset]
    assert results.normalized_shapley_caption.tolist() == caption
    accuracy = printed["downstream_accuracy_correlation_sec_6"][split].get(dataset)
    assert results.accuracy_correlation == accuracy
    num_classes = printed["settings"]["num_classes"][dataset]
    kind = {5: "five-classes", 10: "ten-classes"}[num_classes]
    np.testing.assert_allclose(
        paper_proportions(split, num_classes=num_classes),
        printed["class_proportions_tables_1_4"][kind][split],
        rtol=1e-12,
    )

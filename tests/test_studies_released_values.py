"""What releases cost on the credit ratings: what was measured, measured again."""

import json
from pathlib import Path

import jax
import numpy as np
import pytest

from benchmarks.studies.released_values import (
    DELTA,
    HIGH,
    LOW,
    RewardRow,
    line_of_rewards,
    plain_row,
)
from cgm_jax.datasets import credit_ratings
from cgm_jax.embeddings import hermite_features
from cgm_jax.kernels import SquaredExponential
from cgm_jax.privacy import plan_privacy

RESULTS = Path(__file__).parent.parent / "benchmarks/results/released-values.json"


@pytest.mark.parametrize("split", ["equal-disjoint", "unequal"])
@pytest.mark.medium
def test_errors_at_one_are_small_and_ranks_are_right(split):
    data = credit_ratings(split, num_candidates=2_000)
    features = hermite_features(SquaredExponential(0.3), LOW, HIGH, tolerance=1e-3)
    plan = plan_privacy(
        jax.random.key(1),  # other noise than in the results
        [1_000] * 5,
        features,
        epsilons=[1.0, 3.0],
        delta=DELTA,
        points=data.parties,
        candidates=data.candidates,
        num_repeats=20,
    )
    assert np.all(plan.shapley_errors.mean(axis=1) < [0.03, 0.01])
    # In "unequal" two banks hold the same classes, and their order is chance.
    assert np.all(plan.rank_correlations.mean(axis=1) >= [0.83, 0.9])
    rows = json.loads(RESULTS.read_text())["errors of values"]
    (known,) = [
        row["shapley_error"]
        for row in rows
        if (row["split"], row["length_scale"]) == (split, 0.3)
        and (row["features"], row["epsilon"]) == ("quadrature 1e-03", 1.0)
    ]
    error = np.hypot(*[plan.shapley_errors[0].std() / np.sqrt(20)] * 2)
    assert abs(plan.shapley_errors[0].mean() - known) < 4 * error


def test_infinity_is_a_word_in_json():
    row = RewardRow("unequal", 0.3, 10_000, "any", np.inf, 0.001, 0.002)
    assert plain_row(row)["epsilon"] == "infinity"
    assert "r within 0.10% (at most 0.20%)" in line_of_rewards(row)

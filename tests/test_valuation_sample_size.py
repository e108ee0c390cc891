"""Sample sizes by the bounds of Maleki et al., and that they are enough."""

import math

import jax
import numpy as np
import pytest
from known_games import airport_game

from cgm_jax.valuation import permutation_sample_size, permutation_shapley_values


@pytest.mark.parametrize("error", [0.3, 0.05, 0.01])
@pytest.mark.parametrize("failure", [0.5, 0.05, 1e-6])
def test_by_the_formulas(error: float, failure: float):
    by_range = permutation_sample_size(
        error, failure_probability=failure, marginal_range=2.0
    )
    pairs = by_range // 2
    assert by_range % 2 == 0
    assert 2 * math.exp(-2 * pairs * error**2 / 4) <= failure * (1 + 1e-9)
    assert 2 * math.exp(-2 * (pairs - 1) * error**2 / 4) > failure or pairs == 2
    by_variance = permutation_sample_size(
        error, failure_probability=failure, marginal_variance=0.3
    )
    pairs = by_variance // 2
    assert 0.3 / (pairs * error**2) <= failure * (1 + 1e-9)
    assert 0.3 / ((pairs - 1) * error**2) > failure or pairs == 2


def test_the_better_bound_counts():
    wide = {"marginal_range": 100.0, "marginal_variance": 0.01}
    assert permutation_sample_size(0.1, **wide) == permutation_sample_size(
        0.1, marginal_variance=0.01
    )
    narrow = {"marginal_range": 0.1, "marginal_variance": 1.0}
    assert permutation_sample_size(0.1, **narrow) == permutation_sample_size(
        0.1, marginal_range=0.1
    )


def test_all_parties_at_once_share_the_probability():
    one = permutation_sample_size(0.1, failure_probability=0.01, marginal_range=1.0)
    ten = permutation_sample_size(
        0.1, failure_probability=0.1, marginal_range=1.0, num_parties=10
    )
    assert one == ten


@pytest.mark.parametrize("bound", ["marginal_range", "marginal_variance"])
@pytest.mark.medium
def test_that_many_orders_are_enough(bound: str):
    cost = np.array([0.2, 0.5, 0.6, 1.0])
    values, shapley = airport_game(cost)
    worth = {"marginal_range": cost.max(), "marginal_variance": cost.max() ** 2 / 4}
    size = permutation_sample_size(
        0.1, failure_probability=0.2, num_parties=4, **{bound: worth[bound]}
    )
    failed = 0
    for repeat in range(60):
        key = jax.random.fold_in(jax.random.key(0), repeat)
        found = permutation_shapley_values(key, values, 4, max_permutations=size)
        failed += np.abs(found.values - shapley).max() >= 0.1
    assert failed <= 0.2 * 60


def test_at_least_two_pairs():
    assert permutation_sample_size(10.0, marginal_range=0.0) == 4


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"error": 0.0}, "error above 0"),
        ({"error": math.nan}, "error above 0"),
        ({"failure_probability": 1.0}, "between 0 and 1"),
        ({"failure_probability": 0.0}, "between 0 and 1"),
        ({"num_parties": 0}, "num_parties >= 1"),
        ({"marginal_range": None}, "a marginal_range or a marginal_variance"),
        ({"marginal_range": -1.0}, "finite and >= 0"),
        ({"marginal_variance": math.inf}, "finite and >= 0"),
    ],
)
def test_what_is_out_of_range(changes: dict, message: str):
    options = {"error": 0.1, "marginal_range": 1.0} | changes
    with pytest.raises(ValueError, match=message):
        permutation_sample_size(options.pop("error"), **options)

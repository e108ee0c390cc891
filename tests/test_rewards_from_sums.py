"""Reward schemes from sums and from tables: what they ask for is kept in the scheme."""

import jax
import numpy as np
import oracles
import pytest
from block_games import random_sums

from cgm_jax.gram import GramSums, gram_sums
from cgm_jax.kernels import SquaredExponential
from cgm_jax.rewards import (
    scheme_from_sums,
    scheme_from_values,
    solve_reward_scheme,
    stability_lower_values,
)
from cgm_jax.sampling import weighted_sampling
from cgm_jax.valuation import coalition_values, values_with_candidates


def sums_of_four() -> GramSums:
    sums = random_sums([3, 4, 5, 6, 400])
    return GramSums(sums.between, np.zeros((0, 5)), sums.sizes)


@pytest.mark.parametrize("stability", [True, False])
def test_a_scheme_knows_whether_it_is_stable(*, stability: bool):
    sums = sums_of_four()
    table = np.asarray(coalition_values(sums))
    upper = np.asarray(values_with_candidates(sums))
    options = {"stability": stability, "throw": False, "solver": "closed form"}
    for scheme in (
        scheme_from_sums(sums, **options),
        scheme_from_sums(sums, table, **options),
        scheme_from_values(table, upper, **options),
    ):
        assert scheme.stability is stability
        phi, own = scheme.shapley_values, table[1 << np.arange(4)]
        lower = stability_lower_values(table, phi) if stability else own
        np.testing.assert_allclose(scheme.lower_values, lower, rtol=1e-9)
        np.testing.assert_allclose(scheme.own_values, own, rtol=1e-9)


def test_stability_is_asked_and_never_guessed():
    """The numbers are the same for a game in which both kinds of bounds are."""
    bounds = np.array([0.1, 0.2]), np.array([0.3, 0.4]), np.array([0.8, 0.9])
    assert not solve_reward_scheme(*bounds).stability
    assert solve_reward_scheme(*bounds, stability=True).stability


@pytest.mark.medium
def test_promises_of_weighted_points_are_those_of_their_definition():
    """Sums with weights, a scheme of them, and draws that keep it."""
    rng = np.random.default_rng(0)
    parties = [rng.normal(0.4 * i, 1, (size, 2)) for i, size in enumerate((6, 9, 12))]
    candidates = rng.normal(0.4, 1, (200, 2))
    weights = [rng.uniform(0.2, 3, len(x)) for x in parties]
    kernel, k = SquaredExponential(0.5), oracles.squared_exponential(0.5)

    def value(coalition: int, *, drawn: np.ndarray) -> float:
        chosen = [i for i in range(3) if coalition >> i & 1]
        points = np.concatenate([*(parties[i] for i in chosen), drawn])
        w = np.concatenate([*(weights[i] for i in chosen), np.ones(len(drawn))])
        everyone = np.concatenate([*parties, candidates])
        of_all = np.concatenate([*weights, np.ones(len(candidates))])
        across = w @ k(points, everyone) @ of_all / w.sum() / of_all.sum()
        return 2 * across - w @ k(points, points) @ w / w.sum() ** 2

    table = [value(mask, drawn=candidates[:0]) for mask in range(1, 8)]
    upper = [value(1 << i, drawn=candidates) for i in range(3)]
    exact = scheme_from_values(np.array([0, *table]), np.array(upper))
    sums = gram_sums(kernel, parties, candidates, weights=weights)
    scheme = scheme_from_sums(sums)
    for name in ("shapley_values", "own_values", "upper_values", "reward_values"):
        found, expected = getattr(scheme, name), getattr(exact, name)
        np.testing.assert_allclose(found, expected, rtol=1e-9)
    rewards = weighted_sampling(
        jax.random.key(0),
        kernel,
        candidates,
        sums,
        scheme.reward_values,
        inverse_temperature=1.0,
    )
    for i, reward in enumerate(rewards):
        drawn = candidates[reward.indices]
        assert reward.stop_reason == "reached"
        assert reward.final_value == pytest.approx(value(1 << i, drawn=drawn))
    assert max(len(reward.indices) for reward in rewards) > 0

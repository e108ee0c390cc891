"""Reward schemes from sums and from tables: what they ask for is kept in the scheme."""

import numpy as np
import pytest
from block_games import random_sums

from cgm_jax.gram import GramSums
from cgm_jax.rewards import (
    scheme_from_sums,
    scheme_from_values,
    solve_reward_scheme,
    stability_lower_values,
)
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

"""Sim et al.'s scheme beside ours: App. C.3's game, and games where ours is solved."""

import numpy as np
import pytest
from oracles_games import coverage_game, proposition_2_game, shapley_by_permutations
from test_audit_auditing import scheme_at

from cgm_jax.audit import compare_with_shapley_fair
from cgm_jax.report.sentences import comparison_sentence
from cgm_jax.rewards import scheme_from_values


@pytest.mark.medium
def test_the_game_of_appendix_c3():
    values = np.array(proposition_2_game(), float)
    scheme = scheme_at(values, np.full(4, 18.0), rho=1.0, best=18.0)
    found = compare_with_shapley_fair(values, scheme)
    np.testing.assert_allclose(
        found.their_rewards, [18, 18 * 12 / 13, 18 * 16 / 39, 18 * 17 / 39]
    )
    # Theirs leave parties 3 and 4 of the paper with less than their own 10.
    assert found.worse_off == (2, 3)
    check = found.theirs["R4"]
    assert not check.holds and check.parties == (2,)
    assert check.margin == pytest.approx(18 * 16 / 39 - 10)
    assert comparison_sentence(found, "ABCD") == (
        "Under an older rule, which pays by contribution alone (ρ-Shapley fairness), "
        "these would have less than their own data alone are worth: C, D."
    )
    # Raised to 10, nobody is worse off, but they are now equal.
    assert found.ours["R4"].holds and not found.ours["F3"].holds
    assert found.theirs["F3"].holds
    assert found.their_largest_rho == pytest.approx(np.log(10 / 18) / np.log(16 / 39))


def test_our_scheme_keeps_what_theirs_breaks_where_candidates_allow_it():
    """The optimum of the linear program breaks nothing; theirs at that ρ often does."""
    worse = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        values = coverage_game(rng, 4)
        upper = values[-1] * rng.uniform(1.2, 1.6, size=4)
        scheme = scheme_from_values(
            values, upper, stability=False, throw=False, solver="closed form"
        )
        if not np.isfinite(scheme.rho):
            continue
        found = compare_with_shapley_fair(values, scheme)
        for name in ("R1", "R2", "R3", "R4", "F1", "F2", "F3"):
            assert found.ours[name].holds, (seed, name)
        for name in ("R1", "R2", "R3", "F1", "F2", "F3"):
            assert found.theirs[name].holds, (seed, name)
        own = values[1 << np.arange(4)]
        phi = np.array(shapley_by_permutations(values))
        less = (phi / phi.max()) ** scheme.rho * values[-1] < own - 1e-9
        assert found.worse_off == tuple(np.flatnonzero(less))
        assert found.theirs["R4"].holds == (not less.any())
        assert (scheme.rho > found.their_largest_rho + 1e-9) == less.any()
        worse += less.any()
    assert worse > 5

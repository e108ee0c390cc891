"""Bounds that exclude each other, or do not bind, and a solver that fails."""

import cvxpy
import numpy as np
import pytest

from cgm_jax.report.sentences import scheme_warnings
from cgm_jax.rewards import (
    InfeasibleError,
    RewardSchemeError,
    RewardStatus,
    solve_reward_scheme,
)


@pytest.mark.parametrize("low", [0.0, -0.3, 1e-300])
def test_lower_values_without_a_logarithm_do_not_bind(low: float):
    shapley, upper = np.array([0.2, 0.5, 0.1]), np.array([0.6, 0.5, 0.7])
    lower = np.array([low, 0.1, 0.12])
    given = lower.copy()
    scheme = solve_reward_scheme(shapley, lower, upper)
    without = solve_reward_scheme(shapley, [0.05, 0.1, 0.12], upper)
    np.testing.assert_allclose(scheme.reward_values, without.reward_values, rtol=1e-9)
    assert scheme.floored_parties == (0,)
    assert scheme.floor == pytest.approx(0.5e-12)
    (warning,) = scheme_warnings(scheme)
    assert warning.startswith("party 0 (counted") and "5.0e-13" in warning
    np.testing.assert_array_equal(lower, given)
    np.testing.assert_array_equal(scheme.lower_values, given)
    assert len(scheme.feasible_vertices) >= 3


def test_one_party_in_conflict_with_itself():
    with pytest.raises(InfeasibleError) as caught:
        solve_reward_scheme([0.1, 0.2], [0.2, 0.51], [0.6, 0.5])
    assert (caught.value.lower_party, caught.value.upper_party) == (1, 1)
    assert caught.value.status is RewardStatus.INFEASIBLE


@pytest.mark.parametrize("upper", [0.0, -0.01])
def test_a_party_that_can_get_nothing(upper: float):
    with pytest.raises(InfeasibleError, match=f"at most {upper:g}") as caught:
        solve_reward_scheme([0.1, 0.2], [0.2, 0.3], [upper, 0.5])
    assert caught.value.upper_party == 0


def test_a_small_conflict_is_still_one():
    lower, upper = [0.1, 0.5 * (1 + 1e-8)], [0.5, 0.5]
    with pytest.raises(InfeasibleError):
        solve_reward_scheme([0.1, 0.2], lower, upper)


def test_bounds_that_meet_are_no_conflict():
    scheme = solve_reward_scheme([0.1, 0.2], [0.25, 0.5], [0.5, 0.5])
    np.testing.assert_array_equal(scheme.reward_values, [0.25, 0.5])
    scheme = solve_reward_scheme([0.1, 0.2], [0.5, 0.5], [0.5, 0.5])
    np.testing.assert_array_equal(scheme.reward_values, [0.5, 0.5])
    assert scheme.rho == pytest.approx(0, abs=1e-9)


def test_the_status_instead_of_an_error():
    scheme = solve_reward_scheme([0.1, 0.2], [0.2, 0.6], [0.5, 0.5], throw=False)
    assert scheme.status is RewardStatus.INFEASIBLE
    assert np.isnan(scheme.reward_values).all()
    assert np.isnan([scheme.max_reward_value, scheme.rho]).all()
    assert scheme.limiting_upper_party is scheme.limiting_lower_party is None
    assert scheme_warnings(scheme) == [] and scheme.rectified_parties == ()
    assert scheme.feasible_vertices.shape == (0, 2)


@pytest.mark.parametrize("end", ["raises", "user_limit"])
def test_a_solver_that_fails(monkeypatch: pytest.MonkeyPatch, end: str):
    def solve(self, **options):
        if end == "raises":
            raise cvxpy.SolverError("no reason")
        self._status = end

    monkeypatch.setattr(cvxpy.Problem, "solve", solve)
    with pytest.raises(RewardSchemeError, match="not solved") as caught:
        solve_reward_scheme([0.1, 0.2], [0.2, 0.3], [0.5, 0.5])
    assert caught.value.status is RewardStatus.FAILED

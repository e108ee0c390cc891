"""The least relaxation: the largest common factor on what parties must get."""

from functools import cache

import numpy as np
import pytest
from scipy.optimize import linprog
from test_rewards_linear_programme import (
    FEASIBLE,
    INFEASIBLE,
    random_problem,
    solvers_of,
)

from cgm_jax.report.sentences import scheme_warnings
from cgm_jax.rewards import (
    InfeasibleError,
    NoContributionError,
    RewardStatus,
    scheme_from_values,
    solve_reward_scheme,
)


@cache
def largest_factor(seed: int) -> float:
    """The largest c in (0, 1] with which c times the lower values can be kept: the
    best (log v*, ρ, log c) of a linear program of SciPy's."""
    shapley, lower, upper = random_problem(seed)
    slopes, ones = -np.log(shapley / shapley.max()), np.ones(len(shapley))
    bounded = lower > 0
    found = linprog(
        [0.0, 0.0, -1.0],
        A_ub=np.concatenate(
            [
                # log c + log lower <= log v* − ρ slope
                np.stack([-ones, slopes, ones], 1)[bounded],
                np.stack([ones, -slopes, 0 * ones], 1),  # log v* − ρ slope <= log upper
            ]
        ),
        b_ub=np.concatenate([-np.log(lower[bounded]), np.log(upper)]),
        bounds=[(None, None), (0, 1), (None, 0)],
        options={"primal_feasibility_tolerance": 1e-10},
    )
    assert found.status == 0
    return float(np.exp(found.x[2]))


@pytest.mark.medium
def test_the_factor_is_the_largest_that_can_be_kept():
    for seed, solver in solvers_of(INFEASIBLE):
        problem = random_problem(seed)
        scheme = solve_reward_scheme(*problem, relax=True, solver=solver)
        assert scheme.status is RewardStatus.RELAXED, seed
        expected = largest_factor(seed)
        assert 0 < scheme.relaxation < 1
        assert scheme.relaxation == pytest.approx(expected, rel=5e-9), seed


@pytest.mark.medium
def test_what_is_feasible_is_not_relaxed():
    for seed, solver in solvers_of(FEASIBLE):
        problem = random_problem(seed)
        scheme = solve_reward_scheme(*problem, relax=True, solver=solver)
        plain = solve_reward_scheme(*problem, solver=solver)
        assert scheme.status is RewardStatus.OPTIMAL
        assert scheme.relaxation == plain.relaxation == largest_factor(seed) == 1
        assert (scheme.rho, scheme.max_reward_value) == (
            plain.rho,
            plain.max_reward_value,
        )
        np.testing.assert_array_equal(scheme.reward_values, plain.reward_values)


@pytest.mark.medium
def test_relaxed_rewards_are_between_their_bounds_and_in_the_order_of_contributions():
    for seed, solver in solvers_of(INFEASIBLE):
        shapley, lower, upper = random_problem(seed)
        scheme = solve_reward_scheme(
            shapley, lower, upper, own_values=0 * lower, relax=True, solver=solver
        )
        r, least = scheme.reward_values, scheme.relaxation * lower
        assert np.all(least <= r) and np.all(r <= upper), seed
        assert np.all(np.diff(r[np.argsort(shapley)]) >= 0), seed
        assert r[np.argmax(shapley)] == r.max() == scheme.max_reward_value
        # Both bounds are reached, by the parties that the scheme names.
        low, high = scheme.limiting_lower_party, scheme.limiting_upper_party
        assert r[high] == upper[high]
        if low is not None:
            assert r[low] == pytest.approx(least[low], rel=1e-8)
        assert len(scheme.feasible_vertices) >= 1
        np.testing.assert_array_equal(scheme.lower_values, lower)


def test_who_can_get_more_makes_the_factor_no_smaller():
    for seed in INFEASIBLE:
        shapley, lower, upper = random_problem(seed)
        before = 0.0
        for times in (0.5, 0.9, 1.0, 1.1, 2.0, 1e9):
            more = upper.copy()
            more[seed % len(more)] *= times
            scheme = solve_reward_scheme(
                shapley, lower, more, relax=True, solver="closed form"
            )
            assert scheme.relaxation >= before * (1 - 1e-9)
            before = scheme.relaxation


@pytest.mark.parametrize("solver", ["cvxpy", "closed form"])
def test_with_one_factor_left_rho_is_the_largest(solver):
    """Party 0 alone decides c, which is 0.8 whatever ρ is."""
    options = {"own_values": [0.1, 0.1], "relax": True, "solver": solver}
    scheme = solve_reward_scheme([1.0, 0.25], [0.5, 0.1], [0.4, 0.4], **options)
    assert scheme.relaxation == pytest.approx(0.8, rel=1e-9)
    assert scheme.rho == 1
    np.testing.assert_allclose(scheme.reward_values, [0.4, 0.1], rtol=1e-9)


def test_own_values_are_kept_and_only_they_raise_a_reward_above_its_upper_value():
    own = np.array([0.2, 0.45, 0.3])
    scheme = solve_reward_scheme(
        [0.1, 0.2, 0.4], [0.6, 0.6, 0.9], [0.5, 0.4, 0.5], own_values=own, relax=True
    )
    r = scheme.reward_values
    assert scheme.status is RewardStatus.RELAXED
    assert np.all(r >= own)  # R4
    assert scheme.rectified_parties == (1,) and r[1] == own[1] > scheme.upper_values[1]
    assert r[0] <= 0.5 and r[2] <= 0.5
    assert any("raised" in warning for warning in scheme_warnings(scheme))


@pytest.mark.parametrize("solver", ["cvxpy", "closed form"])
@pytest.mark.parametrize("low", [0.0, -0.3])
def test_lower_values_without_a_logarithm_do_not_bind(low: float, solver):
    shapley, upper = np.array([0.2, 0.5, 0.1]), np.array([0.6, 0.5, 0.7])
    options = {"relax": True, "solver": solver}
    lower, own = np.array([low, 0.8, 0.12]), np.full(3, 0.1)
    scheme = solve_reward_scheme(shapley, lower, upper, own_values=own, **options)
    others = solve_reward_scheme(
        shapley[1:], lower[1:], upper[1:], own_values=own[1:], **options
    )
    assert scheme.relaxation == pytest.approx(0.625, rel=1e-9)
    assert others.relaxation == pytest.approx(0.625, rel=1e-9)
    assert scheme.floored_parties == (0,)
    np.testing.assert_allclose(
        scheme.reward_values[1:], others.reward_values, rtol=1e-9
    )


def test_who_contributes_nothing_is_left_out():
    scheme = solve_reward_scheme(
        [0.1, -0.2, 0.3], [0.5, 9.0, 0.6], [0.5, 0.4, 0.3], relax=True
    )
    others = solve_reward_scheme([0.1, 0.3], [0.5, 0.6], [0.5, 0.3], relax=True)
    assert scheme.relaxation == others.relaxation
    np.testing.assert_array_equal(scheme.reward_values[[0, 2]], others.reward_values)
    assert scheme.reward_values[1] == 9  # its own data, which are with it already


def test_where_no_factor_helps_the_errors_are_those_without_relaxation():
    with pytest.raises(InfeasibleError, match="at most 0,"):
        solve_reward_scheme([0.1, 0.2], [0.2, 0.3], [0.0, 0.5], relax=True)
    with pytest.raises(NoContributionError):
        solve_reward_scheme([0.0, -0.2], [0.2, 0.3], [0.4, 0.5], relax=True)


def test_no_coalition_does_better_alone_by_more_than_the_factor():
    """Stability in a game whose candidates do not reach v(N)."""
    values = np.array([0.0, 0.3, 0.35, 0.6, 0.4, 0.65, 0.68, 0.9])
    scheme = scheme_from_values(values, np.full(3, 0.7), relax=True)
    assert scheme.stability and scheme.status is RewardStatus.RELAXED
    assert scheme.relaxation == pytest.approx(0.7 / 0.9, rel=1e-9)
    for coalition in range(1, 8):
        members = np.flatnonzero(coalition >> np.arange(3) & 1)
        leader = members[np.argmax(scheme.shapley_values[members])]
        least = scheme.relaxation * values[coalition]
        assert scheme.reward_values[leader] >= least * (1 - 1e-9)


def test_schemes_are_shown_in_one_line():
    problem = [0.1, 0.2], [0.5, 1.0], [0.8, 0.9]
    plain = solve_reward_scheme(*problem, throw=False, stability=True)
    assert repr(plain) == "RewardScheme(infeasible, n=2, stable)"
    relaxed = solve_reward_scheme(*problem, relax=True, stability=True)
    assert repr(relaxed) == "RewardScheme(relaxed, n=2, v*=0.9, ρ=1, c=0.9, stable)"
    optimal = solve_reward_scheme([0.1, 0.2], [0.3, 0.4], [0.8, 0.9])
    assert (
        repr(optimal)
        == "RewardScheme(optimal, n=2, v*=0.9, ρ=1, individually rational)"
    )

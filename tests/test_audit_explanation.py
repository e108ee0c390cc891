"""Explanations of reward schemes, against solving the changed programs."""

import itertools

import numpy as np
import pytest
from oracles_games import coverage_game
from scipy.optimize import linprog
from small_collaborations import infeasible_points
from small_sums import small_sums

from cgm_jax.audit import explain_scheme
from cgm_jax.audit.explanation import Bound
from cgm_jax.gram import gram_sums
from cgm_jax.kernels import SquaredExponential
from cgm_jax.rewards import RewardStatus, scheme_from_sums, solve_reward_scheme
from cgm_jax.valuation import coalition_values, shapley_values


def random_scheme(seed: int, *, room: float = 0.9):
    rng = np.random.default_rng(seed)
    shapley = rng.uniform(0.1, 1, size=4)
    lower = rng.uniform(0.5, 1, size=4)
    return solve_reward_scheme(
        shapley, lower, lower + room * rng.uniform(-0.5, 1, size=4), throw=False
    )


SCHEMES = [random_scheme(seed) for seed in range(40)]
OPTIMAL = [s for s in SCHEMES if s.status is RewardStatus.OPTIMAL]
# Most are: some of them are enough.
INFEASIBLE = [s for s in SCHEMES if s.status is RewardStatus.INFEASIBLE][:12]


def test_there_are_schemes_of_both_kinds():
    assert len(OPTIMAL) > 4 and len(INFEASIBLE) > 4


def test_binding_bounds_are_those_that_matter():
    """Relaxing a bound that does not bind changes nothing; one that binds, does."""
    for scheme in OPTIMAL:
        binding = set(explain_scheme(scheme).binding)
        for i in range(4):
            for side, sign in (("lower", -1), ("upper", 1)):
                bounds = {
                    "lower": scheme.lower_values.copy(),
                    "upper": scheme.upper_values.copy(),
                }
                bounds[side][i] *= np.exp(sign * 1e-4)
                relaxed = solve_reward_scheme(
                    scheme.shapley_values,
                    bounds["lower"],
                    bounds["upper"],
                    solver="closed form",
                )
                is_moved = abs(relaxed.rho - scheme.rho) > 1e-7 or (
                    abs(relaxed.max_reward_value / scheme.max_reward_value - 1) > 1e-7
                )
                assert is_moved == (Bound(i, side) in binding)


def test_rho_itself_can_bind():
    scheme = solve_reward_scheme(np.array([1.0, 2.0]), np.ones(2), np.array([3, 4.0]))
    assert explain_scheme(scheme).binding == (Bound(1, "upper"), Bound(None, "rho = 1"))
    equal = solve_reward_scheme(
        np.array([1.0, 2.0]), np.array([2.0, 1.0]), np.array([2.0, 2.0])
    )
    assert Bound(None, "rho = 0") in explain_scheme(equal).binding


@pytest.mark.medium
def test_the_optimum_does_not_depend_on_the_fairness_weight():
    for scheme, weight in itertools.product(OPTIMAL, (1e-6, 1e-2, 1.0, 1e4)):
        other = solve_reward_scheme(
            scheme.shapley_values,
            scheme.lower_values,
            scheme.upper_values,
            fairness_weight=weight,
        )
        assert other.rho == pytest.approx(scheme.rho, abs=1e-7)
        assert other.max_reward_value == pytest.approx(scheme.max_reward_value)


@pytest.mark.medium
def test_without_a_party_is_the_program_without_its_bounds():
    for scheme in OPTIMAL + INFEASIBLE:
        for found in explain_scheme(scheme).without:
            lower = np.where(np.arange(4) == found.party, 1e-9, scheme.lower_values)
            upper = np.where(np.arange(4) == found.party, 1e9, scheme.upper_values)
            other = solve_reward_scheme(
                scheme.shapley_values, lower, upper, throw=False
            )
            np.testing.assert_allclose(found.rho, other.rho, atol=1e-7)
            # v* is in the units of the best party of all, whoever is left out.
            np.testing.assert_allclose(
                found.max_reward_value, other.max_reward_value, rtol=1e-6
            )


def test_every_repair_is_enough_and_no_more():
    for scheme in INFEASIBLE:
        found = explain_scheme(scheme)
        assert found.binding == ()
        for extra in (-1e-6, 1e-6):
            lower = scheme.lower_values * (1 - found.shortfall - extra)
            status = solve_reward_scheme(
                scheme.shapley_values,
                lower,
                scheme.upper_values,
                throw=False,
                solver="closed form",
            ).status
            assert (status is RewardStatus.OPTIMAL) == (extra > 0)
        changes = [abs(np.log(r.needed / r.value)) for r in found.repairs]
        assert np.diff(changes).min(initial=0) > -1e-9
        for repair in found.repairs:
            for extra, is_enough in ((1e-6, True), (-1e-6, False)):
                bounds = {
                    "lower": scheme.lower_values.copy(),
                    "upper": scheme.upper_values.copy(),
                }
                sign = -1 if repair.side == "lower" else 1
                bounds[repair.side][repair.party] = repair.needed * np.exp(sign * extra)
                status = solve_reward_scheme(
                    scheme.shapley_values,
                    bounds["lower"],
                    bounds["upper"],
                    throw=False,
                    solver="closed form",
                ).status
                assert (status is RewardStatus.OPTIMAL) == is_enough


def least_change(scheme, party: int, side: str) -> float:
    """Minimise δ in lower + ρ s − δ ≤ log v* ≤ upper + ρ s + δ, δ of one bound only."""
    region = scheme.region
    ones, moved = np.ones(4), np.where(region.parties == party, -1.0, 0.0)
    sides = {"lower": np.zeros(4), "upper": np.zeros(4)} | {side: moved}
    lower = np.stack([region.slopes, -ones, sides["lower"]], 1)
    upper = np.stack([-region.slopes, ones, sides["upper"]], 1)
    solution = linprog(
        [0, 0, 1],
        A_ub=np.concatenate([lower, upper]),
        b_ub=np.concatenate([-region.log_lower, region.log_upper]),
        bounds=[(0, 1), (None, None), (0, None)],
    )
    return float(solution.x[2]) if solution.status == 0 else np.inf


@pytest.mark.medium
def test_repairs_are_those_of_a_linear_program():
    for scheme in INFEASIBLE:
        changes = {
            (r.party, r.side): abs(np.log(r.needed / r.value))
            for r in explain_scheme(scheme).repairs
        }
        for party in range(4):
            for side in ("lower", "upper"):
                change = changes.get((party, side), np.inf)
                expected = least_change(scheme, party, side)
                np.testing.assert_allclose(change, expected, atol=1e-7)


# --- from the sums


@pytest.mark.medium
def test_the_game_of_the_others_is_on_the_same_reference_set():
    sums = small_sums(4)
    scheme = scheme_from_sums(sums, stability=False, throw=False)
    found = explain_scheme(scheme, sums)
    values = np.asarray(coalition_values(sums))
    for other in found.without:
        masks = [c for c in range(16) if not c >> other.party & 1]
        expected = np.asarray(shapley_values(values[masks]))
        np.testing.assert_allclose(other.in_game.shapley_values, expected, atol=1e-12)


@pytest.mark.parametrize("stability", [False, True])
@pytest.mark.medium
def test_a_scaled_kernel_names_the_same_parties(*, stability: bool):
    kernel = SquaredExponential(0.5)
    explanations = []
    for scaled in (kernel, 2.0 * kernel):
        sums = gram_sums(scaled, *infeasible_points())
        scheme = scheme_from_sums(sums, stability=stability, throw=False)
        explanations.append(explain_scheme(scheme, sums))
    one, two = explanations
    assert (one.scheme.status is RewardStatus.INFEASIBLE) == stability
    assert one.binding == two.binding
    np.testing.assert_allclose(two.shortfall, one.shortfall, rtol=1e-9)
    for a, b in zip(one.without, two.without, strict=True):
        assert a.party == b.party
        np.testing.assert_allclose(b.rho, a.rho, rtol=1e-9)
        np.testing.assert_allclose(
            b.max_reward_value, 2 * a.max_reward_value, rtol=1e-9
        )
        np.testing.assert_allclose(
            b.in_game.reward_values, 2 * a.in_game.reward_values, rtol=1e-9
        )
    assert bool(one.repairs) == stability
    for a, b in zip(one.repairs, two.repairs, strict=True):
        assert (a.party, a.side) == (b.party, b.side)
        np.testing.assert_allclose([b.value, b.needed], [2 * a.value, 2 * a.needed])


@pytest.mark.medium
def test_relaxed_schemes_are_bound_by_what_was_promised():
    for scheme in INFEASIBLE:
        relaxed = solve_reward_scheme(
            scheme.shapley_values, scheme.lower_values, scheme.upper_values, relax=True
        )
        found = explain_scheme(relaxed)
        assert {bound.side for bound in found.binding} >= {"lower", "upper"}
        assert found.repairs == ()
        expected = explain_scheme(scheme).shortfall
        assert found.shortfall == pytest.approx(expected, abs=1e-7)


def test_schemes_of_games_are_explained_too():
    values = coverage_game(np.random.default_rng(0), 4)
    shapley = np.asarray(shapley_values(values))
    scheme = solve_reward_scheme(
        shapley, values[1 << np.arange(4)], np.full(4, values[-1])
    )
    assert explain_scheme(scheme).binding

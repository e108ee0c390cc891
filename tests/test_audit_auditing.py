"""Audits of whole collaborations, of Proposition 2's game and of Proposition 3."""

import dataclasses

import jax
import numpy as np
import pytest
from oracles_games import coverage_game, proposition_2_game, shapley_by_permutations
from small_collaborations import (
    infeasible_points,
    small_collaboration,
    stable_collaboration,
    with_promises,
    with_reward,
)

from cgm_jax import Collaboration, promise
from cgm_jax.audit import (
    SecondGame,
    audit,
    audit_promises,
    check_monotonicity,
    sufficient_conditions,
)
from cgm_jax.audit.auditing import tolerance_of
from cgm_jax.report.sentences import audit_sentences
from cgm_jax.rewards import RewardScheme, RewardStatus, solve_reward_scheme
from cgm_jax.valuation import coalition_values, values_of_coalitions

FAIR = ("F1", "F2", "F3", "F4")


def scheme_at(values, upper, *, rho: float, best: float) -> RewardScheme:
    """Equation 6 at any ρ and v*, without a linear program."""
    shapley = np.array(shapley_by_permutations(values), float)
    own = np.asarray(values, float)[1 << np.arange(len(shapley))]
    unsolved = RewardScheme(
        max_reward_value=best,
        rho=rho,
        reward_values=own,
        status=RewardStatus.OPTIMAL,
        shapley_values=shapley,
        lower_values=own,
        upper_values=upper,
        own_values=own,
        fairness_weight=1e-3,
        stability=False,
    )
    rewards = np.maximum(own, unsolved.fair_shares)
    return dataclasses.replace(unsolved, reward_values=rewards)


def trial_game(values, scheme: RewardScheme) -> SecondGame:
    """All data together are worth 1 % more; φ anew, ρ and v* the same."""
    raised = np.append(values[:-1], values[-1] + 0.01 * abs(values[-1]))
    shapley = scheme.shapley_values + 0.01 * abs(values[-1]) / len(
        scheme.shapley_values
    )
    positive = np.where(shapley > 1e-12 * np.abs(shapley).max(), shapley, 0)
    shares = np.where(positive > 0, (positive / shapley.max()) ** scheme.rho, 0)
    rewards = np.maximum(shares * scheme.max_reward_value, scheme.own_values)
    return SecondGame(raised, np.maximum(rewards, 0), scheme.max_reward_value)


def trial_check(values, scheme: RewardScheme, *, tolerance: float = 1e-9):
    """F4 by its definition, on two whole games."""
    second = trial_game(values, scheme)
    return check_monotonicity(values, scheme.reward_values, second, tolerance=tolerance)


def flagged(checks) -> set[str]:
    return {name for name, check in checks.items() if not check.holds} - {"R7"}


# --- Proposition 2


def test_the_game_of_proposition_2_is_flagged_for_strict_desirability():
    values = np.array(proposition_2_game(), float)
    scheme = scheme_at(values, np.full(4, 18.0), rho=1.0, best=18.0)
    found = audit_promises(values, scheme)
    assert flagged(found.assigned) == {"F3", "F4"}
    check = found.assigned["F3"]
    # Party 4 of the paper adds more than party 3 to the coalition of party 1.
    assert (check.parties, check.coalition, check.margin) == ((3, 2), (0,), 0)
    assert found.broken[0] == ("assigned", check)
    assert found.conditions.guaranteed == ("R1", "R2", "R3", "R4")
    # R7 is no promise: here 54 + 8/13 of 72.
    assert found.assigned_welfare == pytest.approx((18 + 18 * 12 / 13 + 20) / 72)


def test_raising_a_reward_to_the_own_value_breaks_monotonicity_too():
    values = np.array(proposition_2_game(), float)
    scheme = scheme_at(values, np.full(4, 18.0), rho=1.0, best=18.0)
    check = audit_promises(values, scheme).assigned["F4"]
    assert not check.holds and check.parties[0] in (2, 3) and check.margin == 0
    assert check.coalition == (0, 1, 2, 3)
    np.testing.assert_allclose(
        np.array(shapley_by_permutations(trial_game(values, scheme).values)),
        scheme.shapley_values + 0.045,
    )


# --- Proposition 3


def random_scheme(rng: np.random.Generator):
    """A monotone game with ties and useless parties, and any ρ and v*."""
    n = int(rng.integers(2, 6))
    values = coverage_game(rng, n)
    if rng.uniform() < 0.3:  # two equal parties: what one adds, the other does
        values = np.maximum(values, values[_swapped(n)])
    if rng.uniform() < 0.3:  # the last party is useless
        values[2 ** (n - 1) :] = values[: 2 ** (n - 1)]
    rho = rng.choice([0.0, rng.uniform(0, 0.2), rng.uniform()])
    best = values[-1] * rng.choice([1.0, rng.uniform(0.5, 1.5)])
    upper = values[-1] * rng.uniform(1.0, 1.8, size=n)
    return values, scheme_at(values, upper, rho=float(rho), best=float(best))


def _swapped(n: int) -> np.ndarray:
    masks = np.arange(2**n)
    return masks & ~3 | (masks & 1) << 1 | masks >> 1 & 1


@pytest.mark.medium
def test_whatever_proposition_3_guarantees_is_found_to_hold():
    rng = np.random.default_rng(3)
    guaranteed = {"": 0, "a": 0, "b": 0, "c": 0}
    broken_without = set()
    for _ in range(400):
        values, scheme = random_scheme(rng)
        found = audit_promises(values, scheme)
        assert found.assigned["F4"] == trial_check(values, scheme)
        conditions = found.conditions
        assert conditions.nonnegative and conditions.monotone
        assert found.negative_marginals == 0
        assert not flagged(found.assigned) & set(conditions.guaranteed)
        letter = "c" * conditions.c or "b" * conditions.b or "a" * conditions.a
        guaranteed[letter] += 1
        broken_without |= flagged(found.assigned) - set(conditions.guaranteed)
    assert min(guaranteed.values()) > 12, guaranteed
    # And this is not empty: without the conditions all can fail but those that
    # Equation 6 keeps by itself.
    assert broken_without == {"R2", "R3", "R6", "F3", "F4"}


def test_nothing_is_guaranteed_without_a_monotone_value():
    values = np.array([0.0, 3.0, 2.0, 2.0])
    scheme = solve_reward_scheme(
        np.array([1.5, 0.5]), np.array([3.0, 2.0]), np.array([4.0, 4.0])
    )
    found = sufficient_conditions(values, scheme)
    assert found.nonnegative and not found.monotone and found.guaranteed == ()
    negative = sufficient_conditions(np.array([0.0, -1.0, 2.0, 2.0]), scheme)
    assert not negative.nonnegative
    # Candidates that take value away are not monotone either.
    low = dataclasses.replace(scheme, upper_values=np.array([2.9, 4.0]))
    assert not sufficient_conditions(np.array([0.0, 3.0, 2.0, 4.0]), low).monotone


def test_each_condition_is_the_one_of_the_paper():
    values = np.array([0.0, 1.0, 2.0, 4.0])  # φ = 3/2, 5/2
    upper = np.array([3.0, 4.0])

    def conditions(*, rho: float, best: float):
        found = sufficient_conditions(
            values, scheme_at(values, upper, rho=rho, best=best)
        )
        return found.a, found.b, found.c

    assert conditions(rho=1.0, best=4.0) == (True, True, True)
    assert conditions(rho=1.0, best=3.0) == (True, True, False)  # v(N) is not reached
    assert conditions(rho=1.0, best=2.0) == (True, True, False)
    assert conditions(rho=1.0, best=1.9) == (False, False, False)  # v({1}) > v*
    assert conditions(rho=1.0, best=4.1) == (False, False, False)  # beyond u_1
    assert conditions(rho=0.5, best=4.0) == (False, False, False)  # 3.1 > u_0
    assert conditions(rho=0.0, best=3.0) == (True, False, False)  # ρ > 0 fails


# --- collaborations


@pytest.mark.medium
def test_a_collaboration_keeps_its_promises():
    result = stable_collaboration()
    promises, scheme = result.promises, result.promises.scheme
    found = audit(result)
    assert found.is_kept and found.broken == ()
    trial = trial_check(
        promises.coalition_values, scheme, tolerance=tolerance_of(np.float64)
    )
    assert found.assigned["F4"] == trial
    assert found.promised == ("R1", "R2", "R3", "R4", *FAIR, "R6", "delivery")
    assert set(found.assigned) == {*found.promised, "R7"} - {"delivery"}
    assert set(found.realised) == {*found.promised, "R7"} - {"F4"}
    assert found.is_exact and found.num_parties == 3
    np.testing.assert_allclose(
        found.assigned["R4"].margin, (scheme.reward_values - scheme.own_values).min()
    )
    reached = np.array([reward.final_value for reward in result.draw.rewards])
    np.testing.assert_allclose(
        found.realised["R4"].margin, (reached - scheme.own_values).min()
    )
    np.testing.assert_allclose(
        found.realised_welfare, reached.sum() / scheme.upper_values.sum()
    )


def test_shares_of_losses_are_counted_by_their_definitions():
    result = stable_collaboration()
    found = audit(result)
    lost = total = 0
    for reward in result.draw.rewards:
        before = reward.initial_value
        for value in reward.values:
            lost, total, before = lost + (value < before), total + 1, value
    assert found.negative_picks == lost / total > 0
    v = result.promises.coalition_values
    steps = [v[c | 1 << i] - v[c] for i in range(3) for c in range(8) if not c >> i & 1]
    assert found.negative_marginals == np.mean(np.array(steps) < -found.tolerance)


def test_what_was_handed_out_is_judged_by_itself():
    result = stable_collaboration()
    poor = with_reward(result, 1, values=result.draw.rewards[1].values * 0.5)
    found = audit(poor)
    assert not found.is_kept and not flagged(found.assigned)
    assert {kind for kind, _ in found.broken} == {"realised"}
    check = found.realised["delivery"]
    assert not check.holds and check.parties == (1,)
    assert check.margin == pytest.approx(
        poor.draw.rewards[1].final_value - result.promises.scheme.reward_values[1]
    )


def test_more_than_all_of_the_candidates_are_worth_is_no_broken_promise():
    result = stable_collaboration()
    values = np.zeros(len(result.draw.rewards[0].values))
    values[-1] = 2 * result.promises.scheme.upper_values.max()
    found = audit(with_reward(result, 0, values=values))
    assert not found.realised["R2"].holds
    assert "R2" not in {check.name for _, check in found.broken}


def test_nothing_handed_out_is_nothing_to_judge():
    promises = stable_collaboration().promises
    found = audit_promises(promises.coalition_values, promises.scheme)
    assert found.realised == {} and found.is_kept
    assert np.isnan(found.realised_welfare) and np.isnan(found.negative_picks)


@pytest.mark.medium
def test_stability_is_a_promise_only_where_it_was_given():
    found = audit(small_collaboration(3, 2))
    assert "R6" not in found.promised and "R6" in found.assigned


@pytest.mark.medium
def test_a_relaxed_promise_is_reported_as_broken_by_no_more_than_its_relaxation():
    promises = promise(*infeasible_points(), relax=True)
    scheme = promises.scheme
    assert scheme.status is RewardStatus.RELAXED and 0.5 < scheme.relaxation < 1
    found = audit(Collaboration(promises, promises.draw(jax.random.key(0))))
    assert [(kind, check.name) for kind, check in found.broken] == [
        ("assigned", "R6"),
        ("realised", "R6"),
    ]
    check = found.assigned["R6"]
    (party,), members = check.parties, np.array(check.coalition)
    worth = promises.coalition_values[(1 << members).sum()]
    assert check.margin == scheme.reward_values[party] - worth < 0
    missing = -check.margin / worth
    assert missing <= 1 - scheme.relaxation + 1e-9
    # The group that is worst off is that of the lower value that ρ runs into.
    assert missing == pytest.approx(1 - scheme.relaxation, rel=1e-6)
    summary, first, *_ = audit_sentences(found)
    assert summary == ("2 promises were not kept: R6 (assigned), R6 (realised).")
    assert "as assigned, this is broken for party" in first
    assert f"by {-check.margin:.3g}" in first


def test_many_parties_are_audited_by_a_sample():
    n = 21
    scheme = solve_reward_scheme(np.ones(n), np.ones(n), np.full(n, 21.0))
    size = np.bitwise_count(np.arange(2**n)).astype(float)
    found = audit_promises(size, scheme)
    assert not found.is_exact and found.is_kept and found.conditions.monotone
    assert "a sample" in audit_sentences(found)[-1]


@pytest.mark.medium
def test_without_a_table_the_sums_are_audited():
    rng = np.random.default_rng(0)
    parties = [rng.normal(i % 3, 0.5, size=(4 + i % 5, 1)) for i in range(24)]
    promises = promise(parties, np.linspace(-2, 4, 300)[:, None])
    assert promises.coalition_values is None
    sums, scheme = promises.sums, promises.scheme
    found = audit_promises(sums, scheme)
    assert not found.is_exact and found.assigned["F4"].num_cases
    # The value is not monotone: a part of C_i is worth more than what r_i had to be.
    stable = found.assigned["R6"]
    (party,), members = stable.parties, np.zeros((1, 24), bool)
    members[0, list(stable.coalition)] = True
    worth = values_of_coalitions(sums, members)[0]
    assert stable.margin == scheme.reward_values[party] - worth < 0
    assert scheme.shapley_values[list(stable.coalition)].argmax() == (
        stable.coalition.index(party)
    )
    # The same conditions on the table, looked at through the same sample.
    table = np.asarray(coalition_values(sums))
    same = audit_promises(table, scheme)
    assert same.assigned["F4"] == trial_check(table, scheme)
    for name, check in same.assigned.items():
        assert check.margin == pytest.approx(found.assigned[name].margin, abs=1e-12)
        assert check.num_cases == found.assigned[name].num_cases
    assert found.negative_marginals == pytest.approx(same.negative_marginals)
    # Less than what its group has alone, or than what it has alone: seen.
    drawn = Collaboration(promises, promises.draw(jax.random.key(0)))
    assert audit(drawn).assigned == found.assigned
    for i in (0, 13):
        poor = scheme.reward_values.copy()
        poor[i] = 0.99 * scheme.own_values[i]
        poorer = dataclasses.replace(scheme, reward_values=poor)
        broken = audit(with_promises(drawn, scheme=poorer))
        assert {"R4", "R6"} <= {check.name for _, check in broken.broken}
        assert broken.assigned["R4"].parties == (i,)


def test_single_precision_has_a_wider_tolerance():
    result = stable_collaboration()
    single = with_promises(
        result, candidates=result.promises.candidates.astype(np.float32)
    )
    assert audit(single).tolerance == pytest.approx(2_000 * audit(result).tolerance)


def test_another_run_is_the_second_game():
    result = stable_collaboration()
    again = audit(result, improved=result)
    assert again.assigned["F4"].num_cases == again.realised["F4"].num_cases == 0
    values = result.promises.coalition_values.copy()
    values[0b111] += 0.1
    found = audit(result, improved=with_promises(result, coalition_values=values))
    # The same rewards for a better game: nobody but the best has more.
    assert not found.assigned["F4"].holds and found.assigned["F4"].margin == 0
    assert found.assigned["F4"].coalition == (0, 1, 2)


def test_the_trial_of_a_party_without_a_contribution_rewards_it():
    """φ_i = 0 gets something as soon as it adds something."""
    values = np.array([0.0, 0.0, 2.0, 2.0])
    scheme = scheme_at(values, np.full(2, 2.0), rho=1.0, best=2.0)
    raised = trial_game(values, scheme)
    assert scheme.reward_values[0] == 0 < raised.rewards[0]
    found = audit_promises(values, scheme)
    assert found.assigned["F4"].holds and found.assigned["F1"].num_cases == 1
    stuck = SecondGame(raised.values, scheme.reward_values, 2.0)
    assert not check_monotonicity(values, scheme.reward_values, stuck).holds

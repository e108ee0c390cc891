"""Audits of whole collaborations, of Proposition 2's game and of Proposition 3."""

import dataclasses
import json
from functools import cache

import jax
import numpy as np
import pytest
from oracles_games import coverage_game, proposition_2_game, shapley_by_permutations
from small_collaborations import small_collaboration

import cgm_jax
from cgm_jax.audit import (
    SecondGame,
    audit,
    audit_data,
    audit_promises,
    audit_sentences,
    check_monotonicity,
    sufficient_conditions,
)
from cgm_jax.audit.auditing import tolerance_of
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
        shapley=shapley,
        lower_values=own,
        upper_values=upper,
        own_values=own,
        fairness_weight=1e-3,
    )
    rewards = np.maximum(own, unsolved.fair_shares)
    return dataclasses.replace(unsolved, reward_values=rewards)


def trial_game(values, scheme: RewardScheme) -> SecondGame:
    """All data together are worth 1 % more; φ anew, ρ and v* the same."""
    raised = np.append(values[:-1], values[-1] + 0.01 * abs(values[-1]))
    shapley = scheme.shapley + 0.01 * abs(values[-1]) / len(scheme.shapley)
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
        scheme.shapley + 0.045,
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


def test_whatever_proposition_3_guarantees_is_found_to_hold():
    rng = np.random.default_rng(3)
    guaranteed = {"": 0, "a": 0, "b": 0, "c": 0}
    broken_without = set()
    for _ in range(1_000):
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
    assert min(guaranteed.values()) > 30, guaranteed
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


@cache
def collaboration() -> cgm_jax.Collaboration:
    rng = np.random.default_rng(2)
    parties = [rng.normal(c, 0.4, size=(30 + 5 * i, 2)) for i, c in enumerate((0, 1))]
    parties.append(np.concatenate([parties[0][:20], parties[1][:25]]))
    pool = np.concatenate(parties)
    candidates = pool[rng.integers(len(pool), size=2_000)]
    candidates = candidates + 0.1 * rng.normal(size=candidates.shape)
    return cgm_jax.collaborate(
        jax.random.key(0), parties, candidates, inverse_temperature=8.0
    )


def test_a_collaboration_keeps_its_promises():
    result = collaboration()
    found = audit(result)
    assert found.is_kept and found.broken == ()
    trial = trial_check(
        result.coalition_values, result.scheme, tolerance=tolerance_of(np.float64)
    )
    assert found.assigned["F4"] == trial
    assert found.promised == ("R1", "R2", "R3", "R4", *FAIR, "R6", "delivery")
    assert set(found.assigned) == {*found.promised, "R7"} - {"delivery"}
    assert set(found.realised) == {*found.promised, "R7"} - {"F4"}
    assert found.is_exact and found.num_parties == 3
    np.testing.assert_allclose(
        found.assigned["R4"].margin,
        (result.scheme.reward_values - result.own_values).min(),
    )
    reached = np.array([reward.final_value for reward in result.rewards])
    np.testing.assert_allclose(
        found.realised["R4"].margin, (reached - result.own_values).min()
    )
    np.testing.assert_allclose(
        found.realised_welfare, reached.sum() / result.upper_values.sum()
    )


def test_shares_of_losses_are_counted_by_their_definitions():
    result = collaboration()
    found = audit(result)
    lost = total = 0
    for reward in result.rewards:
        before = reward.initial_value
        for value in reward.values:
            lost, total, before = lost + (value < before), total + 1, value
    assert found.negative_picks == lost / total > 0
    v = result.coalition_values
    steps = [v[c | 1 << i] - v[c] for i in range(3) for c in range(8) if not c >> i & 1]
    assert found.negative_marginals == np.mean(np.array(steps) < -found.tolerance)


def test_what_was_handed_out_is_judged_by_itself():
    result = collaboration()
    poor = dataclasses.replace(result.rewards[1], values=result.rewards[1].values * 0.5)
    cut = dataclasses.replace(
        result, rewards=[result.rewards[0], poor, result.rewards[2]]
    )
    found = audit(cut)
    assert not found.is_kept and not flagged(found.assigned)
    assert {kind for kind, _ in found.broken} == {"realised"}
    check = found.realised["delivery"]
    assert not check.holds and check.parties == (1,)
    assert check.margin == pytest.approx(
        poor.final_value - result.scheme.reward_values[1]
    )


def test_more_than_all_of_the_candidates_are_worth_is_no_broken_promise():
    result = collaboration()
    rich = dataclasses.replace(result.rewards[0], values=result.rewards[0].values * 0)
    rich.values[-1] = 2 * result.upper_values.max()
    found = audit(dataclasses.replace(result, rewards=[rich, *result.rewards[1:]]))
    assert not found.realised["R2"].holds
    assert "R2" not in {check.name for _, check in found.broken}


def test_nothing_handed_out_is_nothing_to_judge():
    found = audit(dataclasses.replace(collaboration(), rewards=[]))
    assert found.realised == {} and found.is_kept
    assert np.isnan(found.realised_welfare) and np.isnan(found.negative_picks)


def test_stability_is_a_promise_only_where_it_was_given():
    found = audit(small_collaboration(3, 2))
    assert "R6" not in found.promised and "R6" in found.assigned


def test_many_parties_are_audited_by_a_sample():
    n = 21
    scheme = solve_reward_scheme(np.ones(n), np.ones(n), np.full(n, 21.0))
    size = np.bitwise_count(np.arange(2**n)).astype(float)
    found = audit_promises(size, scheme)
    assert not found.is_exact and found.is_kept and found.conditions.monotone
    assert "a sample" in audit_sentences(found)[-1]


def test_without_a_table_the_sums_are_audited():
    rng = np.random.default_rng(0)
    parties = [rng.normal(i % 3, 0.5, size=(4 + i % 5, 1)) for i in range(24)]
    grid = np.linspace(-2, 4, 300)[:, None]
    result = cgm_jax.collaborate(jax.random.key(0), parties, grid)
    assert result.coalition_values is None
    found = audit(result)
    assert not found.is_exact and found.assigned["F4"].num_cases
    # The value is not monotone: a part of C_i is worth more than what r_i had to be.
    stable = found.assigned["R6"]
    (party,), members = stable.parties, np.zeros((1, 24), bool)
    members[0, list(stable.coalition)] = True
    worth = values_of_coalitions(result.sums, members)[0]
    assert stable.margin == result.scheme.reward_values[party] - worth < 0
    assert result.shapley_values[list(stable.coalition)].argmax() == (
        stable.coalition.index(party)
    )
    # The same conditions on the table, looked at through the same sample.
    table = np.asarray(coalition_values(result.sums))
    same = audit_promises(table, result.scheme)
    assert same.assigned["F4"] == trial_check(table, result.scheme)
    for name, check in same.assigned.items():
        assert check.margin == pytest.approx(found.assigned[name].margin, abs=1e-12)
        assert check.num_cases == found.assigned[name].num_cases
    assert found.negative_marginals == pytest.approx(same.negative_marginals)
    # Less than what its group has alone, or than what it has alone: seen.
    for i in (0, 13):
        poor = result.scheme.reward_values.copy()
        poor[i] = 0.99 * result.own_values[i]
        scheme = dataclasses.replace(result.scheme, reward_values=poor)
        broken = audit(dataclasses.replace(result, scheme=scheme))
        assert {"R4", "R6"} <= {check.name for _, check in broken.broken}
        assert broken.assigned["R4"].parties == (i,)


def test_single_precision_has_a_wider_tolerance():
    result = collaboration()
    single = dataclasses.replace(
        result, candidates=result.candidates.astype(np.float32)
    )
    assert audit(single).tolerance == pytest.approx(2_000 * audit(result).tolerance)


def test_another_run_is_the_second_game():
    result = collaboration()
    again = audit(result, improved=result)
    assert again.assigned["F4"].num_cases == again.realised["F4"].num_cases == 0
    values = result.coalition_values.copy()
    values[0b111] += 0.1
    better = dataclasses.replace(result, coalition_values=values)
    found = audit(result, improved=better)
    # The same rewards for a better game: nobody but the best has more.
    assert not found.assigned["F4"].holds and found.assigned["F4"].margin == 0
    assert found.assigned["F4"].coalition == (0, 1, 2)
    nothing = audit(result, improved=dataclasses.replace(better, rewards=[]))
    assert "F4" not in nothing.realised


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


# --- in words and as data


def test_sentences_name_every_promise_and_begin_with_what_is_broken():
    result = collaboration()
    kept = audit_sentences(audit(result), ["Ada", "Bo", "Cy"])
    assert kept[0] == "All promises were kept."
    for words in ("worse off", "gets nothing", "was handed what", "on its own"):
        assert any(words in line for line in kept), words
    assert not any("broken" in line or "inf" in line or "nan" in line for line in kept)
    poor = dataclasses.replace(result.rewards[1], values=result.rewards[1].values * 0.5)
    found = audit(
        dataclasses.replace(
            result, rewards=[result.rewards[0], poor, result.rewards[2]]
        )
    )
    lines = audit_sentences(found, ["Ada", "Bo", "Cy"])
    count = len(found.broken)
    assert lines[0].startswith(f"{count} promises were not kept: R")
    assert all("this is broken for " in line for line in lines[1 : 1 + count])
    assert sum("this is broken" in line for line in lines) == count
    (delivery,) = [line for line in lines if "was handed what" in line]
    missing = -found.realised["delivery"].margin
    assert delivery.endswith(f"this is broken for Bo, by {missing:.3g}.")


def test_a_broken_condition_that_nobody_promised_is_called_so():
    values = np.array([0.0, 1.0, 2.0, 4.0])
    scheme = solve_reward_scheme(
        np.array([1.5, 2.5]), np.array([1.0, 2.0]), np.array([3.0, 3.0])
    )
    found = audit_promises(values, scheme, stability=False)
    (line,) = [x for x in audit_sentences(found) if "on its own" in x]
    assert "this, which was not promised, fails for party 1" in line
    assert "as the data of party 0, party 1 (counted from 0) show" in line
    assert audit_sentences(found)[0] == "All promises were kept."


def test_one_broken_promise_is_one():
    found = audit(collaboration())
    broken = dataclasses.replace(found.assigned["F3"], holds=False)
    found = dataclasses.replace(found, assigned=found.assigned | {"F3": broken})
    assert audit_sentences(found)[0] == "1 promise was not kept: F3 (assigned)."


@pytest.mark.parametrize("handed_out", [True, False])
def test_data_are_ready_for_json(*, handed_out: bool):
    result = collaboration()
    if not handed_out:
        result = dataclasses.replace(result, rewards=[])
    found = audit(result)
    data = json.loads(
        json.dumps(audit_data(found, ["Ada", "Bo", "Cy"]), allow_nan=False)
    )
    assert data["kept"] is True and data["broken"] == []
    assert set(data["assigned"]) == set(found.assigned)
    tightest = found.assigned["R6"]
    assert data["assigned"]["R6"] == {
        "holds": True,
        "margin": tightest.margin,
        "parties": [["Ada", "Bo", "Cy"][tightest.parties[0]]],
        "coalition": [["Ada", "Bo", "Cy"][i] for i in tightest.coalition],
        "cases": 3,
        "promised": True,
    }
    assert data["assigned"]["F1"]["margin"] is None
    assert data["assigned"]["R7"]["promised"] is False
    assert (data["realised_welfare"] is None) != handed_out
    assert data["proposition_3"]["monotone"] is found.conditions.monotone
    if handed_out:
        assert data["realised"]["R2"]["promised"] is False

"""What people are told of results: every sentence, from facts and names."""

from dataclasses import replace

import numpy as np
from small_collaborations import (
    small_promises,
    stable_collaboration,
    with_reward,
)
from small_generators import QUALITY

from cgm_jax import Draw
from cgm_jax.audit import (
    Stress,
    Trial,
    audit,
    audit_promises,
    compare_with_shapley_fair,
    explain,
    explain_scheme,
)
from cgm_jax.collaboration import Uncertainty
from cgm_jax.metrics import SharedRows, shared_rows
from cgm_jax.report.sentences import (
    audit_sentences,
    comparison_sentence,
    draw_warnings,
    explanation_sentences,
    quality_sentences,
    scheme_warnings,
    shared_rows_sentences,
    stress_sentence,
    uncertainty_warnings,
)
from cgm_jax.rewards import solve_reward_scheme
from cgm_jax.sampling import Reward

NAMES = ["Ada", "Bo", "Cy"]


# --- audits


def test_an_audit_names_every_promise_and_begins_with_what_is_broken():
    result = stable_collaboration()
    kept = audit_sentences(audit(result), NAMES)
    assert kept[0] == "All promises were kept."
    for words in ("worse off", "gets nothing", "was handed what", "on its own"):
        assert any(words in line for line in kept), words
    assert not any("broken" in line or "inf" in line or "nan" in line for line in kept)
    found = audit(with_reward(result, 1, values=result.draw.rewards[1].values * 0.5))
    lines = audit_sentences(found, NAMES)
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
    assert not scheme.stability
    lines = audit_sentences(audit_promises(values, scheme))
    (line,) = [x for x in lines if "on its own" in x]
    assert "this, which was not promised, fails for party 1" in line
    assert "as the data of party 0, party 1 (counted from 0) show" in line
    assert lines[0] == "All promises were kept."


def test_one_broken_promise_is_one():
    found = audit(stable_collaboration())
    broken = replace(found.assigned["F3"], holds=False)
    found = replace(found, assigned=found.assigned | {"F3": broken})
    assert audit_sentences(found)[0] == "1 promise was not kept: F3 (assigned)."


# --- cheating, other schemes, shared rows


def test_of_trials_the_most_profitable_is_named():
    scheme = small_promises(3, 2).scheme

    def trial(party: int, name: str, gain: float) -> Trial:
        return Trial(party, name, 0.0, 0.0, gain, 0.5, 7, 1.0, "optimal")

    losing = (trial(0, "split in 2", -0.02), trial(1, "split in 2", 0.0))
    # In its own units Bo gains most, in shares of what they hold Ada does.
    paying = (trial(1, "withhold half", 0.02), trial(0, "hand in twice", 0.01))
    joint = np.array([0.1, 0.4, 0.2])
    stress = Stress(scheme, joint, losing + paying)
    assert stress_sentence(stress, NAMES) == (
        "2 of the 4 manipulations tried would have been profitable; the most for Ada, "
        'by "hand in twice": what it holds would be worth 10.0% more.'
    )
    assert stress_sentence(replace(stress, trials=losing)) == (
        "None of the 2 manipulations tried was profitable."
    )


def test_nobody_would_be_worse_off_under_the_other_scheme():
    values, own = np.array([0.0, 1.0, 2.0, 4.0]), np.array([1.0, 2.0])
    scheme = solve_reward_scheme(np.array([1.5, 2.5]), own, np.array([4.0, 4.0]))
    comparison = compare_with_shapley_fair(values, scheme)
    assert comparison.worse_off == ()
    assert comparison_sentence(comparison) == (
        "Under the scheme of Sim et al. (2020), at the same rho, nobody would be worse "
        "off than alone either."
    )


def test_one_sentence_per_pair_that_shares_rows():
    shared = SharedRows(
        np.array([[0, 7, 1], [7, 0, 1], [1, 1, 0]]),
        np.array([[0, 10, 1], [10, 0, 1], [1, 1, 0]]),
        np.array([40, 60, 30]),
    )
    lines = shared_rows_sentences(shared)
    assert len(lines) == 6
    assert lines[0] == (
        "7 of 40 rows of party 0 are rows of party 1, too, and 3 more are nearly so."
    )
    assert " of Ada are rows of Bo, too" in shared_rows_sentences(shared, NAMES)[0]
    apart = shared_rows([np.zeros((3, 2)), np.ones((2, 2))])
    assert shared_rows_sentences(apart) == []


def test_few_rows_that_are_merely_near_are_not_worth_a_sentence():
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(2, 300, 2))
    second[0] = first[0] + 1e-5
    found = shared_rows([first, second])
    assert found.near[0, 1] == 1 and shared_rows_sentences(found) == []
    second[:4] = first[:4] + 1e-5  # more than 1 % of 300
    assert len(shared_rows_sentences(shared_rows([first, second]))) == 2
    second[:4] = rng.normal(size=(4, 2))
    second[1] = first[1]  # an equal one always is
    assert len(shared_rows_sentences(shared_rows([first, second]))) == 2


# --- explanations


def test_an_explanation_names_who_limits_what():
    scheme = solve_reward_scheme(
        np.array([0.1, 0.2]), np.array([0.5, 0.2]), np.array([0.8, 0.9])
    )
    lines = explanation_sentences(explain_scheme(scheme), ["Ada", "Bo"])
    assert lines[0].endswith("because Bo can get 0.9 at most.")
    assert lines[1] == "rho is not larger because Ada must get 0.5."
    assert "Neither depends on epsilon" in lines[2]
    assert any(
        line.startswith("Without the bounds of Ada, rho would be 1") for line in lines
    )
    lines = explanation_sentences(explain(small_promises(3, 2)))
    assert any("not taken part" in line for line in lines)


def test_an_explanation_of_an_infeasible_scheme_says_what_would_do():
    one_is_enough = ([0.1, 0.2], [0.5, 1.0], [0.8, 0.9])
    two_are_needed = ([0.2, 0.2, 0.2], [0.5, 0.5, 0.5], [0.4, 0.4, 0.9])
    for bounds, is_repairable in ((one_is_enough, True), (two_are_needed, False)):
        scheme = solve_reward_scheme(*map(np.array, bounds), throw=False)
        explanation = explain_scheme(scheme)
        assert bool(explanation.repairs) == is_repairable
        lines = explanation_sentences(explanation)
        assert lines[0].startswith("No reward values are possible: party ")
        if is_repairable:
            repair = explanation.repairs[0]
            assert f"{repair.needed:.6g} (now {repair.value:.6g})" in lines[1]
        else:
            assert "No change of one bound alone" in lines[1]
    nobody = solve_reward_scheme(-np.ones(2), np.ones(2), np.ones(2), throw=False)
    (line,) = explanation_sentences(explain_scheme(nobody))
    assert "at least one positive Shapley value" in line


def test_relaxed_promises_are_told_and_explained():
    scheme = solve_reward_scheme(
        np.array([0.1, 0.2]),
        np.array([0.9, 0.5]),
        np.array([0.95, 0.8]),
        own_values=np.array([0.7, 0.5]),
        relax=True,
    )
    relaxed, nearly_equal = scheme_warnings(scheme, ["Ada", "Bo"])
    assert "by up to 11.11%" in relaxed and "0.11 of it" in relaxed
    # Of 0.9, Ada must get 0.8 now.
    assert "Ada must get 0.8, and Bo can get 0.8 at most" in nearly_equal
    lines = explanation_sentences(explain_scheme(scheme), ["Ada", "Bo"])
    assert "rho is not larger because Ada must get 0.8." in lines
    assert explain_scheme(scheme).binding


# --- draws and uncertainty


def reward_of(asked: float, realised: float, reason: str = "reached") -> Reward:
    return Reward(np.array([0]), np.array([realised]), reason, 0.0, asked)


def warnings_of(rewards: list[Reward], names=None) -> list[str]:
    return draw_warnings(Draw(rewards, 1.0), names)


# PITFALLS 17
def test_rewards_in_another_order_than_promised_are_told():
    kept = [reward_of(0.5, 0.51), reward_of(0.4, 0.40), reward_of(0.3, 0.31)]
    inverted = [reward_of(0.5, 0.501), reward_of(0.499, 0.502), reward_of(0.3, 0.31)]
    equal = [reward_of(0.5, 0.501), reward_of(0.5, 0.502), reward_of(0.3, 0.31)]
    assert warnings_of(kept) == warnings_of(equal) == []
    (warning,) = warnings_of(inverted, NAMES)
    assert "overshoots" in warning and "0.001" in warning
    assert "Ada" in warning and "Bo" in warning and "Cy" not in warning
    # not told again of a party whose promise was not kept at all
    stalled = [reward_of(0.5, 0.47, "stalled"), reward_of(0.499, 0.502)]
    assert not any("overshoots" in text for text in warnings_of(stalled))


# PITFALLS 8
def test_a_promise_that_was_not_kept_is_told():
    rewards = [reward_of(0.5, 0.47, "stalled"), reward_of(0.4, 0.48)]
    (warning,) = warnings_of(rewards)
    for part in ("0.5", "0.47", "0.03", "stalled"):
        assert part in warning


def test_of_many_sentences_ten_are_told():
    inverted = [reward_of(1 - i / 100, 1 + i / 100) for i in range(6)]  # 15 pairs
    missed = [reward_of(0.5, 0.47, "stalled")] * 12
    found = warnings_of(inverted + missed)
    assert len(found) == 2 * 11
    assert "For 2 more parties, the promise was not kept" in found[10]
    assert "In 5 more pairs" in found[21]
    assert len(warnings_of(inverted[:5] + missed[:10])) == 20


def test_resamples_without_rewards_are_said():
    scheme, rewards = small_promises(3, 2).scheme, np.ones((4, 3))
    kept = Uncertainty(scheme, np.ones((4, 3)), np.ones((4, 3)), rewards)
    assert uncertainty_warnings(kept) == []
    rewards = np.where(np.arange(4)[:, None] == 3, np.nan, rewards)
    (warning,) = uncertainty_warnings(replace(kept, reward_values=rewards))
    assert "In 1 of 4 resamples no reward values" in warning


# --- generators


def test_figures_of_a_generator_in_words():
    likeness, copying = quality_sentences(QUALITY)
    for words in ("1,234 held-out", "0.001 and 0.002", "-0.0003 and 0.0004"):
        assert words in likeness
    assert "0.0005 and 0.0006" in likeness
    assert "51.2%" in copying
    assert "63.4%" in copying


def test_a_generator_that_the_density_beats():
    worse = replace(QUALITY, is_worse_than_kernel_density=True)
    assert quality_sentences(worse)[:2] == quality_sentences(QUALITY)
    assert "train longer" in quality_sentences(worse)[2]


def test_a_generator_that_was_not_trained():
    assert quality_sentences(None) == []

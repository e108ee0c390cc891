"""What people are told of results: every sentence, from facts and names."""

from dataclasses import replace

import numpy as np
import pytest
from small_collaborations import (
    small_promises,
    stable_collaboration,
    with_reward,
)
from small_generators import QUALITY

from cgm_jax import Draw
from cgm_jax.audit import (
    audit,
    audit_promises,
    explain,
    explain_scheme,
)
from cgm_jax.collaboration import Uncertainty
from cgm_jax.report.sentences import (
    audit_sentences,
    draw_warnings,
    empty_reward_sentences,
    explanation_sentences,
    generator_warnings,
    quality_sentences,
    scheme_warnings,
    uncertainty_warnings,
)
from cgm_jax.rewards import solve_reward_scheme
from cgm_jax.sampling import Reward

NAMES = ["Ada", "Bo", "Cy"]


# --- audits


@pytest.mark.medium
def test_an_audit_names_every_promise_and_begins_with_what_is_broken():
    result = stable_collaboration()
    kept = audit_sentences(audit(result), NAMES)
    assert kept[0] == "All promises were kept."
    for words in (
        "less than the value of their own",
        "gets nothing",
        "on its own",
        "handed what",
    ):
        assert any(words in line for line in kept), words
    assert not any("broken" in line or "inf" in line or "nan" in line for line in kept)
    found = audit(with_reward(result, 1, values=result.draw.rewards[1].values * 0.5))
    lines = audit_sentences(found, NAMES)
    count = len(found.broken)
    assert lines[0].startswith(f"{count} promises were not kept: R")
    names = {check.name for _, check in found.broken}
    told = lines[1 : 1 + len(names)]
    assert all("this is broken for " in line for line in told)
    assert sum(line.count("this is broken") for line in lines) == count
    assert sum(line.count("this is broken") for line in told) == count
    (delivery,) = [line for line in lines if "handed what they were" in line]
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


# --- explanations


def test_an_explanation_names_who_limits_what():
    scheme = solve_reward_scheme(
        np.array([0.1, 0.2]), np.array([0.5, 0.2]), np.array([0.8, 0.9])
    )
    lines = explanation_sentences(explain_scheme(scheme), ["Ada", "Bo"])
    assert lines[0].endswith("because Bo can get 0.9 at most.")
    assert "less than in proportion" in lines[1] and "Ada must get 0.5." in lines[1]
    rho = f"the exponent ρ would be 1 instead of {scheme.rho:.4g}"
    assert f"But for what Ada must get and can get, {rho}." in lines
    lines = explanation_sentences(explain(small_promises(3, 2)))
    assert any("not taken part" in line for line in lines)


def test_nothing_is_said_of_parties_without_whom_nothing_would_change():
    scheme = solve_reward_scheme(
        np.array([0.1, 0.2, 0.15]), np.array([0.1, 0.2, 0.1]), np.array([0.8, 0.9, 0.9])
    )
    assert scheme.rho == 1 and scheme.max_reward_value == 0.9
    lines = explanation_sentences(explain_scheme(scheme), NAMES)
    assert lines == [
        "The largest reward value is 0.9, because Bo can get 0.9 at most.",
        "Rewards are in proportion to contributions (the exponent ρ is 1).",
        "But for what Bo must get and can get, the largest reward value would be 1.2 "
        "instead of 0.9.",
    ]


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
    assert any("not 1), because Ada must get 0.8." in line for line in lines)
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
    for part in ("0.5", "0.47", "0.03", "value stopped rising"):
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
    apart = replace(kept, shapley_values=np.tile(scheme.shapley_values, (4, 1)))
    assert uncertainty_warnings(apart) == []
    rewards = np.where(np.arange(4)[:, None] == 3, np.nan, rewards)
    (warning,) = uncertainty_warnings(replace(apart, reward_values=rewards))
    assert "In 1 of 4 resamples no reward values" in warning


def test_parties_whose_order_is_chance_are_named():
    scheme = small_promises(3, 2).scheme
    first, second, third = np.argsort(-scheme.shapley_values)
    resamples = np.tile(scheme.shapley_values, (50, 1))
    resamples[:3, [first, second]] = resamples[:3, [second, first]]
    found = Uncertainty(scheme, resamples, resamples, resamples)
    (warning,) = uncertainty_warnings(found, NAMES)
    pair = f"{NAMES[first]}, {NAMES[second]}"
    assert warning.startswith(f"{pair} cannot be told apart")
    assert f"{NAMES[first]} is above {NAMES[second]} in 94% of 50" in warning
    # With one of 50 the other way round they are told apart.
    resamples = np.tile(scheme.shapley_values, (50, 1))
    resamples[:1, [first, second]] = resamples[:1, [second, first]]
    assert uncertainty_warnings(replace(found, shapley_values=resamples)) == []
    # All three, in one sentence.
    resamples[:9, [second, third]] = resamples[:9, [third, second]]
    resamples[20:29, [first, second]] = resamples[20:29, [second, first]]
    (warning,) = uncertainty_warnings(replace(found, shapley_values=resamples), NAMES)
    assert warning.startswith(f"{pair}, {NAMES[third]} cannot be told apart")


def test_parties_without_rows_are_named_with_the_reason():
    scheme = solve_reward_scheme(
        np.array([0.1, -0.2, 0.2]), np.array([0.1, 0.2, 0.1]), np.array([0.8, 0.9, 0.9])
    )
    none = Reward(np.array([], int), np.array([]), "reached", 0.2, 0.2)
    draw = Draw([reward_of(0.4, 0.4), none, none], 1.0)
    unasked, enough = empty_reward_sentences(scheme, draw, NAMES)
    assert unasked.startswith("Bo: no synthetic rows") and "nothing is added" in unasked
    assert enough.startswith("Cy: ") and "already worth what was promised" in enough
    stalled = replace(none, stop_reason="stalled")
    draw = Draw([reward_of(0.4, 0.4), none, stalled], 1.0)
    assert "value stopped rising" in empty_reward_sentences(scheme, draw, NAMES)[1]


# --- generators


def test_figures_of_a_generator_in_words():
    likeness, copying = quality_sentences(QUALITY)
    for words in ("1,234 held-out", "0.001 and 0.002", "-0.0003 and 0.0004"):
        assert words in likeness
    assert "0.0005 and 0.0006" in likeness
    assert "51.2%" in copying
    assert "63.4%" in copying


def test_dangers_of_generators():
    worse = replace(QUALITY, is_worse_than_kernel_density=True)
    assert quality_sentences(worse) == quality_sentences(QUALITY)
    (warning,) = generator_warnings(quality=worse)
    assert "train it longer" in warning
    assert generator_warnings() == generator_warnings(quality=QUALITY) == []
    few, many = (
        replace(QUALITY, nearest_share=0.6, num_held_out=num) for num in (40, 400)
    )
    assert generator_warnings(quality=few) == []  # within chance
    (warning,) = generator_warnings(quality=many)
    assert warning.startswith("60% of the synthetic rows are nearer to rows that the")
    hardly = replace(QUALITY, nearest_share=0.54, num_held_out=10**5)
    assert generator_warnings(quality=hardly) == []
    (warning,) = generator_warnings(is_density=True)
    assert "other parties' data in disguise" in warning
    (warning,) = generator_warnings(is_of_other_data=True)
    assert "trained on other data" in warning


def test_a_generator_that_was_not_trained():
    assert quality_sentences(None) == []

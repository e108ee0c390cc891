"""What to know of promises, of the draws that keep them, and of standard errors."""

from itertools import pairwise

import numpy as np

from cgm_jax.collaboration import Collaboration, Draw, Promises, Uncertainty
from cgm_jax.rewards import RewardScheme

from .names import Names, party_name, party_names
from .outcomes import outcome
from .scoring import is_shapley

_SMALL_RHO = 0.05  # α^ρ is then above 0.86 even for a party at α = 1/20
_SURE = 0.95  # of resamples, in which two parties are in the same order
_MOST_SENTENCES = 10  # about promises of one kind


def collaboration_warnings(
    collaboration: Collaboration, names: Names = None
) -> list[str]:
    """All that a mediator should know before handing out the rewards."""
    promises, draw = collaboration.promises, collaboration.draw
    return [
        *promise_warnings(promises, names),
        *draw_warnings(draw, names),
        *empty_reward_sentences(promises.scheme, draw, names),
    ]


def promise_warnings(promises: Promises, names: Names = None) -> list[str]:
    """What to know of the reward values, relaxed bounds first, and the length scale."""
    sentences, outlier = scheme_warnings(promises.scheme, names), promises.outlier
    if outlier is not None:
        sentences.append(
            f"The length scale {outlier.length_scale:.4g} is "
            f"{outlier.length_scale / outlier.median:.0f} times the median distance of "
            "two points: hardly any two points differ, so all data are worth about the "
            f"same. Without {party_names([outlier.party], names)} it would be "
            f"{outlier.without_party:.4g}: look for outliers or other units there."
        )
    return sentences


def scheme_warnings(scheme: RewardScheme, names: Names = None) -> list[str]:
    """What to know before promising the reward values of a scheme."""
    if not scheme.has_rewards:
        return []
    sentences = relaxation_warnings(scheme)
    if scheme.floored_parties:
        sentences.append(
            f"{party_names(scheme.floored_parties, names)}: the lower value is not "
            f"above 0 and has no logarithm; {scheme.floor:.1e} was used in its place."
        )
    if scheme.rho < _SMALL_RHO:
        lower, upper = scheme.region.binding_parties(scheme.rho)
        least = scheme.relaxation * scheme.lower_values[lower]
        sentences.append(
            f"All rewards are nearly equal (the exponent ρ is {scheme.rho:.2g}; 1 "
            "would pay in proportion to contributions), whatever was "
            f"contributed: {party_names([lower], names)} must get "
            f"{least:.4g}, and {party_names([upper], names)} "
            f"can get {scheme.upper_values[upper]:.4g} at most."
        )
    if scheme.rectified_parties:
        sentences.append(
            f"{party_names(scheme.rectified_parties, names)}: the own data are worth "
            "more than the fair share, and the reward value was raised to that. "
            "Who contributes more than another may not get more (Proposition 2)."
        )
    return sentences


def relaxation_warnings(scheme: RewardScheme) -> list[str]:
    """By how much the bounds of relaxed promises were lowered."""
    if not scheme.is_relaxed:
        return []
    return [
        "No reward values keep every promise with these candidates, so what "
        f"parties must get was lowered by {1 - scheme.relaxation:.2g} of it, the "
        "least that makes them possible: some coalition could do better alone by "
        f"up to {1 - scheme.relaxation:.2%}."
    ]


def draw_warnings(draw: Draw, names: Names = None) -> list[str]:
    """What a draw did not keep of the promises."""
    sentences, rewards = [], draw.rewards
    kept = np.array([reward.stop_reason == "reached" for reward in rewards], bool)
    missed = np.flatnonzero(~kept).tolist()
    for i in missed[:_MOST_SENTENCES]:
        reward = rewards[i]
        sentences.append(
            f"{party_names([i], names)}: promised was {reward.reward_value:.6g}, "
            f"reached {reward.final_value:.6g}, {reward.shortfall:.2g} less: "
            f"{outcome(reward.stop_reason, len(reward.indices))}."
        )
    if len(missed) > _MOST_SENTENCES:
        sentences.append(
            f"For {len(missed) - _MOST_SENTENCES} more parties, the promise was not "
            "kept either; see what each of them reached."
        )
    promised = np.array([reward.reward_value for reward in rewards])
    realised = np.array([reward.final_value for reward in rewards])
    promised_more = promised[:, None] > promised[None]
    has_less = realised[:, None] < realised[None]
    pairs = np.argwhere(promised_more & has_less & kept[:, None] & kept[None]).tolist()
    for i, j in pairs[:_MOST_SENTENCES]:
        sentences.append(
            f"{party_names([i, j], names)}: the first was promised more "
            f"by {promised[i] - promised[j]:.2g}, but has less by "
            f"{realised[j] - realised[i]:.2g}, since the last point drawn overshoots."
        )
    if len(pairs) > _MOST_SENTENCES:
        sentences.append(
            f"In {len(pairs) - _MOST_SENTENCES} more pairs, the party that was "
            "promised more has less in the end, since the last point drawn overshoots."
        )
    return sentences


def empty_reward_sentences(
    scheme: RewardScheme, draw: Draw, names: Names = None
) -> list[str]:
    """Which parties get no rows, and why."""
    excluded = set(scheme.excluded_parties)
    by_reason: dict[str, list[int]] = {}
    for i, reward in enumerate(draw.rewards):
        if not len(reward.indices):
            reason = "nothing is added to the others' data on average"
            if not is_shapley(scheme.scoring):
                reason = "the contribution is not above 0"
            if i not in excluded:
                reason = outcome(reward.stop_reason, 0)
                if reward.stop_reason == "reached":
                    reason = "the own data are already worth what was promised"
            by_reason.setdefault(reason, []).append(i)
    return [
        f"{party_names(parties, names)}: no synthetic rows, only the header of a "
        f"reward, since {reason}."
        for reason, parties in by_reason.items()
    ]


def uncertainty_warnings(
    uncertainty: Uncertainty,
    names: Names = None,
    *,
    redrawn: str = "rows from the same sources",
) -> list[str]:
    """Which contributions cannot be told apart, and resamples without rewards."""
    runs = _not_told_apart(uncertainty)
    sentences = [
        f"{party_names(run, names)} cannot be told apart by their contributions: with "
        f"other {redrawn} they may well be in another order ("
        f"{_orders(run[:_MOST_SENTENCES], uncertainty, names)} of "
        f"{uncertainty.num_resamples} resamples)."
        for run in runs[:_MOST_SENTENCES]
    ]
    if uncertainty.num_without_rewards:
        sentences.append(
            f"In {uncertainty.num_without_rewards} of {uncertainty.num_resamples} "
            "resamples no reward values keep the promises; standard errors of reward "
            "values are over the others. More candidates leave more room."
        )
    return sentences


def _not_told_apart(uncertainty: Uncertainty) -> list[list[int]]:
    """Runs of parties, by contribution, none of which is surely above the next."""
    runs = [[int(uncertainty.ranking[0])]]
    for before, party in pairwise(uncertainty.ranking.tolist()):
        if is_told_apart(float(uncertainty.above_next[before])):
            runs.append([])
        runs[-1].append(party)
    return [run for run in runs if len(run) > 1]


def _orders(run: list[int], uncertainty: Uncertainty, names: Names) -> str:
    """How often each is above the next."""
    return ", ".join(
        f"{party_name(one, names)} is above {party_name(next_one, names)} in "
        f"{uncertainty.above_next[one]:.0%}"
        for one, next_one in pairwise(run)
    )


def is_told_apart(share: float) -> bool:
    """Whether two parties are in the same order in enough resamples."""
    return share >= _SURE

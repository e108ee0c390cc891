"""Why the reward values are what they are, in sentences."""

import numpy as np

from cgm_jax.audit import Explanation
from cgm_jax.rewards import RewardScheme, RewardStatus
from cgm_jax.rewards.infeasible import error_of

from .names import Names, party_names


def explanation_sentences(explanation: Explanation, names: Names = None) -> list[str]:
    """Which bounds decide the reward values, and what would change them."""
    if explanation.scheme.status is RewardStatus.INFEASIBLE:
        return _why_infeasible(explanation, names)
    if not explanation.scheme.has_rewards:
        return [str(error_of(explanation.scheme))]
    return _why_optimal(explanation, names)


def _why_optimal(explanation: Explanation, names: Names) -> list[str]:
    scheme = explanation.scheme
    upper, lower = scheme.limiting_upper_party, scheme.limiting_lower_party
    lines = [
        f"The largest reward value is {scheme.max_reward_value:.4g}, because "
        f"{_name(upper, names)} can get {scheme.upper_values[upper]:.4g} at most.",
        "Rewards follow contributions less than in proportion (the exponent ρ is "
        f"{scheme.rho:.4g}, not 1), because {_name(lower, names)} must get "
        f"{scheme.relaxation * scheme.lower_values[lower]:.4g}."
        if lower is not None
        else "Rewards are in proportion to contributions (the exponent ρ is 1).",
    ]
    for other in explanation.without:
        who = _name(other.party, names)
        changes = _changes(scheme, other.rho, other.max_reward_value)
        if changes:
            lines.append(f"But for what {who} must get and can get, {changes}.")
        game = other.in_game
        if game is not None:
            would_be = "no reward values would keep the bounds of the others"
            if game.status is RewardStatus.OPTIMAL:
                would_be = _changes(scheme, game.rho, game.max_reward_value)
            if would_be:
                lines.append(
                    f"Had {who} not taken part, {would_be} (on the same reference set)."
                )
    return lines


def _changes(scheme: RewardScheme, rho: float, largest: float) -> str:
    """What would be different; nothing where no digit is, or there is no solution."""
    return " and ".join(
        f"{what} would be {new:.4g} instead of {old:.4g}"
        for what, new, old in (
            ("the exponent ρ", rho, scheme.rho),
            ("the largest reward value", largest, scheme.max_reward_value),
        )
        if np.isfinite(new) and f"{new:.4g}" != f"{old:.4g}"
    )


def _why_infeasible(explanation: Explanation, names: Names) -> list[str]:
    scheme, region = explanation.scheme, explanation.scheme.region
    rho = region.widest_rho()
    lower, upper = region.binding_parties(rho)
    lines = [
        f"No reward values are possible: {_name(lower, names)} must get at least "
        f"{scheme.lower_values[lower]:.4g}, {_name(upper, names)} can get at most "
        f"{scheme.upper_values[upper]:.4g}, and no rule from paying all the same to "
        "paying in proportion to contributions is fair to both."
    ]
    if explanation.repairs:
        repair = explanation.repairs[0]
        what = "must get no more than" if repair.side == "lower" else "could get"
        lines.append(
            f"The least change of one bound that would do: {_name(repair.party, names)}"
            f" {what} {repair.needed:.6g} (now {repair.value:.6g})."
        )
    else:
        lines.append("No change of one bound alone would do.")
    lines.append(
        f"Lowering what everyone must get by {explanation.shortfall:.3%} would do, too."
    )
    freeing = [other.party for other in explanation.without if np.isfinite(other.rho)]
    if freeing:
        lines.append(
            "There would be reward values without the bounds of any one of: "
            f"{party_names(freeing, names)}."
        )
    return lines


def _name(party: int | None, names: Names) -> str:
    return "nobody" if party is None else party_names([party], names)

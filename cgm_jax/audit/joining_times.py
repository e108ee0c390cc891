"""F6 to F8, what joining times ask of a scheme, in trials of other times.

The same data with one joining time moved to that of the first party; ρ and v* stay. The
definitions are those of `scoring.joining`: with N_t the parties there before party i,

    F6  v(C ∪ i) ≥ v(C) for all C ⊆ N_t  ⇒  r_i' ≥ r_i
    F7  and v(C ∪ i) > v(C) once, r_i = α_i^ρ v* < v*  ⇒  r_i' > r_i
    F8  all times equal  ⇒  r' is that of the scheme without times

Reference: the idea is that of Chen et al., NeurIPS 2025.
"""

from dataclasses import replace

import numpy as np

from cgm_jax.rewards.scheme import RewardScheme
from cgm_jax.scoring import HandedIn, TimeAware

from .games import TabulatedGame, coalitions_without, members_of
from .incentives import Check, rewards_with, scale_of, strictly, worst

__all__ = ["check_joining_times"]


def check_joining_times(
    game: TabulatedGame,
    scheme: RewardScheme,
    scoring: TimeAware,
    handed_in: HandedIn,
    *,
    tolerance: float,
) -> dict[str, Check]:
    """F6 to F8 by name, each party moved to the first joining time."""
    rewards, best = scheme.reward_values, scheme.max_reward_value
    shares = scheme.fair_shares
    scale = scale_of(game.known, rewards, best)
    slack = tolerance * scale
    times = np.asarray(scoring.joined)
    no_less, more = [], []
    for i in np.flatnonzero(times > times.min()).tolist():
        absent = np.flatnonzero(times >= times[i]).tolist()  # party i is one
        before = coalitions_without(len(times), *absent)
        gains = game.known[before | 1 << i] - game.known[before]
        if gains.min() < -slack:
            continue
        moved = replace(scoring, joined=(*_moved(times, i),))
        would_be = rewards_with(moved.scores(handed_in), scheme)[i]
        group = members_of(int(before[np.argmax(gains)] | 1 << i))
        case = (float(would_be - rewards[i]), (i,), group)
        no_less.append(case)
        is_share = rewards[i] <= shares[i] + slack  # and not its own data's value
        if gains.max() > slack and is_share and best > rewards[i] + slack:
            more.append(case)
    at_once = replace(scoring, joined=(0,) * len(times)).scores(handed_in)
    without = scoring.scoring.scores(handed_in)
    changes = np.abs(rewards_with(at_once, scheme) - rewards_with(without, scheme))
    changed = int(np.argmax(changes))
    return {
        "F6": worst("F6", no_less, slack),
        "F7": worst("F7", more, strictly(scale)),
        "F8": worst("F8", [(-float(changes[changed]), (changed,), None)], slack),
    }


def _moved(times: np.ndarray, party: int) -> list[int]:
    earlier = times.copy()
    earlier[party] = times.min()
    return earlier.tolist()

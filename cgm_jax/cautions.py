"""What a mediator should know before handing out rewards, in sentences.

The reward scheme has warnings of its own; these are about the length scale that
everything was valued with, and about the draws that were to keep the promises.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ._arrays import Points
from .kernels import SquaredExponential, median_length_scale, smallest_length_scale
from .rewards.result import party_names
from .sampling import Reward

__all__ = ["Outlier", "draw_warnings", "find_outlier", "length_scale_warnings"]

# Beyond this many median distances the kernel tells hardly any two points apart.
FLAT_KERNEL = 10.0


@dataclass(frozen=True)
class Outlier:
    """Why the length scale is many times the median distance of two points."""

    length_scale: float
    """ℓ with all parties."""

    median: float
    """Of the distance of two points of the pool."""

    party: int
    """Without which the length scale would be smallest."""

    without_party: float
    """ℓ then."""


def find_outlier(
    length_scale: float, parties: list[Points], candidates: Points
) -> Outlier | None:
    """Whose data made the kernel flat for everyone, if anyone's did."""
    median = median_length_scale(np.concatenate(parties))
    if median == 0 or length_scale <= FLAT_KERNEL * median:
        return None
    without = [
        smallest_length_scale(
            SquaredExponential(1.0), parties[:i] + parties[i + 1 :], candidates
        )
        for i in range(len(parties))
    ]
    party = int(np.argmin(without))
    return Outlier(length_scale, median, party, without[party])


def length_scale_warnings(
    outlier: Outlier | None, names: Sequence[str] | None
) -> list[str]:
    """What an outlier did to the length scale, and whose it is."""
    if outlier is None:
        return []
    return [
        f"The length scale {outlier.length_scale:.4g} is "
        f"{outlier.length_scale / outlier.median:.0f} times the median distance of two "
        "points: hardly any two points differ, so all data are worth about the same. "
        f"Without {party_names([outlier.party], names)} it would be "
        f"{outlier.without_party:.4g}: look for outliers or other units there."
    ]


def draw_warnings(rewards: list[Reward], names: Sequence[str] | None) -> list[str]:
    """What the draws did not keep of the promises."""
    found = []
    missed = [i for i, reward in enumerate(rewards) if reward.stop_reason != "reached"]
    for i in missed:
        reward = rewards[i]
        found.append(
            f"{party_names([i], names)}: promised was {reward.reward_value:.6g}, "
            f"reached {reward.final_value:.6g}, {reward.shortfall:.2g} less; the draw "
            f"was {reward.stop_reason}."
        )
    promised = np.array([reward.reward_value for reward in rewards])
    realised = np.array([reward.final_value for reward in rewards])
    for i, j in zip(*np.nonzero(promised[:, None] > promised[None]), strict=True):
        if realised[i] < realised[j] and i not in missed and j not in missed:
            found.append(
                f"{party_names([int(i), int(j)], names)}: the first was promised more "
                f"by {promised[i] - promised[j]:.2g}, but has less by "
                f"{realised[j] - realised[i]:.2g}, since the last point drawn "
                "overshoots."
            )
    return found

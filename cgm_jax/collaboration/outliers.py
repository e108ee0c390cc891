"""What a mediator should know before handing out rewards, in sentences.

The reward scheme has warnings of its own; these are about the length scale that
everything was valued with, and about the draws that were to keep the promises.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cgm_jax._shared.arrays import Points
from cgm_jax.gram import median_length_scale, smallest_length_scale
from cgm_jax.gram.gram_sums import as_blocks
from cgm_jax.gram.length_scale import party_values
from cgm_jax.kernels import SquaredExponential
from cgm_jax.rewards.scheme import party_names
from cgm_jax.sampling import Reward

__all__ = ["Outlier", "draw_warnings", "find_outlier", "length_scale_warnings"]

# Beyond this many median distances the kernel tells hardly any two points apart.
FLAT_KERNEL = 10.0
# Parties that are tried as the culprit, and sentences about promises of one kind.
_MOST_TRIED = _MOST_SENTENCES = 10


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
    kernel = SquaredExponential(length_scale)
    # The culprit's own value is what just reaches 0 at this length scale.
    values = party_values(kernel, *as_blocks(parties, candidates))
    without = {
        int(i): smallest_length_scale(
            kernel, parties[:i] + parties[i + 1 :], candidates
        )
        for i in np.argsort(values)[:_MOST_TRIED]
    }
    party = min(without, key=lambda i: without[i])
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
    kept = np.array([reward.stop_reason == "reached" for reward in rewards], bool)
    missed = np.flatnonzero(~kept).tolist()
    for i in missed[:_MOST_SENTENCES]:
        reward = rewards[i]
        found.append(
            f"{party_names([i], names)}: promised was {reward.reward_value:.6g}, "
            f"reached {reward.final_value:.6g}, {reward.shortfall:.2g} less; the draw "
            f"was {reward.stop_reason}."
        )
    if len(missed) > _MOST_SENTENCES:
        found.append(
            f"Of {len(missed) - _MOST_SENTENCES} more parties, the promise was not "
            "kept either; see what each of them reached."
        )
    promised = np.array([reward.reward_value for reward in rewards])
    realised = np.array([reward.final_value for reward in rewards])
    promised_more = promised[:, None] > promised[None]
    has_less = realised[:, None] < realised[None]
    pairs = np.argwhere(promised_more & has_less & kept[:, None] & kept[None]).tolist()
    for i, j in pairs[:_MOST_SENTENCES]:
        found.append(
            f"{party_names([i, j], names)}: the first was promised more "
            f"by {promised[i] - promised[j]:.2g}, but has less by "
            f"{realised[j] - realised[i]:.2g}, since the last point drawn overshoots."
        )
    if len(pairs) > _MOST_SENTENCES:
        found.append(
            f"Of {len(pairs) - _MOST_SENTENCES} more pairs of parties, who was "
            "promised more has less in the end, since the last point drawn overshoots."
        )
    return found

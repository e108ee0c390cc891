"""The rewards that keep promises: one draw of synthetic points for every party."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Array, Key

from cgm_jax._shared.arrays import Points
from cgm_jax._shared.progress import Progress
from cgm_jax.gram import GramSums
from cgm_jax.kernels import Kernel
from cgm_jax.rewards import RewardScheme
from cgm_jax.sampling import Reward, weighted_sampling

__all__ = ["Draw", "draw_rewards"]


@dataclass(frozen=True, eq=False, repr=False)
class Draw:
    """What each party was handed out."""

    rewards: list[Reward]
    """One reward per party, as indices into the candidates."""

    inverse_temperature: float
    """β of the draw."""

    def __repr__(self) -> str:
        sizes = [len(reward.indices) for reward in self.rewards]
        reached = sum(reward.stop_reason == "reached" for reward in self.rewards)
        shown = sizes if len(sizes) <= 10 else f"{min(sizes)} to {max(sizes)}"
        return (
            f"Draw(β={self.inverse_temperature:g}, points={shown}, "
            f"{reached} of {len(sizes)} reached)"
        )


def draw_rewards(
    key: Key[Array, ""],
    kernel: Kernel,
    candidates: Points,
    sums: GramSums,
    scheme: RewardScheme,
    *,
    inverse_temperature: float,
    progress: Progress,
) -> Draw:
    """Draw for every party; progress is the mean share of the way up in value."""
    start, goal = scheme.own_values, scheme.reward_values
    shares = np.where(goal > start, 0.0, 1.0)

    def report(party: int, num_picks: int, value: float) -> None:
        del num_picks
        share = (value - start[party]) / max(goal[party] - start[party], 1e-300)
        shares[party] = max(shares[party], min(share, 1.0))
        progress("sampling", float(shares.mean()))

    rewards = weighted_sampling(
        key,
        kernel,
        candidates,
        sums,
        goal,
        inverse_temperature=inverse_temperature,
        progress=report,
    )
    progress("sampling", 1.0)
    return Draw(rewards, float(inverse_temperature))

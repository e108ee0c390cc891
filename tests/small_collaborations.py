"""Real collaborations on little data, computed once: all that a picture can meet."""

import dataclasses
from functools import cache

import jax
import numpy as np

from cgm_jax import Collaboration, collaborate
from cgm_jax.sampling import Reward

# Number of parties and columns: strips, plain axes, principal axes.
SIZES = [(2, 1), (3, 2), (24, 64)]


@cache
def small_collaboration(num_parties: int, dimension: int) -> Collaboration:
    """Parties of unequal sizes; the candidates are blurred rows of the pool."""
    rng = np.random.default_rng(dimension)
    parties = [
        rng.normal(0.3 * i % 1, 0.5, size=(6 + i, dimension))
        for i in range(num_parties)
    ]
    pool = np.concatenate(parties)
    rows = pool[rng.integers(len(pool), size=400)]
    candidates = rows + 0.05 * rng.normal(size=rows.shape)
    return collaborate(jax.random.key(0), parties, candidates, stability=False)


@cache
def several_draws() -> list[Collaboration]:
    """The promises of three parties kept at four β, infinity among them."""
    first = small_collaboration(3, 2)
    others = [
        first.redraw(jax.random.key(i), inverse_temperature=beta)
        for i, beta in enumerate((2.0, 8.0, np.inf))
    ]
    return [first, *others]


def with_reward(collaboration: Collaboration, party: int, **changes) -> Collaboration:
    """The same, but for some fields of one party's reward."""
    rewards = list(collaboration.rewards)
    rewards[party] = dataclasses.replace(rewards[party], **changes)
    return dataclasses.replace(collaboration, rewards=rewards)


def with_nothing(collaboration: Collaboration, party: int) -> Collaboration:
    """The same, but for one party, whose own data suffice and who is given nothing."""
    reward: Reward = collaboration.rewards[party]
    return with_reward(
        collaboration,
        party,
        indices=reward.indices[:0],
        values=reward.values[:0],
        initial_value=reward.reward_value,
    )

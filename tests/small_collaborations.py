"""Real collaborations on little data, computed once: all that a picture can meet."""

import dataclasses
from functools import cache

import jax
import numpy as np

from cgm_jax import Collaboration, Draw, Promises, collaborate, promise
from cgm_jax.datasets import credit_ratings

# Number of parties and columns: strips, plain axes, principal axes.
SIZES = [(2, 1), (3, 2), (24, 64)]


@cache
def small_promises(num_parties: int, dimension: int) -> Promises:
    """Parties of unequal sizes; the candidates are blurred rows of the pool."""
    rng = np.random.default_rng(dimension)
    parties = [
        rng.normal(0.3 * i % 1, 0.5, size=(6 + i, dimension))
        for i in range(num_parties)
    ]
    pool = np.concatenate(parties)
    rows = pool[rng.integers(len(pool), size=400)]
    candidates = rows + 0.05 * rng.normal(size=rows.shape)
    return promise(parties, candidates, stability=False)


@cache
def small_collaboration(num_parties: int, dimension: int) -> Collaboration:
    """The small promises with one draw at β = 1."""
    promises = small_promises(num_parties, dimension)
    return Collaboration(promises, promises.draw(jax.random.key(0)))


@cache
def several_draws() -> tuple[Promises, list[Draw]]:
    """The promises to three parties and draws at four β, infinity among them."""
    first = small_collaboration(3, 2)
    others = [
        first.promises.draw(jax.random.key(i), inverse_temperature=beta)
        for i, beta in enumerate((2.0, 8.0, np.inf))
    ]
    return first.promises, [first.draw, *others]


@cache
def stable_collaboration() -> Collaboration:
    """Three parties, the third with rows of both others; stable promises, β = 8."""
    rng = np.random.default_rng(2)
    parties = [rng.normal(c, 0.4, size=(30 + 5 * i, 2)) for i, c in enumerate((0, 1))]
    parties.append(np.concatenate([parties[0][:20], parties[1][:25]]))
    pool = np.concatenate(parties)
    candidates = pool[rng.integers(len(pool), size=2_000)]
    candidates = candidates + 0.1 * rng.normal(size=candidates.shape)
    promises = promise(parties, candidates)
    # With some keys, a draw ends a little below what was promised.
    return Collaboration(
        promises, promises.draw(jax.random.key(0), inverse_temperature=8.0)
    )


def small_ratings(
    dtype: type = np.float64,
) -> tuple[list[np.ndarray], np.ndarray]:
    """The paper's unequal split, fewer of it, and of unequal sizes too."""
    data = credit_ratings("unequal", num_candidates=250)
    sizes = (36, 27, 48, 30, 42)
    parties = [x[:n].astype(dtype) for x, n in zip(data.parties, sizes, strict=True)]
    return parties, data.candidates.astype(dtype)


@cache
def ratings() -> Collaboration:
    """The collaboration on the small ratings, with key 0."""
    return collaborate(jax.random.key(0), *small_ratings())


def infeasible_points() -> tuple[list[np.ndarray], np.ndarray]:
    """Three parties around different centres: few candidates rule R6 out."""
    rng = np.random.default_rng(4)
    centers = np.array([[0.0, 0.0], [1.0, 0.0], [0.4, 0.9]])
    parties = [rng.normal(center, 0.4, size=(60, 2)) for center in centers]
    return parties, rng.normal(centers[rng.integers(3, size=100)], 0.4)


def with_promises(collaboration: Collaboration, **changes) -> Collaboration:
    """The same, but for some fields of the promises."""
    promises = dataclasses.replace(collaboration.promises, **changes)
    return dataclasses.replace(collaboration, promises=promises)


def with_rewards(collaboration: Collaboration, rewards: list) -> Collaboration:
    """The same promises, but with other rewards."""
    draw = dataclasses.replace(collaboration.draw, rewards=rewards)
    return dataclasses.replace(collaboration, draw=draw)


def with_reward(collaboration: Collaboration, party: int, **changes) -> Collaboration:
    """The same, but for some fields of one party's reward."""
    rewards = list(collaboration.draw.rewards)
    rewards[party] = dataclasses.replace(rewards[party], **changes)
    return with_rewards(collaboration, rewards)


def with_nothing(collaboration: Collaboration, party: int) -> Collaboration:
    """The same, but for one party, whose own data suffice and who is given nothing."""
    reward = collaboration.draw.rewards[party]
    return with_reward(
        collaboration,
        party,
        indices=reward.indices[:0],
        values=reward.values[:0],
        initial_value=reward.reward_value,
    )

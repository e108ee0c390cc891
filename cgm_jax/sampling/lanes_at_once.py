"""Many lanes as one program: on an accelerator all cost hardly more than one.

All lanes of a batch go on in step. Those that have ended are dropped between chunks, as
soon as the rest fits the next smaller of a few sizes.
"""

from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key

from cgm_jax._shared.arrays import ArrayLike
from cgm_jax._shared.precision import compiled
from cgm_jax.kernels.base import Kernel

from .layout import Layout
from .pick_many import PICKS_PER_CHUNK, pick_many
from .picking import CandidateSet, Lane
from .stopping import Course, Reward

__all__ = ["draw_at_once"]

Place = tuple[int, int]  # the draw, and the party
Start = Callable[[Place], tuple[Key[Array, ""], Lane, Course]]


def draw_at_once(
    kernel: Kernel,
    candidates: CandidateSet,
    layout: Layout,
    places: Sequence[Place],
    betas: Float[np.ndarray, " draws"],
    size: int,
    start: Start,
    report: Callable[[Place, Course], None],
) -> list[Reward]:
    """The rewards of all lanes, in the order of their places, ``size`` at a time."""
    rewards: list[Reward] = []
    for first in range(0, len(places), size):
        batch = places[first : first + size]
        keys, lanes, courses = zip(*map(start, batch), strict=True)
        key, state = jnp.stack(keys), jax.tree.map(lambda *x: jnp.stack(x), *lanes)
        beta = np.array([betas[draw] for draw, _ in batch])
        rows = dict(enumerate(range(len(batch))))  # of the lanes that go on
        num_picks = 0
        while rows := {i: r for i, r in rows.items() if not courses[i].stop_reason}:
            if (fewer := _power_of_two(len(rows))) < len(beta):
                kept = np.resize(list(rows.values()), fewer)  # some of them twice
                key, beta, state = key[kept], beta[kept], _take(state, kept)
                rows = {i: row for row, i in enumerate(rows)}
            state, picked, reached = _pick(
                key, kernel, candidates, state, beta, np.int32(num_picks)
            )
            num_picks += PICKS_PER_CHUNK
            picked, reached = layout.candidate[np.asarray(picked)], np.asarray(reached)
            for i, row in rows.items():
                courses[i].take(picked[row], reached[row])
                report(batch[i], courses[i])
        rewards += [course.reward() for course in courses]
    return rewards


@compiled(donate_argnames="lanes")
def _pick(
    keys: Key[Array, " lanes"],
    kernel: Kernel,
    candidates: CandidateSet,
    lanes: Lane,
    betas: Float[ArrayLike, " lanes"],
    first_pick: Int[ArrayLike, ""],
) -> tuple[Lane, Int[Array, "lanes picks"], Float[Array, "lanes picks"]]:
    def pick(key: Key[Array, ""], lane: Lane, beta: Float[ArrayLike, ""]):
        return pick_many(
            key,
            kernel,
            candidates,
            lane,
            beta,
            first_pick,
            num_picks=PICKS_PER_CHUNK,
        )

    return jax.vmap(pick)(keys, lanes, betas)


@jax.jit
def _take(lanes: Lane, rows: Int[Array, " kept"]) -> Lane:
    return jax.tree.map(lambda leaf: leaf[rows], lanes)


def _power_of_two(number: int) -> int:
    return 1 << (number - 1).bit_length()

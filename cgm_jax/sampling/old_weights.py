r"""Picks proposed from weights that are some picks old: the same law, half the work.

Weights are taken of all candidates only now and then. A pick is proposed from them, and
accepted with a probability that makes up for their age. With E_g the exponent of its
weight now, and E⁰_g that of the old one,

    P(accept g) = exp(E_g − E⁰_g − bound),        bound >= E_g − E⁰_g for every g.

What is accepted follows the law of the weights now, exactly; and where a proposal is
refused, weights are taken anew, and the pick is drawn from them as by `pick_plainly`.

The bound takes no look at the candidates: where k >= 0, w has grown by at most
age · max_g c_g/t and not above its largest, and E is piecewise linear in it.

Nor is there one for every pick. A pick moves w of a candidate by its c_g/t less k,
which is at most max_g k(g, g): so the extremes of w, and with them P, are known after
some picks within bounds. Picks whose proposals are accepted for certain change w of all
candidates together, and what is not certain is decided after another look at w.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Bool, Float, Int

from cgm_jax.kernels.base import Kernel

from .picking import (
    CandidateSet,
    Lane,
    Scale,
    Weights,
    add,
    bounded,
    choose,
    count,
    entry,
    extremes_of_columns,
    is_flat,
    point_at,
    scale_of,
    weigh,
    witness_after,
)

__all__ = ["AT_ONCE", "BLOCK", "NUM_UNIFORMS", "pick_from_old_weights"]

BLOCK = 64  # picks: at the start of each, weights are taken anew
OLDEST = 16  # picks from one set of weights, at most
AT_ONCE = 8  # picks after one look at all candidates, at most
TOGETHER = 4  # picks by which a pass over all candidates changes w, or else one
NUM_UNIFORMS = 3  # a pick: to propose, to accept, and to draw after a refusal


class Constants(NamedTuple):
    """What is the same for all picks."""

    kernel: Kernel
    candidates: CandidateSet
    inverse_temperature: Float[Array, ""]
    least_rate: Float[Array, ""]  # a pick adds to w of a candidate its rate, less k
    most_rate: Float[Array, ""]


class Look(NamedTuple):
    """What a look at w of all candidates says."""

    scale: Scale
    places: tuple[Int[Array, ""], Int[Array, ""]]  # of the smallest and the largest w


class State(NamedTuple):
    """A set as it grows, and the picks of a block so far."""

    lane: Lane
    look: Look
    num: Int[Array, ""]
    is_refused: Bool[Array, ""]  # whether the last proposal was
    indices: Int[Array, " picks"]
    values: Float[Array, " picks"]


class Proposals(NamedTuple):
    """What old weights propose for the next few picks."""

    indices: Int[Array, " few"]
    exponents: Float[Array, " few"]  # E⁰
    log_uniforms: Float[Array, " few"]  # accepted where they are below log P


@jax.custom_jvp
def pick_from_old_weights(
    kernel: Kernel,
    candidates: CandidateSet,
    lane: Lane,
    uniforms: Float[Array, "picks 3"],
    inverse_temperature: Float[Array, ""],
) -> tuple[Lane, Int[Array, " picks"], Float[Array, " picks"]]:
    """Pick after pick, for a kernel that is nowhere negative."""
    num_picks = len(uniforms)
    rates = candidates.rates.reshape(lane.witness.shape)
    least_rate = jnp.min(jnp.where(lane.witness > -jnp.inf, rates, jnp.inf))
    constants = Constants(
        kernel, candidates, inverse_temperature, least_rate, jnp.max(rates)
    )
    length = next(n for n in range(min(BLOCK, num_picks), 0, -1) if num_picks % n == 0)
    lane, picked = lax.scan(
        lambda lane, uniforms: _block(constants, lane, uniforms),
        lane,
        uniforms.reshape(-1, length, NUM_UNIFORMS),
    )
    indices, values = (x.reshape(-1) for x in picked)
    return lane, indices, values


@pick_from_old_weights.defjvp
def _of_the_same_picks(primals: tuple[Any, ...], tangents: tuple[Any, ...]) -> Any:
    """The derivative one pick after the other; what is picked has none."""
    lane, indices, values = pick_from_old_weights(*primals)

    def follow(kernel: Kernel, candidates: CandidateSet, lane: Lane):
        def step(lane: Lane, index: Int[Array, ""]):
            return add(kernel, candidates, lane, index, entry(lane.witness, index))

        return lax.scan(step, lane, indices)

    _, (lane_dot, values_dot) = jax.jvp(follow, primals[:3], tangents[:3])
    none = np.zeros(indices.shape, jax.dtypes.float0)
    return (lane, indices, values), (lane_dot, none, values_dot)


def _block(
    constants: Constants, lane: Lane, uniforms: Float[Array, "block 3"]
) -> tuple[Lane, tuple[Int[Array, " block"], Float[Array, " block"]]]:
    """So many picks, the first from weights now."""
    length = len(uniforms)
    uniforms = jnp.pad(uniforms, ((0, AT_ONCE - 1), (0, 0)), mode="edge")

    def with_new_weights(state: State) -> State:
        first, start = state.look.scale, state.num
        weights = weigh(state.lane.witness, first)

        def few_more(state: State) -> State:
            few = lax.dynamic_slice_in_dim(uniforms, state.num, AT_ONCE)
            proposals = _propose(weights, few, is_again=state.is_refused)
            age = state.num - start
            witness_at, num = _accepted(constants, state, first, proposals, age)
            most = jnp.minimum(length - state.num, OLDEST - age)
            return _with_picks(
                constants, state, proposals.indices, witness_at, jnp.minimum(num, most)
            )

        def is_young(now: State) -> Bool[Array, ""]:
            # A refused pick comes first, and is not refused by weights now.
            is_first, is_last = now.num == start, now.num - start == OLDEST
            return (now.num < length) & (is_first | ~(is_last | now.is_refused))

        return lax.while_loop(is_young, few_more, state)

    none = (0 * lane.size).astype(jnp.int32)
    state = State(
        lane,
        _look(lane.witness, constants.inverse_temperature),
        none,
        none > 0,
        jnp.repeat(none, len(uniforms)),
        jnp.repeat(none, len(uniforms)).astype(lane.within.dtype),
    )
    state = lax.while_loop(lambda now: now.num < length, with_new_weights, state)
    return state.lane, (state.indices[:length], state.values[:length])


def _look(
    witness: Float[Array, "rows columns"], inverse_temperature: Float[Array, ""]
) -> Look:
    scale = scale_of(witness, inverse_temperature)
    places = []
    for of_columns, number in zip(
        extremes_of_columns(witness), (scale.smallest, scale.largest), strict=True
    ):
        column = jnp.argmax(of_columns == number)
        row = jnp.argmax(witness[:, column] == number)
        places.append((row * witness.shape[1] + column).astype(jnp.int32))
    return Look(scale, (places[0], places[1]))


def _propose(
    weights: Weights, uniforms: Float[Array, "few 3"], *, is_again: Bool[Array, ""]
) -> Proposals:
    """A proposal for every pick; for the first one again, if it was refused."""
    to_choose = uniforms[:, 0].at[0].set(jnp.where(is_again, *uniforms[0, [2, 0]]))
    indices = jax.vmap(choose, in_axes=(0, None))(to_choose, weights)
    old = jnp.stack([entry(weights.of_candidate, index) for index in indices])
    return Proposals(indices, jnp.log(old), jnp.log(uniforms[:, 1]))


def _accepted(
    constants: Constants,
    state: State,
    first: Scale,
    proposals: Proposals,
    age: Int[Array, ""],
) -> tuple[Float[Array, " few"], Int[Array, ""]]:
    """W of each when it is picked, and how many are accepted one after the other."""
    candidates, (now, places) = constants.candidates, state.look
    # Of these candidates w is known after every pick, and so are bounds for all.
    known = [*proposals.indices, *places]
    indices = jnp.stack(known)
    at = jnp.stack([entry(state.lane.witness, i) for i in known])
    # Or XLA would read it again after w has changed, and copy all of w for that.
    at = lax.optimization_barrier(at)
    rates = jnp.stack([candidates.rates[i] for i in known])
    points = [point_at(candidates, i) for i in known]
    points = jax.tree.map(lambda *x: jnp.concatenate(x), *points)
    k = constants.kernel.pairwise(points, points)
    path = [at]
    for index, to_index in zip(indices[: AT_ONCE - 1], k.T, strict=False):
        moved = path[-1] + (rates - to_index)
        path.append(jnp.where(indices == index, -jnp.inf, moved))
    witness_at = jnp.diagonal(jnp.stack(path))
    least_spread = jnp.stack([at[-1] - at[-2] for at in path])
    ahead = jnp.arange(AT_ONCE, dtype=at.dtype)
    largest = now.largest + ahead * constants.most_rate
    smallest = now.smallest - ahead * (candidates.largest_entry - constants.least_rate)
    beta = bounded(constants.inverse_temperature, at.dtype)
    growth = (age.astype(at.dtype) + ahead) * constants.most_rate
    likelihood = jnp.minimum(
        *(
            log_acceptance(
                first,
                Scale(smallest, largest, spread, beta),
                proposals.exponents,
                witness_at,
                growth,
            )
            for spread in (least_spread, largest - smallest)
        )
    )
    is_certain = proposals.log_uniforms < likelihood.astype(
        proposals.log_uniforms.dtype
    )
    # Nothing is known of the spread once the smallest or the largest w is picked.
    is_certain &= jnp.isfinite(least_spread) & ~is_flat(smallest, largest, least_spread)
    is_certain |= ahead + age.astype(at.dtype) == 0
    first_ones = jnp.cumprod(is_certain.astype(age.dtype))
    return witness_at, jnp.sum(first_ones, dtype=age.dtype)


def log_acceptance(
    first: Scale,
    now: Scale,
    old_exponent: Float[Array, "*shape"],
    witness: Float[Array, "*shape"],
    growth: Float[Array, "*#shape"],
) -> Float[Array, "*shape"]:
    """Log P of candidates with such w now; of extremes that are bounds, no more.

    For given extremes it is a concave function of 1/spread: of two, and all between
    them, the smaller of both.
    """
    # Every pick rounds w once more.
    eps = jnp.finfo(witness.dtype).eps
    growth += OLDEST * eps * jnp.maximum(jnp.abs(now.largest), jnp.abs(now.smallest))
    # The bound is a piecewise linear function of the old w: it is largest at an end or
    # a corner.
    corner = jnp.clip(now.largest - growth, first.smallest, first.largest)
    gained = [
        (witness - jnp.minimum(old + growth, now.largest)) * (1 / now.spread) * now.beta
        - (old_exponent - first.exponent(old))
        for old in (first.smallest, corner, first.largest)
    ]
    rounding = 8 * eps * jnp.maximum(1, jnp.maximum(first.beta, now.beta))
    return jnp.min(jnp.stack(gained), axis=0) - rounding


def _with_picks(
    constants: Constants,
    state: State,
    indices: Int[Array, " few"],
    witness_at: Float[Array, " few"],
    num: Int[Array, ""],
) -> State:
    """The set with the first `num` of these picks; with none, the first was refused."""
    sets, gained = [state.lane], []
    for index, w in zip(indices, witness_at, strict=True):
        grown, value = count(constants.candidates, sets[-1], index, w)
        sets, gained = [*sets, grown], [*gained, value]
    within, across, size = (
        jnp.stack(numbers)[num] for numbers in zip(*(s[1:] for s in sets), strict=True)
    )
    witness = _take_in(constants, state.lane.witness, indices, num)
    return State(
        Lane(witness, within, across, size),
        lax.cond(
            num > 0,
            lambda witness: _look(witness, constants.inverse_temperature),
            lambda witness: state.look,
            witness,
        ),
        state.num + num,
        num == 0,
        *(
            lax.dynamic_update_slice_in_dim(whole, part, state.num, axis=0)
            for whole, part in (
                (state.indices, indices),
                (state.values, jnp.stack(gained)),
            )
        ),
    )


def _take_in(
    constants: Constants,
    witness: Float[Array, "rows columns"],
    indices: Int[Array, " few"],
    num: Int[Array, ""],
) -> Float[Array, "rows columns"]:
    """W after the first `num` picks: by a pass for some of them, or one for each."""
    done = 0 * num
    # Where all that is given were one slice, XLA would compute k ahead of the loop.
    indices = jnp.pad(indices, (0, TOGETHER))
    # Loops, as these change w in place, where branches would copy it.
    for together in (TOGETHER, 1):

        def look(state: tuple[Array, Array], together: int = together):
            witness, done = state
            some = lax.dynamic_slice_in_dim(indices, done, together)
            witness = witness_after(
                constants.kernel, constants.candidates, witness, some
            )
            return witness, done + together

        def is_left(state: tuple[Array, Array], together: int = together):
            return state[1] + together <= num

        witness, done = lax.while_loop(is_left, look, (witness, done))
    return witness

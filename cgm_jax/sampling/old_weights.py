r"""Picks proposed from weights that are some picks old: the same law, half the work.

Weights are taken of all candidates once a block of picks. A pick is proposed from them,
and accepted with a probability that makes up for their age. With E_g the exponent of
its weight now, and E⁰_g that of the old one,

    P(accept g) = exp(E_g − E⁰_g − bound),        bound >= E_g − E⁰_g for every g.

What is accepted follows the law of the weights now, exactly; and where a proposal is
refused, the pick is drawn from the weights now, as `pick_plainly` would.

The bound takes no look at the candidates: where k >= 0, w has grown by at most
age · max_g c_g/t and not above its largest, and E is piecewise linear in it.
"""

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, Int

from cgm_jax.kernels.base import Kernel

from .picking import (
    CandidateSet,
    Lane,
    Scale,
    add,
    choose,
    entry,
    scale_of,
    weigh,
)

__all__ = ["BLOCK", "NUM_UNIFORMS", "pick_from_old_weights"]

BLOCK = 16  # picks from one set of weights
NUM_UNIFORMS = 3  # a pick: to propose, to accept, and to draw after a refusal


def pick_from_old_weights(
    kernel: Kernel,
    candidates: CandidateSet,
    lane: Lane,
    uniforms: Float[Array, "picks 3"],
    inverse_temperature: Float[Array, ""],
) -> tuple[Lane, Int[Array, " picks"], Float[Array, " picks"]]:
    """Pick after pick, for a kernel that is nowhere negative."""
    num_picks = len(uniforms)
    rate = jnp.max(candidates.rates)

    def block(lane: Lane, uniforms: Float[Array, "block 3"]):
        old, first = lane.witness, scale_of(lane.witness, inverse_temperature)
        weights = weigh(old, first)

        def step(lane: Lane, given: tuple[Array, Array]):
            age, uniforms = given
            now = scale_of(lane.witness, inverse_temperature)
            index = choose(uniforms[0], weights)
            w = entry(lane.witness, index)
            gained = now.exponent(w) - first.exponent(entry(old, index))
            # Of NaN, which huge β may make of it, nothing is accepted.
            likelihood = gained - _bound(first, now, age * rate)
            accepted = jnp.log(uniforms[1]) < likelihood.astype(uniforms.dtype)
            # The branches hand on w, or XLA would read it again after w has changed,
            # and copy all of it for that.
            index, w = lax.cond(
                accepted,
                lambda index, w, witness: (index, w),
                lambda index, w, witness: _draw_anew(uniforms[2], witness, now),
                index,
                w,
                lane.witness,
            )
            lane, value = add(kernel, candidates, lane, index, w)
            return lane, (index, value)

        ages = jnp.arange(len(uniforms), dtype=old.dtype)
        return lax.scan(step, lane, (ages, uniforms))

    length = next(n for n in range(min(BLOCK, num_picks), 0, -1) if num_picks % n == 0)
    lane, picked = lax.scan(block, lane, uniforms.reshape(-1, length, NUM_UNIFORMS))
    indices, values = (x.reshape(-1) for x in picked)
    return lane, indices, values


def _draw_anew(
    uniform: Float[Array, ""], witness: Float[Array, "rows columns"], scale: Scale
) -> tuple[Int[Array, ""], Float[Array, ""]]:
    index = choose(uniform, weigh(witness, scale))
    return index, entry(witness, index)


def _bound(first: Scale, now: Scale, growth: Float[Array, ""]) -> Float[Array, ""]:
    """No less than what any candidate's exponent has gained."""
    # Every pick rounds w once more.
    eps = jnp.finfo(first.largest.dtype).eps
    growth += BLOCK * eps * jnp.maximum(jnp.abs(now.largest), jnp.abs(now.smallest))
    # A piecewise linear function of the old w: it is largest at an end or a corner.
    corner = jnp.clip(now.largest - growth, first.smallest, first.largest)
    old = jnp.stack([first.smallest, corner, first.largest])
    most = jnp.minimum(old + growth, now.largest)
    gained = now.exponent(most) - first.exponent(old)
    rounding = 8 * eps * jnp.maximum(first.beta, now.beta)
    return jnp.max(gained) + rounding

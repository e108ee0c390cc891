"""Picks without end: the program of `weighted_sampling`, for programs of one's own."""

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, Int, Key

from cgm_jax._shared.arrays import ArrayLike
from cgm_jax._shared.precision import compiled
from cgm_jax.kernels.base import Kernel

from .old_weights import NUM_UNIFORMS, pick_from_old_weights
from .picking import CandidateSet, Lane, pick_plainly

__all__ = ["PICKS_PER_CHUNK", "pick_many"]

PICKS_PER_CHUNK = 64  # in one call, where draws go on until they have enough
FEW = 2**14  # candidates: a look at all of them costs no more than the rest of a pick


@compiled(static_argnames=("num_picks",))
def pick_many(
    key: Key[Array, ""],
    kernel: Kernel,
    candidates: CandidateSet,
    lane: Lane,
    inverse_temperature: Float[ArrayLike, ""],
    first_pick: Int[ArrayLike, ""],
    *,
    num_picks: int,
) -> tuple[Lane, Int[Array, " picks"], Float[Array, " picks"]]:
    """Pick after pick, whatever the value reached: the program of `weighted_sampling`.

    On a CPU, with many candidates (2^14) and a kernel that is nowhere negative, weights
    are taken anew only now and then. The law is the same, and so are the picks of one
    call or of several, if these are of multiples of 64.

    Args:
        key: the party's key; pick p uses ``fold_in(key, p)``.
        kernel: the kernel.
        candidates: the candidates.
        lane: the party's set.
        inverse_temperature: β >= 0; infinity takes the best.
        first_pick: number of picks made before.
        num_picks: number of picks to make. With no candidate left, a pick is the one at
            position 0 and its value −∞.

    Returns:
        The set after the picks, the positions in the order picked, and the value after
        each pick.

    Example:
        A party of one point at 0 picks the best of 0, 1 and 2, twice:

        >>> from cgm_jax.gram import gram_sums
        >>> from cgm_jax.kernels import SquaredExponential
        >>> from cgm_jax.sampling import lanes
        >>> kernel, own = SquaredExponential(1.0), jnp.array([[0.0]])
        >>> drawn_from = jnp.array([[0.0], [1.0], [2.0]])
        >>> sums = gram_sums(kernel, [own], drawn_from)
        >>> candidates, all_lanes = lanes(kernel, drawn_from, sums)
        >>> lane = jax.tree.map(lambda leaf: leaf[0], all_lanes)  # of the first party
        >>> key, best = jax.random.key(0), jnp.array(jnp.inf)
        >>> lane, picks, values = pick_many(
        ...     key, kernel, candidates, lane, best, jnp.array(0), num_picks=2
        ... )
        >>> picks, float(lane.size)
        (Array([2, 0], dtype=int32), 3.0)

    Reference:
        Tay et al. 2022, Sec. 4.2 and App. H.
    """
    picks = jnp.asarray(first_pick) + jnp.arange(num_picks, dtype=jnp.int32)
    beta, dtype = jnp.asarray(inverse_temperature), lane.within.dtype

    def uniforms(picks: Int[Array, " picks"], shape: tuple[int, ...]):
        def of_pick(pick: Int[Array, ""]) -> Float[Array, "..."]:
            return jax.random.uniform(jax.random.fold_in(key, pick), shape, dtype)

        return jax.vmap(of_pick)(picks)

    def plainly(lane: Lane, picks: Int[Array, " picks"]):
        return pick_plainly(kernel, candidates, lane, uniforms(picks, ()), beta)

    def fast(lane: Lane, picks: Int[Array, " picks"]):
        many = uniforms(picks, (NUM_UNIFORMS,))
        return pick_from_old_weights(kernel, candidates, lane, many, beta)

    if lane.witness.size < FEW or not kernel.is_nonnegative:
        return plainly(lane, picks)
    # An accelerator has exponentials to spare, but waits for every branch.
    return lax.platform_dependent(lane, picks, cpu=fast, default=plainly)

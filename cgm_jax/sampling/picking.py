r"""Picks of the weighted sampling algorithm, in O(|G|·d) each.

For S = D_i ∪ G_i with s points, a_g = Σ_{x∈S} k(x, g) and c_g = Σ_{x∈T} k(x, g),

    v(S ∪ g) = 2/(s+1)² · [ (s+1)/t · C − A/2 + w_g ],
    w_g      = (s+1)/t · c_g − a_g − k(g, g)/2,        A = Σ_{S×S} k,   C = Σ_{x∈S} c_x.

So the min–max normalisation of Δ is that of w, and w is all that is kept a candidate.
Picking g* adds c_g/t − k(g, g*) to it, A grows by 2 a_{g*} + k(g*, g*) =
2 ((s+1)/t · c_{g*} − w_{g*}) and C by c_{g*}. Being a difference, w stays small where
a_g grows with s, and so does its rounding.

A candidate that was taken, or that only fills up a row, has w = −∞ and weight 0.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, ArrayLike, Float, Int, Key

from cgm_jax._shared.exponential import exp_nonpositive
from cgm_jax._shared.precision import compiled
from cgm_jax.kernels.base import Embedding, Kernel

__all__ = ["CandidateSet", "Lane", "grid", "inverse_cdf", "pick_many"]


class CandidateSet(NamedTuple):
    """The candidates that all parties draw from, in a grid, one row after another."""

    points: Embedding  # embedded candidates, the last axis is the candidate
    reference_sums: Float[Array, " g"]  # c, float64
    reference_size: Float[Array, ""]  # t


class Lane(NamedTuple):
    """One party's set S as it grows, as sums that a pick updates."""

    witness: Float[Array, "rows columns"]  # w of all candidates, filled up
    within: Float[Array, ""]  # A
    across: Float[Array, ""]  # C
    size: Float[Array, ""]  # s


def grid(num_candidates: int) -> tuple[int, int]:
    """Rows and columns that hold the candidates, for three short sums to reach each."""
    rows = max(1, round(num_candidates ** (1 / 3)))
    group = max(1, round((num_candidates / rows) ** 0.5))
    return rows, -(-num_candidates // (rows * group)) * group


def column_group(num_columns: int) -> int:
    """Number of columns that are summed before the first cumulative sum."""
    group = max(1, round(num_columns**0.5))
    while num_columns % group:
        group -= 1
    return group


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

    Args:
        key: the party's key; pick p uses ``fold_in(key, p)``.
        kernel: the kernel.
        candidates: the candidates.
        lane: the party's set.
        inverse_temperature: β >= 0; infinity takes the best.
        first_pick: number of picks made before.
        num_picks: number of picks to make.

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
    picks = first_pick + jnp.arange(num_picks, dtype=jnp.int32)
    beta, dtype = jnp.asarray(inverse_temperature), lane.within.dtype
    uniforms = jax.vmap(
        lambda pick: jax.random.uniform(jax.random.fold_in(key, pick), (), dtype)
    )(picks)

    def step(lane: Lane, uniform: Float[Array, ""]):
        index = _draw(uniform, lane.witness, beta)
        lane, value = _add(kernel, candidates, lane, index)
        return lane, (index, value)

    lane, (indices, values) = lax.scan(step, lane, uniforms)
    return lane, indices, values


def _draw(
    uniform: Float[Array, ""],
    witness: Float[Array, "rows columns"],
    inverse_temperature: Float[Array, ""],
) -> Int[Array, ""]:
    """A candidate, drawn with probability ∝ exp(β Δ̄)."""
    largest = jnp.max(_fold(lambda w, best: jnp.where(w > best, w, best), witness))
    smallest = jnp.min(
        _fold(
            lambda w, least: jnp.where((w < least) & (w > -jnp.inf), w, least),
            witness,
            start=jnp.inf,
        )
    )
    spread = largest - smallest
    # All alike up to rounding: uniform.
    rounding = 8 * jnp.finfo(witness.dtype).eps
    is_flat = spread <= rounding * jnp.maximum(jnp.abs(largest), jnp.abs(smallest))
    # Bounds of β that change no weight, but make neither 0·∞ nor ∞·0: at the best, the
    # exponent is 0, and −∞ has weight 0.
    beta = jnp.clip(inverse_temperature.astype(witness.dtype), 1e-30, 1e30)
    beta, spread = (jnp.where(is_flat, x, y) for x, y in ((1e-30, beta), (1, spread)))
    relative = (witness - largest) * (1 / spread)  # β apart: 1e30 could overflow
    # exp(β (Δ̄ − 1)) <= 1. The barrier materialises the weights; otherwise XLA fuses
    # `exp` into every sum.
    weights = lax.optimization_barrier(exp_nonpositive(relative * beta))
    # Three short cumulative sums: a long one costs more than all the rest.
    num_columns = witness.shape[1]
    of_column = _fold(jnp.add, weights).reshape(-1, column_group(num_columns))
    group, rest = inverse_cdf(uniform, jnp.sum(of_column, axis=1))
    member, rest = inverse_cdf(rest, of_column[group])
    column = group * of_column.shape[1] + member
    row, _ = inverse_cdf(rest, weights[:, column])
    # Half as wide as an index in 64-bit mode, and twice as fast to compare with.
    return (row * num_columns + column).astype(jnp.int32)


def inverse_cdf(
    uniform: Float[Array, ""], weights: Float[Array, " n"]
) -> tuple[Int[Array, ""], Float[Array, ""]]:
    r"""The index that a uniform number in [0, 1) falls on.

    .. math:: i = \min \{ i : \textstyle\sum_{j \le i} w_j > u \sum_j w_j \}

    With it comes how far into the weight the number falls, again uniform in [0, 1). An
    entry of weight zero is never returned, whatever the rounding, unless all are.
    """
    cumulative = jnp.cumsum(weights.astype(uniform.dtype))
    # Not the last sum: XLA adds up in a tree, so that zeros at the end may raise it.
    total = jnp.max(jnp.where(weights > 0, cumulative, 0))
    # Strictly below the total, or rounding could put it past the last positive weight.
    # (Not by `nextafter`: a TPU has none of float64.)
    limits = jnp.finfo(total.dtype)
    query = jnp.minimum(uniform * total, total * (1 - limits.eps))
    index = jnp.argmax((cumulative > query) & (weights > 0))
    share = weights[index].astype(uniform.dtype)
    rest = (query - (cumulative[index] - share)) / jnp.where(share > 0, share, 1)
    return index, jnp.clip(rest, 0, 1 - limits.epsneg)


def _add(
    kernel: Kernel, candidates: CandidateSet, lane: Lane, index: Int[Array, ""]
) -> tuple[Lane, Float[Array, ""]]:
    """The set with one more candidate, and its value."""
    shape = lane.witness.shape
    size = lane.size + 1
    slope = size / candidates.reference_size
    w = lane.witness[index // shape[1], index % shape[1]].astype(slope.dtype)
    c = candidates.reference_sums[index]
    value = 2 * (slope * lane.across - lane.within / 2 + w) / size**2
    picked = jax.tree.map(lambda x: x[..., index][None], candidates.points)
    points = jax.tree.map(lambda x: jnp.moveaxis(x, -1, 0), candidates.points)
    k = kernel.pairwise(picked, points).reshape(shape)
    rate = candidates.reference_sums / candidates.reference_size
    rate = rate.astype(k.dtype).reshape(shape)
    # A comparison for every candidate is cheaper than a copy for a write in place.
    position = jnp.arange(k.size, dtype=index.dtype).reshape(shape)
    witness = jnp.where(position == index, -jnp.inf, lane.witness + (rate - k))
    within, across = lane.within + 2 * (slope * c - w), lane.across + c
    return Lane(witness, within, across, size), value


def _fold(
    combine: Callable[[Array, Array], Array],
    rows: Float[Array, "rows columns"],
    start: float | None = None,
) -> Float[Array, " columns"]:
    """A reduction over rows, written out: XLA's CPU code then runs along columns."""
    total = rows[0] if start is None else jnp.full_like(rows[0], start)
    for row in rows[1:] if start is None else rows:
        total = combine(row, total)
    return total

r"""One pick of the weighted sampling algorithm, in O(|G|·d).

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
import numpy as np
from jax import lax
from jaxtyping import Array, Bool, DTypeLike, Float, Int

from cgm_jax._shared.exponential import exp_nonpositive
from cgm_jax.kernels.base import Embedding, Kernel

__all__ = [
    "CandidateSet",
    "Lane",
    "Scale",
    "Weights",
    "add",
    "bounded",
    "choose",
    "count",
    "entry",
    "extremes_of_columns",
    "grid",
    "inverse_cdf",
    "is_flat",
    "pick_plainly",
    "point_at",
    "scale_of",
    "weigh",
    "witness_after",
]


class CandidateSet(NamedTuple):
    """The candidates that all parties draw from, in a grid, one row after another."""

    points: Embedding  # embedded candidates, the last axis is the candidate
    reference_sums: Float[Array, " g"]  # c, float64
    rates: Float[Array, " g"]  # c/t in the dtype of the points: what a pick adds to w
    reference_size: Float[Array, ""]  # t
    largest_entry: Float[Array, ""]  # of k between them: the largest k(x, x)


class Lane(NamedTuple):
    """One party's set S as it grows, as sums that a pick updates."""

    witness: Float[Array, "rows columns"]  # w of all candidates, filled up
    within: Float[Array, ""]  # A
    across: Float[Array, ""]  # C
    size: Float[Array, ""]  # s


class Scale(NamedTuple):
    """The law of a pick: candidate g has weight exp(β (w_g − largest) / spread)."""

    smallest: Float[Array, "*shape"]
    largest: Float[Array, "*shape"]
    spread: Float[Array, "*shape"]
    beta: Float[Array, ""]

    def exponent(self, witness: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        """β (Δ̄ − 1) <= 0."""
        # β apart: 1e30 could overflow.
        return (witness - self.largest) * (1 / self.spread) * self.beta


class Weights(NamedTuple):
    """What a candidate is drawn by."""

    of_candidate: Float[Array, "rows columns"]
    of_column: Float[Array, "groups members"]  # sums of columns, in groups of columns


def grid(num_candidates: int) -> tuple[int, int]:
    """Rows and columns that hold the candidates, for three short sums to reach each."""
    rows = max(1, round(num_candidates ** (1 / 3)))
    group = max(1, round((num_candidates / rows) ** 0.5))
    return rows, -(-num_candidates // (rows * group)) * group


def pick_plainly(
    kernel: Kernel,
    candidates: CandidateSet,
    lane: Lane,
    uniforms: Float[Array, " picks"],
    inverse_temperature: Float[Array, ""],
) -> tuple[Lane, Int[Array, " picks"], Float[Array, " picks"]]:
    """Pick after pick, each from the weights of all candidates."""

    def step(lane: Lane, uniform: Float[Array, ""]):
        scale = scale_of(lane.witness, inverse_temperature)
        index = choose(uniform, weigh(lane.witness, scale))
        lane, value = add(kernel, candidates, lane, index, entry(lane.witness, index))
        return lane, (index, value)

    lane, (indices, values) = lax.scan(step, lane, uniforms)
    return lane, indices, values


def scale_of(
    witness: Float[Array, "rows columns"], inverse_temperature: Float[Array, ""]
) -> Scale:
    """The law of the next pick."""
    smallest, largest = (
        extreme(of_columns)
        for extreme, of_columns in zip(
            (jnp.min, jnp.max), extremes_of_columns(witness), strict=True
        )
    )
    spread, beta = largest - smallest, bounded(inverse_temperature, witness.dtype)
    flat = is_flat(smallest, largest, spread)
    beta, spread = (jnp.where(flat, x, y) for x, y in ((1e-30, beta), (1, spread)))
    return Scale(smallest, largest, spread, beta)


def extremes_of_columns(
    witness: Float[Array, "rows columns"],
) -> tuple[Float[Array, " columns"], Float[Array, " columns"]]:
    """The smallest and the largest w of every column."""
    smallest = _fold(
        lambda w, least: jnp.where((w < least) & (w > -jnp.inf), w, least),
        witness,
        start=jnp.inf,
    )
    return smallest, _fold(lambda w, best: jnp.where(w > best, w, best), witness)


def bounded(
    inverse_temperature: Float[Array, ""], dtype: DTypeLike
) -> Float[Array, ""]:
    """β within bounds that change no weight, but make neither 0·∞ nor ∞·0.

    At the best, the exponent is 0, and −∞ has weight 0.
    """
    return jnp.clip(inverse_temperature.astype(dtype), 1e-30, 1e30)


def is_flat(
    smallest: Float[Array, "*shape"],
    largest: Float[Array, "*shape"],
    spread: Float[Array, "*shape"],
) -> Bool[Array, "*shape"]:
    """Whether all are alike up to rounding, so that the law is uniform."""
    rounding = 8 * jnp.finfo(spread.dtype).eps
    return spread <= rounding * jnp.maximum(jnp.abs(largest), jnp.abs(smallest))


def weigh(witness: Float[Array, "rows columns"], scale: Scale) -> Weights:
    """exp(β (Δ̄ − 1)) of every candidate."""
    # The barrier materialises the weights; otherwise XLA fuses `exp` into every sum.
    weights = lax.optimization_barrier(exp_nonpositive(scale.exponent(witness)))
    of_column = _fold(jnp.add, weights)
    return Weights(weights, of_column.reshape(-1, _column_group(len(of_column))))


def choose(uniform: Float[Array, ""], weights: Weights) -> Int[Array, ""]:
    """A candidate, drawn with probability ∝ its weight."""
    # By three short cumulative sums: a long one costs more than all the rest.
    group, rest = inverse_cdf(uniform, jnp.sum(weights.of_column, axis=1))
    member, rest = inverse_cdf(rest, weights.of_column[group])
    column = group * weights.of_column.shape[1] + member
    row, _ = inverse_cdf(rest, weights.of_candidate[:, column])
    # Half as wide as an index in 64-bit mode, and twice as fast to compare with.
    return (row * weights.of_candidate.shape[1] + column).astype(jnp.int32)


def inverse_cdf(
    uniform: Float[Array, ""], weights: Float[Array, " n"]
) -> tuple[Int[Array, ""], Float[Array, ""]]:
    r"""The index that a uniform number in [0, 1) falls on.

    .. math:: i = \min \{ i : \textstyle\sum_{j \le i} w_j > u \sum_j w_j \}

    With it comes how far into the weight the number falls, again uniform in [0, 1). An
    entry of weight zero is never returned, whatever the rounding, unless all are.
    """
    # Sums of the same terms in the same order, some of them 0: they never decrease, and
    # stay the same where a weight is 0. (XLA's cumulative sum does not promise that.)
    is_before = np.tri(len(weights), dtype=bool)
    cumulative = jnp.sum(jnp.where(is_before, weights[None], 0), axis=1)
    total = cumulative[-1]
    # Strictly below the total, or rounding could put it past the last positive weight.
    # (Not by `nextafter`: a TPU has none of float64.)
    largest = total * (1 - jnp.finfo(total.dtype).eps)
    position = uniform * total.astype(uniform.dtype)
    query = jnp.minimum(position.astype(total.dtype), largest)
    index = jnp.sum(cumulative <= query, dtype=jnp.int32)
    index = jnp.minimum(index, len(weights) - 1)
    share = weights[index].astype(uniform.dtype)
    rest = position - (cumulative[index].astype(uniform.dtype) - share)
    rest = rest / jnp.where(share > 0, share, 1)
    return index, jnp.clip(rest, 0, 1 - jnp.finfo(uniform.dtype).epsneg)


def entry(
    witness: Float[Array, "rows columns"], index: Int[Array, ""]
) -> Float[Array, ""]:
    """w of one candidate."""
    return witness.reshape(-1)[index]


def add(
    kernel: Kernel,
    candidates: CandidateSet,
    lane: Lane,
    index: Int[Array, ""],
    witness_at: Float[Array, ""],
) -> tuple[Lane, Float[Array, ""]]:
    """The set with one more candidate, whose w is given, and its value."""
    witness = witness_after(kernel, candidates, lane.witness, index[None])
    lane, value = count(candidates, lane, index, witness_at)
    return lane._replace(witness=witness), value


def count(
    candidates: CandidateSet,
    lane: Lane,
    index: Int[Array, ""],
    witness_at: Float[Array, ""],
) -> tuple[Lane, Float[Array, ""]]:
    """The set's own sums with one more candidate, and its value; w stays as it is."""
    size = lane.size + 1
    slope = size / candidates.reference_size
    w = witness_at.astype(slope.dtype)
    c = candidates.reference_sums[index]
    value = 2 * (slope * lane.across - lane.within / 2 + w) / size**2
    within, across = lane.within + 2 * (slope * c - w), lane.across + c
    return Lane(lane.witness, within, across, size), value


def witness_after(
    kernel: Kernel,
    candidates: CandidateSet,
    witness: Float[Array, "rows columns"],
    indices: Int[Array, " picks"],
) -> Float[Array, "rows columns"]:
    """W of all candidates after some picks, which all but the first cost half as much.

    A pick by itself waits for memory: the points, the rates and w.
    """
    shape = witness.shape
    points = jax.tree.map(lambda x: jnp.moveaxis(x, -1, 0), candidates.points)
    # A comparison for every candidate is cheaper than a copy for a write in place.
    position = jnp.arange(witness.size, dtype=indices.dtype).reshape(shape)
    rates = candidates.rates.reshape(shape)
    for index in indices:
        k = kernel.pairwise(point_at(candidates, index), points).reshape(shape)
        witness = jnp.where(position == index, -jnp.inf, witness + (rates - k))
    return witness


def point_at(candidates: CandidateSet, index: Int[Array, ""]) -> Embedding:
    """One candidate, as points of its own."""
    return jax.tree.map(lambda x: x[..., index][None], candidates.points)


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


def _column_group(num_columns: int) -> int:
    """Number of columns that are summed before the first cumulative sum."""
    group = max(1, round(num_columns**0.5))
    while num_columns % group:
        group -= 1
    return group

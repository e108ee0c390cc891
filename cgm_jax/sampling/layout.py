"""Candidates in a grid of one of a few sizes, for which programs are compiled."""

from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import DTypeLike, Float, Int

from cgm_jax._shared.arrays import Points, rounded_up
from cgm_jax._shared.precision import at_once
from cgm_jax.gram import GramSums
from cgm_jax.kernels.base import Kernel

from .lanes import first_witness, placed
from .picking import CandidateSet, Lane, grid

__all__ = ["Layout", "candidate_set", "lane_of"]


class Layout(NamedTuple):
    """Where a candidate stands in a grid of one of a few sizes.

    A draw goes through columns one by one. Candidates stand in the order in which it
    would meet them in their own `grid`: what is drawn does not depend on the filling.
    """

    shape: tuple[int, int]
    candidate: Int[np.ndarray, " positions"]  # at a position; -1 fills up

    @classmethod
    def of(cls, num_candidates: int) -> "Layout":
        rows, columns = grid(num_candidates)
        order = np.arange(rows * columns).reshape(rows, columns).T.reshape(-1)
        order = order[order < num_candidates]
        shape = grid(max(256, rounded_up(num_candidates, steps=8)))
        candidate = np.full(shape[::-1], -1)
        candidate.reshape(-1)[: len(order)] = order
        return cls(shape, candidate.T.reshape(-1))

    def arranged(
        self, numbers: Float[np.ndarray, "g ..."], filling: float
    ) -> Float[np.ndarray, "positions ..."]:
        """One number of every candidate, at its position."""
        is_real = self.candidate >= 0
        return np.where(is_real, numbers[self.candidate], filling)


def candidate_set(
    kernel: Kernel,
    points: Points,
    sums: GramSums,
    reference_sums: Float[np.ndarray, " g"],
    layout: Layout,
) -> tuple[CandidateSet, Float[np.ndarray, " g"]]:
    """What all parties draw from, of centred points, and k(x, x) of every candidate."""
    at = np.asarray(points)[np.maximum(layout.candidate, 0)]
    embedded, diagonal_at = placed(kernel, at)
    diagonal = np.empty(len(points), points.dtype)
    is_real = layout.candidate >= 0
    diagonal[layout.candidate[is_real]] = np.asarray(diagonal_at)[is_real]
    arranged = layout.arranged(reference_sums, 0.0)
    t = np.asarray(sums.reference_size)
    numbers = arranged, (arranged / t).astype(points.dtype), t, diagonal.max()
    return CandidateSet(embedded, *jax.device_put(numbers)), diagonal


def lane_of(
    diagonal: Float[np.ndarray, " g"],
    sums: GramSums,
    reference_sums: Float[np.ndarray, " g"],
    party: int,
    layout: Layout,
    dtype: DTypeLike,
) -> Lane:
    """A party's set before its first pick."""
    mine = slice(party, party + 1)
    w = np.asarray(first_witness(sums, reference_sums, diagonal, mine))
    lane = (
        layout.arranged(w[0], -np.inf).astype(dtype).reshape(layout.shape),
        np.asarray(sums.between[party, party]),
        np.asarray(sums.between[party].sum()),
        np.asarray(sums.sizes[party]),
    )
    with at_once():
        return Lane(*jax.device_put(lane))

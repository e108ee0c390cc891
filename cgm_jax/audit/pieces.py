r"""Sums between data sets that are made of arrays, of which many have some in common.

With B and R the sums of all arrays, and W how often a data set has each of them,

    B' = W B Wᵀ,     R' = R Wᵀ,     s' = W s

so that one pass over the arrays that nobody had before serves all data sets; the
candidates' sums with each other are never taken again.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from cgm_jax._shared.arrays import Points
from cgm_jax._shared.precision import at_once
from cgm_jax.gram import GramSums
from cgm_jax.gram.gram_sums import sums_with_parties
from cgm_jax.kernels import Kernel

__all__ = ["SumsOfPieces", "merged"]

_Content = tuple[tuple[int, ...], bytes]


@dataclass(frozen=True)
class SumsOfPieces:
    """Sums between arrays, none of which is there twice, and the candidates."""

    places: dict[_Content, int]  # of every array
    sums: GramSums

    @classmethod
    def of(
        cls,
        kernel: Kernel,
        parties: list[np.ndarray],
        candidates: np.ndarray,
        sums: GramSums,
        pieces: Iterable[Points],
    ) -> "SumsOfPieces":
        """Those of the parties, which are known, and of more arrays."""
        places: dict[_Content, int] = {}
        for i, points in enumerate(parties):
            places.setdefault(_content(points), i)
        new: list[Points] = []
        for piece in map(np.asarray, pieces):
            place = len(parties) + len(new)
            if places.setdefault(_content(piece), place) == place:
                new.append(piece)
        if new:
            sums = _with_more(kernel, parties, candidates, sums, new)
        return cls(places, sums)

    def between(self, data_sets: Sequence[Sequence[Points]]) -> GramSums:
        """Sums between data sets of these arrays, and the candidates."""
        weights = np.zeros((len(data_sets), self.sums.num_parties))
        for row, pieces in enumerate(data_sets):
            for piece in pieces:
                weights[row, self.places[_content(piece)]] += 1
        return merged(self.sums, weights)


def merged(sums: GramSums, weights: Float[np.ndarray, "sets blocks"]) -> GramSums:
    """Sums between data sets that have every block so many times."""
    matrix = np.zeros((len(weights) + 1, len(sums.sizes)))
    matrix[:-1, :-1] = weights
    matrix[-1, -1] = 1
    return GramSums(
        matrix @ np.asarray(sums.between) @ matrix.T,
        np.asarray(sums.candidate_rows) @ matrix.T,
        matrix @ sums.sizes,
    )


def _with_more(
    kernel: Kernel,
    parties: list[np.ndarray],
    candidates: np.ndarray,
    sums: GramSums,
    new: list[Points],
) -> GramSums:
    """One pass: the new arrays with each other, the parties and the candidates."""
    n, ends = len(parties), np.cumsum([len(x) for x in parties])
    known = np.concatenate([*parties, candidates])
    with at_once():
        among, rows = sums_with_parties(kernel, new, known)
    of_parties, of_candidates = np.split(np.asarray(rows, float), [ends[-1]])
    across = np.add.reduceat(of_parties, [0, *ends[:-1]], axis=0)
    total = of_candidates.sum(axis=0)[None]
    old, old_rows = np.asarray(sums.between), np.asarray(sums.candidate_rows)
    return GramSums(
        np.block(
            [
                [old[:n, :n], across, old[:n, n:]],
                [across.T, np.asarray(among), total.T],
                [old[n:, :n], total, old[n:, n:]],
            ]
        ),
        np.hstack([old_rows[:, :n], of_candidates, old_rows[:, n:]]),
        np.array([*sums.sizes[:n], *map(len, new), sums.sizes[n]], float),
    )


def _content(points: Points) -> _Content:
    """What two arrays have in common if they are the same rows."""
    return points.shape, np.asarray(points).tobytes()

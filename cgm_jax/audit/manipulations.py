"""What a party may hand in instead of its data, as weights of parts of the data.

Every party's rows are dealt, once and at random, into up to 30 parts: a split in 2, 3
or 5, a half and a tenth are then unions of parts. A data set made of parts with
multiplicities w is one row of a matrix W, and sums between such sets are

    B' = W B Wᵀ,     R' = R Wᵀ,     s' = W s

so that one pass over the pairs of parts serves every way of handing them in.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import jax
import numpy as np
from jaxtyping import Array, Float, Key

from cgm_jax._shared.arrays import Points
from cgm_jax.gram import GramSums

NUM_PARTS = 30  # divisible by 2, 3, 5 and 10
SPLITS = (2, 3, 5)


@dataclass(frozen=True)
class Parts:
    """The parties' rows in parts, and as much noise as every party has rows."""

    blocks: list[Points]  # of party 0, of party 1, …, then the noise of each party
    owners: tuple[tuple[int, ...], ...]  # which blocks are parts of which party

    def part(self, party: int, first: float, last: float) -> Float[np.ndarray, " m"]:
        """The weights of the parts of a party between two shares, 0 to 1."""
        mine = self.owners[party]
        start, end = (round(share * len(mine)) for share in (first, last))
        weights = np.zeros(len(self.blocks))
        weights[list(mine[start : max(end, start + 1)])] = 1
        return weights

    def own(self, party: int) -> Float[np.ndarray, " m"]:
        """The weights of all that a party has."""
        return self.part(party, 0.0, 1.0)

    def noise(self, party: int) -> Float[np.ndarray, " m"]:
        """The weights of a party's noise."""
        weights = np.zeros(len(self.blocks))
        weights[len(self.blocks) - len(self.owners) + party] = 1
        return weights


def deal(key: Key[Array, ""], parties: Sequence[Points]) -> Parts:
    """Deal every party's rows into parts, and draw noise between the extremes."""
    pool = np.concatenate([np.asarray(x) for x in parties])
    low, high = pool.min(axis=0), pool.max(axis=0)
    blocks, owners, noise = [], [], []
    for i, points in enumerate(parties):
        deal_key, noise_key = jax.random.split(jax.random.fold_in(key, i))
        order = np.asarray(jax.random.permutation(deal_key, len(points)))
        # Evenly cut everywhere, so that unions of neighbours are of equal sizes, too.
        num = min(NUM_PARTS, len(points))
        edges = np.arange(1, num) * len(points) // num
        pieces = np.split(np.asarray(points)[order], edges)
        owners.append(tuple(range(len(blocks), len(blocks) + len(pieces))))
        blocks += pieces
        share = np.asarray(jax.random.uniform(noise_key, points.shape))
        noise.append((low[None] + share * (high - low)[None]).astype(pool.dtype))
    return Parts(blocks + noise, tuple(owners))


def submissions(
    parts: Parts, party: int, *, best_other: int
) -> Iterator[tuple[str, list[Float[np.ndarray, " m"]]]]:
    """What a party may hand in: names, and the weights of one or several data sets."""
    own = parts.own(party)
    for k in SPLITS:
        if len(parts.owners[party]) >= k:
            pieces = [parts.part(party, p / k, (p + 1) / k) for p in range(k)]
            yield f"split in {k}", pieces
    yield "hand in twice", [2 * own]
    yield "copy the best other", [own + parts.own(best_other)]
    yield "withhold half", [parts.part(party, 0.0, 0.5)]
    yield "withhold nine tenths", [parts.part(party, 0.0, 0.1)]
    yield "add as much noise", [own + parts.noise(party)]


def merged(sums: GramSums, weights: Sequence[Float[np.ndarray, " m"]]) -> GramSums:
    """Sums between data sets made of parts, and the candidates."""
    matrix = np.zeros((len(weights) + 1, len(sums.sizes)))
    matrix[:-1, :-1] = weights
    matrix[-1, -1] = 1
    return GramSums(
        matrix @ np.asarray(sums.between) @ matrix.T,
        np.asarray(sums.candidate_rows) @ matrix.T,
        matrix @ sums.sizes,
    )

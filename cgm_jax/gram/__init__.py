"""Sums of a kernel over all pairs of points, and the length scale that they decide.

`gram_sums` is one pass over all t² pairs of T, tile by tile and using symmetry; every
value is read from its sums, and the t × t matrix never exists. Most of the time is
spent in the exponential. `smallest_length_scale` finds the smallest ℓ with v(D_i) ≥ 0
for all parties i (Sec. 5). The devices of a mesh share both: every one holds its part
of the points, and the parts go round in a ring.

On a CPU, squared exponentials in one to three dimensions are written as sums of waves
where there are many points, and summed over them in time O(t).

With features of `cgm_jax.embeddings` one pass over points takes the place of one over
pairs: `embedding_sums`, `party_embeddings`.
"""

from .embedding_sums import PartyEmbeddings, embedding_sums, party_embeddings
from .gram_sums import GramSums, gram_sums
from .length_scale import (
    median_length_scale,
    quantile_length_scale,
    smallest_length_scale,
)
from .projection import project_kernel

__all__ = [
    "GramSums",
    "PartyEmbeddings",
    "embedding_sums",
    "gram_sums",
    "median_length_scale",
    "party_embeddings",
    "project_kernel",
    "quantile_length_scale",
    "smallest_length_scale",
]
__dir__ = __all__.copy

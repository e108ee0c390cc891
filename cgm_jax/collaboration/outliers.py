"""Outliers: one party's data that make the kernel flat for everyone."""

from dataclasses import dataclass

import numpy as np
from jax.sharding import Mesh

from cgm_jax._shared.arrays import Points
from cgm_jax.gram import median_length_scale, smallest_length_scale
from cgm_jax.gram.gram_sums import as_blocks
from cgm_jax.gram.length_scale import evenly_spaced_in_pool, party_values
from cgm_jax.gram.mesh import as_mesh
from cgm_jax.kernels import SquaredExponential

__all__ = ["Outlier", "find_outlier"]

# Beyond this many median distances the kernel tells hardly any two points apart.
FLAT_KERNEL = 10.0
_MOST_TRIED = 10  # parties, as the culprit


@dataclass(frozen=True)
class Outlier:
    """Why the length scale is many times the median distance of two points."""

    length_scale: float
    """ℓ with all parties."""

    median: float
    """Median distance of two points of the pool."""

    party: int
    """The party without which the length scale would be smallest."""

    without_party: float
    """ℓ without it."""


def find_outlier(
    length_scale: float,
    parties: list[Points],
    candidates: Points,
    mesh: Mesh | None = None,
) -> Outlier | None:
    """Whose data made the kernel flat for everyone, if anyone's did."""
    median = float(median_length_scale(evenly_spaced_in_pool(parties)))
    if median == 0 or length_scale <= FLAT_KERNEL * median:
        return None
    kernel = SquaredExponential(length_scale)
    # The culprit's own value is what just reaches 0 at this length scale.
    points, drawn = as_blocks(parties, candidates, sharded=True)
    values = party_values(kernel, points, drawn, as_mesh(mesh, *points, drawn))
    without = {
        int(i): smallest_length_scale(
            kernel, parties[:i] + parties[i + 1 :], candidates, mesh=mesh
        )
        for i in np.argsort(values)[:_MOST_TRIED]
    }
    party = min(without, key=lambda i: without[i])
    return Outlier(length_scale, median, party, without[party])

"""Sums of the kernel over little data, for games of parties of unequal sizes."""

import numpy as np
import oracles

from cgm_jax.gram import GramSums


def small_sums(num_parties: int) -> GramSums:
    """Parties of 1 to 7 points around different centres, and 20 candidates."""
    rng = np.random.default_rng(num_parties)
    sizes = [*(1 + i * 5 % 7 for i in range(num_parties)), 20]
    centers = np.repeat(rng.uniform(size=(len(sizes), 2)), sizes, axis=0)
    points = rng.normal(centers, 0.4)
    blocks = np.split(points, np.cumsum(sizes)[:-1])
    rows, between = oracles.block_sums(oracles.squared_exponential(0.7), blocks)
    return GramSums(between, rows[-20:], np.array(sizes, float))

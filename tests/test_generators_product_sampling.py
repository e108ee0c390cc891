"""Points of a mixture of products: each a draw, all nearer to it than by chance."""

import jax
import numpy as np
import pytest
from scipy.stats import chi2

from cgm_jax.generators import ProductMixture
from cgm_jax.generators.base import BLOCK_SIZE

VALUES = np.arange(3.0)
SHARES = np.array([0.5, 0.3, 0.2])


@pytest.fixture(scope="module")
def model():
    """Two independent columns of three values that many rows have."""
    points = np.random.default_rng(0).choice(VALUES, p=SHARES, size=(400, 2))
    options = {"num_components": 1, "held_out": 0, "max_steps": 2}
    return ProductMixture(**options).fit(jax.random.key(0), points)


def counts(points: np.ndarray) -> np.ndarray:
    return np.stack([(points == value).sum(axis=0) for value in VALUES])


@pytest.mark.medium
def test_a_block_has_the_shares_of_the_density_but_for_a_point(model):
    points = model.sample(jax.random.key(1), BLOCK_SIZE)
    for column, found in enumerate(counts(points).T):
        density = np.exp(model.marginal([column]).log_density(VALUES[:, None]))
        assert np.abs(found - BLOCK_SIZE * density).max() <= 2


def test_columns_and_parts_of_a_block_are_as_by_chance(model):
    points = model.sample(jax.random.key(1), BLOCK_SIZE)
    pairs = np.array([counts(points[points[:, 0] == v])[:, 1] for v in VALUES])
    alone = pairs.sum(0) / BLOCK_SIZE
    expected = pairs.sum(1)[:, None] * alone[None]
    statistic = ((pairs - expected) ** 2 / expected).sum()
    assert chi2.isf(1 - 1e-3, 4) < statistic < chi2.isf(1e-3, 4)
    for part in (points[::2], points[: BLOCK_SIZE // 2]):
        expected = counts(points) / 2
        statistic = ((counts(part) - expected) ** 2 / expected).sum(axis=0)
        assert (statistic < chi2.isf(1e-3, 2)).all()

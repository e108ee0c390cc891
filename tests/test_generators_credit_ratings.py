"""What the banks are promised with candidates of a mixture of products."""

import jax
import numpy as np
import pytest

from cgm_jax.collaboration import promise
from cgm_jax.datasets import credit_ratings
from cgm_jax.generators import GaussianMixture, ProductMixture
from cgm_jax.kernels import SquaredExponential
from cgm_jax.valuation import mmd2_unbiased

pytestmark = pytest.mark.slow
NUM_CANDIDATES = 100_000  # the paper's
NUM_POOLED = 5_000  # the banks' points
KEYS = jax.random.split(jax.random.key(0), (2, 3))
# The length scale is that of the paper's candidates. Where it is searched for, other
# exact candidates lead to another one, and the values of the unequal split, which is
# the more sensitive, are up to 9 % apart.
LENGTH_SCALES = {"equal-disjoint": 0.2641, "unequal": 0.0672}


def reward_values(candidates) -> dict[str, np.ndarray]:
    """Promises of each split, relaxed where chance lets the bounds miss by a hair."""
    return {
        split: promise(
            credit_ratings(split, num_candidates=1).parties,
            np.asarray(candidates),
            kernel=SquaredExponential(scale),
            relax=True,
        ).scheme.reward_values
        for split, scale in LENGTH_SCALES.items()
    }


@pytest.fixture(scope="module")
def truth() -> GaussianMixture:
    banks = credit_ratings("equal-disjoint", num_candidates=1)
    covariances = np.tile(np.eye(2, dtype=np.float32) / 200, (5, 1, 1))
    return GaussianMixture(np.full(5, 0.2), banks.means, covariances)


@pytest.fixture(scope="module")
def exact(truth) -> list[dict[str, np.ndarray]]:
    return [reward_values(truth.sample(k, truth, NUM_CANDIDATES)) for k in KEYS[0]]


def drawn(generator: ProductMixture) -> list[np.ndarray]:
    """Candidates of three fits to the banks' points."""
    pool = np.vstack(credit_ratings("equal-disjoint", num_candidates=1).parties)
    candidates = []
    for key in KEYS[1]:
        fit_key, draw_key = jax.random.split(key)
        model = generator.fit(fit_key, pool)
        candidates.append(generator.sample(draw_key, model, NUM_CANDIDATES))
    return candidates


@pytest.fixture(scope="module")
def of_all() -> list[np.ndarray]:
    return drawn(ProductMixture(held_out=0))


def test_exact_candidates_lead_to_the_same_reward_values(exact):
    for split in LENGTH_SCALES:
        values = np.array([one[split] for one in exact])
        expected = np.broadcast_to(values.mean(axis=0), values.shape)
        np.testing.assert_allclose(values, expected, rtol=0.005)


def test_reward_values_are_nearly_those_of_exact_candidates(exact, of_all):
    for values in map(reward_values, of_all):
        for split in LENGTH_SCALES:
            expected = np.mean([one[split] for one in exact], axis=0)
            np.testing.assert_allclose(values[split], expected, rtol=0.01)


def test_reward_values_of_nine_in_ten_rows_are_nearly_those(exact):
    """Resamples of nine tenths of the points themselves are up to 1.2 % off."""
    for values in map(reward_values, drawn(ProductMixture())):
        for split in LENGTH_SCALES:
            expected = np.mean([one[split] for one in exact], axis=0)
            np.testing.assert_allclose(values[split], expected, rtol=0.0125)


@pytest.mark.parametrize(("part", "num"), [(1, NUM_POOLED), (4, NUM_POOLED // 5)])
def test_mmd2_is_that_of_as_many_fresh_points(truth, of_all, part, num):
    """At ℓ for as many points as the pool has, and at ℓ / 4 for a fifth of them.

    At ℓ / 4 chance that is in 5,000 points counts more than 5,000 others can tell:
    their resamples, and points of the true family fitted to them, are two errors off.
    """
    kernel = SquaredExponential(LENGTH_SCALES["equal-disjoint"] / part)
    fresh = np.split(truth.sample(jax.random.key(1), truth, 24 * num), 24)
    among_fresh = [
        mmd2_unbiased(kernel, fresh[i], fresh[i - shift])
        for i in range(24)
        for shift in (1, 2)
    ]
    for candidates in of_all:
        few = candidates[:num]
        found = [mmd2_unbiased(kernel, few, points) for points in fresh[:6]]
        assert abs(np.mean(found)) < 2 * np.std(among_fresh)

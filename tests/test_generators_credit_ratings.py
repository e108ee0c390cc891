"""What the banks are promised with candidates of a mixture of products."""

import jax
import numpy as np
import pytest

from cgm_jax.collaboration import promise
from cgm_jax.datasets import credit_ratings
from cgm_jax.generators import GaussianMixture, ProductMixture
from cgm_jax.kernels import SquaredExponential

pytestmark = pytest.mark.slow
NUM_CANDIDATES = 100_000  # the paper's
KEYS = jax.random.split(jax.random.key(0), (2, 3))
# The length scale is that of the paper's candidates. Where it is searched for, other
# exact candidates lead to another one, and the values of the unequal split, which is
# the more sensitive, are up to 9 % apart.
LENGTH_SCALES = {"equal-disjoint": 0.2641, "unequal": 0.0672}
LARGEST = {"equal-disjoint": 0.012, "unequal": 0.02}


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


def test_reward_values_are_nearly_those_of_exact_candidates():
    banks = credit_ratings("equal-disjoint", num_candidates=1)
    covariances = np.tile(np.eye(2, dtype=np.float32) / 200, (5, 1, 1))
    truth = GaussianMixture(np.full(5, 0.2), banks.means, covariances)
    exact = [reward_values(truth.sample(k, truth, NUM_CANDIDATES)) for k in KEYS[0]]
    # All rows are learned: of a part of them the classes' shares are off by chance.
    generator, pool, drawn = ProductMixture(held_out=0), np.vstack(banks.parties), []
    for key in KEYS[1]:
        fit_key, draw_key = jax.random.split(key)
        model = generator.fit(fit_key, pool)
        drawn.append(reward_values(generator.sample(draw_key, model, NUM_CANDIDATES)))
    for split, largest in LARGEST.items():
        expected = np.mean([values[split] for values in exact], axis=0)
        for values in exact:
            np.testing.assert_allclose(values[split], expected, rtol=0.005)
        for values in drawn:
            np.testing.assert_allclose(values[split], expected, rtol=largest)

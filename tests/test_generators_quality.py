"""Likeness and copying: figures against their definitions, and the right order."""

import jax
import numpy as np
import oracles
import pytest
from sklearn.neighbors import KernelDensity as Density

from cgm_jax.generators.quality import (
    cross_validated_bandwidth,
    likeness,
    nearest_share,
    sample_quality,
)

RNG = np.random.default_rng(0)
KEY = jax.random.key(0)


def drawn(num, seed):
    rng = np.random.default_rng(seed)
    return rng.choice([-2.0, 2.0], (num, 1)) + rng.normal(size=(num, 2)) * 0.3


TRAINING, HELD_OUT, FRESH = drawn(500, 1), drawn(400, 2), drawn(600, 3)


@pytest.mark.medium
def test_likeness_is_mmd2_at_two_scales():
    got = likeness(FRESH, HELD_OUT, length_scale=1.2)
    expected = [
        oracles.mmd2_unbiased(oracles.squared_exponential(scale), FRESH, HELD_OUT)
        for scale in (1.2, 0.3)
    ]
    np.testing.assert_allclose(got, expected, rtol=1e-9)


def test_nearest_share_is_its_definition():
    points, training, held_out = FRESH[:20], TRAINING[:50], HELD_OUT[:20]
    order = np.asarray(jax.random.permutation(KEY, 50))
    shares = []
    for subset in (training[order[:20]], training[order[20:40]]):
        to = [
            np.sqrt(oracles.squared_distances(points, other)).min(axis=1)
            for other in (subset, held_out)
        ]
        shares.append(np.mean(to[0] < to[1]))
    got = nearest_share(KEY, points, training, held_out)
    np.testing.assert_allclose(got, np.mean(shares))


def test_copies_are_noticed_and_fresh_points_are_not():
    copies = np.concatenate([TRAINING, TRAINING])
    share = nearest_share(KEY, copies, TRAINING, HELD_OUT)
    # One subset of 400 of the 500: 80 % have their copy in it, others are like fresh.
    assert share > 0.85
    fresh = nearest_share(KEY, FRESH, TRAINING, HELD_OUT)
    assert abs(fresh - 0.5) < 4 * 0.5 / np.sqrt(len(FRESH))
    assert nearest_share(KEY, HELD_OUT, TRAINING, HELD_OUT) == 0
    assert nearest_share(KEY, FRESH, HELD_OUT, HELD_OUT) == 0.5  # ties count half


@pytest.mark.medium
def test_bandwidth_is_the_likeliest_of_the_grid():
    bandwidth = cross_validated_bandwidth(TRAINING, length_scale=4.0)
    fresh = drawn(4_000, 9)

    def likelihood(h):
        return Density(bandwidth=h).fit(TRAINING).score(fresh)

    assert 0.04 < bandwidth < 0.4
    assert likelihood(bandwidth) > max(likelihood(bandwidth * f) for f in (0.5, 2))


@pytest.mark.medium
def test_figures_are_in_the_right_order():
    figures = sample_quality(KEY, TRAINING, HELD_OUT, FRESH)
    assert not figures.is_worse_than_kernel_density
    assert figures.num_held_out == 400
    assert max(map(abs, figures.real)) < 0.01
    assert max(map(abs, figures.generated)) < 0.01
    assert abs(figures.nearest_share - 0.5) < 0.1
    one_normal = RNG.normal(size=(600, 2)) * TRAINING.std(axis=0)
    worse = sample_quality(KEY, TRAINING, HELD_OUT, one_normal)
    assert worse.is_worse_than_kernel_density
    assert worse.real == figures.real
    copied = sample_quality(KEY, TRAINING, HELD_OUT, TRAINING)
    assert copied.nearest_share > 0.8

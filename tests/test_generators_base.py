"""Samples that grow: a larger sample starts with the smaller one, bit for bit."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cgm_jax.generators import MMDGAN, GaussianMixture, Generator, KernelDensity
from cgm_jax.generators.base import BLOCK_SIZE, sample_in_blocks

POINTS = np.random.default_rng(0).normal(size=(50, 3)).astype(np.float32)
FEW = np.array([0.2, 0.5, 0.3])
COVARIANCES = np.stack([np.cov(POINTS[i::3].T) for i in range(3)])
GENERATORS: dict[str, Generator] = {
    "mixture": GaussianMixture(FEW, POINTS[:3], COVARIANCES),
    "kernel density": KernelDensity(0.1),
}


@pytest.fixture(params=GENERATORS)
def generator(request):
    return GENERATORS[request.param]


@pytest.fixture
def model(generator):
    return generator.fit(jax.random.key(1), POINTS)


@pytest.mark.parametrize("num", [1, 7, BLOCK_SIZE - 1, BLOCK_SIZE, BLOCK_SIZE + 1])
def test_growing_keeps_what_is_there(generator, model, num):
    key = jax.random.key(2)
    small = generator.sample(key, model, num)
    large = generator.sample(key, model, 2 * num)
    assert small.shape == (num, 3)
    np.testing.assert_array_equal(large[:num], small)


def test_no_block_repeats_another(generator, model):
    points = generator.sample(jax.random.key(2), model, 3 * BLOCK_SIZE)
    # float32 noise in three coordinates: equal points would be equal draws
    assert len(np.unique(points, axis=0)) == 3 * BLOCK_SIZE


def test_the_key_decides(generator, model):
    first, again, other = (
        generator.sample(jax.random.key(seed), model, 5) for seed in (3, 3, 4)
    )
    np.testing.assert_array_equal(first, again)
    assert not (first == other).any()


@pytest.mark.medium
def test_float32_does_not_depend_on_the_users_setting(generator, model):
    expected = generator.sample(jax.random.key(5), model, 100)
    with jax.enable_x64(True):
        points = generator.sample(jax.random.key(5), model, 100)
    assert expected.dtype == points.dtype == jnp.float32
    # Same draws; the two settings are two programs, which may round differently.
    np.testing.assert_allclose(points, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.medium
def test_float64_survives_outside_the_scope(generator):
    key = jax.random.key(6)
    if isinstance(generator, GaussianMixture):
        generator = GaussianMixture(FEW, POINTS[:3].astype(np.float64), COVARIANCES)
    points = generator.sample(key, generator.fit(key, POINTS.astype(np.float64)), 9)
    doubled = 2 * points  # a jax.Array would come back in float32, with a warning
    assert doubled.dtype == np.float64
    assert (doubled != doubled.astype(np.float32)).any()


@pytest.mark.parametrize("num", [0, -3])
def test_nothing_to_draw(generator, model, num):
    with pytest.raises(ValueError, match=f"points to draw >= 1, got {num}"):
        generator.sample(jax.random.key(0), model, num)


@pytest.mark.medium
def test_blocks_are_compiled_once():
    traces = 0

    @jax.jit
    def draw(key):
        nonlocal traces
        traces += 1
        return jax.random.normal(key, (BLOCK_SIZE, 1))

    for num in (3, 2 * BLOCK_SIZE, 5 * BLOCK_SIZE + 1):
        assert sample_in_blocks(draw, jax.random.key(0), num).shape == (num, 1)
    assert traces == 1


@pytest.mark.parametrize("key", [3, jax.random.split(jax.random.key(0))])
def test_what_is_no_single_key_is_refused(key):
    points = np.zeros((30, 2), np.float32)
    with pytest.raises(TypeError, match="Expected one random key"):
        KernelDensity(0.1).sample(key, points, 3)
    with pytest.raises(TypeError, match="Expected one random key"):
        MMDGAN(num_steps=1).fit(key, points)

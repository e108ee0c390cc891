"""Networks: shapes, and convolutions against the library's."""

from functools import partial
from itertools import product

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from cgm_jax.generators import MMDGAN
from cgm_jax.generators.mmd_gan.mmd_gan import set_up
from cgm_jax.generators.mmd_gan.networks import (
    Convolution,
    ImageCritic,
    ImageGenerator,
    Perceptron,
    doubled_side,
)

RNG = np.random.default_rng(0)
KEY = jax.random.key(0)
SHAPES = [(4, 4, 1), (8, 8, 1), (28, 28, 1), (32, 32, 3), (8, 12, 2)]


def images_and_features(shape, z):
    generator = ImageGenerator(5, shape, channels=4, rngs=nnx.Rngs(0))
    critic = ImageCritic(shape, channels=4, feature_size=16, rngs=nnx.Rngs(1))
    return generator(z), critic(generator(z))


@pytest.mark.parametrize("shape", SHAPES)
def test_images_of_every_size(shape):
    z = RNG.normal(size=(3, 5)).astype(np.float32)
    images, features = jax.eval_shape(partial(images_and_features, shape), z)
    assert images.shape == (3, np.prod(shape))
    assert features.shape == (3, 16)


@pytest.mark.medium
def test_every_number_of_an_image_is_between_0_and_1():
    z = 10 * RNG.normal(size=(3, 5)).astype(np.float32)
    # Their initial weights are part of the one program.
    images, features = jax.jit(partial(images_and_features, (8, 12, 2)))(z)
    assert ((images > 0) & (images < 1)).all()
    assert np.isfinite(features).all()


@pytest.mark.medium
def test_each_image_by_itself():
    critic = ImageCritic((8, 8, 1), channels=4, feature_size=3, rngs=nnx.Rngs(1))
    images = RNG.normal(size=(3, 64)).astype(np.float32)
    features = jax.jit(lambda images: critic(images))
    alone = np.concatenate([features(images[i : i + 1]) for i in range(3)])
    np.testing.assert_allclose(features(images), alone, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("sides", [(8, 8), (7, 10)])
@pytest.mark.medium
def test_convolution_is_the_librarys(sides):
    def both(images, size, stride):
        layer = Convolution(3, 4, size=size, stride=stride, rngs=nnx.Rngs(0))
        # Rows of the matrix: patch column, patch row, input channel.
        kernel = layer.linear.kernel[...].reshape(size, size, 3, 4)
        expected = jax.lax.conv_general_dilated(
            images,
            kernel.transpose(1, 0, 2, 3),
            (stride, stride),
            [(size // 2, size // 2)] * 2,
            dimension_numbers=("NHWC", "HWIO", "NHWC"),
        )
        return layer(images), expected

    @jax.jit  # one program for all sizes and strides
    def computed(images):
        return {case: both(images, *case) for case in product((1, 3, 5), (1, 2))}

    images = RNG.normal(size=(2, *sides, 3)).astype(np.float32)
    for case, (found, expected) in computed(images).items():
        np.testing.assert_allclose(
            found, expected, rtol=1e-4, atol=1e-5, err_msg=f"size, stride: {case}"
        )


@pytest.mark.medium
def test_four_channels_become_a_square():
    images = RNG.normal(size=(2, 3, 4, 8)).astype(np.float32)
    doubled = doubled_side(jnp.asarray(images))
    assert doubled.shape == (2, 6, 8, 2)
    for i, j in np.ndindex(6, 8):
        at = (i % 2 * 2 + j % 2) * 2
        expected = images[:, i // 2, j // 2, at : at + 2]
        np.testing.assert_array_equal(doubled[:, i, j], expected)


@pytest.mark.medium
def test_perceptron_by_hand():
    network = Perceptron((2, 3, 1), squash=False, rngs=nnx.Rngs(0))
    squashed = Perceptron((2, 3, 1), squash=True, rngs=nnx.Rngs(0))
    x = RNG.normal(size=(5, 2)).astype(np.float32)
    first, last = ((la.kernel[...], la.bias[...]) for la in network.layers)
    hidden = x @ np.asarray(first[0]) + np.asarray(first[1])[None]
    hidden = hidden / (1 + np.exp(-hidden))
    expected = hidden @ np.asarray(last[0]) + np.asarray(last[1])[None]
    found, found_squashed = jax.jit(lambda x: (network(x), squashed(x)))(x)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found_squashed, 1 / (1 + np.exp(-expected)), rtol=1e-5)


@pytest.mark.medium
def test_points_without_a_codec_are_made_as_ever():
    """One network from all of the noise, without states: old seeds, old bits."""
    options = MMDGAN(width=4, depth=1)
    architecture = options.split(3)[0]
    z = architecture.noise(KEY, 5)
    np.testing.assert_array_equal(z, jax.random.normal(KEY, (5, 6)))
    network = Perceptron((6, 4, 3), squash=False, rngs=nnx.Rngs(KEY))
    np.testing.assert_array_equal(architecture.generator(KEY)(z), network(z))
    assert not {"codec", "columns"} & set(options.facts())
    points = RNG.normal(30, 9, (40, 3))
    setup = set_up(KEY, options, points)[0]
    np.testing.assert_array_equal(setup.shift, points.mean(axis=0))
    np.testing.assert_array_equal(setup.scale, points.std(axis=0))

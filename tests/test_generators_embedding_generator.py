"""A generator trained on releases alone comes near to the rows that it never saw."""

import jax
import numpy as np
import oracles
import pytest
from small_releases import releases_of, small_features

from cgm_jax.generators import EmbeddingGenerator
from cgm_jax.kernels import SquaredExponential

CENTRES = np.array([[-1.0, -1.0], [1.0, 1.0], [1.0, -1.0]])
LOW, HIGH = np.full(2, -3.0), np.full(2, 3.0)


def clusters(seed: int, num: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.normal(CENTRES[rng.integers(3, size=num)], 0.25)


@pytest.fixture(scope="module")
def fitted():
    features = small_features(400)
    sent = releases_of([clusters(0, 900), clusters(1, 500)], features)
    generator = EmbeddingGenerator(features, LOW, HIGH, num_steps=1_000)
    return generator, generator.fit(jax.random.key(0), sent)


@pytest.mark.medium
def test_points_are_as_near_to_new_rows_as_other_rows_nearly_are(fitted):
    generator, model = fitted
    points = np.asarray(generator.sample(jax.random.key(1), model, 1_000), float)
    k = oracles.squared_exponential(0.8)
    fresh = clusters(2, 1_000)
    broad = np.random.default_rng(3).uniform(LOW, HIGH, size=(1_000, 2))
    near, far = (oracles.mmd2_unbiased(k, x, fresh) for x in (points, broad))
    assert near < 0.01 < 0.1 < far
    # Every cluster has its third.
    nearest = np.argmin(oracles.squared_distances(points, CENTRES), axis=1)
    assert np.all(np.abs(np.bincount(nearest, minlength=3) / 1_000 - 1 / 3) < 0.08)


@pytest.mark.medium
def test_losses_fall_to_about_nothing(fitted):
    _, model = fitted
    assert model.losses.shape == (10,)
    assert model.losses[-1] < 0.01 < model.losses[0]


@pytest.mark.medium
def test_points_are_in_the_public_range_and_larger_samples_begin_alike(fitted):
    generator, model = fitted
    few, many = (
        np.asarray(generator.sample(jax.random.key(1), model, num))
        for num in (10, 5_000)
    )
    np.testing.assert_array_equal(few, many[:10])
    assert np.all((many > LOW) & (many < HIGH))
    other = np.asarray(generator.sample(jax.random.key(2), model, 10))
    assert not np.any(few == other)


@pytest.mark.medium
def test_a_model_depends_on_key_and_releases_only(fitted):
    features = small_features(400)
    sent = releases_of([clusters(0, 900), clusters(1, 500)], features)
    generator = EmbeddingGenerator(features, LOW, HIGH, num_steps=100)
    one, same, other = (generator.fit(jax.random.key(seed), sent) for seed in (0, 0, 1))
    assert one == same
    assert one != other


@pytest.mark.medium
def test_what_it_cannot_learn_from_is_refused(fitted):
    generator, _ = fitted
    with pytest.raises(TypeError, match="Expected a Release"):
        generator.fit(jax.random.key(0), [clusters(0, 10)])
    other = releases_of([clusters(0, 10)], small_features(400, seed=5))
    with pytest.raises(ValueError, match="features"):
        generator.fit(jax.random.key(0), other)
    features = small_features(40)
    for options, message in (
        ({"low": HIGH}, "low < high"),
        ({"low": LOW[:1]}, "low < high"),
        ({"num_steps": 150}, "100 divides"),
        ({"batch_size": 1}, "batch_size"),
        ({"learning_rate": 0.0}, "learning_rate"),
    ):
        given = {"low": LOW, "high": HIGH, **options}
        with pytest.raises(ValueError, match=message):
            EmbeddingGenerator(features, **given)
    assert SquaredExponential(0.8) == features.kernel

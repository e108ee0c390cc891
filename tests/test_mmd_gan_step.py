"""The training step: its losses against NumPy, its gradients, and what repeats it."""

import jax
import jax.numpy as jnp
import numpy as np
import oracles
import pytest
from flax import nnx
from test_mmd_gan_critic_loss import PLAIN
from test_mmd_gan_options import POINTS as TABLE
from test_mmd_gan_options import SMALL as TRAINED

from cgm_jax.generators import MMDGAN
from cgm_jax.generators.mmd_gan import step
from cgm_jax.generators.mmd_gan.step import start_training, train

# A loss, and its slope along the parameters of the network that it trains.
generator_loss, critic_loss = (
    jax.jit(jax.value_and_grad(loss, argnums=trained), static_argnames="program")
    for loss, trained in ((step.generator_loss, 2), (step.critic_loss, 3))
)
draw_batches = jax.jit(step.draw_batches, static_argnames="program")
POINTS = np.random.default_rng(0).normal(size=(50, 2))
SMALL = MMDGAN(width=4, depth=1, batch_size=5, latent_size=3, feature_size=2)
IMAGES = MMDGAN(
    shape=(4, 4, 1), value_range=(0.0, 1.0), channels=2, batch_size=4, feature_size=2
)


def started(seed, options, num_columns):
    architecture, step_options, schedule = options.split(num_columns)
    return start_training(
        jax.random.key(seed),
        architecture,
        step_options,
        learning_rate=schedule.learning_rate,
    )


def as_float64(options, num_columns):
    program, state = started(0, options, num_columns)
    with jax.enable_x64(True):
        return program, jax.tree.map(
            lambda leaf: np.asarray(leaf, float),
            (state.generator, state.critic),
        )


def perceptron(state, points):
    """The network's output in NumPy."""
    layers = nnx.to_pure_dict(state)["layers"]
    for i in sorted(layers):
        points = points @ np.asarray(layers[i]["kernel"])
        points = points + np.asarray(layers[i]["bias"])[None]
        if i < max(layers):
            points = points / (1 + np.exp(-points))
    return points


@pytest.mark.medium
def test_losses_are_those_of_numpy():
    options = SMALL
    program, (generator, critic) = as_float64(options, 2)
    key = jax.random.key(3)
    plain = PLAIN[options.kernel]
    with jax.enable_x64(True):
        loss, _ = generator_loss(key, program, generator, critic, POINTS)
        real, fake = map(np.asarray, draw_batches(key, program, generator, POINTS))
        assert {tuple(row) for row in real} <= {tuple(row) for row in POINTS}
        features = perceptron(critic, real), perceptron(critic, fake)
        expected = oracles.mmd2_unbiased(plain, *features)
        np.testing.assert_allclose(loss, expected, rtol=1e-10)

        loss, _ = critic_loss(key, program, generator, critic, POINTS)
        batch_key, between_key = jax.random.split(key)
        batches = draw_batches(batch_key, program, generator, POINTS)
        real, fake = map(np.asarray, batches)
        share = np.asarray(jax.random.uniform(between_key, (5, 1), jnp.float64))
    between = share * real + (1 - share) * fake
    features = perceptron(critic, real), perceptron(critic, fake)

    def witness(points):
        to = [plain(perceptron(critic, points), side).mean(1) for side in features]
        return to[0] - to[1]

    slopes = [
        (witness(between + h[None]) - witness(between - h[None])) / 2e-6
        for h in 1e-6 * np.eye(2)
    ]
    penalty = np.mean((np.linalg.norm(slopes, axis=0) - 1) ** 2)
    expected = penalty - oracles.mmd2_unbiased(plain, *features)
    np.testing.assert_allclose(loss, expected, rtol=1e-6)


@pytest.mark.parametrize(
    "options",
    [
        pytest.param(SMALL, id="table"),
        pytest.param(IMAGES, id="images", marks=pytest.mark.slow),
    ],
)
@pytest.mark.parametrize("loss", [critic_loss, generator_loss])
@pytest.mark.medium
def test_gradients_against_finite_differences(loss, options):
    points = POINTS if options is SMALL else 1 / (1 + np.exp(-POINTS.reshape(-1, 4)))
    points = points if options is SMALL else np.tile(points, (1, 4))
    program, networks = as_float64(options, points.shape[1])
    with jax.enable_x64(True):
        trained = networks[1 if loss is critic_loss else 0]

        def at(parameters):
            generator, critic = networks
            if loss is critic_loss:
                critic = parameters
            else:
                generator = parameters
            return loss(jax.random.key(1), program, generator, critic, points)

        _, slope = at(trained)
        for seed in range(3):
            rng = np.random.default_rng(seed)
            direction = jax.tree.map(lambda a, r=rng: r.normal(size=a.shape), trained)

            def moved(step, direction=direction):
                return at(jax.tree.map(lambda a, b: a + step * b, trained, direction))[
                    0
                ]

            numerical = (float(moved(1e-5)) - float(moved(-1e-5))) / 2e-5
            products = jax.tree.map(lambda a, b: np.sum(a * b), slope, direction)
            np.testing.assert_allclose(
                sum(jax.tree.leaves(products)), numerical, rtol=1e-5, atol=1e-8
            )


# As many as `fit` trains with on this table: its program is compiled already.
STANDARDISED = np.float32((TABLE - TABLE.mean(0)) / TABLE.std(0).clip(1e-9))[:270]


def leaves_of(state):
    return [np.asarray(leaf) for leaf in jax.tree.leaves(state)]


def same(a, b):
    return all(map(np.array_equal, leaves_of(a), leaves_of(b)))


@pytest.mark.medium
def test_ten_steps_are_one_step_ten_times():
    key = jax.random.key(5)
    program, start = started(0, TRAINED, 3)
    whole, loss = train(key, program, start, STANDARDISED, num_steps=10)
    state, average, single = start, leaves_of(start.average), []
    for t in range(10):
        before = state
        state, single_loss = train(key, program, state, STANDARDISED, num_steps=1)
        single.append(float(single_loss))
        assert not same(before.generator, state.generator)
        assert not same(before.critic, state.critic)
        decay = (1 + t) / (10 + t)  # early on the average forgets faster
        average = [
            decay * old + (1 - decay) * new
            for old, new in zip(average, leaves_of(state.generator), strict=True)
        ]
    assert same(whole, state)
    np.testing.assert_allclose(loss, np.mean(single), rtol=1e-6)
    first, _ = train(key, program, start, STANDARDISED, num_steps=5)
    assert same(whole, train(key, program, first, STANDARDISED, num_steps=5)[0])
    assert int(whole.step) == 10
    for ours, expected in zip(leaves_of(whole.average), average, strict=True):
        np.testing.assert_allclose(ours, expected, rtol=1e-5, atol=1e-6)


def test_equal_options_are_compiled_once():
    key = jax.random.key(5)
    for seed in range(2):
        program, start = started(seed, TRAINED, 3)
        train(key, program, start, STANDARDISED, num_steps=1)
        if seed == 0:
            count = train._cache_size()
    assert train._cache_size() == count

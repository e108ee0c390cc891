"""The critic's kernels, MMD² and penalty against their definitions in float64."""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import oracles
import pytest
from scipy import integrate, stats

from cgm_jax.generators.mmd_gan.critic_loss import (
    ALPHAS,
    SIGMAS,
    critic_kernel,
    critic_mmd2,
    witness_penalty,
)
from cgm_jax.valuation import mmd2_unbiased

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(7, 3)), RNG.normal(size=(9, 3)) + 0.5
WEIGHT = RNG.normal(size=(3, 4))  # of a critic of one layer
BETWEEN = RNG.normal(size=(5, 3))


def rational_quadratic(x, y):
    return sum(oracles.rational_quadratic(1.0, alpha)(x, y) for alpha in ALPHAS)


def distance(x, y):
    norms = np.linalg.norm(x, axis=1)[:, None] + np.linalg.norm(y, axis=1)[None]
    return (norms - np.sqrt(oracles.squared_distances(x, y))) / 2


PLAIN = {
    "rational-quadratic": rational_quadratic,
    "rational-quadratic-dot": lambda x, y: rational_quadratic(x, y) + x @ y.T,
    "rbf": lambda x, y: sum(oracles.squared_exponential(s)(x, y) for s in SIGMAS),
    "distance": distance,
}


def critic(points):
    return jnp.tanh(points @ jnp.array(WEIGHT))


@jax.jit
def in_one_program(kernel, x, y, between):
    """What is asked of a kernel that trains: MMD², its slopes, and the penalty."""
    mmd2, slopes = jax.value_and_grad(critic_mmd2, argnums=(1, 2))(kernel, x, y)
    return {
        "mmd2": mmd2,
        "slopes": jnp.concatenate(slopes),
        "penalty": witness_penalty(kernel, critic, between, critic(x), critic(y)),
    }


@cache
def computed(name):
    return in_one_program(critic_kernel(name), X, Y, BETWEEN)


every_kernel = pytest.mark.parametrize("name", PLAIN)
# The fourth, "rational-quadratic", is a summand of the first of these.
every_sum = pytest.mark.parametrize(
    "name", ["rational-quadratic-dot", "rbf", "distance"]
)


@pytest.fixture(autouse=True)
def float64():
    with jax.enable_x64(True):
        yield


@every_kernel
@pytest.mark.medium
def test_closed_form(name):
    @jax.jit
    def blocks(kernel, x, y):
        scaled = kernel.with_length_scale(2.0)
        return kernel(x, y), kernel(x, x), kernel.diagonal(x), scaled(x, y)

    values, gram, diagonal, scaled = blocks(critic_kernel(name), X, Y)
    np.testing.assert_allclose(values, PLAIN[name](X, Y))
    np.testing.assert_allclose(diagonal, np.diag(PLAIN[name](X, X)))
    # At another length scale: the same of scaled points.
    if name != "rbf":
        np.testing.assert_allclose(scaled, PLAIN[name](X / 2, Y / 2))
    # It is positive definite.
    assert np.linalg.eigvalsh(gram).min() > -1e-12


block = jax.jit(lambda kernel, x, y: kernel(x, y))


@pytest.mark.parametrize("squared", [0.0, 0.3, 4.0, 90.0])
def test_rational_quadratics_are_mixtures_of_squared_exponentials(squared):
    def mixed(alpha):
        precision = stats.gamma(alpha, scale=1 / alpha)
        # In the logarithm: for α < 1 the density is infinite at 0.
        value, _ = integrate.quad(
            lambda u: precision.pdf(np.exp(u)) * np.exp(u - np.exp(u) * squared / 2),
            -150,
            8,
            limit=400,
            points=[-5, 0, 3],
        )
        return value

    kernel = critic_kernel("rational-quadratic")
    expected = sum(map(mixed, ALPHAS))
    got = block(kernel, np.array([[0.0]]), np.array([[squared**0.5]]))[0, 0]
    np.testing.assert_allclose(got, expected, rtol=1e-6)


@every_sum
@pytest.mark.medium
def test_mmd2_is_the_definition_and_the_packages(name):
    ours = computed(name)["mmd2"]
    np.testing.assert_allclose(ours, oracles.mmd2_unbiased(PLAIN[name], X, Y))
    # The root of a rounding: tile by tile the diagonal is subtracted as if exact.
    rtol = 1e-6 if name == "distance" else 1e-9
    packages = jax.jit(mmd2_unbiased)(critic_kernel(name), X, Y)
    np.testing.assert_allclose(ours, packages, rtol=rtol)


def test_distance_gives_half_the_energy_distance():
    def energy(x, y):
        return np.sqrt(oracles.squared_distances(x, y))

    expected = -oracles.mmd2_unbiased(energy, X, Y) / 2
    np.testing.assert_allclose(computed("distance")["mmd2"], expected)


@every_sum
def test_gradient_of_mmd2(name):
    def mmd2(moved):
        points = np.concatenate([X, Y]) + moved.reshape(16, 3)
        return oracles.mmd2_unbiased(PLAIN[name], points[:7], points[7:])

    steps = 1e-5 * np.eye(48)
    expected = np.array([(mmd2(step) - mmd2(-step)) / 2e-5 for step in steps])
    assert np.abs(expected).max() > 1e-3
    slopes = np.asarray(computed(name)["slopes"]).ravel()
    np.testing.assert_allclose(slopes, expected, rtol=1e-6, atol=1e-9)


@every_sum
def test_gradient_where_points_coincide(name):
    for x in (np.zeros_like(X), np.ones_like(X)):
        found = in_one_program(critic_kernel(name), x, np.zeros_like(Y), BETWEEN)
        assert np.isfinite(found["slopes"]).all()


@every_sum
def test_penalty_is_that_of_a_witness_differentiated_numerically(name):

    def witness(points):
        features = [np.tanh(a @ WEIGHT) for a in (points, X, Y)]
        plain = PLAIN[name]
        to_real = plain(features[0], features[1]).mean(axis=1)
        return to_real - plain(features[0], features[2]).mean(axis=1)

    step = 1e-6 * np.eye(3)
    slopes = np.stack(
        [
            (witness(BETWEEN + h[None]) - witness(BETWEEN - h[None])) / 2e-6
            for h in step
        ],
        axis=1,
    )
    expected = np.mean((np.linalg.norm(slopes, axis=1) - 1) ** 2)
    np.testing.assert_allclose(computed(name)["penalty"], expected, rtol=1e-6)


@pytest.mark.medium
def test_penalty_where_the_witness_is_flat():
    kernel = critic_kernel("rational-quadratic-dot")

    def penalty(points):
        same = critic(X)
        return witness_penalty(kernel, critic, points, same, same)

    value, slope = jax.jit(jax.value_and_grad(penalty))(jnp.array(Y))
    assert value == 1
    assert np.isfinite(slope).all()

"""The critic's kernels, MMD² and penalty against their definitions in float64."""

import jax
import jax.numpy as jnp
import numpy as np
import oracles
import pytest
from jax.test_util import check_grads
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


block = jax.jit(lambda kernel, x, y: kernel(x, y))


@pytest.fixture(params=PLAIN)
def name(request):
    return request.param


@pytest.fixture(autouse=True)
def float64():
    with jax.enable_x64(True):
        yield


def test_closed_form(name):
    @jax.jit
    def computed(kernel, x, y):
        return kernel(x, y), kernel.diagonal(x), kernel.with_length_scale(2.0)(x, y)

    values, diagonal, scaled = computed(critic_kernel(name), X, Y)
    np.testing.assert_allclose(values, PLAIN[name](X, Y))
    np.testing.assert_allclose(diagonal, np.diag(PLAIN[name](X, X)))
    # At another length scale: the same of scaled points.
    if name != "rbf":
        np.testing.assert_allclose(scaled, PLAIN[name](X / 2, Y / 2))


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


def test_positive_definite(name):
    gram = block(critic_kernel(name), X, X)
    assert np.linalg.eigvalsh(gram).min() > -1e-12


def test_mmd2_is_the_definition_and_the_packages(name):
    kernel = critic_kernel(name)
    ours = jax.jit(critic_mmd2)(kernel, X, Y)
    np.testing.assert_allclose(ours, oracles.mmd2_unbiased(PLAIN[name], X, Y))
    # The root of a rounding: tile by tile the diagonal is subtracted as if exact.
    rtol = 1e-6 if name == "distance" else 1e-9
    np.testing.assert_allclose(ours, mmd2_unbiased(kernel, X, Y), rtol=rtol)


def test_distance_gives_half_the_energy_distance():
    def energy(x, y):
        return np.sqrt(oracles.squared_distances(x, y))

    expected = -oracles.mmd2_unbiased(energy, X, Y) / 2
    got = jax.jit(critic_mmd2)(critic_kernel("distance"), X, Y)
    np.testing.assert_allclose(got, expected)


def test_gradient_of_mmd2(name):
    kernel = critic_kernel(name)
    check_grads(
        jax.jit(lambda x, y: critic_mmd2(kernel, x, y)),
        (jnp.array(X), jnp.array(Y)),
        order=1,
        modes=("rev",),
        atol=1e-5,
        rtol=1e-5,
    )


def test_gradient_where_points_coincide(name):
    kernel = critic_kernel(name)
    zeros = jnp.zeros((3, 2))
    for x in (zeros, zeros + 1):
        slope = jax.jit(jax.grad(lambda x: critic_mmd2(kernel, x, zeros)))(x)
        assert np.isfinite(slope).all()


WEIGHT = RNG.normal(size=(3, 4))


def critic(points):
    return jnp.tanh(points @ jnp.array(WEIGHT))


def test_penalty_is_that_of_a_witness_differentiated_numerically(name):
    t = RNG.normal(size=(5, 3))

    def witness(points):
        features = [np.tanh(a @ WEIGHT) for a in (points, X, Y)]
        plain = PLAIN[name]
        to_real = plain(features[0], features[1]).mean(axis=1)
        return to_real - plain(features[0], features[2]).mean(axis=1)

    step = 1e-6 * np.eye(3)
    slopes = np.stack(
        [(witness(t + h[None]) - witness(t - h[None])) / 2e-6 for h in step], axis=1
    )
    expected = np.mean((np.linalg.norm(slopes, axis=1) - 1) ** 2)
    features = critic(jnp.array(X)), critic(jnp.array(Y))
    kernel = critic_kernel(name)
    penalty = jax.jit(lambda t: witness_penalty(kernel, critic, t, *features))
    got = penalty(jnp.array(t))
    np.testing.assert_allclose(got, expected, rtol=1e-6)


def test_penalty_where_the_witness_is_flat():
    same = critic(jnp.array(X))
    kernel = critic_kernel("rational-quadratic-dot")

    def penalty(points):
        return witness_penalty(kernel, critic, points, same, same)

    value, slope = jax.jit(jax.value_and_grad(penalty))(jnp.array(Y))
    assert value == 1
    assert np.isfinite(slope).all()

"""Random features of deep kernels."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from kernel_table import KERNELS, PLAIN, network
from test_embeddings_random_fourier import NUM_GROUPS, estimates

from cgm_jax.embeddings import deep_features
from cgm_jax.kernels import DeepKernel, Energy, Laplace, SquaredExponential

KEY = jax.random.key(0)
POINTS = np.random.default_rng(0).normal(size=(6, 3))


@pytest.mark.parametrize("kind", ["independent", "orthogonal", "quasi-random"])
@pytest.mark.medium
def test_inner_products_are_the_kernel_on_average(kind):
    features = deep_features(
        KEY, KERNELS["deep"](3), 3, 20 * NUM_GROUPS, kind=kind, num_groups=NUM_GROUPS
    )
    made = estimates(features, POINTS)
    exact = PLAIN["deep"](3)(POINTS, POINTS)
    standard_error = made.std(axis=0, ddof=1) / np.sqrt(NUM_GROUPS)
    assert (abs(made.mean(axis=0) - exact) <= 4.5 * standard_error + 1e-6).all()
    np.testing.assert_allclose(made.mean(axis=0).diagonal(), 1, rtol=1e-12)
    assert features.norm == pytest.approx(1) and features.num_dimensions == 3


@pytest.mark.medium
def test_the_first_form_is_features_of_features():
    kernel = DeepKernel(network(3), 2.0 * SquaredExponential(1.2))
    features = deep_features(KEY, kernel, 3, 4_000)
    x = POINTS.astype(np.float32)
    phi = features(x)
    # 2 cos(…) averaged over 2,000 frequencies: 0.13 is four standard errors at least
    np.testing.assert_allclose(phi @ phi.T, kernel(x, x), atol=0.13)
    assert features.norm == pytest.approx(np.sqrt(2))


@pytest.mark.medium
def test_a_gradient_goes_through_the_network():
    kernel = DeepKernel(network(3), SquaredExponential(1.2))
    features = deep_features(KEY, kernel, 3, 20_000)
    x = POINTS.astype(np.float32)

    def by_features(made) -> jax.Array:
        phi = made(x)
        return jnp.sum((phi @ phi.T)[0])

    slopes = jax.tree.leaves(jax.jit(jax.grad(by_features))(features).kernel.network)
    exact = jax.tree.leaves(jax.grad(lambda k: jnp.sum(k(x[:1], x)))(kernel).network)
    assert len(slopes) == len(exact) > 0
    for found, right in zip(slopes, exact, strict=True):
        scale = float(abs(np.asarray(right)).max())
        np.testing.assert_allclose(found, right, atol=0.1 * max(scale, 0.5))


def test_wrong_kernels():
    with pytest.raises(TypeError, match="Expected a DeepKernel, got Laplace"):
        deep_features(KEY, Laplace(1.0), 2, 8)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="No features are known for Energy"):
        deep_features(KEY, DeepKernel(jnp.cos, Energy(1.0)), 2, 8)

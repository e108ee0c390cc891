"""A deep kernel that starts near a squared exponential, whatever its network makes."""

import jax
import jax.numpy as jnp
import numpy as np
import oracles
import pytest
from flax import nnx

from cgm_jax.kernels import FeatureNetwork
from cgm_jax.learning import starting_deep_kernel

SE = oracles.squared_exponential


@pytest.mark.parametrize("stretch", [1.0, 40.0])
@pytest.mark.medium
def test_of_features_that_stretch_space_it_is_the_squared_exponential(stretch: float):
    points = np.random.default_rng(0).normal(size=(80, 2))
    kernel = starting_deep_kernel(lambda x: stretch * x, points, 0.7, epsilon=1e-9)
    with jax.enable_x64(True):
        found = kernel(jnp.asarray(points), jnp.asarray(points))
    np.testing.assert_allclose(found, SE(0.7)(points, points), atol=1e-7)


@pytest.mark.medium
def test_of_a_network_it_is_so_for_near_points_on_average():
    rng = np.random.default_rng(1)
    points = rng.normal(size=(300, 3)).astype(np.float32)
    network = FeatureNetwork((3, 30, 30, 10), rngs=nnx.Rngs(0))
    kernel = starting_deep_kernel(network, points, 0.5)
    near = points + rng.normal(size=points.shape).astype(np.float32) * 0.05
    found = np.diag(kernel(jnp.asarray(points), jnp.asarray(near)))
    expected = np.diag(SE(0.5)(points, near))
    assert abs((1 - found).mean() / (1 - expected).mean() - 1) < 0.15
    # half of it is the points' own share
    own = np.diag(kernel.points_kernel(jnp.asarray(points), jnp.asarray(near)))
    assert abs((1 - own).mean() / (1 - expected).mean() - 0.5) < 0.05


def test_points_far_from_each_other_have_no_part():
    points = 1 + np.random.default_rng(4).uniform(-0.05, 0.05, size=(40, 2))
    one, both = (
        starting_deep_kernel(jnp.tanh, x, 0.3).base.length_scale
        for x in (points, np.concatenate([points, -points]))
    )
    assert both == pytest.approx(one, rel=1e-5)


def test_of_many_points_some_are_looked_at():
    points = np.random.default_rng(2).normal(size=(5_000, 2)).astype(np.float32)
    kernel = starting_deep_kernel(jnp.tanh, points, 0.3)
    few = points[np.linspace(0, 4_999, 2_000).round().astype(int)]
    assert (
        kernel.base.length_scale
        == starting_deep_kernel(jnp.tanh, few, 0.3).base.length_scale
    )


@pytest.mark.parametrize(
    ("network", "points", "scale", "message"),
    [
        (jnp.tanh, np.zeros((1, 2)), 1.0, "at least two points, got 1"),
        (jnp.tanh, np.eye(3), 0.0, "length scale > 0, got 0"),
        (jnp.tanh, np.eye(3), np.inf, "length scale > 0, got inf"),
        (jnp.tanh, np.eye(3), 0.1, "found 0 such pairs"),
        (jnp.zeros_like, np.eye(3), 2.0, "stretched by 0"),
    ],
)
def test_what_cannot_be_started_from_is_refused(network, points, scale, message):
    with pytest.raises(ValueError, match=message):
        starting_deep_kernel(network, points, scale)

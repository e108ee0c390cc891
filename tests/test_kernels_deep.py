"""What belongs to deep kernels alone; the laws of all kernels are tested with others.

Networks are small, and their numbers are those of a NumPy oracle.
"""

import logging

import jax
import jax.numpy as jnp
import numpy as np
import oracles
import pytest
from flax import nnx
from kernel_table import block, layers, network
from tolerances import rtol

from cgm_jax.collaboration import collaborate
from cgm_jax.gram import gram_sums, smallest_length_scale
from cgm_jax.kernels import (
    DeepKernel,
    FeatureNetwork,
    Kernel,
    Laplace,
    SquaredExponential,
)
from cgm_jax.kernels.deep import BATCH_SIZE

ROUNDINGS = 3000  # as for all kernels
FEATURES = oracles.softplus_network(layers(2))
DEEP = DeepKernel(network(2), SquaredExponential(0.9))
SE = oracles.squared_exponential


def points(n: int, d: int = 2, seed: int = 0) -> np.ndarray:
    return np.random.default_rng([n, d, seed]).normal(size=(n, d))


class Odd(nnx.Module):
    """With all that a module may have besides parameters."""

    def __init__(self, rngs: nnx.Rngs):
        self.linear = nnx.Linear(2, 3, rngs=rngs)
        self.norm = nnx.BatchNorm(3, rngs=rngs)
        self.drop = nnx.Dropout(0.5, rngs=rngs)

    def __call__(self, x: jax.Array) -> jax.Array:
        return self.drop(self.norm(self.linear(x)))


@pytest.mark.smoke
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.medium
def test_is_the_kernel_of_the_features(dtype: type):
    x, y = points(40).astype(dtype), points(33).astype(dtype)
    np.testing.assert_allclose(
        block(DEEP, x, y),
        oracles.deep(SE(0.9), FEATURES)(x, y),
        atol=rtol(dtype, roundings=ROUNDINGS),
    )


def flat(x: jax.Array) -> jax.Array:
    """A network that sends all points of a half-plane to one point."""
    return jnp.maximum(x[:, :1], 0)


@jax.jit
def diagonal_of(kernel: Kernel, x: jax.Array) -> jax.Array:
    return kernel.diagonal(x)


@pytest.mark.parametrize("epsilon", [1e-6, 0.5, 1 - 1e-6])
@pytest.mark.medium
def test_a_kernel_of_the_points_makes_it_bounded_and_positive_definite(epsilon: float):
    x = points(60)
    x[:5] = x[5:10]
    alone = DeepKernel(flat, Laplace(0.5))
    kernel = DeepKernel(flat, Laplace(0.5), SquaredExponential(0.3), epsilon)
    for each in (alone, kernel, 2.0 * kernel + alone):
        gram = block(each, x, x)
        most = float(gram[0, 0])
        assert np.linalg.eigvalsh(gram).min() > -1e-12
        assert (gram >= 0).all() and (gram <= most + 1e-12).all()
        with jax.enable_x64(True):
            diagonal = np.asarray(diagonal_of(each, x))
        np.testing.assert_allclose(diagonal, np.full(60, most), rtol=1e-12)
    # the network alone cannot tell those points apart; with q, all differ
    left = x[x[:, 0] < 0]
    assert np.linalg.matrix_rank(block(alone, left, left)) == 1
    assert (np.diff(np.sort(block(kernel, left, left)[0])) > 0).sum() > 5


@pytest.mark.medium
def test_sums_and_values_are_those_of_the_formula():
    kernel = DeepKernel(network(2), SquaredExponential(0.9), Laplace(2.0), 0.2)
    plain = oracles.deep(SE(0.9), FEATURES, oracles.laplace(2.0), 0.2)
    blocks = [points(n, seed=n) for n in (30, 45, 20)]
    sums = gram_sums(kernel, blocks[:2], blocks[2], tile_size=16)
    rows, between = oracles.block_sums(plain, blocks)
    np.testing.assert_allclose(sums.between, between, rtol=1e-10)
    np.testing.assert_allclose(sums.candidate_rows, rows[75:], rtol=1e-10)


@pytest.mark.medium
def test_initial_weights_are_uniform_by_the_number_of_inputs():
    first, last = FeatureNetwork((50, 40, 30), rngs=nnx.Rngs(0)).layers
    for layer, num_in in ((first, 50), (last, 40)):
        for numbers in (layer.kernel[...], layer.bias[...]):
            most = float(jnp.abs(numbers).max()) * np.sqrt(num_in)
            assert 0.9 < most <= 1


@pytest.mark.medium
def test_batches_of_rows_change_no_feature():
    x = points(2 * BATCH_SIZE + 7)
    with jax.enable_x64(True):
        found = DEEP.features(x)
        assert found.dtype == np.float64
    np.testing.assert_allclose(found, FEATURES(x), rtol=1e-12, atol=1e-12)
    single = DEEP.features(x.astype(np.float32))
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, FEATURES(x), atol=1e-5)


@pytest.mark.medium
def test_the_length_scale_is_that_of_the_features():
    parties, candidates = [points(37), points(12) + 0.5, points(25)], points(60)
    kernel = DeepKernel(network(2), SquaredExponential(3.0), Laplace(5.0), 0.2)
    found = smallest_length_scale(kernel, parties, candidates)
    assert found == oracles.smallest_length_scale(
        lambda scale: oracles.deep(SE(scale), FEATURES, oracles.laplace(5.0), 0.2),
        parties,
        candidates,
    )
    # of the features alone, it is that of the features as points
    alone = smallest_length_scale(DEEP, parties, candidates)
    as_points = [FEATURES(party) for party in parties]
    assert alone == smallest_length_scale(
        SquaredExponential(1.0), as_points, FEATURES(candidates)
    )
    assert kernel.with_length_scale(0.7).length_scale == 0.7
    assert kernel.with_length_scale(0.7).points_kernel is kernel.points_kernel


@pytest.mark.slow  # the command's test runs one, too
@pytest.mark.usefixtures("by_tiles")
def test_a_collaboration_takes_it_as_any_kernel():
    parties, candidates = [points(30), points(20) + 0.5], points(200) + 0.25
    # the identity: the same collaboration as without a network
    kernel = SquaredExponential(1.5)
    plain = collaborate(jax.random.key(0), parties, candidates, kernel=kernel)
    deep = collaborate(
        jax.random.key(0), parties, candidates, kernel=DeepKernel(identity, kernel)
    )
    before, after = plain.promises, deep.promises
    np.testing.assert_array_equal(
        after.scheme.shapley_values, before.scheme.shapley_values
    )
    assert after.length_scale == before.length_scale == 1.5
    for one, other in zip(deep.draw.rewards, plain.draw.rewards, strict=True):
        np.testing.assert_array_equal(one.indices, other.indices)
        np.testing.assert_array_equal(one.values, other.values)


def identity(x: jax.Array) -> jax.Array:
    return x


@pytest.mark.medium
def test_equal_networks_are_one_program(caplog: pytest.LogCaptureFixture):
    x = points(30).astype(np.float32)

    def num_compiled(seed: int) -> int:
        kernel = DeepKernel(
            FeatureNetwork((2, 7, 3), rngs=nnx.Rngs(seed)), SquaredExponential(1.0)
        )
        caplog.clear()
        with jax.log_compiles(new_val=True), caplog.at_level(logging.WARNING):
            gram_sums(kernel, [x[:10]], x[10:])
        return sum("Finished XLA compilation" in message for message in caplog.messages)

    assert num_compiled(0) > 0
    assert num_compiled(1) == 0


@pytest.mark.medium
def test_a_module_is_copied_and_put_into_evaluation_mode():
    module = Odd(nnx.Rngs(0))
    kernel = DeepKernel(module, SquaredExponential(1.0))
    assert not module.drop.deterministic
    x = points(8).astype(np.float32)
    before = block(kernel, x, x)
    module.linear.kernel[...] = jnp.zeros((2, 3))
    np.testing.assert_array_equal(block(kernel, x, x), before)
    # each row by itself: no batch is normalised
    np.testing.assert_allclose(block(kernel, x[:3], x), before[:3], rtol=1e-6)


@pytest.mark.medium
def test_what_is_not_a_parameter_has_no_gradient():
    kernel = DeepKernel(Odd(nnx.Rngs(0)), SquaredExponential(1.0))
    fixed = kernel.network.fixed
    x = points(8).astype(np.float32)

    def total(mean: jax.Array, weights: jax.Array) -> jax.Array:
        parameters = jax.tree.map(lambda leaf: leaf, kernel.network.parameters)
        parameters["linear"]["kernel"][...] = weights
        norm = jax.tree.map(lambda leaf: leaf, fixed)
        norm["norm"]["mean"][...] = mean
        moved = type(kernel.network)(kernel.network.graph, parameters, norm)
        return jnp.sum(DeepKernel(moved, kernel.base)(x, x))

    weights = kernel.network.parameters["linear"]["kernel"][...]
    in_mean, in_weights = jax.jit(jax.grad(total, argnums=(0, 1)))(np.ones(3), weights)
    np.testing.assert_array_equal(in_mean, np.zeros(3))
    assert np.abs(in_weights).min() > 0


@pytest.mark.parametrize("epsilon", [0.0, 1.0, -0.1, np.nan])
def test_an_epsilon_that_is_none_is_an_error(epsilon: float):
    kernel = DeepKernel(identity, Laplace(1.0), Laplace(1.0), epsilon)
    with pytest.raises(ValueError, match=r"epsilon in \(0, 1\)"):
        kernel(points(3), points(3))


def test_a_network_without_one_row_per_point_is_an_error():
    kernel = DeepKernel(jnp.ravel, SquaredExponential(1.0))
    with pytest.raises(ValueError, match=r"one row of features per point.*got \(6,\)"):
        kernel(points(3), points(3))


@pytest.mark.parametrize("sizes", [(2,), (2, 0, 3)])
def test_sizes_that_are_none_are_an_error(sizes: tuple[int, ...]):
    with pytest.raises(ValueError, match="at least 1"):
        FeatureNetwork(sizes, rngs=nnx.Rngs(0))
    with pytest.raises(ValueError, match="softplus, silu, relu, tanh"):
        FeatureNetwork((2, 3), activation="cube", rngs=nnx.Rngs(0))

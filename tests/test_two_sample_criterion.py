"""J and its gradient against their definition, and what a gradient may remember."""

import jax
import jax.numpy as jnp
import numpy as np
import oracles
import pytest
from kernel_table import KERNELS, PLAIN

from cgm_jax.gram import gram_sums
from cgm_jax.kernels import Kernel, SquaredExponential
from cgm_jax.two_sample import estimate_power
from cgm_jax.two_sample.criterion import power_criterion as power

# Of a gradient, relative to its largest entry.
TOLERANCE = {np.float32: 1e-5, np.float64: 1e-10}


def two_samples(n: int, d: int = 3, dtype: type = np.float64) -> list[np.ndarray]:
    x, y = np.random.default_rng([n, d]).normal(size=(2, n, d)) / np.sqrt(d)
    return [x.astype(dtype), (1.3 * y + 0.2).astype(dtype)]


estimate, criterion = jax.jit(estimate_power), jax.jit(power)


# J asks a kernel for its embeddings, blocks and diagonal, whose formulas are tested
# with the kernels: one of every sort is enough (a diagonal that is no constant, points
# that may not be moved, kernels of kernels, a network).
@pytest.mark.parametrize(
    "name", ["a scale a dimension", "polynomial", "energy", "all of it", "deep"]
)
@pytest.mark.medium
def test_equals_the_definition(name: str):
    x, y = two_samples(37)
    with jax.enable_x64(True):
        terms = estimate(KERNELS[name](3), x, y)
    plain = PLAIN[name](3)
    mmd2, variance = oracles.power_terms(plain, x, y)
    expected = mmd2, np.sqrt(variance + 1e-8)
    np.testing.assert_allclose(jax.tree.leaves(terms), expected, rtol=1e-8)
    j = oracles.power_criterion(plain, x, y)
    np.testing.assert_allclose(terms.criterion, j, rtol=1e-8)


@pytest.mark.medium
def test_the_criterion_alone_is_that_of_the_estimate():
    x, y = two_samples(37)
    with jax.enable_x64(True):
        j = criterion(SquaredExponential(1.3), x, y)
    expected = oracles.power_criterion(oracles.squared_exponential(1.3), x, y)
    np.testing.assert_allclose(j, expected, rtol=1e-8)


@pytest.mark.parametrize("tile_size", [1, 7, 36, 37, 38, 1000])
@pytest.mark.medium
def test_any_tile_size_gives_the_same(tile_size: int):
    x, y = two_samples(37)
    kernel = SquaredExponential(0.8)
    found = estimate_power(kernel, x, y, tile_size=tile_size).criterion
    expected = oracles.power_criterion(oracles.squared_exponential(0.8), x, y)
    np.testing.assert_allclose(found, expected, rtol=1e-8)


@pytest.mark.medium
def test_of_a_kernel_that_tells_nothing_apart_it_is_zero():
    x, y = two_samples(20, dtype=np.float32)
    found = criterion(SquaredExponential(1e6), x, y)
    assert abs(float(found)) < 1e-3
    assert np.isfinite(found)


@pytest.mark.parametrize(("m", "n"), [(3, 4), (1, 1)])
def test_samples_that_do_not_fit_are_an_error(m: int, n: int):
    with pytest.raises(ValueError, match="same number of points, at least 2"):
        power(SquaredExponential(1.0), jnp.ones((m, 2)), jnp.ones((n, 2)))


def dense_power(kernel: Kernel, x: jax.Array, y: jax.Array) -> jax.Array:
    """The definition, in whole matrices and with the distances by differences."""
    n = len(x)
    xx, yy, xy = kernel(x, x), kernel(y, y), kernel(x, y)
    h = xx + yy - xy - xy.T
    mmd2 = (jnp.sum(h) - jnp.trace(h)) / (n * (n - 1))
    mean = jnp.mean(h, axis=1)
    variance = 4 * jnp.mean((mean - jnp.mean(mean)) ** 2)
    return mmd2 / jnp.sqrt(variance + 1e-8)


def leaves(gradient) -> np.ndarray:
    flat = [np.asarray(leaf, float).reshape(-1) for leaf in jax.tree.leaves(gradient)]
    return np.concatenate(flat)


# The product holds a kernel with a scale a dimension, another kind and a factor.
@pytest.mark.parametrize(
    "name", ["product", pytest.param("deep", marks=pytest.mark.slow)]
)
@pytest.mark.medium
def test_gradient_equals_that_of_whole_matrices(name: str):
    # in kernel parameters and in points; many tiles, the last of them filled up
    in_double = None
    for dtype in (np.float64, np.float32):
        x, y = two_samples(100, dtype=dtype)
        with jax.enable_x64(True):
            kernel = jax.tree.map(
                lambda leaf, dtype=dtype: jnp.asarray(leaf, dtype), KERNELS[name](3)
            )
            found = jax.jit(
                jax.grad(
                    lambda *arguments: power(*arguments, tile_size=33),
                    argnums=(0, 1, 2),
                )
            )(kernel, x, y)
            assert {leaf.dtype for leaf in jax.tree.leaves(found)} == {np.dtype(dtype)}
            if in_double is None:
                dense = jax.jit(jax.grad(dense_power, argnums=(0, 1, 2)))
                in_double = leaves(dense(kernel, x, y))
        np.testing.assert_allclose(
            leaves(found),
            in_double,
            atol=TOLERANCE[dtype] * np.abs(in_double).max(),
            rtol=0,
        )


@pytest.mark.slow
def test_gradients_of_a_batch_of_kernels():
    x, y = two_samples(40, dtype=np.float32)
    kernels = [KERNELS["deep"](3).with_length_scale(np.float32(s)) for s in (0.7, 1.4)]
    stacked = jax.tree.map(lambda *each: jnp.stack(each), *kernels)
    gradient = jax.grad(power)
    batch = jax.jit(jax.vmap(gradient, in_axes=(0, None, None)))(stacked, x, y)
    for i, kernel in enumerate(kernels):
        alone = leaves(jax.jit(gradient)(kernel, x, y))
        found = leaves(jax.tree.map(lambda leaf, i=i: leaf[i], batch))
        np.testing.assert_allclose(found, alone, atol=1e-4 * np.abs(alone).max())


def temporary_bytes(function, kernel: Kernel, t: int) -> int:
    points = jax.ShapeDtypeStruct((t, 2), np.float32)
    compiled = jax.jit(jax.grad(function)).lower(kernel, points).compile()
    return compiled.memory_analysis().temp_size_in_bytes


@pytest.mark.parametrize(
    "name", ["a scale a dimension", pytest.param("deep", marks=pytest.mark.slow)]
)
@pytest.mark.medium
def test_a_gradient_remembers_no_matrix(name: str):
    def of_sums_and_test(kernel: Kernel, points: jax.Array) -> jax.Array:
        found = gram_sums(kernel, [points[:100], points[100:-50]], points[-50:])
        return jnp.sum(found.between) + power(kernel, *jnp.split(points, 2))

    kernel = jax.tree.map(lambda leaf: jnp.asarray(leaf, np.float32), KERNELS[name](2))
    # Of 20,000 points, the matrix is 1.6 GB in float32.
    assert temporary_bytes(of_sums_and_test, kernel, 20_000) < 64e6

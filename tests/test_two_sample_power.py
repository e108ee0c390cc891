"""The estimate of a test's power against its definition, and what it promises."""

import jax
import jax.numpy as jnp
import numpy as np
import oracles
import pytest
from kernel_table import KERNELS, PLAIN
from tolerances import rtol

from cgm_jax.kernels import Kernel, RationalQuadratic, SquaredExponential
from cgm_jax.two_sample import estimate_power

ROUNDINGS = 3000  # of entries of the kernel, see their tests


def two_sets(
    n: int, d: int = 2, *, shift: float = 0.5, dtype: type = np.float64
) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng([n, d])
    x, y = rng.normal(size=(2, n, d)) / np.sqrt(d)
    return x.astype(dtype), (y + shift).astype(dtype)


@pytest.mark.smoke
@pytest.mark.parametrize(
    ("n", "d", "dtype", "tile_size", "name"),
    [
        (2, 1, np.float64, None, "squared exponential"),
        (7, 2, np.float32, 3, "all of it"),
        (40, 3, np.float64, 40, "squared exponential"),
        (40, 3, np.float64, 79, "all of it"),
        (50, 16, np.float32, None, "squared exponential"),
    ],
)
@pytest.mark.medium
def test_equals_the_definition(
    n: int, d: int, dtype: type, tile_size: int | None, name: str
):
    x, y = two_sets(n, d, dtype=dtype)
    found = estimate_power(KERNELS[name](d), x, y, tile_size=tile_size)
    mmd2, variance = oracles.power_terms(PLAIN[name](d), x, y)
    deviation = np.sqrt(variance + 1e-8)
    tolerance = rtol(dtype, roundings=ROUNDINGS)
    np.testing.assert_allclose(found.mmd2, mmd2, atol=tolerance)
    np.testing.assert_allclose(found.standard_deviation, deviation, atol=tolerance)
    assert float(found.criterion) == float(found.mmd2 / found.standard_deviation)
    assert found.mmd2.dtype == found.standard_deviation.dtype == np.float64


@pytest.mark.medium
def test_samples_that_are_the_same_have_no_power():
    x, _ = two_sets(20)
    found = estimate_power(SquaredExponential(1.0), x, x)
    # H is 0: all that is left of σ̂ is λ.
    np.testing.assert_allclose(found.mmd2, 0, atol=1e-14)
    np.testing.assert_allclose(found.standard_deviation, 1e-4, rtol=1e-6)


@pytest.mark.medium
def test_names_of_the_samples_and_units_of_the_kernel_do_not_matter():
    x, y = two_sets(30)
    kernel = SquaredExponential(1.0)
    found = estimate_power(kernel, x, y)
    swapped, scaled = estimate_power(kernel, y, x), estimate_power(5.0 * kernel, x, y)
    np.testing.assert_allclose(swapped.criterion, found.criterion, rtol=1e-12)
    np.testing.assert_allclose(scaled.mmd2, 5 * found.mmd2, rtol=1e-12)
    # λ is not in units of the kernel, and small.
    np.testing.assert_allclose(scaled.criterion, found.criterion, rtol=1e-5)


@pytest.mark.medium
def test_the_standard_deviation_is_that_of_many_samples():
    kernel, n, num = SquaredExponential(1.0), 100, 1_000
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(2, num, n, 1)).astype(np.float32)
    found = jax.jit(jax.vmap(lambda x, y: estimate_power(kernel, x, y + 1)))(x, y)
    spread = np.std(np.sqrt(n) * np.asarray(found.mmd2))
    estimate = np.mean(np.asarray(found.standard_deviation))
    # A standard deviation of 1,000 has 2.2 % of error; terms in 1/n are left out.
    assert abs(estimate / spread - 1) < 4 * 0.022 + 2 / n


@pytest.mark.medium
def test_jit_grad_and_vmap():
    x, y = two_sets(7)

    def of(kernel: Kernel) -> jax.Array:
        return estimate_power(kernel, x, y, tile_size=3).criterion

    with jax.enable_x64(True):
        kernel = jax.tree.map(jnp.asarray, RationalQuadratic(1.1, 0.7))
        slope = jax.jit(jax.grad(of))(kernel)
        scales = jnp.array([0.5, 1.1, 2.0])
        many = jax.jit(jax.vmap(lambda s: of(RationalQuadratic(s, 0.7))))(scales)

    def plain(scale: float = 1.1, alpha: float = 0.7) -> float:
        return oracles.power_criterion(oracles.rational_quadratic(scale, alpha), x, y)

    step = 1e-5
    in_scale = (plain(1.1 + step) - plain(1.1 - step)) / (2 * step)
    in_alpha = (plain(alpha=0.7 + step) - plain(alpha=0.7 - step)) / (2 * step)
    np.testing.assert_allclose(float(slope.length_scale), in_scale, atol=1e-8)
    np.testing.assert_allclose(float(slope.alpha), in_alpha, atol=1e-8)
    np.testing.assert_allclose(many, [plain(0.5), plain(), plain(2.0)], atol=1e-12)


@pytest.mark.medium
def test_no_array_of_all_pairs_is_made():
    def run(x: jax.Array, y: jax.Array) -> object:
        return estimate_power(SquaredExponential(1.0), x, y, tile_size=64)

    shape = jax.ShapeDtypeStruct((5_000, 2), np.float32)
    used = jax.jit(run).lower(shape, shape).compile().memory_analysis()
    assert used.temp_size_in_bytes < 5_000**2  # a quarter of one block of the matrix


def test_errors():
    kernel, points = SquaredExponential(1.0), np.zeros((3, 2))
    with pytest.raises(ValueError, match="as many points in y as in x"):
        estimate_power(kernel, points, points[:2])
    with pytest.raises(ValueError, match="at least 2 points in x"):
        estimate_power(kernel, points[:1], points[:1])
    with pytest.raises(ValueError, match="tile_size >= 1"):
        estimate_power(kernel, points, points, tile_size=0)

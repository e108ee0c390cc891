"""Value and squared MMD against their definitions."""

import jax
import jax.numpy as jnp
import numpy as np
import oracles
import pytest
from kernel_table import KERNELS, PLAIN
from tolerances import rtol

from cgm_jax.kernels import Kernel, RationalQuadratic, SquaredExponential
from cgm_jax.valuation import mmd2_biased, mmd2_unbiased, value

FUNCTIONS = {
    "value": (value, oracles.value),
    "biased": (mmd2_biased, oracles.mmd2_biased),
    "unbiased": (mmd2_unbiased, oracles.mmd2_unbiased),
}
every_function = pytest.mark.parametrize("name", FUNCTIONS)
# Entries of the kernel are wrong by up to 3,000 roundings (see their tests).
ROUNDINGS = 3000


def two_sets(
    m: int, n: int, d: int, dtype: type = np.float64
) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng([m, n, d])
    x, y = rng.normal(size=(m, d)), 0.3 + rng.normal(size=(n, d))
    return (x / np.sqrt(d)).astype(dtype), (y / np.sqrt(d)).astype(dtype)


@pytest.mark.parametrize(
    ("m", "n", "d", "dtype"),
    [
        (2, 2, 1, np.float64),
        (7, 40, 2, np.float32),
        (40, 7, 3, np.float64),
        (50, 60, 16, np.float32),
        (40, 50, 64, np.float64),
    ],
)
@every_function
def test_equals_the_definition(name: str, m: int, n: int, d: int, dtype: type):
    function, definition = FUNCTIONS[name]
    x, y = two_sets(m, n, d, dtype)
    found = function(SquaredExponential(1.1), x, y)
    assert found.dtype == np.float64 and np.ndim(found) == 0
    np.testing.assert_allclose(
        found,
        definition(oracles.squared_exponential(1.1), x, y),
        atol=rtol(dtype, roundings=ROUNDINGS),
    )


@pytest.mark.parametrize(
    ("name", "kernel"),
    [
        ("value", "Laplace"),
        ("biased", "a scale a dimension"),
        ("biased", "energy"),
        ("unbiased", "all of it"),
    ],
)
@pytest.mark.medium
def test_with_other_kernels(name: str, kernel: str):
    function, definition = FUNCTIONS[name]
    x, y = two_sets(40, 33, 3)
    np.testing.assert_allclose(
        function(KERNELS[kernel](3), x, y),
        definition(PLAIN[kernel](3), x, y),
        atol=rtol(np.float64, roundings=ROUNDINGS),
    )


@pytest.mark.parametrize("function", [value, mmd2_biased])
def test_single_points(function):
    definition = {value: oracles.value, mmd2_biased: oracles.mmd2_biased}[function]
    x, y = two_sets(1, 1, 2)
    np.testing.assert_allclose(
        function(SquaredExponential(1.1), x, y),
        definition(oracles.squared_exponential(1.1), x, y),
        atol=rtol(np.float64),
    )


def test_value_and_biased_mmd2_differ_by_a_constant_of_the_reference():
    kernel = SquaredExponential(0.8)
    reference, _ = two_sets(40, 1, 2)
    total = float(value(kernel, reference, reference))  # mean k(T, T)
    for size in (1, 5, 39):
        subset = reference[:size]
        distance = float(mmd2_biased(kernel, subset, reference))
        found = float(value(kernel, subset, reference))
        np.testing.assert_allclose(found, total - distance, atol=1e-12)
        assert distance >= 0


# PITFALLS 18
@pytest.mark.medium
def test_unbiased_mmd2_is_signed():
    rng = np.random.default_rng(0)
    kernel = SquaredExponential(1.0)
    draws = [
        float(mmd2_unbiased(kernel, *rng.normal(size=(2, 20, 1)))) for _ in range(50)
    ]
    share_negative = np.mean(np.array(draws) < 0)
    assert 0.3 < share_negative < 0.9  # P = Q
    # Unbiased: the mean of 50 is 0 within 4 standard errors.
    assert abs(np.mean(draws)) < 4 * np.std(draws) / np.sqrt(50)
    far = mmd2_unbiased(kernel, np.zeros((2, 1)), np.full((2, 1), 100.0))
    np.testing.assert_allclose(far, 2, rtol=1e-12)


# PITFALLS 19
@pytest.mark.parametrize("sizes", [(1, 5), (5, 1), (0, 5)])
def test_unbiased_mmd2_of_one_point_is_an_error(sizes: tuple[int, int]):
    x, y = (np.zeros((size, 2)) for size in sizes)
    which = "x" if sizes[0] < 2 else "y"
    with pytest.raises(ValueError, match=f"at least 2 points in {which}"):
        mmd2_unbiased(SquaredExponential(1.0), x, y)


@pytest.mark.parametrize("function", [value, mmd2_biased])
def test_no_points_are_an_error(function):
    kernel, one, none = SquaredExponential(1.0), np.zeros((1, 2)), np.zeros((0, 2))
    with pytest.raises(ValueError, match="at least 1 points in"):
        function(kernel, none, one)
    with pytest.raises(ValueError, match="at least 1 points in"):
        function(kernel, one, none)


@every_function
def test_points_that_do_not_fit_are_an_error(name: str):
    function, _ = FUNCTIONS[name]
    kernel, points = SquaredExponential(1.0), np.zeros((3, 2))
    with pytest.raises(ValueError, match="same number of columns"):
        function(kernel, points, np.zeros((3, 1)))
    with pytest.raises(ValueError, match="finite numbers"):
        function(kernel, points, np.full((3, 2), np.inf))
    with pytest.raises(ValueError, match="shape"):
        function(kernel, points, np.zeros(3))


# PITFALLS 3
@every_function
def test_float64_points_are_computed_in_float64(name: str):
    function, definition = FUNCTIONS[name]
    x, y = two_sets(40, 33, 2)
    found = float(function(SquaredExponential(1.1), x, y))
    expected = definition(oracles.squared_exponential(1.1), x, y)
    single = [points.astype(np.float32) for points in (x, y)]
    rounded = float(function(SquaredExponential(1.1), *single))
    assert abs(found - expected) < 1e-13 < abs(rounded - expected)
    assert jnp.ones(1).dtype == np.float32  # and only there


@every_function
@pytest.mark.medium
def test_jit_grad_and_vmap(name: str):
    function, definition = FUNCTIONS[name]
    x, y = two_sets(7, 5, 2)

    def of(kernel: Kernel, x: jax.Array) -> jax.Array:
        return function(kernel, x, y)

    batch = np.stack([x, 2 * x, x + 1])
    with jax.enable_x64(True):
        kernel = jax.tree.map(jnp.asarray, RationalQuadratic(1.1, 0.7))
        with_gradient = jax.value_and_grad(of, argnums=(0, 1))
        many = jax.jit(jax.vmap(with_gradient, in_axes=(None, 0)))(kernel, batch)
        found, (in_kernel, in_x) = jax.tree.map(np.asarray, many)
    assert found.dtype == np.float64

    def plain(x: np.ndarray, scale: float = 1.1, alpha: float = 0.7) -> float:
        return definition(oracles.rational_quadratic(scale, alpha), x, y)

    np.testing.assert_allclose(found, [plain(x) for x in batch], atol=1e-13)
    step = 1e-5
    in_scale = (plain(x, scale=1.1 + step) - plain(x, scale=1.1 - step)) / (2 * step)
    in_alpha = (plain(x, alpha=0.7 + step) - plain(x, alpha=0.7 - step)) / (2 * step)
    np.testing.assert_allclose(in_kernel.length_scale[0], in_scale, atol=1e-9)
    np.testing.assert_allclose(in_kernel.alpha[0], in_alpha, atol=1e-9)
    for at in np.ndindex(batch.shape):
        move = np.zeros_like(x)
        move[at[1:]] = step
        z = batch[at[0]]
        slope = (plain(z + move) - plain(z - move)) / (2 * step)
        np.testing.assert_allclose(in_x[at], slope, atol=1e-9)


@pytest.mark.medium
def test_inside_jit_the_dtype_of_the_points_decides():
    x, y = two_sets(7, 5, 2, np.float32)
    traced = jax.jit(lambda x: mmd2_unbiased(SquaredExponential(1.1), x, y))(x)
    assert traced.dtype == np.float32
    np.testing.assert_allclose(
        traced, mmd2_unbiased(SquaredExponential(1.1), x, y), atol=rtol(np.float32)
    )

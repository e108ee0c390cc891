"""Data that are legal and unpleasant: values are those of NumPy in float64."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import oracles
import pytest

from cgm_jax.gram import gram_sums
from cgm_jax.kernels import (
    Kernel,
    Laplace,
    Matern,
    RationalQuadratic,
    SquaredExponential,
)
from cgm_jax.valuation import coalition_values, mmd_shapley_values, value

KERNELS = {
    "squared exponential": (SquaredExponential, oracles.squared_exponential),
    "Laplace": (Laplace, oracles.laplace),
    "rational quadratic": (
        RationalQuadratic,
        lambda scale: oracles.rational_quadratic(scale, 1.0),
    ),
    "Matérn": (Matern, lambda scale: oracles.matern(scale, 1.5)),
}
rng = np.random.default_rng(0)
NORMAL = rng.normal(size=(60, 2))


def as_bfloat16(points: np.ndarray) -> np.ndarray:
    return np.asarray(jnp.asarray(points, jnp.bfloat16))


def read_only(points: np.ndarray) -> np.ndarray:
    points = points.copy()
    points.setflags(write=False)
    return points


# Points and length scale: three parties, and ten candidates.
DATA = {
    "offset 1e3": (NORMAL.astype(np.float32) + np.float32(1e3), 0.3),
    "offset 1e6": ((NORMAL + 1e6).astype(np.float32), 0.05),
    "offset of one column": (NORMAL + np.array([[0.0, 1e8]]), 0.3),
    "offset -1e9 in float64": (NORMAL - 1e9, 0.3),
    "all equal": (np.ones((60, 3)), 1.0),
    "all 0": (np.zeros((60, 1)), 1.0),
    "two values": (rng.integers(0, 2, (60, 1)).astype(float), 0.4),
    "tiny": (NORMAL * 1e-300, 1e-300),
    "large": (NORMAL * 1e150, 1e150),
    "one far point": (np.concatenate([NORMAL[:59], [[1e6, -1e6]]]), 0.5),
    "one column": (NORMAL[:, :1], 0.5),
    "2,000 columns": (rng.normal(size=(60, 2_000)), 63.0),
    "short length scale": (NORMAL, 1e-4),
    "long length scale": (NORMAL, 1e6),
    "whole numbers of 2^53": (rng.integers(0, 50, (60, 2)) + 2**53 - 50, 7.0),
    "whole numbers of 2^24": (rng.integers(0, 50, (60, 2)).astype("i4") + 2**25, 7.0),
    "float16": (NORMAL.astype(np.float16), 0.5),
    "bfloat16": (as_bfloat16(NORMAL), 0.5),
    "big-endian": (NORMAL.astype(">f8"), 0.5),
    "big-endian float32": (NORMAL.astype(">f4"), 0.5),
    "whole numbers": (rng.integers(-5, 5, (60, 3)), 2.0),
    "truth values": (rng.integers(0, 2, (60, 3)).astype(bool), 1.0),
    "unsigned bytes": (rng.integers(0, 256, (60, 3)).astype(np.uint8), 80.0),
    "not contiguous": (np.repeat(NORMAL, 3, axis=1)[:, ::3][::-1], 0.5),
    "column by column": (np.asfortranarray(NORMAL), 0.5),
    "read-only": (read_only(NORMAL), 0.5),
    "arrays of JAX": (jnp.asarray(NORMAL, jnp.float32), 0.5),
}


@pytest.mark.parametrize("name", DATA)
@pytest.mark.medium
def test_values_are_those_of_numpy(name):
    points, scale = DATA[name]
    parties, candidates = [points[:20], points[20:21], points[21:50]], points[50:]
    exact = np.asarray(points).astype(float)
    # float16, whole numbers and the like are computed in float32.
    is_double = np.asarray(points).dtype.itemsize == 8 and exact.dtype == points.dtype
    tolerance = 1e-12 if is_double or name == "big-endian" else 3e-6
    kernels = [*KERNELS.values()]
    for kind, plain in kernels if "offset" in name else kernels[:2]:
        sums = gram_sums(kind(scale), parties, candidates)
        k = plain(scale)(exact, exact)
        blocks = [slice(0, 20), slice(20, 21), slice(21, 50), slice(50, 60)]
        between = [[k[i, j].mean() for j in blocks] for i in blocks]
        means = sums.between / np.outer(sums.sizes, sums.sizes)
        np.testing.assert_allclose(means, between, atol=tolerance)
        expected = oracles.value(plain(scale), exact[:20], exact)
        found = value(kind(scale), parties[0], points)
        assert found == pytest.approx(expected, abs=3 * tolerance)
        assert coalition_values(sums)[1] == pytest.approx(expected, abs=3 * tolerance)
        assert mmd_shapley_values(sums).efficiency_gap == pytest.approx(0, abs=1e-10)


@pytest.mark.medium
def test_a_nan_in_traced_points_stays_one():
    points = NORMAL.copy()
    points[0, 0] = np.nan

    @jax.jit
    def of_points(kernel: Kernel, x: jax.Array) -> tuple[jax.Array, jax.Array]:
        return value(kernel, x, NORMAL), kernel(x[:2], NORMAL[:2])

    for kind, _ in KERNELS.values():
        number, block = of_points(kind(1.0), points)
        assert np.isnan(number)
        assert np.isnan(block).tolist() == [[True, True], [False, False]]


@jax.jit
def block(kernel: Kernel, points: jax.Array) -> jax.Array:
    return kernel(points, points)


@pytest.mark.parametrize("scale", [0.5, 1.5])
@pytest.mark.medium
def test_whole_numbers_do_not_truncate_the_length_scale(scale):
    x = np.array([[0], [3]])
    for points in (x, x > 0, x.astype(np.uint8)):
        for kind, plain in KERNELS.values():
            expected = plain(scale)(points.astype(float), points.astype(float))
            for found in (kind(scale)(points, points), block(kind(scale), points)):
                np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-7)


@pytest.mark.medium
def test_a_traced_offset_is_taken_off_too():
    near = NORMAL.astype(np.float32)
    far = near + np.float32(2.0**20)
    exact = far.astype(float)

    @jax.jit
    @partial(jax.value_and_grad, argnums=1)
    def with_gradient(kernel: Kernel, x: jax.Array) -> jax.Array:
        return value(kernel, x[:20], x)

    for kind, plain in (KERNELS["squared exponential"], KERNELS["Laplace"]):
        found, gradient = with_gradient(kind(0.3), far)
        expected = oracles.value(plain(0.3), exact[:20], exact)
        assert found == pytest.approx(expected, abs=1e-5)
        moved, slope = exact - exact.mean(0), np.zeros_like(exact)
        for at in np.ndindex(*exact.shape):
            ends = [moved.copy(), moved.copy()]
            ends[0][at] += 1e-5
            ends[1][at] -= 1e-5
            above, below = (oracles.value(plain(0.3), x[:20], x) for x in ends)
            slope[at] = (above - below) / 2e-5
        np.testing.assert_allclose(gradient, slope, atol=2e-5)

"""Squared distances against their definition, near and far from the origin."""

import jax
import jax.numpy as jnp
import numpy as np
import oracles
import pytest
from tolerances import rtol

from cgm_jax.gram import gram_sums
from cgm_jax.kernels import SquaredExponential
from cgm_jax.kernels.distances import squared_distances

DTYPES = [np.float32, np.float64]
CASES = [
    *((d, np.float64, "many rows") for d in [1, 2, 3, 7, 16, 64]),
    *((d, np.float32, "many rows") for d in [1, 2, 16, 17, 64]),
    *((d, dtype, "few rows") for d in [1, 17, 64] for dtype in DTYPES),
]
SIZES = {"few rows": (5, 7), "many rows": (40, 33)}  # two ways to compute them
# A product of matrices may be wrong by this many roundings of 1, the scale on which a
# kernel of scaled points changes; differences by some roundings of the distance.
ROUNDINGS = 1000


def compute(x: np.ndarray, y: np.ndarray, **options: bool) -> np.ndarray:
    with jax.enable_x64(True):
        result = squared_distances(x, y, **options)
    assert result.dtype == x.dtype
    return np.asarray(result)


def two_sets(d: int, dtype: type, sizes: str = "many rows") -> list[np.ndarray]:
    """Points with some distances of 0 among them."""
    m, n = SIZES[sizes]
    rng = np.random.default_rng([d, m])
    x, y = rng.normal(size=(m, d)), rng.normal(size=(n, d))
    y[:3] = x[:3]
    return [x.astype(dtype), y.astype(dtype)]


def assert_right(got: np.ndarray, x: np.ndarray, y: np.ndarray) -> None:
    np.testing.assert_allclose(
        got,
        oracles.squared_distances(x, y),
        rtol=rtol(x.dtype),
        atol=rtol(x.dtype, roundings=ROUNDINGS),
    )


@pytest.mark.parametrize(("d", "dtype", "sizes"), CASES)
def test_equal_the_definition(d: int, dtype: type, sizes: str):
    x, y = two_sets(d, dtype, sizes)
    got = compute(x, y)
    assert_right(got, x, y)
    assert (got >= 0).all()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("d", [2, 64])
def test_exact_distances_are_right_to_the_last_digits(d: int, dtype: type):
    x, y = two_sets(d, dtype)
    got = compute(x, y, exact=True)
    expected = oracles.squared_distances(x, y)
    np.testing.assert_allclose(got, expected, rtol=rtol(dtype))  # so 0 is 0
    assert (expected == 0).sum() == 3


# PITFALLS 25
@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("d", [2, 16, 64])
@pytest.mark.parametrize("offset", [1e3, 1e6])
def test_far_from_the_origin(offset: float, d: int, dtype: type, sizes: str):
    x, y = (points + dtype(offset) for points in two_sets(d, dtype, sizes))
    assert_right(compute(x, y), x, y)


# PITFALLS 15 and 25: one row must not blur all others
@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("d", [2, 16, 64])
def test_one_outlier(d: int, dtype: type, sizes: str):
    x, y = two_sets(d, dtype, sizes)
    x[1, 0], y[-1, 0] = 1e9, -1e9
    assert_right(compute(x, y), x, y)


@pytest.mark.parametrize("apart", [1e2, 1e4])
@pytest.mark.parametrize("dtype", DTYPES)
def test_two_clusters_far_apart(dtype: type, apart: float):
    """No center is near to all points; those of one cluster must be told apart."""
    x, y = two_sets(2, dtype)
    x[::2] += dtype(apart)
    y[::2] += dtype(apart)
    assert_right(compute(x, y), x, y)


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("d", [2, 64])
@pytest.mark.parametrize("scale", [1e-15, 1e5, 1e15])
def test_other_scales(scale: float, d: int, sizes: str):
    x, y = (points * np.float32(scale) for points in two_sets(d, np.float32, sizes))
    assert_right(compute(x, y), x, y)


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("d", [2, 64])
def test_too_large_to_be_squared_is_infinity_and_not_nan(d: int, sizes: str):
    x, y = (np.sign(points) * 1e38 for points in two_sets(d, np.float32, sizes))
    x, y = x.astype(np.float32), y.astype(np.float32)
    got = compute(x, y)
    expected = oracles.squared_distances(x, y)
    np.testing.assert_array_equal(got, np.where(expected > 0, np.inf, 0))


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("d", [2, 64])
def test_gradient_is_that_of_the_definition_and_zero_at_coincident_points(d, sizes):
    x, y = two_sets(d, np.float64, sizes)
    weights = np.random.default_rng(0).normal(size=(len(x), len(y)))

    @jax.jit
    def gradients(x: jax.Array, y: jax.Array) -> tuple[jax.Array, jax.Array]:
        def weighted_sum(x: jax.Array, y: jax.Array) -> jax.Array:
            return jnp.sum(weights * squared_distances(x, y))

        return jax.grad(weighted_sum, argnums=(0, 1))(x, y)

    with jax.enable_x64(True):
        in_x, in_y = gradients(x, y)
        alone, _ = gradients(np.tile(x[:1], (len(x), 1)), np.tile(x[:1], (len(y), 1)))
    # Σ_j w_ij 2 (x_i − y_j): nothing of a pair that coincides
    pairs = 2 * weights[:, :, None] * (x[:, None] - y[None])
    np.testing.assert_allclose(in_x, pairs.sum(1), atol=1e-11)
    np.testing.assert_allclose(in_y, -pairs.sum(0), atol=1e-11)
    np.testing.assert_allclose(alone, 0, atol=1e-12)


@pytest.mark.medium
def test_a_batch_is_every_one_of_it():
    batch = np.stack([two_sets(2, np.float32)[0] * scale for scale in (1, 1e4)])
    got = jax.jit(jax.vmap(squared_distances, in_axes=(0, None)))(batch, batch[0])
    for x, distances in zip(batch, got, strict=True):
        assert_right(np.asarray(distances), x, batch[0])


# PITFALLS 26
def test_every_matrix_product_of_a_gram_pass_is_in_full_precision():
    points = np.zeros((40, 2), np.float32)

    def sums(party: jax.Array, candidates: jax.Array) -> jax.Array:
        return gram_sums(SquaredExponential(1.0), [party], candidates).between

    program = str(jax.make_jaxpr(sums)(points, points))
    num_products = program.count("dot_general[")
    assert num_products > 0
    in_full = "precision=(Precision.HIGHEST, Precision.HIGHEST)"
    assert program.count(in_full) == num_products

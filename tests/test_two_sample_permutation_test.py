"""The two-sample test against its definition, and the level and power it promises."""

import jax
import jax.numpy as jnp
import numpy as np
import oracles
import pytest
from kernel_table import KERNELS, PLAIN
from tolerances import rtol

from cgm_jax.kernels import DeepKernel, FeatureNetwork, SquaredExponential
from cgm_jax.two_sample import two_sample_test
from cgm_jax.two_sample.permutation_test import _labels
from cgm_jax.valuation import mmd2_unbiased

ROUNDINGS = 3000  # of entries of the kernel, see their tests
KEY = jax.random.key(3)


def two_sets(
    m: int, n: int, d: int = 2, *, shift: float = 0.0, dtype: type = np.float64
) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng([m, n, d])
    x, y = rng.normal(size=(m, d)), shift + rng.normal(size=(n, d))
    return x.astype(dtype), y.astype(dtype)


def labels(key: jax.Array, m: int, n: int, num: int) -> np.ndarray:
    with jax.enable_x64(True):
        return np.asarray(_labels(key, m, n, num))


@pytest.mark.smoke
@pytest.mark.parametrize(
    ("m", "n", "dtype", "tile_size", "name"),
    [
        (2, 2, np.float64, None, "all of it"),
        (2, 7, np.float32, 1, "squared exponential"),
        (20, 13, np.float64, 5, "squared exponential"),
        (40, 40, np.float32, 16, "all of it"),
        (30, 50, np.float64, 81, "all of it"),
    ],
)
@pytest.mark.medium
def test_equals_the_definition_for_every_relabelling(
    m: int, n: int, dtype: type, tile_size: int | None, name: str
):
    x, y = two_sets(m, n, shift=0.3, dtype=dtype)
    found = two_sample_test(
        KEY, KERNELS[name](2), x, y, num_permutations=9, tile_size=tile_size
    )
    pool, plain = np.concatenate([x, y]), PLAIN[name](2)
    is_x = labels(KEY, m, n, 9)
    assert is_x[0].tolist() == [True] * m + [False] * n
    expected = [oracles.mmd2_unbiased(plain, pool[z], pool[~z]) for z in is_x]
    tolerance = rtol(dtype, roundings=ROUNDINGS)
    np.testing.assert_allclose(found.statistic, expected[0], atol=tolerance)
    np.testing.assert_allclose(found.permuted, expected[1:], atol=tolerance)
    assert found.permuted.dtype == np.float64 and found.statistic.dtype == np.float64
    at_least = np.count_nonzero(found.permuted >= found.statistic - 1e-14)
    assert float(found.p_value) == (1 + at_least) / 10


def test_relabellings_are_random_subsets_of_the_right_size():
    m, n, num = 3, 4, 2_000
    is_x = labels(KEY, m, n, num)[1:]
    assert (is_x.sum(1) == m).all()
    _, counts = np.unique(is_x, axis=0, return_counts=True)
    assert len(counts) == 35  # all of 7 choose 3
    expected = num / 35
    # Chi-squared with 34 degrees of freedom: mean 34, variance 68; 5 standard errors.
    assert ((counts - expected) ** 2 / expected).sum() < 34 + 5 * np.sqrt(68)


@pytest.mark.medium
def test_more_relabellings_start_with_the_same():
    x, y = two_sets(10, 12)
    few, many = (
        two_sample_test(KEY, SquaredExponential(1.0), x, y, num_permutations=num)
        for num in (5, 20)
    )
    np.testing.assert_allclose(many.permuted[:5], few.permuted, atol=1e-14)


@pytest.mark.medium
def test_the_order_within_samples_and_their_names_change_no_statistic():
    x, y = two_sets(30, 20, shift=0.2)
    kernel = SquaredExponential(1.0)
    found = two_sample_test(KEY, kernel, x, y)
    for other in [(x[::-1], y), (x, y[::-1]), (y, x)]:
        again = two_sample_test(KEY, kernel, *other)
        np.testing.assert_allclose(again.statistic, found.statistic, atol=1e-14)
        # Other relabellings: p is estimated twice, 5 standard errors apart at most.
        p = float(found.p_value)
        assert abs(float(again.p_value) - p) < 5 * np.sqrt(2 * p * (1 - p) / 1_000)
    np.testing.assert_allclose(found.statistic, mmd2_unbiased(kernel, x, y), atol=1e-13)


@pytest.mark.parametrize(
    ("m", "n", "dtype"),
    [
        (5, 5, np.float64),
        (60, 33, np.float32),
        (60, 33, np.float64),
    ],
)
@pytest.mark.medium
def test_equal_points_are_ties_whatever_the_rounding(m: int, n: int, dtype: type):
    kernel = SquaredExponential(0.3)
    x, y = np.full((m, 3), 0.1, dtype), np.full((n, 3), 0.1, dtype)
    assert float(two_sample_test(KEY, kernel, x, y).p_value) == 1
    # Two values only: a statistic for every number of ones among x, and many ties.
    x, y = (np.arange(size)[:, None] % 2 * np.ones((1, 3), dtype) for size in (m, n))
    found = two_sample_test(KEY, kernel, x.astype(dtype), y.astype(dtype))
    ones = (labels(KEY, m, n, 1_000) * np.concatenate([x, y])[:, 0]).sum(1)
    same = ones[1:] == ones[0]
    at_least = (found.permuted > found.statistic + 1e-6) | same
    assert float(found.p_value) >= (1 + np.count_nonzero(at_least)) / 1_001


def of_many_sets(shift: float, m: int, n: int, num_sets: int) -> np.ndarray:
    """p of many pairs of samples, in one program."""
    rng = np.random.default_rng(7)
    x = jnp.asarray(rng.normal(size=(num_sets, m, 2)), jnp.float32)
    y = jnp.asarray(shift + rng.normal(size=(num_sets, n, 2)), jnp.float32)

    def p_value(key: jax.Array, x: jax.Array, y: jax.Array) -> jax.Array:
        kernel = SquaredExponential(1.0)
        return two_sample_test(key, kernel, x, y, num_permutations=39).p_value

    keys = jax.random.split(KEY, num_sets)
    return np.asarray(jax.jit(jax.vmap(p_value))(keys, x, y), np.float64)


@pytest.mark.medium
def test_p_values_are_uniform_where_the_distributions_are_one():
    num_sets = 2_000
    p = of_many_sets(0.0, 12, 8, num_sets)
    np.testing.assert_allclose(p * 40, np.rint(p * 40), atol=1e-4)
    # Uniform on 1/40, …, 40/40, ties aside: 4 standard errors of a binomial share.
    for level in (0.05, 0.25, 0.5, 0.75):
        error = np.sqrt(level * (1 - level) / num_sets)
        assert abs(np.mean(p < level + 1e-4) - level) < 4 * error


@pytest.mark.medium
def test_a_shift_is_seen():
    p = of_many_sets(1.0, 30, 20, 100)
    assert np.mean(p <= 0.05) > 0.8  # of this shift, t-tests see 0.9


@pytest.mark.medium
def test_a_map_over_kernels_is_the_tests_one_by_one():
    x, y = two_sets(12, 9, shift=0.5, dtype=np.float32)
    scales = jnp.array([0.5, 1.0, 2.0])

    def at(key: jax.Array, scale: jax.Array) -> object:
        return two_sample_test(key, SquaredExponential(scale), x, y, tile_size=8)

    with jax.enable_x64(True):
        together = jax.jit(jax.vmap(at, in_axes=(None, 0)))(KEY, scales)
        assert together.permuted.shape == (3, 1_000)
    for i, scale in enumerate(np.asarray(scales)):
        alone = two_sample_test(KEY, SquaredExponential(float(scale)), x, y)
        np.testing.assert_allclose(together.statistic[i], alone.statistic, atol=1e-6)
        np.testing.assert_allclose(together.permuted[i], alone.permuted, atol=1e-6)


@pytest.mark.medium
def test_the_key_alone_can_be_traced():
    x, y = two_sets(12, 9, shift=0.5)

    def permuted(key: jax.Array) -> jax.Array:
        kernel = SquaredExponential(0.5)
        return two_sample_test(key, kernel, x, y, num_permutations=20).permuted

    with jax.enable_x64(True):
        found = np.asarray(jax.jit(permuted)(KEY))
    np.testing.assert_allclose(found, permuted(KEY), atol=1e-14)


@pytest.mark.medium
def test_no_array_of_all_pairs_is_made():
    def run(key: jax.Array, x: jax.Array, y: jax.Array) -> object:
        return two_sample_test(
            key, SquaredExponential(1.0), x, y, num_permutations=10, tile_size=128
        )

    shape = jax.ShapeDtypeStruct((5_000, 2), np.float32)
    used = jax.jit(run).lower(KEY, shape, shape).compile().memory_analysis()
    assert used.temp_size_in_bytes < 10_000**2  # a quarter of the matrix


@pytest.mark.medium
def test_a_kernel_of_features():
    from flax import nnx

    network = FeatureNetwork((2, 8, 4), rngs=nnx.Rngs(0))
    kernel = DeepKernel(
        network, SquaredExponential(0.1), SquaredExponential(2.0), epsilon=0.1
    )
    x, y = two_sets(40, 30, shift=2.0)
    found = two_sample_test(KEY, kernel, x, y, num_permutations=99)
    np.testing.assert_allclose(found.statistic, mmd2_unbiased(kernel, x, y), atol=1e-12)
    assert float(found.p_value) == 0.01


def test_errors():
    kernel, points = SquaredExponential(1.0), np.zeros((3, 2))
    with pytest.raises(ValueError, match="at least 2 points in y"):
        two_sample_test(KEY, kernel, points, points[:1])
    with pytest.raises(ValueError, match="num_permutations >= 1"):
        two_sample_test(KEY, kernel, points, points, num_permutations=0)
    with pytest.raises(ValueError, match="tile_size >= 1"):
        two_sample_test(KEY, kernel, points, points, tile_size=0)

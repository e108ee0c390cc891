"""The one helper of every draw, at and between its boundaries."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cgm_jax.sampling.picking import inverse_cdf

DTYPES = [np.float32, np.float64]
every_dtype = pytest.mark.parametrize("dtype", DTYPES)
many = jax.jit(jax.vmap(inverse_cdf, in_axes=(0, None)))


def draw(
    uniforms: list[float] | np.ndarray, weights: list[float] | np.ndarray, dtype: type
) -> tuple[np.ndarray, np.ndarray]:
    with jax.enable_x64(True):
        uniforms = jnp.asarray(uniforms, dtype)
        indices, rest = many(uniforms, jnp.asarray(weights, dtype))
        assert rest.dtype == dtype
        return np.asarray(indices), np.asarray(rest)


def below_one(dtype: type) -> float:
    return np.nextafter(dtype(1), dtype(0))


@every_dtype
def test_every_entry_has_its_share_of_uniform_numbers(dtype: type):
    weights = np.array([2.0, 0.0, 1.0, 4.0, 0.0, 0.0, 1.0, 0.0])  # of 8
    uniforms = (np.arange(8_000) + 0.5) / 8_000
    indices, _ = draw(uniforms, weights, dtype)
    counts = np.bincount(indices, minlength=8)
    np.testing.assert_array_equal(counts, 1_000 * weights)
    assert (np.diff(indices) >= 0).all()


@every_dtype
def test_equals_a_search_in_the_cumulative_sum(dtype: type):
    rng = np.random.default_rng(0)
    weights = rng.integers(0, 4, 100) / 128.0  # sums are exact
    uniforms = rng.uniform(size=2_000).astype(dtype)
    indices, rest = draw(uniforms, weights, dtype)
    cumulative = np.cumsum(weights)
    query = uniforms.astype(float) * cumulative[-1]
    expected = np.searchsorted(cumulative, query, side="right")
    on_edge = np.abs(cumulative[:, None] - query).min(0) < 1e-6
    assert on_edge.mean() < 0.01
    np.testing.assert_array_equal(indices[~on_edge], expected[~on_edge])
    position = (query - (cumulative - weights)[indices]) / weights[indices]
    np.testing.assert_allclose(
        rest, position, atol=0.01 if dtype is np.float32 else 1e-9
    )


@every_dtype
@pytest.mark.medium
def test_what_is_left_of_a_uniform_number_serves_a_further_draw(dtype: type):
    weights, inner = np.array([1.0, 0.0, 3.0]), np.array([1.0, 1.0, 0.0, 2.0])
    uniforms = (np.arange(1_600) + 0.5) / 1_600
    outer, rest = draw(uniforms, weights, dtype)
    assert (rest >= 0).all() and (rest < 1).all()
    second, _ = draw(rest, inner, dtype)
    pairs = np.zeros((3, 4))
    np.add.at(pairs, (outer, second), 1)
    np.testing.assert_array_equal(pairs, 100 * np.outer(weights, inner))


# PITFALLS 5
@every_dtype
@pytest.mark.parametrize("scale", [1e-30, 1.0, 1e30])
def test_a_uniform_number_next_to_one_is_on_the_last_entry_with_weight(scale, dtype):
    weights = scale * np.array([0.1, 0.2, 0.3, 0.0, 0.0])
    for uniform in (below_one(dtype), 1.0):
        indices, rest = draw([uniform], weights, dtype)
        assert indices[0] == 2
        assert 0.99 < rest[0] < 1


@every_dtype
def test_a_uniform_number_of_zero_is_on_the_first_entry_with_weight(dtype: type):
    indices, rest = draw([0.0], [0.0, 0.0, 0.1, 0.9], dtype)
    assert indices[0] == 2 and rest[0] == 0


@every_dtype
@pytest.mark.medium
def test_an_edge_belongs_to_the_entry_after_it(dtype: type):
    indices, _ = draw([0.25, 0.75], [1.0, 2.0, 1.0], dtype)
    np.testing.assert_array_equal(indices, [1, 2])
    indices, _ = draw([0.5], [2.0, 0.0, 2.0], dtype)
    np.testing.assert_array_equal(indices, [2])


@every_dtype
@pytest.mark.medium
def test_never_on_an_entry_without_weight_whatever_the_rounding(dtype: type):
    rng = np.random.default_rng(0)
    uniforms = np.array([below_one(dtype) - j * np.finfo(dtype).eps for j in range(64)])
    uniforms = np.concatenate([uniforms, rng.uniform(size=64), [0.0]])
    for seed in range(20):
        rng = np.random.default_rng(seed)
        weights = np.exp(-rng.uniform(0, 40, size=3_000)).astype(dtype)
        weights[rng.uniform(size=3_000) < 0.5] = 0
        weights[-rng.integers(1, 2_000) :] = 0
        indices, rest = draw(uniforms, weights, dtype)
        assert (weights[indices] > 0).all()
        assert (rest >= 0).all() and (rest < 1).all()


@pytest.mark.medium
def test_weights_may_be_in_less_precision_than_the_uniform_number():
    rng = np.random.default_rng(0)
    weights = rng.uniform(size=1_000).astype(np.float32)
    uniforms = rng.uniform(size=500)
    with jax.enable_x64(True):
        indices, rest = many(jnp.asarray(uniforms), jnp.asarray(weights))
    assert rest.dtype == np.float64
    cumulative = np.cumsum(weights.astype(float))
    expected = np.searchsorted(cumulative, uniforms * cumulative[-1], side="right")
    np.testing.assert_array_equal(indices, expected)


@pytest.mark.medium
def test_one_entry_and_no_weight_at_all():
    indices, _ = draw([0.0, 0.5, 1.0], [0.3], np.float32)
    np.testing.assert_array_equal(indices, 0)
    indices, rest = draw([0.5], [0.0, 0.0], np.float32)
    assert 0 <= indices[0] < 2 and 0 <= rest[0] < 1  # no NaN, no index beyond

"""What one more point does to a value, against the value computed again."""

import jax
import jax.numpy as jnp
import numpy as np
import oracles
import pytest
from tolerances import rtol

from cgm_jax.sampling import marginal_values, updated_sigma_s, updated_sigma_st

K = oracles.rational_quadratic(0.8, 0.7)


def scaled(factor: float) -> oracles.KernelFunction:
    return lambda x, y: factor * K(x, y)


def sigma_s(k, subset: np.ndarray) -> float:
    return k(subset, subset).mean()


def sigma_st(k, subset: np.ndarray, reference: np.ndarray) -> float:
    return 2 * k(subset, reference).mean()


@pytest.mark.parametrize("d", [1, 3, 16])
@pytest.mark.parametrize("size", [1, 2, 17])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_equal_the_definitions(dtype: type, size: int, d: int):
    rng = np.random.default_rng([size, d])
    k = scaled(1.7)  # a diagonal that is not 1
    reference = rng.normal(size=(size + 30, d))
    subset, candidates = reference[:size], reference[size : size + 20]
    joined = [np.concatenate([subset, x[None]]) for x in candidates]
    arguments = {
        "sigma_s": float(sigma_s(k, subset)),
        "sigma_st": float(sigma_st(k, subset, reference)),
        "size": float(size),
        "reference_size": float(len(reference)),
        "subset_sums": k(subset, candidates).sum(0).astype(dtype),
        "reference_sums": k(reference, candidates).sum(0).astype(dtype),
        "diagonal": np.full(20, 1.7, dtype),
    }
    with jax.enable_x64(True):
        within = updated_sigma_s(
            *(
                arguments[name]
                for name in ("sigma_s", "size", "subset_sums", "diagonal")
            )
        )
        across = updated_sigma_st(
            *(
                arguments[name]
                for name in ("sigma_st", "size", "reference_size", "reference_sums")
            )
        )
        marginals = marginal_values(**arguments)
    assert within.dtype == across.dtype == marginals.dtype == dtype
    tolerance = {"rtol": rtol(dtype), "atol": rtol(dtype)}
    np.testing.assert_allclose(within, [sigma_s(k, s) for s in joined], **tolerance)
    expected = [sigma_st(k, s, reference) for s in joined]
    np.testing.assert_allclose(across, expected, **tolerance)
    expected = oracles.marginal_values(k, subset, candidates, reference)
    np.testing.assert_allclose(marginals, expected, **tolerance)


# PITFALLS 1: by increments and from scratch, all the way
@pytest.mark.medium
def test_a_thousand_points_by_increments():
    rng = np.random.default_rng(0)
    points = rng.normal(size=(1_200, 2))
    gram, t, num_own = K(points, points), 1_200.0, 50
    reference_sums = gram.sum(1)
    order = rng.permutation(np.arange(num_own, 1_200))[:1_000]

    @jax.jit
    def add(state, x):
        within, across, size, subset_sums = state
        marginals = marginal_values(
            within, across, size, t, subset_sums, reference_sums, 1.0
        )
        within = updated_sigma_s(within, size, subset_sums[x], 1.0)
        across = updated_sigma_st(across, size, t, jnp.asarray(reference_sums)[x])
        state = within, across, size + 1, subset_sums + jnp.asarray(gram)[x]
        return state, (across - within, marginals[x], marginals)

    with jax.enable_x64(True):
        start = (
            gram[:num_own, :num_own].mean(),
            2 * gram[:num_own].mean(),
            float(num_own),
            gram[:num_own].sum(0),
        )
        _, found = jax.lax.scan(add, start, order)
        values, steps, marginals = map(np.asarray, found)
    chosen = np.concatenate([np.arange(num_own), order])

    def value_of(subset: np.ndarray) -> float:
        return 2 * gram[subset].mean() - gram[np.ix_(subset, subset)].mean()

    # Sums of the first s rows, and of the first s rows and columns, for every s.
    sizes = np.arange(1, len(chosen) + 1)
    across = reference_sums[chosen].cumsum()
    within = np.diag(gram[np.ix_(chosen, chosen)].cumsum(0).cumsum(1))
    again = (2 * across / (sizes * t) - within / sizes**2)[num_own - 1 :]
    np.testing.assert_allclose(values, again[1:], atol=1e-11, rtol=0)
    np.testing.assert_allclose(steps, np.diff(again), atol=1e-11, rtol=0)
    left = np.setdiff1d(np.arange(1_200), chosen[:-1])
    last = [value_of(np.append(chosen[:-1], x)) - again[-2] for x in left]
    np.testing.assert_allclose(marginals[-1][left], last, atol=1e-11, rtol=0)


# PITFALLS 2: s² of 60,000 points is above the largest int32
@pytest.mark.parametrize("size", [60_000, 60_000.0, np.int32(60_000)])
def test_large_sets_do_not_overflow(size):
    found = updated_sigma_s(0.3, size, 0.9 * 60_000, 1.0)
    expected = (60_000.0**2 * 0.3 + 2 * 0.9 * 60_000 + 1) / 60_001.0**2
    np.testing.assert_allclose(found, expected, rtol=rtol(np.float32, roundings=10))
    found = updated_sigma_st(0.6, size, 100_000, 0.3 * 100_000)
    np.testing.assert_allclose(found, 0.6, rtol=rtol(np.float32))


@pytest.mark.medium
def test_broadcast_over_parties_and_candidates():
    rng = np.random.default_rng(0)
    within, across = rng.uniform(0.4, 0.6, size=(2, 3, 1))
    sizes = np.array([[2.0], [5.0], [9.0]])
    subset_sums, reference_sums = rng.uniform(size=(2, 3, 7))
    together = marginal_values(
        within, across, sizes, 30.0, subset_sums, reference_sums, 1.0
    )
    assert together.shape == (3, 7)
    one_by_one = jax.vmap(marginal_values, in_axes=(0, 0, 0, None, 0, 0, None))(
        within, across, sizes, 30.0, subset_sums, reference_sums, 1.0
    )
    np.testing.assert_allclose(together, one_by_one, atol=rtol(np.float32))


def test_gradient_of_a_marginal_value():
    def marginal(subset_sum, reference_sum, diagonal):
        return marginal_values(0.5, 0.8, 4.0, 20.0, subset_sum, reference_sum, diagonal)

    # Eq. 22 and 23: −2/(s+1)², 2/(t (s+1)), −1/(s+1)²
    found = jax.jit(jax.grad(marginal, argnums=(0, 1, 2)))(2.0, 7.0, 1.0)
    np.testing.assert_allclose(found, [-2 / 25, 2 / 100, -1 / 25], rtol=1e-6)

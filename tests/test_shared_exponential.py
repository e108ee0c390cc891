"""The fast exponential against the one of the standard library."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cgm_jax._shared.exponential import exp_nonpositive


@pytest.mark.medium
def test_is_right_to_a_rounding_or_two():
    x = -np.concatenate([np.linspace(0, 87, 200_001), np.logspace(-38, 1.9, 50_001)])
    x = x.astype(np.float32)
    expected = np.exp(x.astype(float))
    for function in (exp_nonpositive, jax.jit(exp_nonpositive)):
        found = np.asarray(function(jnp.asarray(x)))
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, expected, rtol=2.5e-7)


@pytest.mark.medium
def test_limits():
    x = jnp.array([0.0, -0.0, -88.0, -1e4, -3e38, -jnp.inf, jnp.nan])
    np.testing.assert_array_equal(exp_nonpositive(x), [1, 1, 0, 0, 0, 0, np.nan])


@pytest.mark.medium
def test_is_never_above_one():
    x = -np.linspace(0, 1e-5, 10_001, dtype=np.float32)
    assert (exp_nonpositive(jnp.asarray(x)) <= 1).all()


def test_of_float64_is_in_float64():
    with jax.enable_x64(True):
        found = exp_nonpositive(jnp.asarray(-0.3, jnp.float64))
        assert found.dtype == np.float64
    np.testing.assert_allclose(float(found), math.exp(-0.3), rtol=1e-15)


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.medium
def test_its_derivatives_are_itself(order: int):
    function = exp_nonpositive
    for _ in range(order):
        function = jax.grad(function)
    x = jnp.array([0.0, -0.3, -5.0, -100.0])
    np.testing.assert_allclose(jax.vmap(function)(x), exp_nonpositive(x), rtol=1e-6)

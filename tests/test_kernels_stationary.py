"""What belongs to stationary kernels alone: formulas by hand, and length scales."""

from math import exp, sqrt

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from kernel_table import block
from tolerances import rtol

from cgm_jax.kernels import Laplace, RationalQuadratic, SquaredExponential

KINDS = [SquaredExponential, Laplace, RationalQuadratic]
X = np.array([[0.0, 0.0], [1.0, 2.0]], np.float32)
every_kind = pytest.mark.parametrize("kind", KINDS)


@pytest.mark.medium
def test_formulas_by_hand():
    # ‖x − x'‖² = 1 + 4 and ℓ = 2
    tolerance = rtol(np.float32)
    for kernel, expected in (
        (SquaredExponential(2.0), exp(-5 / 8)),
        (Laplace(2.0), exp(-sqrt(5) / 2)),
        (RationalQuadratic(2.0), 1 / (1 + 5 / 8)),
        (RationalQuadratic(2.0, alpha=3.0), (1 + 5 / 24) ** -3),
        # scales 1 and 4: 1 + 1/4
        (SquaredExponential([1.0, 4.0]), exp(-(1 + 1 / 4) / 2)),
        (Laplace(np.array([1.0, 4.0])), exp(-sqrt(1 + 1 / 4))),
        (SquaredExponential(jnp.array([2.0])), exp(-5 / 8)),
        (SquaredExponential(2), exp(-5 / 8)),
    ):
        np.testing.assert_allclose(kernel(X, X)[0, 1], expected, rtol=tolerance)
        np.testing.assert_allclose(kernel(X, X)[1, 1], 1, rtol=tolerance)


def test_the_rational_quadratic_becomes_the_squared_exponential():
    np.testing.assert_allclose(
        RationalQuadratic(2.0, alpha=1e6)(X, X),
        SquaredExponential(2.0)(X, X),
        rtol=1e-5,
    )


@pytest.mark.medium
def test_equal_those_of_scikit_learn():
    others = pytest.importorskip("sklearn.gaussian_process.kernels")
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 3)), rng.normal(size=(33, 3))
    scales = np.array([0.5, 1.0, 2.0])
    for kernel, other in (
        (SquaredExponential(0.7), others.RBF(0.7)),
        (SquaredExponential(scales), others.RBF(scales)),
        (Laplace(scales), others.Matern(scales, nu=0.5)),
        (RationalQuadratic(0.7, 0.3), others.RationalQuadratic(0.7, alpha=0.3)),
        (
            2.0 * SquaredExponential(0.7) * Laplace(1.5) + SquaredExponential(3.0),
            2.0 * others.RBF(0.7) * others.Matern(1.5, nu=0.5) + others.RBF(3.0),
        ),
    ):
        np.testing.assert_allclose(block(kernel, x, y), other(x, y), atol=1e-12)


@every_kind
@pytest.mark.medium
def test_decreases_to_zero_with_the_distance(kind):
    far = np.array([[0.0], [1e-3], [1.0], [30.0], [1e9], [1e30]], np.float32)
    k = np.asarray(kind(1.0)(far[:1], far))[0]
    assert k[0] == 1
    assert (np.diff(k) <= 0).all()
    assert k[-1] == 0
    assert np.isfinite(k).all()


@every_kind
@pytest.mark.parametrize(
    "length_scale", [0.0, -1.0, np.nan, np.inf, [1.0, 0.0], [1.0, np.nan]]
)
def test_a_length_scale_that_is_none_is_an_error(kind, length_scale):
    with pytest.raises(ValueError, match="positive, finite length scale"):
        kind(length_scale)(X, X)


@every_kind
@pytest.mark.parametrize("length_scale", [[1.0, 2.0, 3.0], [[1.0, 2.0]], [[1.0]]])
def test_a_length_scale_of_another_dimension_is_an_error(kind, length_scale):
    with pytest.raises(ValueError, match="scalar length scale or one a dimension"):
        kind(length_scale)(X, X)


@every_kind
def test_a_traced_length_scale_is_taken_as_it_is(kind):
    traced = jax.jit(lambda scale: kind(scale)(X, X))
    np.testing.assert_allclose(traced(2.0), kind(2.0)(X, X), rtol=rtol(np.float32))
    with pytest.raises(ValueError, match="one a dimension"):
        traced(jnp.ones(3))


@every_kind
def test_with_length_scale_keeps_all_other_parameters(kind):
    assert kind(1.0).with_length_scale(2.0) == kind(2.0)
    changed = RationalQuadratic(1.0, alpha=3.0).with_length_scale(2.0)
    assert changed == RationalQuadratic(2.0, alpha=3.0)

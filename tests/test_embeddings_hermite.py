"""Features by quadrature: an error below what was asked for, everywhere in the box."""

import jax
import numpy as np
import oracles
import pytest

from cgm_jax.embeddings import hermite_features
from cgm_jax.kernels import Energy, Laplace, Matern, ScaleMixture, SquaredExponential

SE = oracles.squared_exponential


def largest_error(kernel, plain, low, high, **options) -> tuple[float, int, float]:
    """That of inner products, the number of features, and the limit that they state."""
    features = hermite_features(kernel, low, high, **options)
    rng = np.random.default_rng(0)
    corners = np.array([low, high], float)  # the pair that is farthest apart
    x = np.concatenate([corners, rng.uniform(low, high, size=(150, len(low)))])
    with jax.enable_x64(True):
        phi = np.asarray(features(x))
    exact = plain(x, x)
    np.testing.assert_allclose((phi**2).sum(axis=1), exact.diagonal(), rtol=1e-12)
    assert features.max_error is not None and features.num_groups == 1
    error = float(abs(phi @ phi.T - exact).max())
    return error, features.num_features, features.max_error


@pytest.mark.parametrize("tolerance", [1e-2, 1e-4, 1e-8, 1e-12])
@pytest.mark.parametrize("width", [0.0, 0.5, 3.0, 12.0])
@pytest.mark.parametrize("d", [1, 2, 3])
@pytest.mark.medium
def test_the_error_is_below_the_tolerance(d: int, width: float, tolerance: float):
    width = width if d < 3 else min(width, 6.0)  # or there are 100,000 features
    scales = np.linspace(0.5, 1.0, d)
    low, high = np.full(d, -1.0), -1.0 + width * scales
    error, num, limit = largest_error(
        SquaredExponential(scales),
        SE(scales),
        low,
        high,
        tolerance=tolerance,
        max_features=100_000,
    )
    assert error <= limit + 1e-14 and limit == tolerance
    if width:  # not far more than needed either
        assert error > 1e-5 * tolerance or error < 1e-14
    assert num >= 2


@pytest.mark.parametrize("width", [0.5, 3.0, 12.0, 100.0])
def test_eight_more_digits_take_few_features_more(width: float):
    numbers = [
        hermite_features(
            SquaredExponential(1.0), [0.0], [width], tolerance=t
        ).num_features
        for t in (1e-4, 1e-12)
    ]
    assert numbers[0] < numbers[1] <= 3 * numbers[0]


def test_few_nodes_of_gauss_and_many_of_the_trapezoid_rule():
    # Gauss-Hermite: 5 nodes are right to degree 9; r^10 5!/10! is 3e-8 at r = 0.5
    narrow = hermite_features(SquaredExponential(1.0), [0.0], [0.5], tolerance=1e-7)
    assert narrow.num_features <= 2 * 3
    nodes = np.unique(np.abs(narrow.frequencies))
    np.testing.assert_allclose(
        nodes, np.unique(np.abs(np.polynomial.hermite_e.hermegauss(5)[0]))
    )
    wide = hermite_features(SquaredExponential(1.0), [0.0], [30.0], tolerance=1e-7)
    steps = np.diff(np.unique(np.abs(wide.frequencies)))
    np.testing.assert_allclose(steps, steps[0])
    assert wide.num_features < 80  # Gauss-Hermite needs more than 600 nodes


@pytest.mark.medium
def test_mixtures_sums_products_and_multiples():
    kernel = 0.5 * ScaleMixture(0.8, (0.5, 1.0, 3.0)) + 0.3 * (
        SquaredExponential(np.array([0.5, 1.0])) * SquaredExponential(1.0)
    )

    def plain(x, y):
        mixed = SE(0.4)(x, y) + SE(0.8)(x, y) + SE(2.4)(x, y)
        return 0.5 * mixed / 3 + 0.3 * SE(np.array([0.5, 1.0]))(x, y) * SE(1.0)(x, y)

    low, high = np.zeros(2), np.array([1.0, 2.0])
    error, _, limit = largest_error(kernel, plain, low, high, tolerance=1e-7)
    assert error <= limit == pytest.approx(0.8e-7)


@pytest.mark.medium
def test_outside_of_the_box_the_norm_is_still_exact():
    features = hermite_features(SquaredExponential(1.0), [0.0], [1.0])
    far = np.array([[50.0], [-1e3]])
    with jax.enable_x64(True):
        phi = np.asarray(features(far))
    np.testing.assert_allclose((phi**2).sum(axis=1), 1, rtol=1e-12)


@pytest.mark.parametrize("kernel", [Laplace(1.0), Matern(1.0), Energy(1.0)])
def test_kernels_whose_features_do_not_converge_fast(kernel):
    with pytest.raises(ValueError, match=f"known for {type(kernel).__name__}"):
        hermite_features(kernel, [0.0], [1.0])


@pytest.mark.parametrize(
    ("low", "high", "options", "message"),
    [
        (np.zeros(4), np.ones(4), {}, "1 to 3 dimensions, got 4"),
        ([0.0], [1.0, 1.0], {}, "one shape"),
        ([1.0], [0.0], {}, "low <= high"),
        ([0.0], [np.inf], {}, "finite low"),
        ([0.0], [1.0], {"tolerance": 0.0}, "tolerance from 1e-13"),
        ([0.0], [1.0], {"max_features": 4}, "at most 4 features, but"),
        (np.zeros(3), np.full(3, 1e4), {}, "fewer length scales"),
    ],
)
def test_wrong_arguments(low, high, options, message: str):
    with pytest.raises(ValueError, match=message):
        hermite_features(SquaredExponential(1.0), low, high, **options)


@pytest.mark.medium
def test_a_traced_length_scale_is_refused_and_points_are_differentiable():
    with pytest.raises(TypeError, match="numbers for the length scale"):
        jax.jit(
            lambda a: hermite_features(SquaredExponential(a), [0.0], [1.0]).weights
        )(1.0)
    features = hermite_features(SquaredExponential(1.0), [0.0], [2.0])
    with jax.enable_x64(True):
        y = np.array([[1.5]])
        slope = jax.grad(lambda x: (features(x) @ features(y).T)[0, 0])(y - 1)
    assert float(slope[0, 0]) == pytest.approx(np.exp(-0.5), rel=1e-6)

"""Wasserstein-2 of fitted Gaussians: closed forms, SciPy's root, singular cases."""

import jax
import numpy as np
import pytest
from scipy.linalg import sqrtm
from tolerances import rtol

from cgm_jax.metrics import wasserstein2_gaussians


def by_product(x, y):
    """The formula as the FID is usually computed."""
    cx, cy = np.cov(x, rowvar=False), np.cov(y, rowvar=False)
    difference = x.mean(0) - y.mean(0)
    root = sqrtm(cx @ cy).real
    return difference @ difference + np.trace(cx + cy - 2 * root)


@pytest.mark.smoke
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("dimension", [2, 8])
def test_it_is_the_formula(dimension, dtype):
    rng = np.random.default_rng(dimension)
    mixing = rng.normal(size=(dimension, dimension))
    x = rng.normal(size=(50, dimension)).astype(dtype)
    y = (rng.normal(1, 2, size=(70, dimension)) @ mixing).astype(dtype)
    found = wasserstein2_gaussians(x, y)
    expected = by_product(x.astype(float), y.astype(float))
    assert found == pytest.approx(expected, rel=1e-9)
    assert found.dtype == np.float64
    assert wasserstein2_gaussians(y, x) == pytest.approx(expected, rel=1e-9)


def test_one_dimension_in_closed_form():
    x, y = np.array([[0.0], [1.0], [5.0]]), np.array([[3.0], [4.0]])
    expected = (x.mean() - y.mean()) ** 2 + (x.std(ddof=1) - y.std(ddof=1)) ** 2
    assert wasserstein2_gaussians(x, y) == pytest.approx(expected)


def test_a_shift_costs_its_square_and_a_turn_nothing_less():
    x = np.random.default_rng(0).normal(size=(40, 3)) * np.array([[1.0, 2.0, 3.0]])
    assert wasserstein2_gaussians(x, x + np.array([[3.0, 0.0, 4.0]])) == pytest.approx(
        25
    )
    assert 0 <= wasserstein2_gaussians(x, x[::-1]) < 1e-12


@pytest.mark.parametrize("rank", [0, 1])
def test_singular_covariances_stay_real(rank):
    """Along one line: as in one dimension, the others add nothing."""
    rng = np.random.default_rng(1)
    direction = np.array([[0.6, 0.0, 0.8]])
    a, b = rng.normal(size=(2, 30, 1)) * rank
    found = wasserstein2_gaussians(a @ direction, 3 * b @ direction)
    expected = wasserstein2_gaussians(a, 3 * b)
    assert found == pytest.approx(expected, abs=1e-7)
    # Everything in one place, against a spread: the spread's trace.
    spread = rng.normal(size=(20, 3))
    place = np.broadcast_to(spread.mean(0), (5, 3))
    trace = np.trace(np.cov(spread, rowvar=False))
    assert wasserstein2_gaussians(place, spread) == pytest.approx(trace)


def test_far_from_the_origin():
    x = np.random.default_rng(2).normal(size=(40, 2))
    y = 2 * x
    far = wasserstein2_gaussians(x + 1e6, y + 1e6)
    assert far == pytest.approx(float(wasserstein2_gaussians(x, y)), rel=1e-6)


def test_inside_the_users_own_jit():
    x = np.random.default_rng(3).normal(size=(20, 2)).astype(np.float32)
    found = jax.jit(wasserstein2_gaussians)(x, 2 * x)
    assert found.dtype == np.float32
    expected = wasserstein2_gaussians(x, 2 * x)
    np.testing.assert_allclose(found, expected, rtol=rtol(np.float32))


def test_a_single_point_has_no_covariance():
    with pytest.raises(ValueError, match="at least 2 points in y, got 1"):
        wasserstein2_gaussians(np.ones((3, 2)), np.ones((1, 2)))


@pytest.mark.parametrize("dimension", [5, 64])
def test_all_digits_where_a_covariance_is_singular(dimension):
    """Fewer rows than columns: by singular values of the product of both, in full."""
    rng = np.random.default_rng(4)
    x = rng.normal(size=(dimension // 2, dimension))
    y = rng.normal(1, 2, size=(3 * dimension, dimension))
    a, b = ((z - z.mean(0)) / np.sqrt(len(z) - 1) for z in (x, y))
    expected = ((x.mean(0) - y.mean(0)) ** 2).sum() + (a**2).sum() + (b**2).sum()
    expected -= 2 * np.linalg.svd(a @ b.T, compute_uv=False).sum()
    assert wasserstein2_gaussians(x, y) == pytest.approx(expected, rel=1e-13)


SQUARE = np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])


@pytest.mark.parametrize(
    "x", [SQUARE, np.eye(3, 5), np.ones((4, 3))], ids=["equal", "singular", "one place"]
)
@pytest.mark.medium
def test_the_gradient_is_that_of_differences_where_eigenvalues_are_equal_or_zero(x):
    y = np.random.default_rng(5).normal(size=(30, x.shape[1]))
    step = 1e-6
    with jax.enable_x64(True):
        gradient = np.asarray(jax.jit(jax.grad(wasserstein2_gaussians))(x, y))
    assert np.isfinite(gradient).all()
    if x.std() == 0:
        return  # there it has a kink
    for row in range(len(x)):
        move = np.zeros_like(x)
        move[row, 1] = step
        slope = wasserstein2_gaussians(x + move, y) - wasserstein2_gaussians(
            x - move, y
        )
        assert gradient[row, 1] == pytest.approx(slope / (2 * step), rel=1e-6, abs=1e-8)

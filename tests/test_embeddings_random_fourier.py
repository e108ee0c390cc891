"""Random Fourier features: right on average, of exact norm, with less chance in better
kinds."""

import jax
import numpy as np
import oracles
import pytest
from kernel_table import KERNELS, PLAIN, block
from tolerances import rtol

from cgm_jax.embeddings import FeatureMap, random_fourier_features
from cgm_jax.kernels import (
    DeepKernel,
    Energy,
    Linear,
    Polynomial,
    RationalQuadratic,
    SquaredExponential,
)

KEY = jax.random.key(0)
KINDS = ("independent", "orthogonal", "quasi-random")
every_kind = pytest.mark.parametrize("kind", KINDS)
STATIONARY = [
    name for name in KERNELS if name not in ("linear", "polynomial", "energy", "deep")
]
POINTS = np.random.default_rng(0).normal(size=(6, 3))
NUM_GROUPS = 200


def in_float64(features: FeatureMap, points: np.ndarray) -> np.ndarray:
    with jax.enable_x64(True):
        made = features(points)
        assert made.dtype == points.dtype
        return np.asarray(made)


def estimates(features: FeatureMap, points: np.ndarray) -> np.ndarray:
    """The kernel's matrix by every group of features alone."""
    phi = in_float64(features, points)
    groups = phi.reshape(len(points), features.num_groups, -1)
    return features.num_groups * np.einsum("ngf,mgf->gnm", groups, groups)


@every_kind
@pytest.mark.parametrize("name", STATIONARY)
def test_inner_products_are_the_kernel_on_average(name: str, kind):
    kernel = KERNELS[name](3)
    features = random_fourier_features(
        KEY, kernel, 3, 12 * NUM_GROUPS, kind=kind, num_groups=NUM_GROUPS
    )
    made = estimates(features, POINTS)
    error = made.mean(axis=0) - PLAIN[name](3)(POINTS, POINTS)
    standard_error = made.std(axis=0, ddof=1) / np.sqrt(NUM_GROUPS)
    # 450 different pairs of points in all: 4.5 standard errors
    assert (abs(error) <= 4.5 * standard_error + 1e-9).all()
    assert standard_error.max() < 0.1 * PLAIN[name](3)(POINTS, POINTS).max()


@every_kind
@pytest.mark.parametrize("name", STATIONARY)
def test_the_norm_is_exact(name: str, kind):
    kernel = KERNELS[name](3)
    features = random_fourier_features(KEY, kernel, 3, 10, kind=kind)
    squares = (in_float64(features, POINTS) ** 2).sum(axis=1)
    exact = block(kernel, POINTS, POINTS).diagonal()
    np.testing.assert_allclose(squares, exact, rtol=1e-12)
    assert features.norm == pytest.approx(np.sqrt(exact[0]), rel=1e-12)
    assert features.num_features == 10 and features.num_dimensions == 3


@pytest.mark.medium
def test_features_are_waves_of_their_frequencies():
    features = random_fourier_features(KEY, SquaredExponential(0.7), 3, 40)
    phi = in_float64(features, POINTS)
    waves = oracles.waves(POINTS, features.frequencies, features.weights)
    np.testing.assert_allclose(phi @ phi.T, waves @ waves.T, rtol=1e-12, atol=1e-14)
    single = np.asarray(features(POINTS.astype(np.float32)))
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, phi, atol=rtol(np.float32))


def mean_square_error(kind, d: int) -> float:
    kernel = SquaredExponential(1.0)
    x = np.random.default_rng(1).normal(size=(20, d)) / np.sqrt(d)
    exact = oracles.squared_exponential(1.0)(x, x)
    features = random_fourier_features(
        KEY, kernel, d, 50 * 128, kind=kind, num_groups=50
    )
    return float(((estimates(features, x) - exact[None]) ** 2).mean())


@pytest.mark.parametrize("d", [1, 2, 5])
@pytest.mark.medium
def test_better_kinds_have_smaller_errors(d: int):
    independent, orthogonal, quasi_random = (mean_square_error(k, d) for k in KINDS)
    assert orthogonal < 0.6 * independent
    assert quasi_random < 0.4 * independent


@pytest.mark.medium
def test_the_error_of_independent_features_is_that_of_theory():
    x = np.array([[0.0], [0.8]])
    features = random_fourier_features(
        KEY,
        SquaredExponential(1.0),
        1,
        2_000 * 20,
        kind="independent",
        num_groups=2_000,
    )
    variance = estimates(features, x)[:, 0, 1].var()
    k = np.exp(-(0.8**2) / 2)
    # the standard error of a variance of 2,000 is about 3 %
    assert variance == pytest.approx((1 - k**2) ** 2 / (2 * 10), rel=0.12)


@pytest.mark.medium
def test_categories_of_encoded_rows_are_right_on_average():
    height, scale = 0.8, 0.9
    rng = np.random.default_rng(2)
    categories, numbers = rng.integers(0, 3, (8, 4)), rng.normal(size=(8, 2))
    one_hot = height * np.eye(3)[categories].reshape(8, -1)
    exact = oracles.of_mixed_rows(
        oracles.squared_exponential(scale),
        (numbers, numbers),
        (categories, categories),
        mismatch=np.sqrt(2) * height / scale,
    )
    points = np.concatenate([numbers, one_hot], axis=1)
    features = random_fourier_features(
        KEY, SquaredExponential(scale), 14, 100 * NUM_GROUPS, num_groups=NUM_GROUPS
    )
    made = estimates(features, points)
    standard_error = made.std(axis=0, ddof=1) / np.sqrt(NUM_GROUPS)
    assert (abs(made.mean(axis=0) - exact) <= 4 * standard_error + 1e-9).all()


def test_keys_decide_and_groups_differ():
    kernel = SquaredExponential(1.0)
    one, same = (random_fourier_features(KEY, kernel, 2, 40) for _ in range(2))
    assert one == same and one.num_groups == 10
    other = random_fourier_features(jax.random.key(1), kernel, 2, 40)
    assert other != one
    parts = np.split(np.asarray(one.frequencies), 10)
    assert len({part.tobytes() for part in parts}) == 10
    assert random_fourier_features(KEY, kernel, 2, 2 * 13).num_groups == 1
    assert random_fourier_features(KEY, kernel, 2, 2 * 16).num_groups == 8


@pytest.mark.medium
def test_inside_of_transformations():
    x = POINTS.astype(np.float32)

    @jax.jit
    def estimate(scale: jax.Array, points: jax.Array) -> jax.Array:
        kernel = 2.0 * SquaredExponential(scale)
        phi = random_fourier_features(KEY, kernel, 3, 4_000)(points)
        return (phi @ phi.T)[0, 1]

    def exact(scale: jax.Array, points: jax.Array) -> jax.Array:
        return 2.0 * SquaredExponential(scale)(points, points)[0, 1]

    scales = np.array([0.8, 1.5], np.float32)
    batch = jax.vmap(estimate, (0, None))(scales, x)
    assert batch.dtype == np.float32
    slopes = jax.grad(estimate, argnums=(0, 1))(scales[1], x)
    right = jax.grad(exact, argnums=(0, 1))(scales[1], x)
    for scale, found in zip(scales, batch, strict=True):
        assert found == pytest.approx(float(exact(scale, x)), abs=0.06)
    # each the mean of 2,000 bounded numbers: 0.1 is more than four standard errors
    np.testing.assert_allclose(slopes[0], right[0], atol=0.1)
    np.testing.assert_allclose(slopes[1], right[1], atol=0.1)


def test_what_is_drawn_must_not_be_traced():
    def of(kernel_of, value):
        return jax.jit(
            lambda a: random_fourier_features(KEY, kernel_of(a), 2, 8)(POINTS[:, :2])
        )(value)

    with pytest.raises(TypeError, match="numbers for alpha"):
        of(lambda a: RationalQuadratic(1.0, a), 1.0)
    with pytest.raises(TypeError, match="factors of kernels in a sum"):
        of(lambda a: a * SquaredExponential(1.0) + SquaredExponential(2.0), 1.0)
    with pytest.raises(TypeError, match="key that is not traced"):
        kernel = SquaredExponential(1.0)
        jax.vmap(lambda key: random_fourier_features(key, kernel, 2, 8).frequencies)(
            jax.random.split(KEY, 2)
        )


@pytest.mark.parametrize(
    "kernel",
    [
        Energy(1.0),
        Linear(1.0),
        2.0 * Polynomial(1.0),
        SquaredExponential(1.0) + Energy(1.0),
        DeepKernel(np.cos, SquaredExponential(1.0)),
    ],
    ids=lambda kernel: type(kernel).__name__,
)
def test_kernels_without_features(kernel):
    with pytest.raises(ValueError, match=r"No features are known for (?!Sum|Scaled)"):
        random_fourier_features(KEY, kernel, 2, 8)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_features": 7}, "even num_features"),
        ({"num_features": 0}, "num_features >= 2"),
        ({"num_groups": 3}, "divides num_features / 2 = 4"),
        ({"kind": "random"}, "kind to be one of 'independent', 'orthogonal"),
        ({"num_dimensions": 0}, "num_dimensions >= 1"),
        ({"kernel": SquaredExponential(np.ones(3))}, "one a dimension .2."),
        ({"kernel": SquaredExponential(-1.0)}, "positive, finite length scale"),
    ],
)
def test_wrong_arguments(options, message: str):
    right = {"kernel": SquaredExponential(1.0), "num_dimensions": 2, "num_features": 8}
    with pytest.raises(ValueError, match=message):
        random_fourier_features(KEY, **(right | options))


def test_points_of_other_columns_are_an_error():
    features = random_fourier_features(KEY, SquaredExponential(1.0), 2, 8)
    with pytest.raises(ValueError, match="2 columns for these features, got 3"):
        features(POINTS)

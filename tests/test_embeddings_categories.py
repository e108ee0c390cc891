"""Features of categories: exact products of a kernel of states."""

import jax
import numpy as np
import oracles
import pytest

from cgm_jax.embeddings import (
    category_features,
    hermite_features,
    random_fourier_features,
)
from cgm_jax.kernels import Laplace, SquaredExponential

HEIGHTS, SCALE = np.array([0.8, 1.1, 0.6]), 0.9
BLOCKS = [(0, 3, 4), (2,), (5, 6)]  # of 3, 2 and 2 states; the number is column 1


def rows(num: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Encoded points, their states, and their numbers."""
    rng = np.random.default_rng(3)
    states = np.stack([rng.integers(0, c, num) for c in (3, 2, 2)], axis=1)
    numbers = rng.uniform(size=(num, 1))
    points = np.zeros((num, 7))
    points[:, [0, 3, 4]] = HEIGHTS[0] * np.eye(3)[states[:, 0]]
    points[:, 2] = HEIGHTS[1] * states[:, 1]
    points[:, [5, 6]] = HEIGHTS[2] * np.eye(2)[states[:, 2]]
    points[:, [1]] = numbers
    return points, states, numbers


@pytest.mark.medium
def test_categories_and_a_number():
    points, states, numbers = rows(30)
    kernel = SquaredExponential(SCALE)
    others = hermite_features(kernel, np.zeros(1), np.ones(1), tolerance=1e-10)
    features = category_features(kernel, BLOCKS, HEIGHTS, others)
    assert features.num_features == 12 * others.num_features
    assert features.num_dimensions == 7 and features.max_error == others.max_error
    with jax.enable_x64(True):
        phi = np.asarray(features(points))
    # a single coordinate differs by h, one-hot blocks in two coordinates
    exponent = np.zeros((30, 30))
    for i, times in enumerate((2, 1, 2)):
        differ = states[:, None, i] != states[None, :, i]
        exponent += times * HEIGHTS[i] ** 2 / (2 * SCALE**2) * differ
    exact = oracles.squared_exponential(SCALE)(numbers, numbers) * np.exp(-exponent)
    np.testing.assert_allclose(phi @ phi.T, exact, atol=1e-10)
    whole = oracles.squared_exponential(SCALE)(points, points)
    np.testing.assert_allclose(exact, whole, rtol=1e-12)


@pytest.mark.medium
def test_length_scales_a_dimension_and_categories_alone():
    points = rows(30)[0][:, [0, 3, 4, 2, 5, 6]]
    scales = np.linspace(0.5, 1.5, 6)
    blocks = [(0, 1, 2), (3,), (4, 5)]
    features = category_features(SquaredExponential(scales), blocks, HEIGHTS)
    with jax.enable_x64(True):
        phi = np.asarray(features(points))
    exact = oracles.squared_exponential(scales)(points, points)
    np.testing.assert_allclose(phi @ phi.T, exact, atol=1e-13)
    assert phi.shape == (30, 12) and features.max_error == 0 and features.norm == 1


@pytest.mark.medium
def test_groups_are_those_of_the_other_coordinates():
    points, *_ = rows(10)
    kernel = SquaredExponential(SCALE)
    others = random_fourier_features(jax.random.key(0), kernel, 1, 40, num_groups=4)
    features = category_features(kernel, BLOCKS, HEIGHTS, others)
    assert features.num_groups == 4 and features.max_error is None
    with jax.enable_x64(True):
        phi = np.asarray(features(points))
        of_numbers = np.asarray(others(points[:, [1]]))
    categories = np.delete(points, 1, axis=1)
    factor = oracles.squared_exponential(SCALE)(categories, categories)
    for i in range(4):
        group = phi.reshape(10, 4, -1)[:, i]
        alone = of_numbers.reshape(10, 4, -1)[:, i]
        np.testing.assert_allclose(group @ group.T, factor * (alone @ alone.T), 1e-10)


@pytest.mark.medium
def test_what_is_no_state_is_taken_for_the_nearest():
    features = category_features(SquaredExponential(1.0), [(0, 1)], [1.0])
    phi = np.asarray(features(np.array([[1.0, 0], [0.7, 0.2]], np.float32)))
    np.testing.assert_array_equal(phi[0], phi[1])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kernel": Laplace(1.0)}, "categories are known for Laplace"),
        ({"blocks": [(0, 1), (1,)]}, "blocks of different coordinates"),
        ({"blocks": [(0, 1), (3,)]}, "from 0 to 2"),
        ({"blocks": [(0, 1), ()]}, "blocks of different"),
        ({"heights": [1.0]}, r"heights of shape \(2,\)"),
        ({"heights": [1.0, 0.0]}, "positive, finite height"),
        ({"max_features": 3}, "at most 3 features, got 4"),
        (
            {
                "others": hermite_features(
                    SquaredExponential(2.0), np.zeros(1), np.ones(1)
                )
            },
            "features of the other coordinates for",
        ),
    ],
)
def test_wrong_arguments(changes, message: str):
    right = {
        "kernel": SquaredExponential(1.0),
        "blocks": [(0, 1), (2,)],
        "heights": [1.0, 2.0],
    }
    with pytest.raises(ValueError, match=message):
        category_features(**(right | changes))

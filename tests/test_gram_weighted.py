"""Sums of weighted points against dense matrices."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from kernel_table import KERNELS, PLAIN

from cgm_jax.gram.weighted import _side_of_tiles, weighted_sums_between_blocks
from cgm_jax.kernels import SquaredExponential

SIZES = [5, 1, 40, 17]


def problem(num_weights: int = 3) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    points = rng.normal(size=(sum(SIZES), 2))
    weights = rng.integers(0, 4, size=(num_weights, len(points)))
    return points, weights


def dense(gram: np.ndarray, weights: np.ndarray) -> np.ndarray:
    member = np.repeat(np.eye(len(SIZES)), SIZES, axis=0)
    return np.stack(
        [member.T @ (w[:, None] * gram * w[None]) @ member for w in weights], axis=2
    )


@pytest.mark.parametrize("kernel", ["squared exponential", "all of it"])
@pytest.mark.medium
def test_equals_the_dense_matrix(kernel: str):
    points, weights = problem()
    with jax.enable_x64(True):
        found = weighted_sums_between_blocks(
            KERNELS[kernel](2), points, SIZES, weights, 16
        )
    expected = dense(PLAIN[kernel](2)(points, points), weights)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("tile", [1, 7, 40, 63, 512])
@pytest.mark.medium
def test_tiles_do_not_matter(tile: int):
    points, weights = problem()
    kernel = SquaredExponential(0.8)
    with jax.enable_x64(True):
        found = weighted_sums_between_blocks(kernel, points, SIZES, weights, tile)
    gram = np.exp(-((points[:, None] - points[None]) ** 2).sum(-1) / 2 / 0.8**2)
    np.testing.assert_allclose(found, dense(gram, weights), rtol=1e-12)


@pytest.mark.medium
def test_float32_points_are_summed_in_float64():
    points, weights = problem()
    kernel = SquaredExponential(0.8)
    with jax.enable_x64(True):
        points = points.astype(np.float32)
        found = weighted_sums_between_blocks(kernel, points, SIZES, weights, 16)
    assert found.dtype == jnp.float64
    gram = np.exp(-((points[:, None] - points[None]) ** 2).sum(-1) / 2 / 0.8**2)
    np.testing.assert_allclose(found, dense(gram, weights), rtol=1e-5)


@pytest.mark.parametrize(
    "sizes, side", [([10_000] * 5, 512), ([3] * 1000, 16), ([60] * 200, 64), ([5], 16)]
)
def test_tiles_suit_the_blocks(sizes: list[int], side: int):
    assert _side_of_tiles(sizes, 512) == side

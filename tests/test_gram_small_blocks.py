"""Sums between many small blocks, by their definition, and on their way to results."""

import numpy as np
import oracles
import pytest
from kernel_table import KERNELS, PLAIN
from tolerances import rtol

from cgm_jax._shared.precision import at_once
from cgm_jax.gram import gram_sums
from cgm_jax.gram.small_blocks import are_small, sums_between_small_blocks

SIDE = 64
RNG = np.random.default_rng(0)
SIZES = {
    "one point each": [1] * 600,
    "one or two": RNG.integers(1, 3, 400).tolist(),
    "some of eight": [8, *[1] * 90, 8, *[1] * 200, 8],
    "tiles that are just full": [2] * 320,
}
every_size = pytest.mark.parametrize("sizes", SIZES.values(), ids=SIZES)
KERNEL, EXACT = KERNELS["Laplace"](2), PLAIN["Laplace"](2)


def points_of(sizes: list[int], dtype: type = np.float64) -> list[np.ndarray]:
    rng = np.random.default_rng(len(sizes))
    return [rng.normal(size=(size, 2)).astype(dtype) for size in sizes]


@every_size
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.medium
def test_they_are_sums_of_the_dense_matrix(sizes: list[int], dtype: type):
    blocks = points_of(sizes, dtype)
    weights = RNG.uniform(0, 2, sum(sizes))
    assert are_small(len(sizes), sum(sizes), max(sizes), SIDE)
    _, plain = oracles.block_sums(EXACT, blocks)
    with at_once():
        given = KERNEL, np.concatenate(blocks), sizes, SIDE
        found = sums_between_small_blocks(*given, room=1)
        weighted = sums_between_small_blocks(*given, weights)
    tolerance = rtol(np.dtype(dtype), roundings=3000)
    np.testing.assert_allclose(found[:-1, :-1], plain, rtol=tolerance)
    np.testing.assert_array_equal(found, found.T)
    assert not found[-1].any()
    everyone = np.concatenate(blocks).astype(float)
    of_points = EXACT(everyone, everyone) * np.outer(weights, weights)
    starts = np.cumsum([0, *sizes[:-1]])
    for axis in (0, 1):
        of_points = np.add.reduceat(of_points, starts, axis=axis)
    np.testing.assert_allclose(weighted, of_points, rtol=tolerance, atol=tolerance)


@every_size
@pytest.mark.medium
def test_sums_with_candidates_are_those_of_the_dense_matrix(sizes: list[int]):
    *parties, candidates = blocks = points_of([*sizes, 30])
    sums = gram_sums(KERNEL, parties, candidates, tile_size=SIDE)
    rows, between = oracles.block_sums(EXACT, blocks)
    np.testing.assert_allclose(sums.between, between, rtol=1e-12)
    np.testing.assert_allclose(sums.candidate_rows, rows[-30:], rtol=1e-12)


@pytest.mark.parametrize(
    ("sizes", "side"),
    [([1] * 63, 64), ([1] * 600 + [9], 64), ([3] * 400, 64), ([4000, 8000], 512)],
)
def test_few_or_larger_blocks_are_not_kept_whole(sizes: list[int], side: int):
    assert not are_small(len(sizes), sum(sizes), max(sizes), side)


@pytest.mark.medium
def test_parties_that_are_split_up_have_the_sums_of_their_parts():
    points = points_of([1] * 1200, np.float32)
    fewer = [np.concatenate(points[i : i + 120]) for i in range(0, 1200, 120)]
    split, whole = (
        gram_sums(KERNEL, parties, np.zeros((4, 2), np.float32), tile_size=SIDE)
        for parties in (points, fewer)
    )
    parts = split.between[:-1, :-1].reshape(10, 120, 10, 120).sum((1, 3))
    np.testing.assert_allclose(parts, whole.between[:-1, :-1], rtol=1e-5)
    np.testing.assert_allclose(split.between[-1].sum(), whole.between[-1].sum(), 1e-5)

"""One Gram pass against sums by a dense matrix and the membership of blocks."""

import logging
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import oracles
import pytest
from kernel_table import KERNELS, PLAIN
from tolerances import rtol

from cgm_jax.gram import GramSums, gram_sums
from cgm_jax.kernels import SquaredExponential

SIZES = {
    "unequal parties": [3, 1, 20, 8, 11],  # the last are the candidates
    "one party": [5, 8],
    "one candidate": [4, 7, 1],
    "no candidates": [6, 2, 9, 0],
    "one point each": [1, 1, 1],
    "many small parties": [*np.random.default_rng(0).integers(1, 4, 40), 30],
}
every_size = pytest.mark.parametrize("sizes", SIZES.values(), ids=SIZES)
KERNEL, PLAIN_KERNEL = SquaredExponential(1.3), oracles.squared_exponential(1.3)
pytestmark = pytest.mark.usefixtures("by_tiles")
# Entries of the kernel are wrong by up to 3,000 roundings (see their tests); so, in
# proportion, are their sums.
ROUNDINGS = 3000


def blocks_of(sizes: list[int], d: int, dtype: type = np.float64) -> list[np.ndarray]:
    rng = np.random.default_rng([*sizes, d])
    return [(rng.normal(size=(n, d)) / np.sqrt(d)).astype(dtype) for n in sizes]


def assert_right(
    sums: GramSums, k: oracles.KernelFunction, blocks: list[np.ndarray]
) -> None:
    rows, between = oracles.block_sums(k, blocks)
    sizes = np.array([len(block) for block in blocks], float)
    tolerance = rtol(blocks[0].dtype, roundings=ROUNDINGS)
    num_candidates = len(blocks[-1])
    rows = rows[len(rows) - num_candidates :]
    # PITFALLS 3: reported in float64, whatever the points
    assert sums.between.dtype == sums.candidate_rows.dtype == np.float64
    assert isinstance(sums.between, np.ndarray)
    np.testing.assert_allclose(sums.between, between, rtol=tolerance, atol=tolerance)
    assert sums.candidate_rows.shape == (num_candidates, len(blocks))
    np.testing.assert_allclose(
        sums.candidate_rows, rows, rtol=tolerance, atol=tolerance
    )
    np.testing.assert_array_equal(sums.sizes, sizes)
    assert sums.sizes.dtype == np.float64
    assert sums.num_parties == len(blocks) - 1
    assert sums.reference_size == sizes.sum()
    np.testing.assert_array_equal(sums.between, sums.between.T)


@every_size
def test_equals_sums_of_the_dense_matrix(sizes: list[int]):
    blocks = blocks_of(sizes, 2)
    assert_right(gram_sums(KERNEL, blocks[:-1], blocks[-1]), PLAIN_KERNEL, blocks)


@pytest.mark.medium
def test_in_single_precision():
    blocks = blocks_of(SIZES["unequal parties"], 2, np.float32)
    assert_right(gram_sums(KERNEL, blocks[:-1], blocks[-1]), PLAIN_KERNEL, blocks)


@pytest.mark.parametrize("d", [1, 3, 7, 16, 64])
@pytest.mark.medium
def test_in_every_dimension(d: int):
    blocks = blocks_of(SIZES["unequal parties"], d)
    assert_right(gram_sums(KERNEL, blocks[:-1], blocks[-1]), PLAIN_KERNEL, blocks)


@pytest.mark.parametrize("name", ["Laplace", "a scale a dimension", "all of it"])
@pytest.mark.medium
def test_with_other_kernels(name: str):
    blocks = blocks_of(SIZES["unequal parties"], 3, np.float32)
    sums = gram_sums(KERNELS[name](3), blocks[:-1], blocks[-1], tile_size=16)
    assert_right(sums, PLAIN[name](3), blocks)


@pytest.mark.parametrize(
    ("sizes", "dtype"),
    [("unequal parties", np.float64), ("many small parties", np.float32)],
)
@pytest.mark.medium
def test_any_tile_size_gives_the_same_sums(sizes: str, dtype: type):
    blocks = blocks_of(SIZES[sizes], 2, dtype)
    t = sum(SIZES[sizes])
    tile_sizes = (1, 7, 32, t - 1, t, t + 1, 10 * t)
    for tile_size in tile_sizes if t < 100 else tile_sizes[1::2]:
        sums = gram_sums(KERNEL, blocks[:-1], blocks[-1], tile_size=tile_size)
        assert_right(sums, PLAIN_KERNEL, blocks)


@pytest.mark.medium
def test_more_tiles_than_a_call_takes():
    # (1100 · 1101)/2 tiles of the parties: several calls and a remainder
    blocks = blocks_of([700, 400, 3], 2)
    sums = gram_sums(KERNEL, blocks[:-1], blocks[-1], tile_size=1)
    assert_right(sums, PLAIN_KERNEL, blocks)


@pytest.mark.parametrize("tile_size", [None, 16])
@pytest.mark.parametrize("sizes", ["unequal parties", "many small parties"])
def test_a_point_of_weight_two_counts_as_two_points(sizes: str, tile_size: int | None):
    *parties, candidates = blocks_of(SIZES[sizes], 2)
    rng = np.random.default_rng(0)
    weights = [np.append(1, rng.integers(0, 4, len(x) - 1)) for x in parties]
    sums = gram_sums(KERNEL, parties, candidates, weights=weights, tile_size=tile_size)
    counted = zip(parties, weights, strict=True)
    repeated = [np.repeat(x, w, axis=0) for x, w in counted]
    assert_right(sums, PLAIN_KERNEL, [*repeated, candidates])


@pytest.mark.medium
def test_weights_that_are_not_whole_and_their_gradient():
    *parties, candidates = blocks_of(SIZES["unequal parties"], 2)
    rng = np.random.default_rng(1)
    weights = [rng.uniform(0.1, 2, len(x)) for x in parties]

    def of_first(weight: jax.Array, parties: list, candidates: jax.Array) -> GramSums:
        anew = [weight, *weights[1:]]
        return gram_sums(KERNEL, parties, candidates, weights=anew)

    sums, k = (
        of_first(weights[0], parties, candidates),
        PLAIN_KERNEL(parties[0], parties[2]),
    )
    exact = weights[0] @ k @ weights[2]
    np.testing.assert_allclose(sums.between[0, 2], exact, rtol=1e-12)
    np.testing.assert_allclose(sums.sizes[:-1], [w.sum() for w in weights], rtol=1e-15)
    with jax.enable_x64(True):
        gradient = jax.jit(jax.grad(lambda *w: of_first(*w).between[0, 2]))
        slope = gradient(weights[0], parties, candidates)
        # Only the weights are traced, points are closed over.
        total = jax.jit(lambda w: of_first(w, parties, candidates).between[0, 2])
        inside = total(weights[0])
    np.testing.assert_allclose(slope, k @ weights[2], rtol=1e-12)
    np.testing.assert_allclose(inside, exact, rtol=1e-12)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([[1.0]], "of 2 parties, got those of 1"),
        ([[1.0], [1.0]], r"weights\[0\] of shape \(2,\)"),
        ([[1.0, -1.0], [1.0]], r">= 0 in weights\[0\]"),
        ([[1.0, 1.0], [0.0]], r"weights\[1\], not all 0"),
        ([[1.0, np.nan], [1.0]], r"finite numbers >= 0 in weights\[0\]"),
    ],
)
def test_weights_that_do_not_fit_are_an_error(weights, message):
    with pytest.raises(ValueError, match=message):
        gram_sums(
            KERNEL, [np.ones((2, 2)), np.ones((1, 2))], np.ones((2, 2)), weights=weights
        )


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (2.0, "one array per party, got float"),
        ("ab", "one array per party, got str"),
        ([["a", "b"], ["c"]], r"real numbers in weights\[0\]"),
        ([[1.0, 1.0], None], r"real numbers in weights\[1\]"),
    ],
)
def test_weights_that_are_no_numbers_are_an_error(weights, message):
    parties = [np.ones((2, 2)), np.ones((1, 2))]
    with pytest.raises(TypeError, match=message):
        gram_sums(KERNEL, parties, np.ones((2, 2)), weights=weights)


# PITFALLS 25
@pytest.mark.parametrize("d", [2, 64])
@pytest.mark.medium
def test_far_from_the_origin_and_with_an_outlier(d: int):
    blocks = blocks_of([40, 50, 60], d, np.float32)
    blocks = [block + np.float32(1e3) for block in blocks]
    blocks[0][5, 0] = 1e9
    sums = gram_sums(KERNEL, blocks[:-1], blocks[-1], tile_size=64)
    assert_right(sums, PLAIN_KERNEL, blocks)
    # nothing but itself is near the outlier
    outlier_alone = gram_sums(KERNEL, [blocks[0][5:6]], blocks[-1])
    np.testing.assert_array_equal(outlier_alone.between[0], [1, 0])


def test_the_pool_is_the_sums_without_candidates():
    blocks = blocks_of([3, 1, 20, 11], 2)
    pool = gram_sums(KERNEL, blocks[:-1], blocks[-1]).pool
    without = gram_sums(KERNEL, blocks[:-1], blocks[-1][:0])
    np.testing.assert_allclose(pool.between, without.between, rtol=1e-12)
    assert pool.candidate_rows.shape == without.candidate_rows.shape == (0, 4)
    np.testing.assert_array_equal(pool.sizes, without.sizes)
    assert pool.reference_size == 24


def test_float64_and_float32_points_together_are_computed_in_float64():
    blocks = blocks_of([3, 8], 2)
    blocks[1] = blocks[1].astype(np.float32)
    sums = gram_sums(KERNEL, blocks[:1], blocks[1])
    assert_right(sums, PLAIN_KERNEL, blocks)


@pytest.mark.medium
def test_lists_of_whole_numbers_are_points():
    sums = gram_sums(KERNEL, [[[0], [1]], [[3]]], [[2], [2]])
    plain = [np.array(block, float) for block in ([[0], [1]], [[3]], [[2], [2]])]
    _, between = oracles.block_sums(PLAIN_KERNEL, plain)
    np.testing.assert_allclose(sums.between, between, rtol=rtol(np.float32))


def test_the_users_precision_is_left_as_it_was():
    blocks = blocks_of([3, 8], 2)
    before = jax.config.jax_enable_x64
    gram_sums(KERNEL, blocks[:1], blocks[1])
    assert jax.config.jax_enable_x64 == before
    assert jnp.ones(1).dtype == np.float32


@pytest.mark.parametrize(
    ("parties", "candidates", "message"),
    [
        ([], np.ones((2, 2)), "at least one party"),
        ([np.ones((0, 2))], np.ones((2, 2)), r"points in parties\[0\]"),
        ([np.ones((2, 2)), np.ones((2, 3))], np.ones((2, 2)), r"3 in parties\[1\]"),
        ([np.ones((2, 2))], np.ones((2, 3)), "3 in candidates"),
        ([np.ones((2, 2))], np.ones(2), r"candidates of shape \(n, d\)"),
        ([np.ones((2, 2))], np.full((2, 2), np.nan), "finite numbers in candidates"),
    ],
)
def test_points_that_do_not_fit_are_an_error(parties, candidates, message):
    with pytest.raises(ValueError, match=message):
        gram_sums(KERNEL, parties, candidates)


@pytest.mark.parametrize("tile_size", [0, -1])
def test_a_tile_needs_a_point(tile_size: int):
    with pytest.raises(ValueError, match="tile_size >= 1"):
        gram_sums(KERNEL, [np.ones((2, 2))], np.ones((2, 2)), tile_size=tile_size)


@pytest.mark.medium
def test_is_differentiable_in_points_and_length_scale():
    blocks = blocks_of([3, 5, 4], 2)
    weights = np.random.default_rng(0).normal(size=(3, 3))

    def weighted_sum(scale: float, party: jax.Array) -> jax.Array:
        sums = gram_sums(SquaredExponential(scale), [party, blocks[1]], blocks[2])
        return jnp.sum(weights * sums.between) + jnp.sum(sums.candidate_rows)

    with jax.enable_x64(True):
        gradients = jax.jit(jax.grad(weighted_sum, argnums=(0, 1)))
        in_scale, in_party = map(np.asarray, gradients(1.3, blocks[0]))

    def plain(scale: float, party: np.ndarray) -> float:
        k = oracles.squared_exponential(scale)
        rows, between = oracles.block_sums(k, [party, *blocks[1:]])
        return (weights * between).sum() + rows[8:].sum()

    step = 1e-5
    slope = (plain(1.3 + step, blocks[0]) - plain(1.3 - step, blocks[0])) / (2 * step)
    np.testing.assert_allclose(in_scale, slope, rtol=1e-8)
    move = np.zeros_like(blocks[0])
    move[1, 0] = step
    slope = (plain(1.3, blocks[0] + move) - plain(1.3, blocks[0] - move)) / (2 * step)
    np.testing.assert_allclose(in_party[1, 0], slope, rtol=1e-8)


@pytest.mark.medium
def test_a_batch_of_length_scales_and_the_users_dtype():
    blocks = blocks_of([3, 5, 4], 2, np.float32)

    def between(scale: jax.Array) -> jax.Array:
        sums = gram_sums(SquaredExponential(scale), blocks[:2], blocks[2])
        assert sums.candidate_rows.shape == (4, 3)
        return sums.between

    scales = jnp.array([0.5, 2.0])
    batch = jax.jit(jax.vmap(between))(scales)
    assert batch.dtype == np.float32
    for scale, found in zip(scales, batch, strict=True):
        _, expected = oracles.block_sums(oracles.squared_exponential(scale), blocks)
        np.testing.assert_allclose(found, expected, rtol=rtol(np.float32))


@pytest.mark.medium
def test_another_length_scale_compiles_nothing(caplog: pytest.LogCaptureFixture):
    blocks = blocks_of([30, 50, 40], 2, np.float32)

    def num_compiled(scale: float) -> int:
        caplog.clear()
        with jax.log_compiles(new_val=True), caplog.at_level(logging.WARNING):
            gram_sums(SquaredExponential(scale), blocks[:2], blocks[2], tile_size=13)
        return sum("Finished XLA compilation" in message for message in caplog.messages)

    assert num_compiled(0.7) > 0  # or the next line would not see one either
    assert num_compiled(0.8) == 0


PASS = """
import numpy as np
from cgm_jax.gram import gram_sums
from cgm_jax.kernels import SquaredExponential

points = np.random.default_rng(0).normal(size=(20_000, 2)).astype(np.float32)
parties = [points[:4_000], points[4_000:9_000]]
gram_sums(SquaredExponential(1.0), parties, points[9_000:])
print(*(line.split()[1] for line in open("/proc/self/status") if "VmHWM" in line))
"""


@pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="needs Linux's /proc"
)
@pytest.mark.medium
def test_memory_is_far_below_that_of_the_matrix():
    # Of 20,000 points: 1.5 GiB in float32. The largest part is the Python and JAX that
    # are loaded; a fresh process, since a peak cannot be taken back.
    done = subprocess.run(
        [sys.executable, "-c", PASS],
        cwd=Path(__file__).parent.parent,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) * 1024 < 0.75 * 2**30

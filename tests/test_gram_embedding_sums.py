"""Sums by features against the same in plain NumPy, and against sums over pairs."""

import resource

import jax
import jax.numpy as jnp
import numpy as np
import oracles
import pytest
from test_gram_gram_sums import SIZES, blocks_of
from tolerances import rtol

from cgm_jax.embeddings import (
    category_features,
    hermite_features,
    random_fourier_features,
)
from cgm_jax.gram import GramSums, embedding_sums, gram_sums, party_embeddings
from cgm_jax.kernels import SquaredExponential

KEY = jax.random.key(0)
KERNEL = SquaredExponential(1.3)
FEATURES = random_fourier_features(KEY, KERNEL, 2, 60)
every_size = pytest.mark.parametrize("sizes", SIZES.values(), ids=SIZES)


def waves(block: np.ndarray) -> np.ndarray:
    return oracles.waves(block, FEATURES.frequencies, FEATURES.weights)


def assert_right(
    sums: GramSums, blocks: list[np.ndarray], tolerance: float = 1e-10
) -> None:
    rows, between = oracles.embedding_sums([waves(block) for block in blocks])
    assert sums.between.dtype == sums.candidate_rows.dtype == np.float64
    t = sum(map(len, blocks))
    np.testing.assert_allclose(sums.between, between, rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(
        sums.candidate_rows, rows, rtol=tolerance, atol=t * tolerance
    )
    np.testing.assert_array_equal(sums.sizes, [*map(len, blocks)])


@every_size
def test_equals_plain_sums_of_features(sizes: list[int]):
    blocks = blocks_of(sizes, 2)
    sums = embedding_sums(KERNEL, FEATURES, blocks[:-1], blocks[-1])
    assert_right(sums, blocks)
    assert gram_sums(KERNEL, blocks[:-1], blocks[-1], features=FEATURES) == sums


@pytest.mark.medium
def test_in_single_precision():
    blocks = blocks_of(SIZES["unequal parties"], 2, np.float32)
    sums = embedding_sums(KERNEL, FEATURES, blocks[:-1], blocks[-1])
    assert_right(sums, blocks, rtol(np.float32))


@pytest.mark.medium
def test_any_tile_size_gives_the_same_sums():
    for sizes in (SIZES["unequal parties"], SIZES["many small parties"]):
        blocks = blocks_of(sizes, 2)
        for side in (1, 7, 32, sum(sizes) + 1):
            sums = embedding_sums(
                KERNEL, FEATURES, blocks[:-1], blocks[-1], tile_size=side
            )
            assert_right(sums, blocks)


def test_a_point_of_weight_two_counts_as_two_points():
    *parties, candidates = blocks_of(SIZES["unequal parties"], 2)
    rng = np.random.default_rng(0)
    weights = [np.append(1, rng.integers(0, 4, len(x) - 1)) for x in parties]
    sums = embedding_sums(KERNEL, FEATURES, parties, candidates, weights=weights)
    repeated = [np.repeat(x, w, axis=0) for x, w in zip(parties, weights, strict=True)]
    assert_right(sums, [*repeated, candidates])


@pytest.mark.parametrize("d", [1, 2, 3])
@pytest.mark.medium
def test_with_features_that_converge_it_is_the_pass_over_pairs(d: int):
    blocks = blocks_of(SIZES["unequal parties"], d)
    points = np.concatenate(blocks)
    features = hermite_features(KERNEL, points.min(axis=0), points.max(axis=0))
    by_features = embedding_sums(KERNEL, features, blocks[:-1], blocks[-1])
    by_pairs = gram_sums(KERNEL, blocks[:-1], blocks[-1])
    np.testing.assert_allclose(by_features.between, by_pairs.between, rtol=1e-6)
    np.testing.assert_allclose(
        by_features.candidate_rows, by_pairs.candidate_rows, rtol=1e-6
    )


@pytest.mark.medium
def test_far_from_the_origin_features_in_single_precision_are_as_good():
    blocks = [np.float32(1e4) + b for b in blocks_of([40, 50, 60], 2, np.float32)]
    sums = embedding_sums(KERNEL, FEATURES, blocks[:-1], blocks[-1])
    moved = [np.asarray(block, float) - blocks[0][:1] for block in blocks]
    _, between = oracles.embedding_sums([waves(block) for block in moved])
    np.testing.assert_allclose(sums.between, between, rtol=rtol(np.float32))


@pytest.mark.medium
def test_categories_stay_where_they_are():
    # In a column that is far from 0 for its spread, as the height of the one category
    # that nearly all rows have, points of a stationary kernel are moved to the origin.
    one_hot = np.tile([[5.0, 0.0]], (20, 1))
    one_hot[3] = [0.0, 5.0]
    kernel = SquaredExponential(4.0)
    features = category_features(kernel, [(0, 1)], [5.0])
    parties, candidates = [one_hot[4:], one_hot[:4]], one_hot[:6]
    sums = embedding_sums(kernel, features, parties, candidates)
    exact = gram_sums(kernel, parties, candidates)
    np.testing.assert_allclose(sums.between, exact.between, rtol=1e-12)


def test_the_mean_over_groups_of_features_is_that_of_all():
    blocks = blocks_of(SIZES["unequal parties"], 2)
    made = party_embeddings(FEATURES, blocks[:-1], blocks[-1])
    assert made.num_groups == 10 and len(made.sums_of_groups) == 10
    mean = np.mean([sums.between for sums in made.sums_of_groups], axis=0)
    np.testing.assert_allclose(mean, made.sums.between, rtol=1e-12)
    _, between = oracles.embedding_sums([waves(block) for block in blocks])
    np.testing.assert_allclose(made.sums.between, between, rtol=1e-10)
    groups = {sums.between.tobytes() for sums in made.sums_of_groups}
    assert len(groups) == 10


@pytest.mark.medium
def test_a_batch_of_length_scales_and_the_users_dtype():
    blocks = blocks_of([3, 5, 4], 2, np.float32)

    def sums(scale: jax.Array) -> GramSums:
        kernel = SquaredExponential(scale)
        features = random_fourier_features(KEY, kernel, 2, 60)
        return embedding_sums(kernel, features, blocks[:2], blocks[2])

    scales = jnp.array([0.5, 1.3])
    batch = jax.jit(jax.vmap(lambda scale: sums(scale).between))(scales)
    assert batch.dtype == np.float32
    _, between = oracles.embedding_sums([waves(block) for block in blocks])
    np.testing.assert_allclose(batch[1], between, rtol=rtol(np.float32))
    rows = jax.jit(sums)(scales[1]).candidate_rows
    assert rows.shape == (4, 3) and rows.dtype == np.float32


@pytest.mark.medium
def test_is_differentiable_in_points_and_weights():
    blocks = blocks_of([3, 5, 4], 2)
    weights = [np.array([1.0, 0.5, 2.0]), np.ones(5)]

    def total(party: jax.Array, weight: jax.Array) -> jax.Array:
        sums = embedding_sums(
            KERNEL,
            FEATURES,
            [party, blocks[1]],
            blocks[2],
            weights=[weight, weights[1]],
            tile_size=2,
        )
        return sums.between[0, 1] + jnp.sum(sums.candidate_rows)

    with jax.enable_x64(True):
        slopes = jax.jit(jax.grad(total, argnums=(0, 1)))(blocks[0], weights[0])
        in_party, in_weight = map(np.asarray, slopes)

    def plain(party: np.ndarray, weight: np.ndarray) -> float:
        features = [weight[:, None] * waves(party), waves(blocks[1]), waves(blocks[2])]
        rows, between = oracles.embedding_sums(features)
        return between[0, 1] + rows.sum()

    step = np.zeros((3, 2))
    step[1, 0] = 1e-6
    slope = plain(blocks[0] + step, weights[0]) - plain(blocks[0] - step, weights[0])
    assert in_party[1, 0] == pytest.approx(slope / 2e-6, abs=1e-7)
    up, down = (weights[0] + s * np.array([0, 0, 1e-6]) for s in (1, -1))
    slope = plain(blocks[0], up) - plain(blocks[0], down)
    assert in_weight[2] == pytest.approx(slope / 2e-6, abs=1e-7)


def test_features_of_another_kernel_are_refused():
    blocks = blocks_of([3, 5, 4], 2)
    other = SquaredExponential(1.2)
    with pytest.raises(ValueError, match="features of the kernel"):
        embedding_sums(other, FEATURES, blocks[:2], blocks[2])
    # or the derivative by this kernel's parameters would be 0
    with pytest.raises(ValueError, match="features of the kernel"):
        jax.grad(
            lambda scale: embedding_sums(
                SquaredExponential(scale), FEATURES, blocks[:2], blocks[2]
            ).between[0, 0]
        )(1.3)


def test_wrong_arguments():
    blocks = blocks_of([3, 5, 4], 3)
    with pytest.raises(ValueError, match="2 columns for these features, got 3"):
        embedding_sums(KERNEL, FEATURES, blocks[:2], blocks[2])
    with pytest.raises(TypeError, match=r"Expected features of cgm_jax.embeddings"):
        gram_sums(KERNEL, blocks[:2], blocks[2], features=KERNEL)  # type: ignore[arg-type]
    tiny = SquaredExponential(1e-300)
    features = random_fourier_features(KEY, tiny, 3, 4)
    with pytest.raises(ValueError, match="Expected finite features"):
        singles = [block.astype(np.float32) for block in blocks]
        embedding_sums(tiny, features, singles[:2], singles[2])


@pytest.mark.medium
def test_features_of_all_points_never_exist_at_once():
    points = np.random.default_rng(0).normal(size=(60_000, 2)).astype(np.float32)
    features = random_fourier_features(KEY, KERNEL, 2, 4_000)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    embedding_sums(KERNEL, features, [points[:20_000], points[20_000:]], points[:10])
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown * 1024 < 4 * 60_000 * 4_000 / 2  # half a gigabyte of all of them

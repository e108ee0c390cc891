"""Sums by waves against dense matrices, and where they are taken in place of tiles."""

import sys
from typing import Any

import jax
import numpy as np
import oracles
import pytest

from cgm_jax.gram import gram_sums, smallest_length_scale
from cgm_jax.gram.few_dimensions import Waves, entries_by_waves, waves_of
from cgm_jax.gram.length_scale import party_values
from cgm_jax.kernels import Kernel, Laplace, ScaleMixture, SquaredExponential
from cgm_jax.valuation import mmd2_biased, mmd2_unbiased, value

MODULE = sys.modules["cgm_jax.gram.gram_sums"]
SIZES = (40, 1, 25, 31)  # of three parties, of which one has one row, and candidates
SCALES = [0.3, 0.7, 0.5]


def mixture(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    parts = [oracles.squared_exponential(0.4 * q)(x, y) for q in (0.5, 2.0)]
    return (parts[0] + parts[1]) / 2


KERNELS = {
    "one scale": lambda d: (SquaredExponential(0.4), oracles.squared_exponential(0.4)),
    "a scale a dimension": lambda d: (
        SquaredExponential(SCALES[:d]),
        oracles.squared_exponential(np.array(SCALES[:d])),
    ),
    "a box of few length scales": lambda d: (
        SquaredExponential(30.0),
        oracles.squared_exponential(30.0),
    ),
    "a box of many": lambda d: (
        SquaredExponential(0.1),
        oracles.squared_exponential(0.1),
    ),
    "mixture of scales": lambda d: (ScaleMixture(0.4, (0.5, 2.0)), mixture),
    "multiple of a sum": lambda d: (
        3.0 * (SquaredExponential(0.4) + SquaredExponential(1.0)),
        lambda x, y: (
            3 * oracles.squared_exponential(0.4)(x, y)
            + 3 * oracles.squared_exponential(1.0)(x, y)
        ),
    ),
    "product": lambda d: (
        SquaredExponential(SCALES[:d]) * ScaleMixture(0.4, (0.5, 2.0)),
        lambda x, y: (
            oracles.squared_exponential(np.array(SCALES[:d]))(x, y) * mixture(x, y)
        ),
    ),
}
KERNEL, EXACT = KERNELS["one scale"](2)


def blocks_of(d: int, sizes: tuple[int, ...] = SIZES) -> list[Any]:
    """Points in a box that is longer in some directions, some of them twice."""
    rng = np.random.default_rng(d)
    box = np.array([1.0, 1.5, 0.4])[:d]
    blocks = [rng.uniform(size=(size, d)) * box for size in sizes]
    blocks[0][1] = blocks[0][0]
    blocks[-1][:1] = blocks[0][:1]
    return blocks


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """One number for each time that waves are summed."""
    made, sums_by_waves = [], MODULE.sums_by_waves

    def counted(*arguments):
        made.append(len(made))
        return sums_by_waves(*arguments)

    monkeypatch.setattr(MODULE, "sums_by_waves", counted)
    return made


@pytest.fixture
def always(calls: list[int], monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The same, however long it takes."""
    monkeypatch.setattr("cgm_jax.gram.few_dimensions.FEW", np.inf)
    return calls


def check(sums, exact, blocks: list[np.ndarray], height: float = 1.0) -> None:
    """Each entry of the kernel may be wrong by 1e-12 of its largest value."""
    rows, between = oracles.block_sums(exact, blocks)
    sizes = np.array([*map(len, blocks)])
    error = np.abs(sums.between - between) / np.outer(sizes, sizes).clip(1)
    assert error.max() < 1e-12 * height
    error = np.abs(sums.candidate_rows - rows[len(rows) - sizes[-1] :]) / sizes.clip(1)
    assert not error.size or error.max() < 1e-12 * height
    assert sums.between.dtype == sums.candidate_rows.dtype == np.float64


@pytest.mark.parametrize("d", [1, 2, 3])
@pytest.mark.parametrize("name", KERNELS)
def test_they_are_sums_of_the_dense_matrix(name: str, d: int, always: list[int]):
    kernel, exact = KERNELS[name](d)
    *parties, candidates = blocks = blocks_of(d)
    sums = gram_sums(kernel, parties, candidates)
    assert always
    check(sums, exact, blocks, height=6.0)
    np.testing.assert_array_equal(sums.between, sums.between.T)


@pytest.mark.parametrize("d", [1, 2, 3])
def test_float32_points_are_summed_in_float64(d: int, always: list[int]):
    blocks = [x.astype(np.float32) for x in blocks_of(d)]
    sums = gram_sums(KERNEL, blocks[:-1], blocks[-1])
    assert always
    check(sums, EXACT, blocks)


def test_far_from_the_origin(always: list[int]):
    blocks = [x + 1e6 for x in blocks_of(2)]
    sums = gram_sums(KERNEL, blocks[:-1], blocks[-1])
    assert always
    check(sums, EXACT, blocks)


def test_without_candidates_and_of_one_place(always: list[int]):
    *parties, candidates = blocks_of(2)
    sums = gram_sums(KERNEL, parties, candidates[:0])
    check(sums, EXACT, [*parties, candidates[:0]])
    blocks = [np.ones((size, 2)) for size in SIZES]
    check(gram_sums(KERNEL, blocks[:-1], blocks[-1]), EXACT, blocks)
    assert len(always) == 2


@pytest.mark.parametrize("d", [1, 2, 3])
def test_a_point_of_weight_two_counts_as_two_points(d: int, always: list[int]):
    *parties, candidates = blocks_of(d)
    rng = np.random.default_rng(0)
    weights = [rng.integers(1, 4, len(x)) for x in parties]
    repeated = [np.repeat(x, w, axis=0) for x, w in zip(parties, weights, strict=True)]
    sums = gram_sums(KERNEL, parties, candidates, weights=weights)
    assert always
    check(sums, EXACT, [*repeated, candidates])


def test_in_pieces_of_any_size(always: list[int], monkeypatch: pytest.MonkeyPatch):
    """Of points, of blocks, and of products that are left to one core."""
    *parties, candidates = blocks = blocks_of(3)
    for name, number in {"POINTS": 7, "NUMBERS": 1_000, "ON_ONE_CORE": 2**20}.items():
        monkeypatch.setattr(f"cgm_jax.gram.few_dimensions.{name}", number)
        check(gram_sums(KERNEL, parties, candidates), EXACT, blocks)
    assert len(always) == 3


def test_sums_are_those_of_tiles(always: list[int]):
    *parties, candidates = blocks_of(2)
    by_waves = gram_sums(KERNEL, parties, candidates)
    by_tiles = gram_sums(KERNEL, parties, candidates, tile_size=512)
    assert len(always) == 1
    for name in ("between", "candidate_rows", "sizes"):
        one, other = getattr(by_waves, name), getattr(by_tiles, name)
        assert type(one) is type(other)
        np.testing.assert_allclose(one, other, rtol=1e-11)


def test_values_and_distances_are_those_of_the_dense_matrix(always: list[int]):
    """They need the candidates' sums in total only."""
    *parties, candidates = blocks_of(2)
    everyone = np.concatenate([*parties, candidates])
    values = party_values(KERNEL, parties, candidates)
    expected = [oracles.value(EXACT, x, everyone) for x in parties]
    np.testing.assert_allclose(values, expected, atol=1e-12)
    found = value(KERNEL, parties[0], everyone)
    np.testing.assert_allclose(found, expected[0], atol=1e-12)
    x, y = parties[0], candidates
    biased, unbiased = mmd2_biased(KERNEL, x, y), mmd2_unbiased(KERNEL, x, y)
    np.testing.assert_allclose(biased, oracles.mmd2_biased(EXACT, x, y), atol=1e-12)
    np.testing.assert_allclose(unbiased, oracles.mmd2_unbiased(EXACT, x, y), atol=1e-12)
    assert len(always) == 6


def test_the_smallest_length_scale_is_that_of_plain_bisection(always: list[int]):
    *parties, candidates = blocks_of(2)
    parties[2] = parties[2] / 3
    found = smallest_length_scale(KERNEL, parties, candidates)
    assert found == oracles.smallest_length_scale(
        oracles.squared_exponential, parties, candidates
    )
    assert found > 0.05
    assert always


def test_they_are_taken_of_many_points_and_of_few(calls: list[int]):
    parties = blocks_of(2, (3_000, 2_000))
    gram_sums(KERNEL, parties, parties[0][:0])
    assert len(calls) == 1
    gram_sums(KERNEL, blocks_of(2)[:-1], blocks_of(2)[-1])
    assert len(calls) == 2
    gram_sums(KERNEL, parties, parties[0][:0], tile_size=512)
    gram_sums(SquaredExponential(1e-3), parties, parties[0][:0])
    assert len(calls) == 2


@pytest.mark.parametrize("d", [1, 2])
def test_equal_candidates_have_equal_sums(d: int, calls: list[int]):
    *parties, places = blocks_of(d)
    place = np.random.default_rng(0).integers(len(places), size=1_001)
    rows = np.asarray(gram_sums(KERNEL, parties, places[place]).candidate_rows)
    assert calls
    np.testing.assert_array_equal(rows, rows[[list(place).index(i) for i in place]])


class Squared(SquaredExponential):
    """A kernel of a user, with a formula of its own."""

    def of_squared_distance(self, r2):
        return super().of_squared_distance(r2) ** 2


@pytest.mark.parametrize(
    "kernel",
    [Laplace(0.4), KERNEL + Laplace(0.4), 2.0 * (Laplace(0.4) * KERNEL), Squared(0.4)],
    ids=["Laplace", "sum", "product", "subclass"],
)
@pytest.mark.medium
def test_other_kernels_go_by_tiles(kernel: Kernel, always: list[int]):
    *parties, candidates = blocks_of(2)
    gram_sums(kernel, parties, candidates)
    assert not always


@pytest.mark.medium
def test_more_dimensions_and_other_platforms_go_by_tiles(
    always: list[int], monkeypatch: pytest.MonkeyPatch
):
    *parties, candidates = blocks_of(2)
    gram_sums(KERNEL, [np.tile(x, 2) for x in parties], np.tile(candidates, 2))
    monkeypatch.setattr("cgm_jax.gram.few_dimensions.platform", lambda: "gpu")
    gram_sums(KERNEL, parties, candidates)
    assert not always


@pytest.mark.medium
def test_a_mesh_of_a_cpu_changes_nothing(always: list[int]):
    *parties, candidates = (x.astype(np.float32) for x in blocks_of(2))
    mesh = jax.make_mesh((1,), ("x",))
    rows = jax.NamedSharding(mesh, jax.P("x"))
    there = [jax.device_put(x, rows) for x in (*parties, candidates)]
    expected = gram_sums(KERNEL, parties, candidates)
    assert gram_sums(KERNEL, parties, candidates, mesh=mesh) == expected
    found = gram_sums(KERNEL, there[:-1], there[-1])
    np.testing.assert_allclose(found.between, expected.between, rtol=1e-12)
    assert len(always) == 3


@pytest.mark.parametrize("what", ["kernel", "points"])
def test_what_is_traced_goes_by_tiles(what: str, always: list[int]):
    *parties, candidates = blocks_of(2)
    if what == "kernel":
        jax.eval_shape(
            lambda scale: gram_sums(SquaredExponential(scale), parties, candidates), 1.0
        )
    else:
        jax.eval_shape(lambda x: gram_sums(KERNEL, parties, x), candidates)
    assert not always


def test_the_number_of_features_is_that_of_the_count(always: list[int]):
    """Twice as many in each of two dimensions take nearly four times as long."""
    points = blocks_of(2)
    found = waves_of(KERNEL, points[:-1], points[-1], None, 0)
    assert found is not None
    assert [type(one) for one in found] == [Waves]
    assert found[0].shape == (29, 31)
    few, many = (
        entries_by_waves([width] * 2, 2, 10**6, 10**6, 3) for width in (100.0, 208.0)
    )
    assert 3 < many / few < 4
    assert entries_by_waves([1e300], 2, 10**6, 0, 3) == np.inf
    assert entries_by_waves([np.inf], 2, 10**6, 0, 3) == np.inf

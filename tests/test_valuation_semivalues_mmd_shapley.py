"""Exact Shapley values and semivalues in polynomial time, against enumeration."""

from fractions import Fraction
from math import comb

import block_games
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from block_games import log_uniform_sizes, random_sums, sums_of, table
from tolerances import rtol

from benchmarks import plain
from cgm_jax.gram import GramSums, gram_sums
from cgm_jax.kernels import SquaredExponential
from cgm_jax.valuation import (
    BetaShapley,
    block_semivalues,
    coalition_values,
    mmd_semivalues,
    mmd_shapley_values,
    shapley_values,
)

TOLERANCE = 1e-10  # the default
SIZES = {
    "one party": [3, 5],
    "one point": [1, 0],
    "two parties": [1, 10_000, 2],
    "equal": [4, 4, 4, 4, 4, 9],
    "two equal": [1, 1, 3],
    "a single point among many": [1, 700, 800, 900, 60],
    "no candidates": [3, 1, 8, 2, 5, 0],
    "one holds nearly all": [10**7, 1, 1, 1, 1, 1],
    "one is tiny": [1, 10**6, 10**6, 10**6],
    "empty parties": [0, 3, 0, 2, 5, 4],
    "empty and equal": [3, 3, 0, 3, 4],
    "all but one empty": [0, 0, 4, 4],
    "all empty": [0, 0, 4],
    "nine": log_uniform_sizes(9, 10_000),
    "fourteen": log_uniform_sizes(14, 10_000),
    "twelve nearly equal": [*range(100, 112), 5],
}
WEIGHTINGS = {
    "banzhaf": ("banzhaf", block_games.banzhaf),
    "leave-one-out": ("leave-one-out", block_games.leave_one_out),
    **{
        f"beta {a}, {b}": (BetaShapley(a, b), block_games.beta_shapley(a, b))
        for a, b in [(4, 1), (0.5, 0.5), (2.5, 40.0), (500, 0.01)]
    },
}


def error(found: np.ndarray, expected: np.ndarray) -> float:
    """Largest error, relative to the largest semivalue."""
    largest = np.abs(expected).max()
    return float(np.abs(found - expected).max() / (largest if largest else 1.0))


@pytest.mark.parametrize("sizes", SIZES.values(), ids=SIZES)
def test_equals_enumeration(sizes: list[int]):
    sums = random_sums(sizes)
    expected = block_games.semivalues(table(sums), block_games.shapley)
    found = mmd_shapley_values(sums)
    assert (
        isinstance(found.shapley_values, np.ndarray)
        and found.shapley_values.dtype == np.float64
    )
    assert error(found.shapley_values, expected) < TOLERANCE
    assert abs(found.efficiency_gap) <= TOLERANCE * max(abs(expected).max(), 1e-300)


@pytest.mark.parametrize("seed", range(2))
def test_every_value_has_ten_digits(seed: int):
    sums = random_sums(log_uniform_sizes(12, 10_000, seed), seed)
    expected = shapley_values(coalition_values(sums))
    np.testing.assert_allclose(
        mmd_shapley_values(sums).shapley_values, expected, rtol=1e-10
    )


@pytest.mark.parametrize("name", WEIGHTINGS)
@pytest.mark.parametrize(
    "sizes", ["one holds nearly all", "equal", "empty parties", "nine"]
)
def test_semivalues_equal_enumeration(name: str, sizes: str):
    weighting, weight = WEIGHTINGS[name]
    sums = random_sums(SIZES[sizes])
    if sizes == "empty parties":  # the weight counts the members that have points
        keep = np.array([False, True, False, True, True, True])
        sums = sums_of(sums.between[np.ix_(keep, keep)], sums.sizes[keep])
    expected = block_games.semivalues(table(sums), weight)
    found = mmd_semivalues(sums, weighting)
    assert found.dtype == np.float64
    assert error(found, expected) < TOLERANCE


def test_beta_1_1_is_the_shapley_value_and_integers_are_numbers():
    sums = random_sums([3, 1, 8, 2])
    expected = mmd_shapley_values(sums).shapley_values
    for weighting in (BetaShapley(1, 1), BetaShapley(1.0, 1.0)):
        np.testing.assert_array_equal(mmd_semivalues(sums, weighting), expected)


def test_of_the_gram_pass():
    rng = np.random.default_rng(0)
    parties = [rng.normal(size=(size, 2)) for size in (4, 1, 7, 30)]
    sums = gram_sums(SquaredExponential(0.7), parties, rng.normal(size=(9, 2)))
    for reference in (sums, sums.pool):
        expected = shapley_values(coalition_values(reference))
        assert error(mmd_shapley_values(reference).shapley_values, expected) < TOLERANCE


# More parties than can be enumerated.


def two_kinds(counts: tuple[int, int], sizes: tuple[int, int]) -> GramSums:
    """Parties of two kinds; b and B depend on the kinds only."""
    kind = np.repeat([0, 1], counts)
    near = np.array([[0.9, 0.35], [0.35, 0.7]])[np.ix_(kind, kind)]
    s = np.array(sizes, float)[kind]
    between = near * np.outer(s, s) + np.diag(0.1 * s)
    edge = s * np.array([0.5, 0.6])[kind] * 50
    between = np.block([[between, edge[:, None]], [edge[None], np.array([[900.0]])]])
    return sums_of(between, np.append(s, 50))


def shapley_of_two_kinds(counts: tuple[int, int], sums: GramSums) -> list[float]:
    """Exact: a coalition is two numbers, how many of each kind it holds."""
    n, first = sum(counts), (0, counts[0])
    s, total = sums.sizes, sums.sizes.sum()
    b = sums.between[:n].sum(1)
    own = [sums.between[i, i] for i in first]
    pair = [sums.between[0, 1], sums.between[0, n - 1], sums.between[n - 2, n - 1]]

    def value(c: int, d: int) -> float:
        size = c * s[0] + d * s[n - 1]
        if size == 0:
            return 0.0
        within = c * own[0] + d * own[1] + 2 * c * d * pair[1]
        within += c * (c - 1) * pair[0] + d * (d - 1) * pair[2]
        return 2 * (c * b[0] + d * b[n - 1]) / (total * size) - within / size**2

    found = []
    for kind in (0, 1):
        others = [counts[0] - (kind == 0), counts[1] - (kind == 1)]
        mean = 0.0
        for c in range(others[0] + 1):
            for d in range(others[1] + 1):
                ways = comb(others[0], c) * comb(others[1], d)
                weight = float(Fraction(ways, n * comb(n - 1, c + d)))
                joined = value(c + (kind == 0), d + (kind == 1))
                mean += weight * (joined - value(c, d))
        found.append(mean)
    return found


@pytest.mark.parametrize(
    ("counts", "sizes"),
    [((60, 40), (1, 30)), ((5, 150), (4_000, 3)), ((100, 3), (1, 100_000))],
)
@pytest.mark.medium
def test_many_parties_of_two_kinds(counts: tuple[int, int], sizes: tuple[int, int]):
    sums = two_kinds(counts, sizes)
    found = mmd_shapley_values(sums)
    expected = np.repeat(shapley_of_two_kinds(counts, sums), counts)
    assert error(found.shapley_values, expected) < TOLERANCE
    assert abs(found.efficiency_gap) < TOLERANCE * found.shapley_values.sum()


@pytest.mark.parametrize(("n", "largest"), [(40, 10), (150, 10_000)])
@pytest.mark.medium
def test_equals_a_plain_quadrature_that_is_exact_in_q(n: int, largest: int):
    sums = random_sums(log_uniform_sizes(n, largest))
    expected = plain.mmd_shapley_values(
        sums.between, sums.sizes, num_q=-(-n // 2), num_u=300
    )
    assert error(mmd_shapley_values(sums).shapley_values, expected) < TOLERANCE


@pytest.mark.medium
def test_a_thousand_parties_share_out_the_value_of_all():
    rng = np.random.default_rng(0)
    sums = random_sums([*rng.integers(3, 4_001, 1_000), 5_000])
    found = mmd_shapley_values(sums)
    of_all = block_games.value_of(sums, list(range(1_000)))
    assert found.efficiency_gap == pytest.approx(
        found.shapley_values.sum() - of_all, abs=1e-14
    )
    assert abs(found.efficiency_gap) < TOLERANCE * of_all


@pytest.mark.parametrize("name", WEIGHTINGS)
@pytest.mark.medium
def test_semivalues_of_many_nearly_equal_parties(name: str):
    # Nearly equal sizes: the quadrature must meet the closed form.
    weighting, _ = WEIGHTINGS[name]
    sums = random_sums(np.full(121, 7.0))
    expected = mmd_semivalues(sums, weighting)
    sums.sizes[0] *= 1 + 1e-13
    assert error(mmd_semivalues(sums, weighting), expected) < TOLERANCE


@pytest.mark.parametrize("tolerance", [1e-2, 1e-4, 1e-6, 1e-12])
def test_keeps_the_tolerance_that_is_asked_for(tolerance: float):
    sums = random_sums(log_uniform_sizes(11, 300))
    expected = shapley_values(coalition_values(sums))
    found = mmd_shapley_values(sums, tolerance=tolerance).shapley_values
    assert error(found, expected) < tolerance


# Axioms, which hold whatever the reference.


def random_game(n: int, seed: int) -> GramSums:
    """No kernel at all: any symmetric B will do."""
    rng = np.random.default_rng([n, seed])
    between = rng.normal(size=(n + 1, n + 1))
    return sums_of(between + between.T, rng.integers(1, 50, n + 1).astype(float))


@pytest.mark.parametrize("n", [1, 2, 7, 30])
def test_efficiency(n: int):
    sums = random_game(n, 0)
    found = mmd_shapley_values(sums)
    of_all = block_games.value_of(sums, list(range(n)))
    scale = np.abs(found.shapley_values).max()
    assert abs(found.efficiency_gap) < TOLERANCE * scale
    assert found.shapley_values.sum() == pytest.approx(of_all, abs=TOLERANCE * scale)


@pytest.mark.parametrize("n", [4, 9])
def test_renaming_parties_renames_their_values(n: int):
    sums = random_game(n, 1)
    order = np.append(np.random.default_rng(1).permutation(n), n)
    renamed = sums_of(sums.between[np.ix_(order, order)], sums.sizes[order])
    np.testing.assert_allclose(
        mmd_shapley_values(renamed).shapley_values,
        mmd_shapley_values(sums).shapley_values[order[:-1]],
        rtol=rtol(np.float64, roundings=1e4),
    )


def test_equal_parties_get_the_same():
    sums = random_game(6, 2)
    sums.sizes[4] = sums.sizes[1]
    order = [0, 4, 2, 3, 1, 5, 6]
    both = sums.between + sums.between[np.ix_(order, order)]
    found = mmd_shapley_values(sums_of(both, sums.sizes)).shapley_values
    assert found[1] == pytest.approx(found[4], rel=1e-12)
    assert found[1] != pytest.approx(found[0], rel=1e-3)


def test_a_party_without_points_adds_nothing_and_changes_nothing():
    sums = random_sums([5, 0, 2, 9, 4])
    found = mmd_shapley_values(sums).shapley_values
    assert found[1] == 0
    keep = [0, 2, 3, 4]
    without = sums_of(sums.between[np.ix_(keep, keep)], sums.sizes[keep])
    np.testing.assert_array_equal(
        np.delete(found, 1), mmd_shapley_values(without).shapley_values
    )


@pytest.mark.parametrize("weighting", ["banzhaf", "leave-one-out", BetaShapley(1, 1)])
def test_linear_in_the_sums(weighting):
    first, second = random_game(8, 3), random_game(8, 4)
    sum_of_both = sums_of(3 * first.between - 2 * second.between, first.sizes)
    second = sums_of(second.between, first.sizes)
    one, two, both = (
        mmd_semivalues(sums, weighting) for sums in (first, second, sum_of_both)
    )
    np.testing.assert_allclose(both, 3 * one - 2 * two, rtol=1e-9)


# In the user's own transformations.


def arrays(seed: int, sizes: list[int]) -> tuple[np.ndarray, np.ndarray]:
    sums = random_sums(sizes, seed)
    return sums.between[:-1, :-1], sums.between[:-1].sum(1)


@pytest.mark.parametrize(
    ("weighting", "sizes"),
    [
        (BetaShapley(1, 1), [3, 1, 8, 2, 4]),
        (BetaShapley(1, 1), [0, 3, 2, 4]),
        ("banzhaf", [3, 3, 3, 4]),
        ("leave-one-out", [3, 1, 8, 2, 4]),
    ],
)
@pytest.mark.medium
def test_many_games_at_once(weighting, sizes: list[int]):
    games = [arrays(seed, sizes) for seed in range(3)]
    s = np.array(sizes[:-1], float)

    def one(between, across):
        return block_semivalues(between, across, s, 18.0, weighting=weighting)

    expected = [one(*game) for game in games]
    between, across = map(np.stack, zip(*games, strict=True))
    with jax.enable_x64(True):
        found = np.asarray(jax.jit(jax.vmap(one))(between, across))
    np.testing.assert_allclose(found, expected, rtol=1e-11)
    single = jax.jit(jax.vmap(one))(*(x.astype(np.float32) for x in (between, across)))
    assert single.dtype == jnp.float32
    np.testing.assert_allclose(single, expected, rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize("sizes", [[3, 1, 8, 2, 4], [3, 3, 3, 4]])
@pytest.mark.medium
def test_differentiable_in_the_sums(sizes: list[int]):
    sums = random_sums(sizes)
    rng = np.random.default_rng(0)
    direction = rng.normal(size=sums.between.shape)
    direction += direction.T
    weights = rng.normal(size=len(sizes) - 1)

    def along(x):
        moved = sums_of(sums.between + x * direction, sums.sizes)
        values = mmd_shapley_values(moved).shapley_values
        return values @ weights

    with jax.enable_x64(True):
        slope = float(jax.jit(jax.grad(along))(0.3))
    # The values are linear in the sums: a difference is the slope.
    np.testing.assert_allclose(slope, along(1.0) - along(0.0), rtol=1e-10)


@pytest.mark.medium
def test_differentiable_in_the_length_scale():
    rng = np.random.default_rng(0)
    parties = [rng.normal(size=(size, 2)) for size in (4, 1, 7)]
    candidates = rng.normal(size=(9, 2))

    @jax.jit
    @jax.value_and_grad
    def first(scale):
        sums = gram_sums(SquaredExponential(scale), parties, candidates)
        return mmd_shapley_values(sums).shapley_values[0]

    with jax.enable_x64(True):
        (_, slope), (up, _), (down, _) = map(first, (0.9, 0.9001, 0.8999))
        slope, up, down = float(slope), float(up), float(down)
    np.testing.assert_allclose(slope, (up - down) / 2e-4, rtol=1e-6)


@pytest.mark.medium
def test_the_gap_shows_sums_that_are_not_those_of_a_game():
    sums = random_game(5, 0)
    assert abs(mmd_shapley_values(sums).efficiency_gap) < 1e-10
    sums.between[0, 1] += 1.0  # B is not symmetric
    with pytest.raises(ValueError, match="symmetric"):
        mmd_shapley_values(sums)
    with jax.enable_x64(True):  # where numbers cannot be looked at
        traced = jax.jit(lambda b: mmd_shapley_values(sums_of(b, sums.sizes)))
        assert abs(traced(sums.between).efficiency_gap) > 1e-6


# What is refused.


@pytest.mark.parametrize(
    ("between", "sizes", "message"),
    [
        (np.ones((3, 3)), np.ones(2), r"\(3, 3\) and \(2,\)"),
        (np.ones((1, 1)), np.ones(1), "at least one party"),
        (np.full((3, 3), np.nan), np.ones(3), "NaN"),
    ],
)
def test_what_are_not_sums(between: np.ndarray, sizes: np.ndarray, message: str):
    with pytest.raises(ValueError, match=message):
        mmd_shapley_values(sums_of(between, sizes))
    with pytest.raises(ValueError, match=message):
        mmd_semivalues(sums_of(between, sizes), "banzhaf")


@pytest.mark.parametrize("tolerance", [0.0, 1e-13, 0.5, np.nan])
def test_tolerances_that_cannot_be_kept(tolerance: float):
    with pytest.raises(ValueError, match=r"between 1e-12 and 0\.01"):
        mmd_shapley_values(random_sums([1, 2, 3]), tolerance=tolerance)


@pytest.mark.parametrize(
    ("weighting", "message"),
    [
        ("shapely", "got 'shapely'"),
        (None, "got None"),
        ((0, 1), "0 < α <= 500"),
        ((1, np.inf), "β <= 500"),
        ((np.nan, 1), "nan"),
        (("4", 1), "one number as α and as β, got '4'"),
    ],
)
def test_weightings_that_do_not_exist(weighting, message: str):
    with pytest.raises(ValueError, match=message):
        if isinstance(weighting, tuple):
            weighting = BetaShapley(*weighting)
        mmd_semivalues(random_sums([1, 2, 3]), weighting)


def test_traced_sizes():
    sums = gram_sums(SquaredExponential(1.0), [np.zeros((2, 1))], np.ones((1, 1)))
    with pytest.raises(TypeError, match="build the sums inside"):
        jax.jit(mmd_shapley_values)(sums)

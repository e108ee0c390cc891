"""When the bounds of Sec. 5 hold: exactly, on random kernels, and just beyond."""

import itertools
from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from oracles_games import value_by_definition

from cgm_jax.kernels.bounds import (
    bounds_conflict,
    monotonicity_upper_bound,
    nonnegativity_lower_bound,
    value_bounds,
)

ONE = Fraction(1)


def kernel_matrix(t: int, low: float, high: float, seed: int) -> np.ndarray:
    """Positive semi-definite; 1 on the diagonal, from ``low`` to ``high`` off it."""
    points = np.random.default_rng(seed).normal(size=(t, 2))
    similar = np.exp(-((points[:, None] - points[None]) ** 2).sum(-1))
    off = similar[~np.eye(t, dtype=bool)]
    scale = (high - low) / off.max()
    gram = low + scale * similar
    np.fill_diagonal(gram, 1)
    assert np.linalg.eigvalsh(gram).min() > -1e-12
    return gram


def two_blocks(
    s: int, t: int, within: float, across: float, others: float
) -> np.ndarray:
    """One kernel value inside S, one between S and the rest, one inside the rest."""
    gram = np.full((t, t), others, float)
    gram[:s, :s] = within
    gram[:s, s:] = gram[s:, :s] = across
    np.fill_diagonal(gram, 1)
    assert np.linalg.eigvalsh(gram).min() > -1e-12
    return gram


def unbiased_mmd2(gram: np.ndarray, subset: list[int]) -> float:
    s, t = len(subset), len(gram)
    off = gram - np.diag(np.diag(gram))
    return (
        off[np.ix_(subset, subset)].sum() / (s * (s - 1))
        - 2 * gram[subset].sum() / (s * t)
        + off.sum() / (t * (t - 1))
    )


# Proposition 4


@pytest.mark.parametrize("s", [1, 2, 5, 10])
@pytest.mark.parametrize("seed", range(3))
def test_no_value_is_negative_above_the_lower_bound(s: int, seed: int):
    t, upper = 20, 0.95
    lower = nonnegativity_lower_bound(s, t, upper=upper)
    assert lower < upper
    gram = kernel_matrix(t, lower, upper, seed)
    rng = np.random.default_rng(seed)
    subsets = [rng.permutation(t)[:s] for _ in range(200)]
    assert min(value_by_definition(gram, subset) for subset in subsets) > -1e-14


@pytest.mark.parametrize("s, t", [(1, 4), (2, 9), (4, 30)])
def test_the_lower_bound_cannot_be_lowered(s: int, t: int):
    upper = 0.9
    lower = nonnegativity_lower_bound(s, t, upper=upper)
    subset = list(range(s))
    at_bound = two_blocks(s, t, upper, lower, upper)
    assert value_by_definition(at_bound, subset) == pytest.approx(0, abs=1e-15)
    below = two_blocks(s, t, upper, lower - 0.01, upper)
    assert value_by_definition(below, subset) < -0.01


def test_a_larger_subset_needs_less():
    for upper in (Fraction(0), Fraction(1, 2), ONE):
        bounds = [
            nonnegativity_lower_bound(Fraction(s), 40, upper=upper, diagonal=ONE)
            for s in range(1, 40)
        ]
        assert bounds[0] == Fraction(38, 78)
        assert bounds[19] == 0
        assert all(b < a for a, b in itertools.pairwise(bounds))


# Theorem 1


@pytest.mark.parametrize("s", [1, 2, 5, 12])
@pytest.mark.parametrize("seed", range(3))
def test_no_point_lowers_the_value_below_the_upper_bound(s: int, seed: int):
    t = 15
    gram = kernel_matrix(t, 0, monotonicity_upper_bound(s, t), seed)
    rng = np.random.default_rng(seed)
    for _ in range(50):
        order = list(rng.permutation(t))
        before = value_by_definition(gram, order[:s])
        for x in order[s:]:
            assert value_by_definition(gram, [*order[:s], x]) > before


def test_a_point_can_lower_the_value_above_the_upper_bound():
    # 0 resembles both others, which do not resemble each other: adding one unbalances.
    gram = np.array([[1, 0.7, 0.7], [0.7, 1, 0], [0.7, 0, 1]])
    assert np.linalg.eigvalsh(gram).min() > 0
    assert monotonicity_upper_bound(1, 3) == pytest.approx(3 / 8)
    assert value_by_definition(gram, [0, 1]) < value_by_definition(gram, [0]) - 0.05


def test_the_upper_bound_is_that_of_the_paper():
    for s, t in [(1, 5), (3, 7), (20, 100)]:
        found = monotonicity_upper_bound(Fraction(s), Fraction(t), diagonal=ONE)
        assert found == Fraction(t, (s + 1) * (s * (t - 2) + t))


# Corollary 1


@pytest.mark.parametrize("s", [2, 3, 9, 15])
def test_values_lie_between_their_bounds(s: int):
    gram = kernel_matrix(15, 0.1, 0.8, seed=s)
    off = gram[~np.eye(15, dtype=bool)]
    rng = np.random.default_rng(s)
    for _ in range(50):
        subset = list(rng.permutation(15)[:s])
        low, high = value_bounds(
            s,
            unbiased_mmd2(gram, subset),
            lower=off.min(),
            upper=off.max(),
            reference_mean=off.mean(),
        )
        assert low - 1e-14 <= value_by_definition(gram, subset) <= high + 1e-14
        assert low < high


@pytest.mark.parametrize("s", [2, 5])
def test_the_bounds_of_the_value_meet_where_the_kernel_is_flat(s: int):
    gram = two_blocks(s, 8, 0.3, 0.3, 0.3)
    mmd2 = unbiased_mmd2(gram, list(range(s)))
    low, high = value_bounds(s, mmd2, lower=0.3, upper=0.3, reference_mean=0.3)
    assert low == high == pytest.approx(value_by_definition(gram, list(range(s))))


# Proposition 5


def test_the_two_bounds_conflict_exactly_where_the_subset_is_small():
    for t in range(4, 60):
        for s in range(1, t):
            upper = monotonicity_upper_bound(Fraction(s), Fraction(t), diagonal=ONE)
            lower = nonnegativity_lower_bound(
                Fraction(s), Fraction(t), upper=upper, diagonal=ONE
            )
            assert bounds_conflict(s, t) == (lower > upper)
            assert (lower == upper) == (2 * s == t - 2)  # Lemma 1


# All of them


@pytest.mark.parametrize("diagonal", [0.25, 3.0])
def test_bounds_scale_with_the_kernel(diagonal: float):
    assert monotonicity_upper_bound(3, 20, diagonal=diagonal) == pytest.approx(
        diagonal * monotonicity_upper_bound(3, 20)
    )
    scaled = nonnegativity_lower_bound(3, 20, upper=0.5 * diagonal, diagonal=diagonal)
    assert scaled == pytest.approx(
        diagonal * nonnegativity_lower_bound(3, 20, upper=0.5)
    )
    scaled = value_bounds(
        3,
        0.1 * diagonal,
        lower=0.2 * diagonal,
        upper=0.5 * diagonal,
        reference_mean=0.3 * diagonal,
        diagonal=diagonal,
    )
    plain = value_bounds(3, 0.1, lower=0.2, upper=0.5, reference_mean=0.3)
    assert scaled == pytest.approx([diagonal * bound for bound in plain])


@pytest.mark.medium
def test_bounds_work_under_the_users_transformations():
    sizes = jnp.arange(1, 5)
    lower = jax.jit(jax.vmap(lambda s: nonnegativity_lower_bound(s, 9, upper=0.5)))
    upper = jax.jit(jax.vmap(lambda s: monotonicity_upper_bound(s, 9)))
    conflict = jax.jit(bounds_conflict)(sizes, 9)
    for i, s in enumerate(range(1, 5)):
        assert lower(sizes)[i] == pytest.approx(
            nonnegativity_lower_bound(s, 9, upper=0.5), rel=1e-6
        )
        assert upper(sizes)[i] == pytest.approx(
            monotonicity_upper_bound(s, 9), rel=1e-6
        )
        assert conflict[i] == bounds_conflict(s, 9)
    slope = jax.grad(lambda eta: nonnegativity_lower_bound(3, 9, upper=eta))(0.5)
    assert slope == pytest.approx(2 * 3 / (2 * 3 * 6))


@pytest.mark.parametrize("integer", [np.int32, jnp.int32])
def test_large_sizes_do_not_overflow(integer):
    s, t = integer(50_000), integer(110_000)
    assert nonnegativity_lower_bound(s, t, upper=0.5) == pytest.approx(
        nonnegativity_lower_bound(5e4, 1.1e5, upper=0.5), rel=1e-6
    )
    assert monotonicity_upper_bound(s, t) == pytest.approx(
        monotonicity_upper_bound(5e4, 1.1e5), rel=1e-6
    )


@pytest.mark.parametrize("s, t", [(0, 5), (5, 5), (np.array([1, 6]), 5), (1.5, 1)])
def test_sizes_that_are_not_those_of_a_subset(s, t):
    for bound in (
        monotonicity_upper_bound,
        bounds_conflict,
        lambda s, t: nonnegativity_lower_bound(s, t, upper=0.5),
    ):
        with pytest.raises(ValueError, match="1 <= subset_size < reference_size"):
            bound(s, t)

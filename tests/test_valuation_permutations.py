"""Shapley values by Monte Carlo: within their own errors of the exact ones."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from known_games import KNOWN, airport_game
from small_sums import small_sums

from cgm_jax.valuation import (
    ShapleyEstimate,
    coalition_values,
    permutation_shapley_values,
    shapley_values,
)

KEY = jax.random.key(3)
SIGMAS = 5  # standard errors allowed, with a fixed seed


def assert_within_errors(found: ShapleyEstimate, exact: np.ndarray):
    slack = SIGMAS * found.standard_errors + 1e-12
    assert (np.abs(found.values - exact) <= slack).all()


@pytest.mark.parametrize("values, shapley", KNOWN.values(), ids=KNOWN)
@pytest.mark.medium
def test_games_with_known_shapley_values(values: np.ndarray, shapley: np.ndarray):
    found = permutation_shapley_values(KEY, values, len(shapley), max_permutations=4000)
    assert_within_errors(found, shapley)
    assert found.values.sum() == pytest.approx(values[-1] - values[0], abs=1e-12)
    assert found.num_permutations == 4000


@pytest.mark.parametrize("n", [1, 3, 7])
@pytest.mark.medium
def test_all_kinds_of_games_follow_the_same_orders(n: int):
    sums = small_sums(n)
    table = np.asarray(coalition_values(sums))

    def of_members(member: jax.Array) -> jax.Array:
        assert member.dtype == bool
        return jnp.asarray(table)[member @ (1 << np.arange(n))]

    limits = {"max_permutations": 300}
    by_table = permutation_shapley_values(KEY, table, n, **limits)
    for game in (sums, of_members):
        found = permutation_shapley_values(KEY, game, n, **limits)
        np.testing.assert_allclose(found.values, by_table.values, atol=1e-13)
        np.testing.assert_allclose(
            found.standard_errors, by_table.standard_errors, atol=1e-13
        )
        assert found.values.dtype == found.standard_errors.dtype == np.float64
    assert_within_errors(by_table, shapley_values(table))


@pytest.mark.medium
def test_by_the_definition():
    """The same orders, walked in plain Python: each beside its reverse."""
    n, num_pairs = 5, 40
    values = np.random.default_rng(0).normal(size=2**n)
    means = np.zeros((num_pairs, n))

    @jax.jit
    @jax.vmap
    def order_of(pair):
        return jax.random.permutation(jax.random.fold_in(KEY, pair), n)

    for pair, order in enumerate(np.asarray(order_of(np.arange(num_pairs)))):
        for walk in (order, order[::-1]):
            coalition = 0
            for i in walk:
                joined = coalition | 1 << int(i)
                means[pair, i] += (values[joined] - values[coalition]) / 2
                coalition = joined
    found = permutation_shapley_values(KEY, values, n, max_permutations=2 * num_pairs)
    np.testing.assert_allclose(found.values, means.mean(0), atol=1e-13)
    np.testing.assert_allclose(
        found.standard_errors, means.std(0, ddof=1) / np.sqrt(num_pairs), atol=1e-13
    )


@pytest.mark.parametrize("batch_size", [1, 64, 151])
@pytest.mark.medium
def test_the_size_of_batches_does_not_matter(batch_size: int):
    values, _ = airport_game(np.arange(1.0, 8.0))
    limits = {"max_permutations": 301}  # 150 pairs
    found = permutation_shapley_values(KEY, values, 7, batch_size=batch_size, **limits)
    other = permutation_shapley_values(KEY, values, 7, batch_size=40, **limits)
    np.testing.assert_allclose(found.values, other.values, rtol=1e-13)
    np.testing.assert_allclose(found.standard_errors, other.standard_errors, rtol=1e-12)
    assert found.num_permutations == other.num_permutations == 300


def test_a_large_offset_costs_no_digits_of_the_errors():
    worth = np.array([1e8, 2e8, 3e8])
    table = (np.arange(8)[:, None] >> np.arange(3)[None] & 1) @ worth
    noise = np.random.default_rng(0).normal(size=8)
    plain = permutation_shapley_values(KEY, noise, 3)
    found = permutation_shapley_values(KEY, table + noise, 3)
    np.testing.assert_allclose(found.standard_errors, plain.standard_errors, rtol=1e-5)


def test_antithetic_orders_of_a_concave_game_have_smaller_errors():
    values = np.sqrt(np.bitwise_count(np.arange(2**10)))
    found = permutation_shapley_values(KEY, values, 10, max_permutations=2000)
    steps = np.diff(np.sqrt(np.arange(11)))
    independent = steps.std() / np.sqrt(2000)
    assert (found.standard_errors < 0.9 * independent).all()


# --- when it stops


def test_stops_at_a_standard_error():
    values, shapley = airport_game(np.linspace(0, 1, 7))
    found = permutation_shapley_values(
        KEY, values, 7, standard_error=2e-3, max_permutations=10**6, batch_size=64
    )
    assert found.stop_reason == "standard_error"
    assert found.standard_errors.max() <= 2e-3
    assert found.num_permutations < 10**5
    fewer = found.num_permutations - 128
    before = permutation_shapley_values(KEY, values, 7, max_permutations=fewer)
    assert before.standard_errors.max() > 2e-3
    assert before.stop_reason == "max_permutations"
    assert_within_errors(found, shapley)


@pytest.mark.medium
def test_does_not_trust_the_standard_error_of_few_pairs():
    table, _ = KNOWN["additive"]  # every pair says the same: the error is 0 at once
    found = permutation_shapley_values(KEY, table, 12, standard_error=0.0)
    assert (found.stop_reason, found.num_permutations) == ("max_permutations", 10_000)
    found = permutation_shapley_values(KEY, table, 12, standard_error=1e-9)
    assert (found.stop_reason, found.num_permutations) == ("standard_error", 128)
    found = permutation_shapley_values(
        KEY, table, 12, standard_error=1e-9, batch_size=1
    )
    assert found.num_permutations == 64


@pytest.mark.medium
def test_stops_at_a_time_with_an_error_to_report():
    found = permutation_shapley_values(
        KEY, np.arange(8.0), 3, max_seconds=0.0, max_permutations=10**9, batch_size=1
    )
    assert (found.stop_reason, found.num_permutations) == ("max_seconds", 4)
    assert np.isfinite(found.standard_errors).all()


@pytest.mark.medium
def test_hundreds_of_parties():
    n = 300
    sums = small_sums(n)
    found = permutation_shapley_values(KEY, sums, n, max_permutations=8)
    everyone = sums.between[:n, :n].sum() / sums.sizes[:n].sum() ** 2
    across = sums.between[:n].sum() / sums.sizes[:n].sum() / sums.sizes.sum()
    assert found.values.sum() == pytest.approx(2 * across - everyone, rel=1e-12)


# --- intervals


def test_intervals_are_students():
    estimate = ShapleyEstimate(np.array([1.0]), np.array([0.5]), 10, "max_permutations")
    low, high = estimate.interval()
    np.testing.assert_allclose([low[0], high[0]], [1 - 1.3882, 1 + 1.3882], atol=1e-4)
    low, high = estimate.interval(0.5)
    np.testing.assert_allclose(high - 1, 0.5 * 0.7407, atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("game", ["pooled data", "airport"])
def test_intervals_cover_the_exact_value(game: str):
    if game == "airport":
        values, exact = airport_game(np.random.default_rng(1).uniform(size=10))
    else:
        values = np.asarray(coalition_values(small_sums(10)))
        exact = np.asarray(shapley_values(values))
    covered = []
    for repeat in range(400):
        key = jax.random.fold_in(KEY, repeat)
        found = permutation_shapley_values(key, values, 10, max_permutations=400)
        low, high = found.interval()
        covered.append((low <= exact) & (exact <= high))
    assert 0.92 <= np.mean(covered) <= 0.98


# --- what is no game


@pytest.mark.parametrize(
    "game, n, message",
    [
        (np.zeros(8), 2, "game of n = 2 parties, got one of 3"),
        (np.zeros(6), 3, r"2\*\*n coalition values, got 6"),
        (np.zeros((2, 2)), 2, "one value per coalition"),
        (np.zeros(1), 0, "n of parties >= 1"),
        (np.array([0, 1, 2, np.nan]), 2, "finite values"),
        (lambda member: jnp.inf * member.sum(), 2, "finite values"),
        (lambda member: 1.0 * member, 3, r"one number, got an array of shape \(3,\)"),
    ],
)
def test_what_is_not_a_game(game, n: int, message: str):
    with pytest.raises(ValueError, match=message):
        permutation_shapley_values(KEY, game, n)


def test_sums_of_other_parties():
    with pytest.raises(ValueError, match="n = 4 parties, got one of 3"):
        permutation_shapley_values(KEY, small_sums(3), 4)


@pytest.mark.parametrize(
    "limits",
    [
        {"max_permutations": 3},
        {"batch_size": 0},
        {"standard_error": -1.0},
        {"standard_error": np.nan},
        {"max_seconds": -1.0},
    ],
)
def test_limits_out_of_range(limits: dict):
    with pytest.raises(ValueError, match=f"Expected .*{next(iter(limits))} >= "):
        permutation_shapley_values(KEY, np.zeros(4), 2, **limits)

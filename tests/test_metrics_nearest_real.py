"""Distances to real rows and shared rows, against all pairs."""

import jax
import numpy as np
import pytest

from cgm_jax.metrics import nearest_real, to_real

KEY = jax.random.key(0)


def rows(num: int, seed: int, d: int = 4) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(num, d))


def all_distances(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.sort(np.linalg.norm(x[:, None] - y[None], axis=-1), axis=1)


def test_distances_and_ratios_are_those_of_all_pairs():
    synthetic, used, held_out = rows(70, 0), rows(50, 1), rows(50, 2)
    synthetic[:3] = used[:3]
    synthetic[3] = used[4] + 1e-4
    found = nearest_real(KEY, synthetic, used, held_out)
    for side, real in ((found.used, used), (found.held_out, held_out)):
        expected = all_distances(synthetic, real)
        np.testing.assert_allclose(side.distances, expected[:, 0], atol=1e-12)
        np.testing.assert_allclose(side.ratios, expected[:, 0] / expected[:, 1])
    assert (found.used.exact_matches, found.held_out.exact_matches) == (3, 0)
    near = (np.round(synthetic, 2)[:, None] == np.round(used, 2)[None]).all(-1)
    assert found.used.rounded_matches == near.any(axis=1).sum() >= 3
    share = (found.used.distances < found.held_out.distances).mean()
    assert found.nearer_share == share
    distances, ratios = found.used.quantiles(0.05, 0.5)
    assert distances == np.quantile(found.used.distances, [0.05, 0.5]).tolist()
    assert ratios[1] == np.median(found.used.ratios)


def test_twice_the_same_row_has_a_ratio_of_one():
    used = np.repeat(rows(2, 1), 2, axis=0)
    found = nearest_real(KEY, used[:1], used, rows(4, 2))
    assert found.used.distances[0] == 0 and found.used.ratios[0] == 1


def test_rows_made_of_neither_are_nearer_to_either_half_of_the_time():
    found = nearest_real(KEY, rows(2_000, 5), rows(400, 6), rows(400, 7))
    # Rows that share a nearest real row are not independent: 5 standard errors of 400.
    assert abs(found.nearer_share - 0.5) < 5 * 0.5 / np.sqrt(400)
    same = nearest_real(KEY, rows(50, 5), rows(40, 6), rows(40, 6))
    assert same.nearer_share == 0.5


def test_both_sides_have_as_many_rows():
    found = nearest_real(KEY, rows(30, 0), rows(200, 1), rows(40, 2))
    assert found.num_real == 40
    # A subset: no nearer than all 200.
    assert (
        found.used.distances >= all_distances(rows(30, 0), rows(200, 1))[:, 0]
    ).all()
    again = nearest_real(KEY, rows(30, 0), rows(200, 1), rows(40, 2))
    np.testing.assert_array_equal(again.used.distances, found.used.distances)


def test_too_few_rows_are_refused():
    with pytest.raises(ValueError, match="got 3, 1 and 5"):
        nearest_real(KEY, rows(3, 0), rows(1, 1), rows(5, 2))


def test_distances_without_a_control():
    rng = np.random.default_rng(1)
    rows, real = rng.normal(size=(20, 3)), rng.normal(size=(50, 3))
    rows[3] = real[7]
    rows[4] = real[8] + 1e-6
    gaps = np.sort(np.sqrt(((rows[:, None] - real[None]) ** 2).sum(-1)), axis=1)
    found = to_real(rows, real, decimals=2)
    np.testing.assert_allclose(found.distances, gaps[:, 0], atol=1e-12)
    np.testing.assert_allclose(found.ratios, gaps[:, 0] / gaps[:, 1], atol=1e-12)
    assert (found.exact_matches, found.rounded_matches) == (1, 2)

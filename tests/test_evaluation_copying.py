"""Shares of copies against all subsets, and known answers."""

from itertools import combinations

import numpy as np
import pytest

from cgm_jax.evaluation.copying import copying


def rows(num: int, seed: int, d: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(num, d))


def distances(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.linalg.norm(x[:, None] - y[None], axis=-1)


def test_the_share_is_the_mean_over_all_subsets_of_as_many_rows():
    drawn, training, held_out = rows(9, 0), rows(7, 1), rows(3, 2)
    near = distances(drawn, training)
    control = distances(drawn, held_out).min(axis=1)
    subsets = [near[:, list(s)].min(axis=1) for s in combinations(range(7), 3)]
    expected = np.mean([subset < control for subset in subsets])
    found = copying(drawn, training, held_out)
    assert found.nearer_share == pytest.approx(expected, abs=1e-12)
    share = (near.min(axis=1) < control).mean()
    assert found.copied_share == pytest.approx((share - 0.7) / 0.3, abs=1e-12)


def test_copies_are_all_found_and_fresh_rows_are_none():
    training, held_out = rows(2_000, 0), rows(500, 1)
    copies = copying(training[:900], training, held_out)
    assert copies.copied_share == 1 and copies.is_copier
    assert copies.nearer_share > 0.5 + 500 / 2_000 / 2
    fresh = copying(rows(900, 2), training, held_out)
    assert abs(fresh.copied_share) < 4 * fresh.error < 0.5
    assert abs(fresh.nearer_share - 0.5) < 4 * fresh.error / 8
    assert not fresh.is_copier
    half = copying(np.concatenate([training[:450], rows(450, 3)]), training, held_out)
    assert abs(half.copied_share - 0.5) < 4 * fresh.error
    assert half.is_copier


def test_of_as_many_rows_a_copier_has_a_share_of_one():
    training, held_out = rows(200, 0), rows(200, 1)
    found = copying(training, training, held_out)
    assert (found.nearer_share, found.copied_share) == (1, 1)


def test_ties_are_nobodys():
    """Rows of a table with few different ones."""
    corners = np.eye(4)[np.random.default_rng(0).integers(0, 4, 90)] * 100
    drawn, training, held_out = np.split(corners, [30, 70])
    found = copying(drawn, training, held_out)
    assert found.nearer_share == pytest.approx(0.5, abs=0.01)  # some lack a corner
    assert abs(found.copied_share) < 0.5
    assert copying(corners[:30], corners[:30], corners[:30]).copied_share == 0


def test_few_held_out_rows_prove_nothing():
    training = rows(40, 0)
    found = copying(rows(20, 1), training, rows(2, 2))
    assert found.error > 0.5 and not found.is_copier

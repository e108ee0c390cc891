"""Parties whose data are too much alike: moved copies, and samples that are fresh."""

import jax
import numpy as np
import pytest

from cgm_jax.evidence import find_evidence, resamples
from cgm_jax.evidence.evidence import Evidence

KEY = jax.random.key(0)


def fresh(seed: int) -> list[np.ndarray]:
    """Two parties of one distribution, and one of another."""
    rng = np.random.default_rng(seed)
    return [rng.normal(mean, 1, (200, 2)) for mean in (0, 0, 1)]


@pytest.mark.medium
def test_fresh_samples_are_not_too_much_alike():
    for seed in range(6):
        found = resamples(fresh(seed))
        assert not found.is_beyond_chance.any()
        np.testing.assert_array_equal(found.p_values, found.p_values.T)
        assert found.p_values[0, 2] > 0.99  # distributions that differ: MMD² > 0


@pytest.mark.medium
def test_p_values_of_fresh_samples_are_hardly_too_small():
    p_values = [resamples(fresh(seed)[:2]).p_values[0, 1] for seed in range(40)]
    # Of 40, 2 are expected below 0.05: 8 and more have a chance of 0.1 %.
    assert (np.array(p_values) < 0.05).sum() < 8
    assert (np.array(p_values) < 0.5).sum() > 8  # and they are no formality


@pytest.mark.medium
def test_moved_copies_are_too_much_alike_where_no_row_can_be_told():
    parties = fresh(0)
    rng = np.random.default_rng(1)
    parties[2] = parties[0] + 0.1 * rng.normal(size=(200, 2))
    found = find_evidence(KEY, parties)
    beyond = np.zeros((3, 3), bool)
    beyond[0, 2] = beyond[2, 0] = True
    np.testing.assert_array_equal(found.resamples.is_beyond_chance, beyond)


@pytest.mark.medium
def test_too_few_or_equal_rows_are_not_compared():
    for parties in (
        [np.zeros((1, 2)), np.ones((3, 2))],
        [np.zeros((3, 2)), np.zeros((4, 2))],
        [np.zeros((3, 2))],
    ):
        assert (resamples(parties).p_values == 1).all()
        assert isinstance(find_evidence(KEY, parties), Evidence)

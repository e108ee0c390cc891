"""Rows set aside: as many as asked for, each as likely, of all groups alike."""

import jax
import numpy as np
import pytest
from oracles import chi_square
from scipy.stats import chi2

from cgm_jax.generators.held_out import split_rows

KEYS = jax.random.split(jax.random.key(0), 200)
RNG = np.random.default_rng(0)
GROUPS = np.repeat(np.arange(5), [400, 300, 150, 100, 50])
CENTRES = RNG.normal(size=(5, 3)) * 20
POINTS = (CENTRES[GROUPS] + RNG.normal(size=(1_000, 3))).astype(np.float32)


@pytest.mark.parametrize(
    ("num", "share", "expected"),
    [(1_000, 0, 0), (1_000, 0.1, 100), (1_000, 0.5, 500), (20, 0.01, 2), (2, 0.5, 2)],
)
def test_the_split_is_a_partition(num, share, expected):
    unseen, others = split_rows(KEYS[0], POINTS[:num], share)
    assert len(unseen) == expected
    np.testing.assert_array_equal(np.sort([*unseen, *others]), np.arange(num))


def test_the_key_decides():
    first, again, other = (
        split_rows(key, POINTS, 0.2)[0] for key in KEYS[np.array([0, 0, 1])]
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(np.sort(first), np.sort(other))


def test_every_row_is_as_likely():
    counts = np.zeros(50)
    for key in KEYS:
        counts[split_rows(key, POINTS[:50], 0.2)[0]] += 1
    # Of runs of five rows one each: given a run, chances are those of one in five.
    assert counts.sum() == 10 * len(KEYS)
    statistic, freedom = chi_square(counts, np.full(50, 0.02))
    assert statistic < chi2.ppf(0.999, freedom)


def test_every_group_gives_its_share():
    """At random their numbers would be off by 4.6, 4.3, 3.4, 2.8 and 2.1."""
    expected = np.array([40, 30, 15, 10, 5])
    for key in KEYS[:20]:
        unseen, _ = split_rows(key, POINTS, 0.1)
        counts = np.bincount(GROUPS[unseen], minlength=5)
        assert np.abs(counts - expected).max() <= 2


def test_both_parts_are_shuffled():
    """A few of them are not all of one group."""
    unseen, others = split_rows(KEYS[0], POINTS, 0.1)
    assert len(set(GROUPS[unseen[:12]])) > 2
    assert len(set(GROUPS[others[:12]])) > 2


def test_equal_rows_and_rows_far_away():
    equal = np.zeros((100, 2))
    assert len(split_rows(KEYS[0], equal, 0.1)[0]) == 10
    far = np.concatenate([equal, np.full((1, 2), 1e300)])
    assert len(split_rows(KEYS[0], far, 0.1)[0]) == 10

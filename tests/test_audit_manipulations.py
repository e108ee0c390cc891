"""What a party may hand in, from its data and everybody's."""

from collections import Counter

import jax
import numpy as np
import pytest

from cgm_jax.audit import MANIPULATIONS, Position, outlier

SIZES = (60, 41, 90)
RNG = np.random.default_rng(2)
PARTIES = [RNG.normal(i, 1 + i, size=(n, 3)) for i, n in enumerate(SIZES)]
CANDIDATES = RNG.normal(size=(500, 3))
AT = Position(jax.random.key(4), PARTIES, 0, 2, CANDIDATES)
OWN, BEST = PARTIES[0], PARTIES[2]


def handed_in(name: str, at: Position = AT) -> list[np.ndarray]:
    (each,) = [each for each in MANIPULATIONS if each.name == name]
    return [np.concatenate(pieces) for pieces in each.hand_in(at)]


def rows(points: np.ndarray) -> Counter:
    return Counter(row.tobytes() for row in np.ascontiguousarray(points))


def added(name: str, at: Position = AT) -> np.ndarray:
    """What is handed in below all that the party has."""
    (points,) = handed_in(name, at)
    np.testing.assert_array_equal(points[: len(at.own)], at.own)
    return points[len(at.own) :]


@pytest.mark.medium
def test_names_are_different_and_all_hand_in_rows():
    names = [each.name for each in MANIPULATIONS]
    assert len(set(names)) == len(names) == 17
    for each in MANIPULATIONS:
        for points in map(np.concatenate, each.hand_in(AT)):
            assert points.dtype == float and points.shape[1] == 3 and len(points)


@pytest.mark.parametrize("k", [2, 3, 5])
def test_a_split_has_all_rows_once(k: int):
    pieces = handed_in(f"split in {k}")
    assert sum(map(rows, pieces), Counter()) == rows(OWN) and len(pieces) == k
    assert max(map(len, pieces)) - min(map(len, pieces)) <= 1
    assert not np.array_equal(np.concatenate(pieces), OWN)  # at random


def test_what_is_withheld():
    for name, kept in (("withhold half", 30), ("withhold nine tenths", 6)):
        (points,) = handed_in(name)
        assert len(points) == kept and rows(points) <= rows(OWN)


def test_copies():
    assert rows(added("hand in twice")) == rows(OWN)
    assert rows(added("copy the best other")) == rows(BEST)
    assert rows(handed_in("hand in a copy instead")[0]) == rows(BEST)
    quarter = added("copy a quarter")
    assert len(quarter) == 22 and rows(quarter) < rows(BEST)


@pytest.mark.parametrize("deviations", [0.05, 0.2])
def test_a_jittered_copy_is_near_by_so_many_standard_deviations(deviations: float):
    moved = added(f"copy with jitter of {deviations:g}") - BEST
    scale = moved.std(axis=0) / BEST.std(axis=0)
    np.testing.assert_allclose(scale, deviations, rtol=5 / np.sqrt(2 * len(BEST)))


def test_noise_is_within_the_pool_s_ranges():
    noise, pool = added("add as much noise"), np.concatenate(PARTIES)
    assert noise.shape == OWN.shape
    assert (noise >= pool.min(axis=0)[None]).all()
    assert (noise <= pool.max(axis=0)[None]).all()
    mean = (pool.min(axis=0) + pool.max(axis=0)) / 2
    error = np.ptp(pool, axis=0) / np.sqrt(12 * len(noise))
    assert (abs(noise.mean(axis=0) - mean) < 4 * error).all()


def test_gaussian_noise_has_the_pool_s_mean_and_covariance():
    mixing = np.array([[1.0, 0.5, 0], [0, 1, 0], [0, 0, 0]])  # one column is constant
    many = [RNG.normal(size=(4000, 3)) @ mixing + 1, RNG.normal(size=(9, 3)) @ mixing]
    noise = added(
        "add as much Gaussian noise", Position(AT.key, many, 0, 1, CANDIDATES)
    )
    pool = np.concatenate(many)
    assert noise.shape == many[0].shape
    np.testing.assert_allclose(noise.mean(axis=0), pool.mean(axis=0), atol=0.08)
    np.testing.assert_allclose(np.cov(noise.T), np.cov(pool.T), atol=0.12)


def test_candidates_are_different_ones():
    drawn = added("add as many candidates")
    assert len(drawn) == 60 and rows(drawn) < rows(CANDIDATES)
    few = Position(AT.key, PARTIES, 0, 2, CANDIDATES[:7])
    assert rows(added("add as many candidates", few)) == rows(CANDIDATES[:7])


def test_rare_rows_are_those_of_the_rarest_label():
    labels = np.array(["a"] * 30 + ["b"] * 7 + ["c"] * 23)
    at = Position(AT.key, PARTIES, 0, 2, CANDIDATES, labels)
    (kept,) = handed_in("withhold the rare rows", at)
    np.testing.assert_array_equal(kept, OWN[labels != "b"])


def test_without_labels_they_are_the_smallest_cluster():
    sizes = (20, 6, 30, 11, 15)
    data = np.concatenate(
        [RNG.normal(20 * i, 0.1, size=(n, 3)) for i, n in enumerate(sizes)]
    )
    is_rare = np.repeat(np.arange(5), sizes) == 1
    order = RNG.permutation(len(data))
    at = Position(AT.key, [data[order], BEST], 0, 1, CANDIDATES)
    (kept,) = handed_in("withhold the rare rows", at)
    np.testing.assert_array_equal(kept, data[order][~is_rare[order]])
    # Of rows that are all alike, none is rare.
    alike = Position(AT.key, [np.ones((9, 3)), BEST], 0, 1, CANDIDATES)
    assert handed_in("withhold the rare rows", alike) == []


def test_mixtures():
    half = added("half a copy, half noise")
    assert rows(half[:45]) < rows(BEST)
    assert rows(half[45:]) < rows(added("add as much noise")) and len(half) == 45 + 30
    (points,) = handed_in("jittered copy, half withheld")
    assert rows(points[:30]) == rows(handed_in("withhold half")[0])
    np.testing.assert_array_equal(points[30:], added("copy with jitter of 0.05"))


def test_an_outlier_is_so_many_standard_deviations_away():
    each = outlier(1e3)
    assert each.name == "an outlier at 1e+03"
    ((own, row),) = each.hand_in(AT)
    pool = np.concatenate(PARTIES)
    away = (row[0] - pool.mean(axis=0)) / pool.std(axis=0)
    assert own is OWN and np.linalg.norm(away) == pytest.approx(1e3)


@pytest.mark.medium
def test_a_party_of_one_row():
    at = Position(AT.key, [OWN[:1], BEST], 0, 1, CANDIDATES)
    for each in MANIPULATIONS:
        sets = each.hand_in(at)
        assert "split" not in each.name or not sets
        assert all(len(np.concatenate(pieces)) for pieces in sets)

"""The polygon of feasible (ρ, log v*) against all crossings of its boundary lines."""

import itertools

import numpy as np
import pytest
from oracles_games import crossings_of_bounds

from cgm_jax.rewards import FeasibleRegion


def random_region(seed: int) -> FeasibleRegion:
    rng = np.random.default_rng(seed)
    m = int(rng.integers(1, 7))
    slopes = np.concatenate([[0.0], -np.log(rng.uniform(0.05, 1, m - 1))])
    log_upper = np.log(rng.uniform(0.3, 0.6, m))
    log_lower = log_upper + np.log(rng.uniform(0.02, 1.05, m))
    return FeasibleRegion(np.arange(m), slopes, log_lower, log_upper)


REGIONS = [random_region(seed) for seed in range(40)]


def area(polygon: np.ndarray) -> float:
    """Signed: positive if the corners go counter-clockwise."""
    x, y = polygon.T
    return float(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y) / 2)


def same_points(first: np.ndarray, second: np.ndarray) -> bool:
    distance = np.abs(first[:, None] - second[None]).max(-1)
    return bool(np.all(distance.min(0) < 1e-9) and np.all(distance.min(1) < 1e-9))


def test_the_corners_are_the_feasible_crossings():
    for seed, region in enumerate(REGIONS):
        corners = region.vertices()
        bounds = region.slopes, region.log_lower, region.log_upper
        expected = crossings_of_bounds(*bounds)
        if len(expected) == 0:
            assert corners.shape == (0, 2), seed
            continue
        assert same_points(corners, expected), seed
        assert len(corners) < 3 or area(corners) > 0, seed
        for a, b in itertools.combinations(corners, 2):
            assert np.abs(a - b).max() > 1e-9, seed


def test_the_optimum_is_the_highest_corner():
    for seed, region in enumerate(REGIONS):
        corners = region.vertices()
        optimum = region.optimum()
        if len(corners) == 0:
            assert optimum is None, seed
        else:
            best = corners[np.argmax(corners @ [1e-3, 1])]
            np.testing.assert_allclose(optimum, best, atol=1e-9, err_msg=str(seed))


def test_an_optimum_where_two_lines_are_one():
    """Nothing is left between the two parties' lines but themselves."""
    region = FeasibleRegion(
        np.arange(3),
        np.array([0.0, 0.3, 0.3 + 1e-16]),
        np.array([-3.0, -3.0, -0.5]),
        np.array([-0.2, -0.5 - 1e-16, 1.0]),
    )
    np.testing.assert_allclose(region.optimum(), [1, -0.2], atol=1e-9)


def test_both_kinds_of_regions_were_tested():
    empty = [len(region.vertices()) == 0 for region in REGIONS]
    assert 5 < sum(empty) < 35


def room(region: FeasibleRegion, rho: np.ndarray) -> np.ndarray:
    rise = rho[:, None] * region.slopes[None]
    upper = (region.log_upper[None] + rise).min(1)
    return upper - (region.log_lower[None] + rise).max(1)


def test_the_widest_rho_has_most_room():
    for seed, region in enumerate(REGIONS):
        widest = region.widest_rho()
        assert 0 <= widest <= 1, seed
        best = room(region, np.array([widest]))[0]
        assert best >= room(region, np.linspace(0, 1, 1001)).max() - 1e-12, seed
        assert (best < -1e-12) == (len(region.vertices()) == 0), seed


def test_parties_keep_their_numbers():
    region = FeasibleRegion(
        parties=np.array([2, 5]),
        slopes=np.array([0.0, 1.0]),
        log_lower=np.array([-2.0, -2.5]),
        log_upper=np.array([-0.5, -1.0]),
    )
    assert region.binding_parties(0.0) == (2, 5)
    assert region.binding_parties(1.0) == (5, 2)


@pytest.mark.parametrize(
    "lower, upper, expected",
    [
        ([0.0, 0.0], [0.0, 0.0], [[0, 0]]),  # two lines that cross at ρ = 0
        ([0.0, -9.0], [0.0, 9.0], [[0, 0], [1, 0]]),  # one line
        ([-1.0, -2.0], [1.0, -2.0], [[1, -1]]),  # a corner of the square
    ],
)
def test_regions_without_an_area(lower: list, upper: list, expected: list):
    region = FeasibleRegion(
        np.arange(2), np.array([0.0, 1.0]), np.array(lower), np.array(upper)
    )
    assert same_points(region.vertices(), np.array(expected, float))
    assert len(region.vertices()) == len(expected)


def test_no_party_has_no_region():
    nothing = np.zeros(0)
    region = FeasibleRegion(np.zeros(0, int), nothing, nothing, nothing)
    assert region.vertices().shape == (0, 2)


def test_a_party_that_can_get_nothing_leaves_no_region():
    region = FeasibleRegion(
        np.arange(2), np.array([0.0, 1.0]), np.zeros(2), np.array([1.0, -np.inf])
    )
    assert region.vertices().shape == (0, 2)
    assert region.binding_parties(region.widest_rho())[1] == 1

"""The smallest length scale against plain bisection, and the median distance."""

import sys

import jax
import jax.numpy as jnp
import numpy as np
import oracles
import pytest
from tolerances import rtol

from cgm_jax.gram import median_length_scale, smallest_length_scale
from cgm_jax.kernels import Laplace, RationalQuadratic, SquaredExponential

KERNELS = {
    "squared exponential": (SquaredExponential(1.0), oracles.squared_exponential),
    "Laplace": (Laplace(1.0), oracles.laplace),
    "rational quadratic": (
        RationalQuadratic(1.0, alpha=2.0),
        lambda scale: oracles.rational_quadratic(scale, 2.0),
    ),
    "sum": (
        SquaredExponential(1.0) + 0.5 * Laplace(1.0),
        lambda scale: (
            lambda x, y: (
                oracles.squared_exponential(scale)(x, y)
                + 0.5 * oracles.laplace(scale)(x, y)
            )
        ),
    ),
    "scaled": (
        3.0 * SquaredExponential(1.0),
        lambda scale: lambda x, y: 3 * oracles.squared_exponential(scale)(x, y),
    ),
}
RESOLUTION = (1000.0 - 0.01) / 2**20


def split_pool(seed: int, d: int) -> tuple[list[np.ndarray], np.ndarray]:
    """Every party knows one of the clusters best, as in the paper's splits."""
    rng = np.random.default_rng(seed)
    means = rng.uniform(size=(4, d))

    def draw(shares: np.ndarray, n: int) -> np.ndarray:
        return means[rng.choice(4, n, p=shares)] + 0.07 * rng.normal(size=(n, d))

    shares = 0.1 * np.ones((3, 4)) / 4 + 0.9 * np.eye(4)[:3]
    parties = [draw(p, n) for p, n in zip(shares, (37, 12, 25), strict=True)]
    return parties, draw(np.full(4, 0.25), 90)


def equal_pool(seed: int, d: int) -> tuple[list[np.ndarray], np.ndarray]:
    """All from one distribution: any length scale would nearly do."""
    rng = np.random.default_rng(seed)
    return [rng.normal(size=(n, d)) for n in (37, 12, 25)], rng.normal(size=(90, d))


POOLS = {"split": split_pool, "equal": equal_pool}


def values_at(plain, scale: float, parties, candidates) -> list[float]:
    reference = np.concatenate([*parties, candidates])
    return [oracles.value(plain(scale), party, reference) for party in parties]


@pytest.mark.parametrize("pool", POOLS)
@pytest.mark.parametrize("d", [1, 2])
@pytest.mark.parametrize("seed", range(4))
def test_equals_plain_bisection_to_the_last_digit(seed: int, d: int, pool: str):
    parties, candidates = POOLS[pool](seed, d)
    found = smallest_length_scale(SquaredExponential(1.0), parties, candidates)
    expected = oracles.smallest_length_scale(
        oracles.squared_exponential, parties, candidates
    )
    assert isinstance(found, float)
    assert found == expected


@pytest.mark.parametrize("seed", range(4))
def test_by_a_sample_of_the_points_too(seed: int, monkeypatch: pytest.MonkeyPatch):
    parties, candidates = split_pool(seed, 2)
    module = sys.modules["cgm_jax.gram.length_scale"]
    passes, exact = [], module.party_values

    def counted(*arguments) -> np.ndarray:
        passes.append(1)
        return exact(*arguments)

    monkeypatch.setattr(module, "party_values", counted)
    monkeypatch.setattr(module, "WORTH_IT", 0)
    monkeypatch.setattr(module, "MAX_POINTS", 50)
    found = smallest_length_scale(SquaredExponential(1.0), parties, candidates)
    assert found == oracles.smallest_length_scale(
        oracles.squared_exponential, parties, candidates
    )
    assert len(passes) <= 7


@pytest.mark.medium
def test_an_estimate_from_all_points_is_exact():
    parties, candidates = split_pool(0, 2)
    module = sys.modules["cgm_jax.gram.length_scale"]
    sizes = [*map(len, parties), len(candidates)]
    kernel = RationalQuadratic(0.3, alpha=2.0) * 1.7
    estimated = module._estimated(kernel, parties, candidates, sizes)
    exact = module.party_values(kernel, parties, candidates)
    np.testing.assert_allclose(estimated, exact, rtol=1e-12)


@pytest.mark.parametrize("name", KERNELS)
@pytest.mark.medium
def test_equals_plain_bisection_with_other_kernels(name: str):
    kernel, plain = KERNELS[name]
    parties, candidates = split_pool(0, 2)
    found = smallest_length_scale(kernel, parties, candidates)
    assert found == oracles.smallest_length_scale(plain, parties, candidates)


@pytest.mark.parametrize("pool", POOLS)
def test_every_value_is_non_negative_there_and_not_one_step_below(pool: str):
    parties, candidates = POOLS[pool](5, 2)
    found = smallest_length_scale(SquaredExponential(1.0), parties, candidates)
    assert found > 0.01 + 2 * RESOLUTION  # not the end of the search
    plain = oracles.squared_exponential
    assert min(values_at(plain, found, parties, candidates)) >= 0
    assert min(values_at(plain, found - RESOLUTION, parties, candidates)) < 0


@pytest.mark.medium
def test_float32_points_give_the_same_answer():
    parties, candidates = split_pool(1, 2)
    single = [party.astype(np.float32) for party in parties]
    found = smallest_length_scale(
        SquaredExponential(1.0), single, candidates.astype(np.float32)
    )
    expected = smallest_length_scale(SquaredExponential(1.0), parties, candidates)
    assert abs(found - expected) <= RESOLUTION


@pytest.mark.parametrize("unit", [0.5, 8.0])
def test_another_unit_of_the_points_is_another_unit_of_the_scale(unit: float):
    parties, candidates = split_pool(2, 2)
    kernel = SquaredExponential(1.0)
    found = smallest_length_scale(kernel, parties, candidates)
    bounds = {"low": 0.01 * unit, "high": 1000.0 * unit}
    scaled = smallest_length_scale(
        kernel, [unit * party for party in parties], unit * candidates, **bounds
    )
    np.testing.assert_allclose(scaled, unit * found, rtol=rtol(np.float64))


# PITFALLS 25
def test_far_from_the_origin():
    parties, candidates = split_pool(3, 2)
    kernel = SquaredExponential(1.0)
    found = smallest_length_scale(kernel, parties, candidates)
    shifted = [party + 1e3 for party in parties]
    assert smallest_length_scale(kernel, shifted, candidates + 1e3) == found


@pytest.mark.parametrize("num_halvings", [1, 5, 30])
def test_other_bounds_and_numbers_of_halvings(num_halvings: int):
    parties, candidates = split_pool(4, 2)
    options = {"low": 0.05, "high": 7.0, "num_halvings": num_halvings}
    found = smallest_length_scale(
        SquaredExponential(1.0), parties, candidates, **options
    )
    expected = oracles.smallest_length_scale(
        oracles.squared_exponential, parties, candidates, **options
    )
    assert found == expected


def test_does_not_depend_on_the_scale_the_kernel_came_with():
    parties, candidates = split_pool(0, 2)
    one = smallest_length_scale(SquaredExponential(1.0), parties, candidates)
    other = smallest_length_scale(SquaredExponential([3.0, 4.0]), parties, candidates)
    assert one == other


def test_all_points_the_same_are_valued_at_any_scale():
    parties = [np.zeros((3, 2)), np.zeros((1, 2))]
    found = smallest_length_scale(SquaredExponential(1.0), parties, np.zeros((5, 2)))
    assert found == oracles.smallest_length_scale(
        oracles.squared_exponential, parties, np.zeros((5, 2))
    )
    assert 0.01 < found < 0.01 + 2 * RESOLUTION


def test_one_point_away_from_all_others():
    # Its value is 2 mean k − 1, up to itself: non-negative from k = 1/2 on.
    parties, candidates = [np.zeros((20, 1)), np.ones((1, 1))], np.zeros((200, 1))
    found = smallest_length_scale(SquaredExponential(1.0), parties, candidates)
    assert found == oracles.smallest_length_scale(
        oracles.squared_exponential, parties, candidates
    )
    np.testing.assert_allclose(found, (2 * np.log(2)) ** -0.5, rtol=0.01)


def test_works_without_candidates():
    parties, candidates = split_pool(0, 2)
    found = smallest_length_scale(SquaredExponential(1.0), parties, candidates[:0])
    assert found == oracles.smallest_length_scale(
        oracles.squared_exponential, parties, candidates[:0]
    )


@pytest.mark.medium
def test_a_party_with_a_negative_value_even_at_the_upper_end_is_named():
    parties, candidates = split_pool(0, 2)
    parties[1] = np.full((1, 2), 1e9)  # alone, and near nobody at any scale
    with pytest.raises(
        ValueError, match=r"parties\[1\] has a negative one even at 1000"
    ):
        smallest_length_scale(SquaredExponential(1.0), parties, candidates)
    parties, candidates = split_pool(0, 2)
    with pytest.raises(ValueError, match=r"even at 0\.02"):
        smallest_length_scale(SquaredExponential(1.0), parties, candidates, high=0.02)


def test_numbers_beyond_single_precision_are_far_apart():
    parties, candidates = split_pool(0, 2)
    parties[1] = 1e24 * parties[1]
    with pytest.raises(ValueError, match="non-negative"):
        smallest_length_scale(SquaredExponential(1.0), parties, candidates)


@pytest.mark.medium
def test_the_upper_end_itself_may_be_the_answer():
    parties, candidates = split_pool(0, 2)
    options = {"low": 0.01, "num_halvings": 3}
    exact = smallest_length_scale(
        SquaredExponential(1.0), parties, candidates, num_halvings=40
    )
    high = exact * (1 + 1e-9)
    found = smallest_length_scale(
        SquaredExponential(1.0), parties, candidates, high=high, **options
    )
    assert found == high


@pytest.mark.parametrize(
    "options",
    [
        {"low": 0.0},
        {"low": -1.0},
        {"low": 2.0, "high": 1.0},
        {"low": 1.0, "high": 1.0},
        {"high": np.inf},
        {"high": np.nan},
        {"num_halvings": 0},
    ],
)
def test_bounds_that_are_none_are_an_error(options: dict):
    parties, candidates = split_pool(0, 2)
    with pytest.raises(ValueError, match=r"0 < low < high|whole num_halvings >= 1"):
        smallest_length_scale(SquaredExponential(1.0), parties, candidates, **options)


def test_a_traced_search_is_an_error():
    parties, candidates = split_pool(0, 2)
    parties = [party.astype(np.float32) for party in parties]

    @jax.jit
    def search(candidates):
        return smallest_length_scale(SquaredExponential(1.0), parties, candidates)

    with pytest.raises(TypeError, match=r"outside of `jit`.*pass the length scale in"):
        search(candidates.astype(np.float32))


def test_the_median_of_all_distances():
    rng = np.random.default_rng(0)
    points = rng.normal(size=(31, 3))
    distances = np.sqrt(oracles.squared_distances(points, points))
    expected = np.median(distances[np.triu_indices(31, k=1)])
    found = median_length_scale(points)
    assert isinstance(found, float)
    np.testing.assert_allclose(found, expected, rtol=rtol(np.float64))
    np.testing.assert_allclose(
        median_length_scale(jnp.asarray(points, np.float32)), expected, rtol=1e-6
    )


def test_the_median_of_many_points_is_that_of_2000_of_them():
    points = np.linspace(0, 1, 40_000)[:, None]
    # of |x − y| with x, y uniform: 1 − 1/√2
    np.testing.assert_allclose(median_length_scale(points), 1 - 0.5**0.5, rtol=2e-3)


def test_one_point_has_no_median_distance():
    with pytest.raises(ValueError, match="at least two points, got 1"):
        median_length_scale(np.zeros((1, 2)))

"""Shapley values of single points, against enumeration, and what they find in data."""

import jax
import numpy as np
import oracles
import pytest
from block_games import leave_one_out, semivalues, shapley
from oracles_games import members_of, value_by_definition
from tolerances import rtol

from cgm_jax.gram import median_length_scale
from cgm_jax.kernels import SquaredExponential
from cgm_jax.valuation import point_shapley_values, value

KERNEL, PLAIN = SquaredExponential(0.9), oracles.squared_exponential(0.9)


def values_of_all_subsets(points: np.ndarray, reference: np.ndarray) -> np.ndarray:
    subsets = [points[members_of(c)] for c in range(1, 2 ** len(points))]
    return np.array([0.0, *(oracles.value(PLAIN, s, reference) for s in subsets)])


def draw(n: int, t: int, d: int, dtype: type) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng([n, t, d])
    points, others = rng.normal(size=(n, d)), 0.5 + rng.normal(size=(t, d))
    return points.astype(dtype), others.astype(dtype)


@pytest.mark.parametrize(
    ("n", "t", "d", "dtype"),
    [
        (1, 3, 2, np.float64),
        (2, 1, 1, np.float64),
        (7, 20, 3, np.float32),
        (10, 4, 2, np.float64),
    ],
)
@pytest.mark.parametrize("kind", ["pool", "pool and more", "others", "pool, shuffled"])
def test_equals_enumeration(kind: str, n: int, t: int, d: int, dtype: type):
    points, others = draw(n, t, d, dtype)
    reference = {
        "pool": points,
        "pool and more": np.concatenate([points, others]),
        "others": others,
        "pool, shuffled": np.concatenate([others, points[::-1]]),
    }[kind]
    found = point_shapley_values(KERNEL, points, None if kind == "pool" else reference)
    table = values_of_all_subsets(points, reference)
    tolerance = rtol(dtype, roundings=1000)
    for name, weight in (("shapley_values", shapley), ("leave_one_out", leave_one_out)):
        values = getattr(found, name)
        assert isinstance(values, np.ndarray) and values.dtype == np.float64
        np.testing.assert_allclose(values, semivalues(table, weight), atol=tolerance)


@pytest.mark.medium
def test_more_points_than_a_tile_share_out_the_value_of_the_pool():
    points, others = draw(1_200, 300, 2, np.float64)
    reference = np.concatenate([points, others])
    found = point_shapley_values(KERNEL, points, reference)
    of_pool = value(KERNEL, points, reference)
    assert found.shapley_values.sum() == pytest.approx(of_pool, abs=1e-12)
    gram = PLAIN(reference, reference)
    everything = list(range(1_200))
    for x in (0, 511, 1_199):
        without = value_by_definition(gram, everything[:x] + everything[x + 1 :])
        assert found.leave_one_out[x] == pytest.approx(of_pool - without, abs=1e-13)


@pytest.mark.medium
def test_is_the_limit_of_sampled_orders():
    points, others = draw(30, 50, 2, np.float64)
    gram = PLAIN(np.concatenate([points, others]), np.concatenate([points, others]))
    rng = np.random.default_rng(0)
    marginal = np.zeros((2_000, 30))
    for row in marginal:
        order = rng.permutation(30)
        path = [0.0, *(value_by_definition(gram, order[: i + 1]) for i in range(30))]
        row[order] = np.diff(path)
    error = marginal.std(axis=0, ddof=1) / np.sqrt(len(marginal))
    reference = np.concatenate([points, others])
    found = point_shapley_values(KERNEL, points, reference).shapley_values
    # 30 comparisons: 4.5 standard errors are exceeded once in 5,000 such tests.
    assert (np.abs(found - marginal.mean(axis=0)) < 4.5 * error).all()


def test_equal_points_get_the_same():
    points, others = draw(9, 5, 2, np.float64)
    points[6] = points[2]
    found = point_shapley_values(KERNEL, points, others)
    for values in (found.shapley_values, found.leave_one_out):
        assert values[6] == pytest.approx(values[2], abs=1e-14)
        assert values[6] != pytest.approx(values[3], abs=1e-4)


@pytest.mark.medium
def test_no_point_lowers_the_value_against_the_pool_itself():
    points, others = draw(40, 40, 2, np.float64)
    assert not point_shapley_values(KERNEL, points).lowers_pool.any()
    against_others = point_shapley_values(KERNEL, points, others)
    lowers = against_others.lowers_pool
    assert 0 < lowers.sum() < 40
    for x in range(40):
        without = value(KERNEL, np.delete(points, x, axis=0), others)
        assert lowers[x] == (value(KERNEL, points, others) < without)


@pytest.mark.medium
def test_differentiable_inside_the_users_jit():
    points, others = draw(6, 4, 2, np.float64)

    @jax.jit
    def first(scale):
        return point_shapley_values(
            SquaredExponential(scale), points, others
        ).shapley_values[0]

    with jax.enable_x64(True):
        slope, up, down = map(float, (jax.grad(first)(0.9), first(0.901), first(0.899)))
    np.testing.assert_allclose(slope, (up - down) / 2e-3, rtol=1e-5)


@pytest.mark.parametrize(
    ("points", "reference", "message"),
    [
        (np.zeros((0, 2)), np.ones((3, 2)), "in points"),
        (np.ones((3, 2)), np.zeros((0, 2)), "in reference"),
        (np.ones((3, 2)), np.ones((3, 1)), "columns"),
        (np.array([[np.nan]]), None, "finite"),
    ],
)
def test_what_has_no_values(points, reference, message: str):
    with pytest.raises(ValueError, match=message):
        point_shapley_values(KERNEL, points, reference)


# What the values find in handwritten digits, of which every fifth row is made wrong.


def digits() -> tuple[np.ndarray, np.ndarray]:
    """1,000 images of 64 pixels and their digits, in random order."""
    from sklearn.datasets import load_digits

    points, labels = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(points))[:1_000]
    return points[order], labels[order]


def with_labels(points: np.ndarray, labels: np.ndarray, scale: float) -> np.ndarray:
    """A label as ten more columns: k is a kernel of images times one of labels.

    Two images of different digits are as far as their pixels and 2 sqrt(2) length
    scales: their similarity is divided by e^4.
    """
    return np.concatenate([points, 2 * scale * np.eye(10)[labels]], axis=1)


def area_under_detection_curve(values: np.ndarray, is_wrong: np.ndarray) -> float:
    """Probability that a wrong row has a lower value than a right one."""
    lower = values[is_wrong][:, None] < values[~is_wrong][None]
    return float(lower.mean())


@pytest.mark.medium
def test_mislabelled_rows_rank_lowest():
    points, labels = digits()
    rng = np.random.default_rng(1)
    is_wrong = np.arange(600) % 5 == 0
    given = labels[:600].copy()
    given[is_wrong] = (given[is_wrong] + rng.integers(1, 10, is_wrong.sum())) % 10
    scale = float(median_length_scale(points)) / 4
    kernel = SquaredExponential(scale)
    pool = with_labels(points[:600], given, scale)
    found = point_shapley_values(kernel, pool)
    assert area_under_detection_curve(found.shapley_values, is_wrong) > 0.95

    random = [
        area_under_detection_curve(rng.permutation(found.shapley_values), is_wrong)
        for _ in range(100)
    ]
    assert abs(np.mean(random) - 0.5) < 0.01 and max(random) < 0.6

    trusted = with_labels(points[600:], labels[600:], scale)
    lowers = point_shapley_values(kernel, pool, trusted).lowers_pool
    assert lowers[is_wrong].mean() > 0.9 > 0.5 > lowers[~is_wrong].mean()


@pytest.mark.medium
def test_noisy_rows_rank_lowest():
    points, _ = digits()
    is_wrong = np.arange(len(points)) % 5 == 0
    noise = np.random.default_rng(1).normal(scale=4, size=points[is_wrong].shape)
    points[is_wrong] = np.clip(points[is_wrong] + noise, 0, 16)
    kernel = SquaredExponential(float(median_length_scale(points)) / 4)
    found = point_shapley_values(kernel, points)
    assert area_under_detection_curve(found.shapley_values, is_wrong) > 0.9

"""Which of several fits is kept: the likeliest of those that cannot be told apart."""

import jax
import numpy as np
import pytest

from cgm_jax.generators import ProductMixture, product_em
from cgm_jax.generators import product_mixture as product_mixture_file
from cgm_jax.generators.product_choice import (
    Fit,
    is_likelier,
    is_told_less,
    kept_fit,
    told_apart,
)
from cgm_jax.generators.product_columns import PointColumn
from cgm_jax.generators.product_em import Parameters
from cgm_jax.generators.product_tree import Tree

KEY = jax.random.key(0)
MISSING = PointColumn("weight", 2, height=1.0)
CATEGORY = PointColumn("job", 2, is_category=True, height=1.0)


def fit(
    log_densities: float | np.ndarray, area: float | None = None, *, num_rows: int = 1
) -> Fit:
    tree = Tree(np.zeros(1, np.int32), np.zeros(1, np.int32))
    rows = np.repeat(log_densities, num_rows)
    return Fit(rows, tree, Parameters(*[np.ones(1)] * 3), 1.0, area)


def test_of_fits_that_are_told_equally_often_the_likeliest_is_kept():
    # Of 600 rows each the area is off by 1/60, twice of which may be chance.
    for num_rows, place in [(600, 1), (400, 2), (60_000, 0)]:
        each = [(-3.0, 0.6), (-2.0, 0.63), (-1.0, 0.64)]
        fits = [fit(*facts, num_rows=num_rows) for facts in each]
        assert kept_fit(fits) is fits[place]
    assert kept_fit(fits[2:]) is fits[2]


@pytest.mark.parametrize(
    ("area", "gain", "expected"),
    [(0.59, -1.9, True), (0.61, -1.9, False), (0.59, -2.1, False)],
)
def test_a_larger_fit_is_kept_where_its_rows_are_told_less(area, gain, expected):
    """Of 150 rows each twice the error is 1/15, and the likelihood's 2 errors."""
    noise = np.tile([-1.0, 1.0], 75)
    error = np.sqrt(150 / (150 * 149))
    smaller = fit(np.zeros(150), 0.6 + 1 / 15)
    assert is_told_less(fit(noise + gain * error, area), smaller) is expected
    assert not is_told_less(smaller, fit(noise + gain * error, area))


@pytest.mark.parametrize(("errors", "expected"), [(1.9, False), (2.1, True)])
def test_a_larger_fit_is_kept_where_its_gain_is_above_two_standard_errors(
    errors, expected
):
    rng = np.random.default_rng(0)
    smaller, noise = rng.normal(scale=100, size=400), rng.normal(scale=3, size=400)
    noise -= noise.mean()
    error = np.sqrt(np.square(noise).sum() / (400 * 399))
    larger = smaller + errors * error + noise
    assert is_likelier(fit(larger), fit(smaller)) is expected
    assert not is_likelier(fit(smaller), fit(larger))


@pytest.mark.medium
def test_of_too_few_rows_to_show_a_gain_the_model_stays_small():
    """Four classes of which 400 rows say much; noise, of which they say nothing."""
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(400, 2))
    classes = 100 * rng.integers(4, size=(400, 1)) + noise
    sizes = [ProductMixture(held_out=0).fit(KEY, x) for x in (noise, classes)]
    assert [model.num_components for model in sizes] == [1, 8]


def rows(num: int, seed: int, share: float) -> np.ndarray:
    """Weights, missing or not, and jobs that depend on them in a share of the rows."""
    rng = np.random.default_rng(seed)
    is_missing, other = rng.random((2, num)) < 0.5
    job = np.where(rng.random(num) < share, is_missing, other)
    weight = np.where(is_missing, 0, rng.normal(size=num))
    return np.column_stack([weight, is_missing, job, ~job]).astype(np.float32)


@pytest.mark.medium
def test_the_area_is_what_the_best_classifier_has():
    real = rows(1_500, 0, 1)
    columns = MISSING, CATEGORY
    same, other = (told_apart(columns, real, rows(1_500, 1, x)) for x in (1, 0))
    assert abs(same - 0.5) < 3 / np.sqrt(6 * 1_500)
    # A row whose job does not fit is drawn; of those that fit, two in three are real.
    assert other == pytest.approx(0.75, abs=3 / np.sqrt(6 * 1_500))


@pytest.mark.parametrize(("num_hidden", "num_steps"), [(1, 128), (64, 16), (500, 16)])
@pytest.mark.medium
def test_a_small_mixture_settles_and_a_large_one_still_learns_all_rows(
    monkeypatch, num_hidden, num_steps
):
    states = np.zeros((num_hidden * 2, 1), np.int32)
    pool = product_em.pool_shares(states, np.array([2]))
    start = product_em.started(states[:num_hidden], pool, 1)
    steps, maximized = [], product_em.maximized

    def counted(*args, **options):
        steps.append(1)
        return maximized(*args, **options)

    monkeypatch.setattr(product_em, "maximized", counted)
    tree = Tree(np.zeros(1, np.int32), np.zeros(1, np.int32))
    product_em.settled(start, tree, states, pool, smoothing=1.0, min_rows=1)
    assert len(steps) == num_steps


@pytest.mark.medium
def test_a_number_that_one_row_has_tells_nothing():
    """No number is in most folds, which boosted trees do not take."""
    real, drawn = rows(200, 0, 1), rows(200, 1, 1)
    for table, where in ((real, [3]), (drawn, [])):
        table[:, 1] = 1
        table[where, 1] = 0
    area = told_apart((MISSING, CATEGORY), real, drawn)
    assert abs(area - 0.5) < 3 / np.sqrt(6 * 200)


@pytest.mark.parametrize(("worse", "num_nodes"), [(1, 2), (2, 3)])
@pytest.mark.medium
def test_the_tree_is_the_one_whose_rows_are_told_less(monkeypatch, worse, num_nodes):
    rng = np.random.default_rng(0)
    balance = rng.normal(size=(3_000, 1)) + 0.01 * rng.normal(size=(3_000, 2))
    points = np.column_stack([balance, np.sign(balance[:, 0]) * rng.random(3_000)])
    told = []

    def area(columns, real, drawn):
        told.append((len(columns), real.shape, drawn.shape))
        return 0.9 if len(told) == worse else 0.5

    monkeypatch.setattr(product_mixture_file, "told_apart", area)
    options = {"num_components": 64, "smoothing": 1, "held_out": 0, "max_steps": 2}
    model = ProductMixture(**options).fit(KEY, points)
    assert told == [(3, (600, 3), (600, 3))] * 2
    assert len(model.tree.parents) == num_nodes


@pytest.mark.medium
def test_a_larger_mixture_is_kept_where_its_rows_are_told_less(monkeypatch):
    """Of noise, whose likelihood does not ask for 64 components."""
    points = np.random.default_rng(0).normal(size=(1_000, 2))
    areas = iter([0.5, 0.9])  # of 8 components and of 1; then all are as good
    monkeypatch.setattr(product_mixture_file, "is_likelier", lambda *fits: False)
    monkeypatch.setattr(
        product_mixture_file, "told_apart", lambda *rows: next(areas, 0.5)
    )
    generator = ProductMixture(held_out=0, max_steps=2, smoothing=1)
    assert generator.fit(KEY, points).num_components == 8

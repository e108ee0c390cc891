"""Rows of tables, there and back."""

import jax
import numpy as np
import pytest

from cgm_jax.generators import KernelDensity
from cgm_jax.generators.scaled_columns import (
    TableGenerator,
    TableScale,
    TrainedOnRows,
    is_among,
)

RNG = np.random.default_rng(0)
# Whole ages, incomes, and a column in which everyone is the same.
ROWS = np.column_stack(
    [RNG.integers(18, 80, 60), RNG.normal(3e4, 9e3, 60), np.full(60, 7.0)]
)
PARTIES = [ROWS[:20], ROWS[20:]]
WHOLE = np.array([True, False, True])


@pytest.mark.parametrize("units", ["standard", "as they are"])
def test_rows_survive_the_translation(units: str):
    scale = TableScale.of(PARTIES, standardize=units == "standard", whole=WHOLE)
    points = scale.scaled(ROWS)
    assert points.dtype == np.float32
    assert points.shape == (60, 2)  # the constant column is left out
    np.testing.assert_allclose(scale.rows(points), ROWS, rtol=1e-5)


def test_standardised_columns_have_mean_0_and_deviation_1():
    scale = TableScale.of(PARTIES, standardize=True, whole=WHOLE)
    points = np.concatenate([scale.scaled(rows) for rows in PARTIES])
    np.testing.assert_allclose(points.mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(points.std(0), 1, rtol=1e-5)


def test_unscaled_columns_stay_as_they_are():
    scale = TableScale.of(PARTIES, standardize=False, whole=WHOLE)
    np.testing.assert_array_equal(scale.scaled(ROWS), ROWS[:, :2].astype(np.float32))


def test_drawn_rows_can_be_handed_out_as_they_were_valued():
    scale = TableScale.of(PARTIES, standardize=True, whole=WHOLE)
    generator = TableGenerator(KernelDensity(0.5), scale)
    model = generator.fit(jax.random.key(0), scale.scaled(ROWS))
    points = generator.sample(jax.random.key(1), model, 100)
    rows = scale.rows(points)
    np.testing.assert_array_equal(rows[:, 0], np.rint(rows[:, 0]))
    assert len(np.unique(rows[:, 0])) > 20
    np.testing.assert_array_equal(rows[:, 2], 7)
    np.testing.assert_array_equal(scale.scaled(rows), points)


def test_whole_columns_stay_in_the_range_of_the_parties():
    scale = TableScale.of(PARTIES, standardize=True, whole=WHOLE)
    generator = TableGenerator(KernelDensity(2.0), scale)
    model = generator.fit(jax.random.key(0), scale.scaled(ROWS))
    rows = scale.rows(generator.sample(jax.random.key(1), model, 500))
    assert rows[:, 0].min() == ROWS[:, 0].min()
    assert rows[:, 0].max() == ROWS[:, 0].max()
    # What is measured has no such bounds.
    assert rows[:, 1].min() < ROWS[:, 1].min()
    assert rows[:, 1].max() > ROWS[:, 1].max()


def test_more_rows_start_with_fewer():
    scale = TableScale.of(PARTIES, standardize=True, whole=WHOLE)
    generator = TableGenerator(KernelDensity(0.5), scale)
    model = generator.fit(jax.random.key(0), scale.scaled(ROWS))
    few, more = (generator.sample(jax.random.key(1), model, num) for num in (10, 25))
    np.testing.assert_array_equal(more[:10], few)


def test_nothing_varies():
    with pytest.raises(ValueError, match="same row everywhere"):
        TableScale.of([np.ones((2, 3))] * 2, standardize=True, whole=WHOLE)


class Rows:
    """Draws the table's rows in order, each a little off."""

    def sample(self, key: jax.Array, num: int) -> np.ndarray:
        return np.tile(ROWS, (1 + num // len(ROWS), 1))[:num] + 0.2


def test_a_model_of_rows_draws_points_that_can_be_handed_out():
    scale = TableScale.of(PARTIES, standardize=True, whole=WHOLE)
    generator = TableGenerator(TrainedOnRows(Rows(), scale), scale)
    model = generator.fit(jax.random.key(0), scale.scaled(ROWS))
    points = generator.sample(jax.random.key(1), model, 90)
    rows = scale.rows(points)
    np.testing.assert_array_equal(rows[:60, 0], ROWS[:, 0])
    np.testing.assert_allclose(rows[:60, 1], ROWS[:, 1] + 0.2, rtol=1e-5)
    np.testing.assert_array_equal(rows[:, 2], 7)
    np.testing.assert_array_equal(scale.scaled(rows), points)


def whole_table(high: int, columns: int):
    rows = np.random.default_rng(1).integers(0, high, (40, columns)).astype(float)
    whole = np.ones(columns, bool)
    scale = TableScale.of([rows], standardize=True, whole=whole)
    generator = TableGenerator(KernelDensity(0.15), scale)
    return scale, generator, generator.fit(jax.random.key(0), scale.scaled(rows))


def test_no_row_is_a_real_one_again():
    scale, generator, model = whole_table(9, 4)
    inner = generator.generator.sample(jax.random.key(1), model.model, 300)
    repeated = is_among(scale.scaled(scale.rows(np.asarray(inner))), model.real)
    assert 0.2 < repeated.mean() < 0.95  # without care, many would be
    few, more = (generator.sample(jax.random.key(1), model, n) for n in (300, 700))
    assert few.shape == (300, 4) and not is_among(more, model.real).any()
    np.testing.assert_array_equal(more[:300], few)


def test_columns_too_coarse_for_other_rows_repeat_them():
    _, generator, model = whole_table(2, 1)
    rows = generator.sample(jax.random.key(1), model, 50)
    assert len(rows) == 50 and is_among(rows, model.real).all()

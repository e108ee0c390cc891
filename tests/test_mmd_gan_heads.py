"""The last step of a generator of tables: states of columns, and their slope."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from oracles import chi_square
from scipy.stats import chi2

from cgm_jax.generators.mmd_gan.heads import (
    TEMPERATURE,
    columns_in_units,
    network_units,
    num_numbers,
    num_states,
    one_state_a_column,
    points_of,
)
from cgm_jax.generators.product_columns import (
    PointColumn,
    split_points,
    state_slices,
)

COLUMNS = (
    PointColumn("age"),
    PointColumn("job", 3, is_category=True, height=0.7),
    PointColumn("claim", 2, height=0.9, median=0.3),
    PointColumn("sex", 2, is_category=True, height=1.4),
    PointColumn("weight", 2, height=0.9, median=-0.2),
    PointColumn("one", 1, is_category=True, height=0.7),
)
NUM = 500
RNG = np.random.default_rng(0)
SCORES = RNG.normal(0, 3, (NUM, num_states(COLUMNS))).astype(np.float32)
VALUES = RNG.normal(size=(NUM, num_numbers(COLUMNS))).astype(np.float32)


def chosen_states(scores: np.ndarray) -> list[np.ndarray]:
    return [scores[:, places].argmax(axis=1) for places in state_slices(COLUMNS)]


@pytest.mark.medium
def test_points_are_those_of_the_states_with_the_largest_scores():
    points = np.asarray(jax.jit(points_of, static_argnums=0)(COLUMNS, VALUES, SCORES))
    assert points.dtype == np.float32
    values = iter(VALUES.T)
    expected = [
        column.block(states, None if column.is_category else next(values))
        for column, states in zip(COLUMNS, chosen_states(SCORES), strict=True)
    ]
    np.testing.assert_array_equal(points, np.hstack(expected).astype(np.float32))


@pytest.mark.medium
def test_a_category_is_one_of_its_columns_exactly():
    points = np.asarray(points_of(COLUMNS, VALUES, 30 * SCORES))
    for column, block in zip(COLUMNS, split_points(COLUMNS, points), strict=True):
        if column.is_category:
            assert set(np.unique(block)) <= {0, np.float32(column.height)}
            np.testing.assert_array_equal((block > 0).sum(axis=1), 1)
        elif column.size > 1:
            assert set(np.unique(block[:, 1])) == {0, np.float32(column.height)}
            missing = block[:, 1] > 0
            np.testing.assert_array_equal(block[missing, 0], np.float32(column.median))


@pytest.mark.medium
def test_the_slope_is_that_of_the_softmax():
    weights = jnp.asarray(RNG.normal(size=SCORES.shape), jnp.float32)

    def straight(scores):
        return (weights * one_state_a_column(COLUMNS, scores)).sum()

    def soft(scores):
        parts = [
            jax.nn.softmax(scores[:, places] / TEMPERATURE, axis=1)
            for places in state_slices(COLUMNS)
        ]
        return (weights * jnp.concatenate(parts, axis=1)).sum()

    slope = np.asarray(jax.grad(straight)(jnp.asarray(SCORES)))
    np.testing.assert_allclose(slope, jax.grad(soft)(SCORES), rtol=1e-4, atol=1e-6)
    for column, places in zip(COLUMNS, state_slices(COLUMNS), strict=True):
        assert (np.abs(slope[:, places]).max() > 0) == (column.num_states > 1)


def test_a_number_learns_where_it_has_a_value():
    slope = jax.grad(lambda values: points_of(COLUMNS, values, SCORES).sum())(VALUES)
    has_value = [
        states == 0
        for column, states in zip(COLUMNS, chosen_states(SCORES), strict=True)
        if not column.is_category
    ]
    np.testing.assert_array_equal(slope, np.array(has_value, np.float32).T)


@pytest.mark.medium
def test_states_are_drawn_with_the_probabilities_of_the_softmax():
    logits = SCORES[:1] / 3
    gumbel = jax.random.gumbel(jax.random.key(0), (50_000, logits.shape[1]))
    states = np.asarray(one_state_a_column(COLUMNS, logits + gumbel))
    for places in state_slices(COLUMNS):
        if places.stop - places.start > 1:
            shares = np.asarray(jax.nn.softmax(logits[0, places]))
            counts = states[:, places].sum(axis=0)
            statistic, freedom = chi_square(counts, shares)
            assert statistic < chi2.ppf(0.9999, freedom)


def test_numbers_of_another_size_are_standardised_for_the_networks():
    numbers = [0, 4, 8]  # age, claim and weight
    points = RNG.normal(size=(NUM, 11))
    shift, scale = network_units(COLUMNS, points)
    np.testing.assert_array_equal([shift, scale], [np.zeros(11), np.ones(11)])
    points[:, numbers] = points[:, numbers] * [1, 300, 1e-3] + [50, 0, 0]
    shift, scale = network_units(COLUMNS, points)
    moments = points[:, numbers].mean(axis=0), points[:, numbers].std(axis=0)
    np.testing.assert_allclose([shift[numbers], scale[numbers]], moments)
    others = np.setdiff1d(np.arange(11), numbers)
    assert (shift[others] == 0).all() and (scale[others] == 1).all()
    # A missing number is the median after the generator's points have been scaled.
    scaled = columns_in_units(COLUMNS, shift, scale)
    drawn = shift + scale * np.asarray(points_of(scaled, VALUES, SCORES), float)
    is_missing = chosen_states(SCORES)[2] == 1
    np.testing.assert_allclose(drawn[is_missing, 4], 0.3, rtol=1e-4)


@pytest.mark.parametrize("kept", [[1, 3], [0]])
@pytest.mark.medium
def test_tables_of_categories_only_or_of_numbers_only(kept):
    columns = tuple(COLUMNS[i] for i in kept)
    values, scores = VALUES[:, : num_numbers(columns)], SCORES[:, : num_states(columns)]
    points = np.asarray(points_of(columns, values, scores))
    assert points.shape == (NUM, sum(column.size for column in columns))
    if not values.size:
        assert (points > 0).sum() == 2 * NUM
    else:
        np.testing.assert_array_equal(points, values)

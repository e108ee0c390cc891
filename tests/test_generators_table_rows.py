"""Points of rows that may be handed out: calibrated, within the range, never real."""

import jax
import numpy as np
import pytest

from cgm_jax.generators import KernelDensity, table_rows
from cgm_jax.generators.table_rows import CoarseTableError, TableGenerator, is_among
from cgm_jax.tables import Cells, TableCodec

RNG = np.random.default_rng(0)
NUM = 600
KEYS = jax.random.split(jax.random.key(0))


def cells(form: str, values: np.ndarray, is_missing: np.ndarray | None = None) -> Cells:
    if is_missing is None:
        is_missing = np.zeros(len(values), bool)
    return Cells(form, np.where(is_missing, 0, values), is_missing)


def fitted(table: dict[str, Cells], bandwidth: float, **options):
    """A codec of a table that two parties share, and a density of its points."""
    half = len(next(iter(table.values()))) // 2
    tables = [
        {name: column.take(rows) for name, column in table.items()}
        for rows in (np.arange(half), np.arange(half, 2 * half))
    ]
    codec = TableCodec.fit(tables, **options)
    real = np.concatenate([codec.encode(part) for part in tables]).astype(np.float32)
    generator = TableGenerator(KernelDensity(bandwidth), codec)
    return codec, real, generator, generator.fit(KEYS[0], real)


def mixed_table() -> dict[str, Cells]:
    """Ages, claims with many zeros and a cap, and weights of which some are missing."""
    claims = np.where(RNG.random(NUM) < 0.7, 0, RNG.lognormal(5, 1, NUM).round(2))
    weights = RNG.normal(70, 9, NUM).round(1)
    return {
        "age": cells("whole", RNG.integers(18, 80, NUM)),
        "claim": cells("number", np.minimum(claims, 250.0)),
        "weight": cells("number", weights, RNG.random(NUM) < 0.3),
        "income": cells("number", RNG.normal(3e4, 9e3, NUM).round(2)),
        "job": cells(
            "text", RNG.choice(["clerk", "cook", "nurse"], NUM).astype(object)
        ),
    }


def smooth_table() -> dict[str, Cells]:
    return {name: cells("number", RNG.normal(size=NUM).round(5)) for name in "xy"}


@pytest.mark.medium
def test_drawn_rows_can_be_handed_out_as_they_were_valued():
    codec, _, generator, model = fitted(mixed_table(), 0.3)
    points = generator.sample(KEYS[1], model, 500)
    assert points.shape == (500, codec.num_dimensions) and points.dtype == np.float32
    rows = codec.decode(points)
    np.testing.assert_array_equal(codec.encode(rows).astype(np.float32), points)
    assert rows["age"].form == "whole" and len(np.unique(rows["age"].values)) > 20


def test_mass_points_and_missing_cells_keep_their_shares():
    table = mixed_table()
    codec, _, generator, model = fitted(table, 0.2)
    rows = codec.decode(generator.sample(KEYS[1], model, 20_000))
    claims, real = rows["claim"].values, table["claim"].values
    for value in (0.0, 250.0):
        share = (real == value).mean()
        assert share > 0.05
        # The sample that calibrates and the rows have errors of less than 0.8 %.
        assert abs((claims == value).mean() - share) < 0.025
    assert claims.min() >= 0 and claims.max() == 250
    missing = rows["weight"].is_missing.mean()
    assert abs(missing - table["weight"].is_missing.mean()) < 0.025


@pytest.mark.medium
def test_mass_points_are_exact_in_columns_of_many_decimals():
    seconds = np.where(RNG.random(NUM) < 0.3, 0, RNG.lognormal(4, 1, NUM).round(9))
    table = {"seconds": cells("number", seconds)} | smooth_table()
    codec, _, generator, model = fitted(table, 0.2)
    drawn = codec.decode(generator.sample(KEYS[1], model, 5_000))["seconds"].values
    # In float32, where 0 is not a coordinate, it would be some 1e-6.
    assert abs((drawn == 0).mean() - (seconds == 0).mean()) < 0.03
    sixth, fifth = np.sort(seconds)[[-6, -5]]
    assert sixth < drawn.max() < fifth


@pytest.mark.parametrize("drawn_share", [0.0, 0.29, 0.31])
def test_a_value_that_is_drawn_itself_is_not_spread(drawn_share):
    """A threshold on a coordinate of two values gives none, some or all of them."""
    distances = np.where(np.arange(100) < 100 * drawn_share, 0.0, 0.954)
    reach = table_rows._reach(distances, 0.3)
    np.testing.assert_allclose((distances <= reach).mean(), drawn_share)


@pytest.mark.medium
def test_without_mass_points_nothing_is_drawn_for_a_calibration():
    table = smooth_table()
    _, real, generator, model = fitted(table, 0.2)
    assert model.mass_points == ()
    density = KernelDensity(0.2)
    drawn = density.sample(KEYS[1], density.fit(KEYS[0], real), 100)
    points = generator.sample(KEYS[1], model, 100)
    # Five decimals of a deviation of 1, and the range of all but four on each side.
    assert (np.abs(points - np.asarray(drawn)).max(axis=1) < 1e-5).mean() > 0.9


def test_numbers_stay_in_the_range_of_several():
    table = smooth_table()
    codec, _, generator, model = fitted(table, 2.0)
    drawn = codec.decode(generator.sample(KEYS[1], model, 2_000))["x"].values
    real = np.sort(table["x"].values)
    # No row's own value: half way from that of the fifth to that of the sixth.
    assert real[4] < drawn.min() < real[5] and real[-6] < drawn.max() < real[-5]


def test_more_rows_start_with_fewer():
    _, _, generator, model = fitted(mixed_table(), 0.3)
    few, more = (generator.sample(KEYS[1], model, num) for num in (10, 25))
    np.testing.assert_array_equal(more[:10], few)


def whole_table(high: int, columns: int) -> dict[str, Cells]:
    values = np.random.default_rng(1).integers(0, high, (40, columns))
    return {f"x{i}": cells("whole", column) for i, column in enumerate(values.T)}


@pytest.mark.medium
def test_no_row_is_a_real_one_again():
    codec, real, generator, model = fitted(whole_table(9, 4), 0.15)
    inner = np.asarray(generator.generator.sample(KEYS[1], model.model, 300))
    repeated = is_among(codec.handed_out(inner).astype(np.float32), real)
    assert 0.2 < repeated.mean() < 0.95  # without care, many would be
    few, more = (generator.sample(KEYS[1], model, n) for n in (300, 700))
    assert few.shape == (300, 4) and not is_among(more, real).any()
    np.testing.assert_array_equal(more[:300], few)


@pytest.mark.medium
def test_columns_too_coarse_for_other_rows_are_refused():
    _, _, generator, model = fitted(whole_table(2, 1), 0.15)
    with pytest.raises(CoarseTableError, match="all but 0 equal a real row"):
        generator.sample(KEYS[1], model, 50)


@pytest.mark.medium
def test_rows_drawn_again_leave_the_shares_of_patterns():
    """Most points at a value that many have are real rows here; of others, few are."""
    rng = np.random.default_rng(2)
    zeros = np.where(rng.random(NUM) < 0.75, 0, rng.lognormal(0, 1, NUM).round(1))
    table = {
        "claim": cells("number", zeros),
        "age": cells("number", rng.normal(0, 4, NUM).round(1)),
        "sex": cells("text", rng.choice(["f", "m"], NUM, p=[0.3, 0.7]).astype(object)),
    }
    _, real, generator, model = fitted(table, 0.2)
    inner = np.asarray(generator.generator.sample(KEYS[1], model.model, 8_192))
    drawn = generator.rows_of(inner, model.mass_points)
    points = generator.sample(KEYS[1], model, 8_192)
    assert not is_among(points, real).any()
    is_real = is_among(drawn, real)
    patterns, others = (
        table_rows._patterns(generator.codec, model.mass_points, rows)
        for rows in (drawn, points)
    )
    np.testing.assert_array_equal(others, patterns)
    at_zero = patterns[:, 0] == 1
    assert 0.7 < at_zero.mean() < 0.8
    # Left out instead, they would take many of the zeros with them.
    assert at_zero[~is_real].mean() < at_zero.mean() - 0.05


def test_a_pattern_of_real_rows_only_goes_to_the_nearest():
    wanted = np.array([[1, 1], [1, 0], [1, 1], [0, 0]])
    there = np.array([[0, 0], [0, 1], [1, 0], [0, 1], [0, 0]])
    np.testing.assert_array_equal(table_rows._alike(wanted, there), [1, 2, 3, 0])

"""Shape and trend of tables: SDMetrics' figures, definitions in a loop, and laws."""

import json
from collections import Counter
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import jax
import numpy as np
import pyarrow as pa
import pytest
from table_cells import cells

from cgm_jax.metrics import table_quality
from cgm_jax.metrics.detection import Detection
from cgm_jax.metrics.table_columns import columns_beside
from cgm_jax.tables import read_cells

KEY = jax.random.key(0)
# Of SDMetrics 0.32.0: KSComplement and TVComplement as its QualityReport gives them,
# CorrelationSimilarity, and ContingencySimilarity with `continuous_column_names`. The
# penguins are Palmer Station LTER's (CC0), every second row beside the others, changed.
SAVED = json.loads((Path(__file__).parent / "sdmetrics_figures.json").read_text())


def saved_tables(name):
    """The real and the synthetic table, and SDMetrics' figures."""
    found = SAVED["tables"][name]
    tables = (
        {column: cells(**one) for column, one in found[which].items()}
        for which in ("real", "synthetic")
    )
    return *tables, found


@pytest.mark.parametrize("name", SAVED["tables"])
@pytest.mark.medium
def test_figures_are_those_of_sdmetrics(name):
    real, synthetic, saved = saved_tables(name)
    found = table_quality(KEY, [real], synthetic)
    assert list(found.columns) == list(saved["shapes"])
    # SDMetrics counts a category that no real row has as a millionth of a row there.
    np.testing.assert_allclose(
        found.shapes, list(saved["shapes"].values()), rtol=0, atol=1e-8
    )
    place = {column: i for i, column in enumerate(found.columns)}
    for one, other, expected in saved["trends"]:
        ours = found.trends[place[one], place[other]]
        assert ours == pytest.approx(
            np.nan if expected is None else expected, abs=1e-12, nan_ok=True
        ), (one, other)
    np.testing.assert_array_equal(found.trends, found.trends.T)
    assert len(saved["trends"]) == len(place) * (len(place) - 1) // 2
    if saved["logistic_detection"]:  # the folds of which are not seeded: 20 runs
        mean, spread = saved["logistic_detection"]
        assert abs(found.detection.logistic - mean) < 4 * spread


@pytest.mark.medium
def test_figures_by_definition():
    """Ten lines of Python, on columns with missing cells."""
    real, synthetic, _ = saved_tables("mixed")
    found = table_quality(KEY, [real], synthetic)
    place = {column: i for i, column in enumerate(found.columns)}

    def rows(table, *names):
        columns = [
            np.where(table[n].is_missing, None, table[n].values.astype(object))
            for n in names
        ]
        return list(zip(*columns, strict=True))

    def similarity(one, other):
        shares = [
            {row: count / len(x) for row, count in Counter(x).items()}
            for x in (one, other)
        ]
        rows = {*shares[0], *shares[1]}
        return 1 - sum(abs(shares[0].get(r, 0) - shares[1].get(r, 0)) for r in rows) / 2

    ages = [[x for (x,) in rows(t, "age") if x is not None] for t in (real, synthetic)]
    gaps = [
        abs(np.mean([x <= age for x in ages[0]]) - np.mean([x <= age for x in ages[1]]))
        for age in ages[0] + ages[1]
    ]
    assert found.shapes[place["age"]] == pytest.approx(1 - max(gaps), abs=1e-12)
    expected = similarity(rows(real, "job", "smoker"), rows(synthetic, "job", "smoker"))
    ours = found.trends[place["job"], place["smoker"]]
    assert ours == pytest.approx(expected, abs=1e-12)
    for table, which in enumerate((real, synthetic)):
        for one, other in combinations(("amount", "children", "age"), 2):
            both = [row for row in rows(which, one, other) if None not in row]
            np.testing.assert_allclose(
                found.correlations[table, place[one], place[other]],
                np.corrcoef(np.array(both, float).T)[0, 1],
                atol=1e-12,
            )
    missing = [
        np.mean([x is None for (x,) in rows(t, "job")]) for t in (real, synthetic)
    ]
    np.testing.assert_allclose(found.missing[:, place["job"]], missing)
    np.testing.assert_allclose(
        found.missing_differences[place["job"]], missing[1] - missing[0]
    )


# --- laws


@pytest.mark.parametrize("name", SAVED["tables"])
@pytest.mark.medium
def test_a_table_is_like_itself_and_like_its_rows_in_another_order(name):
    real, _, _ = saved_tables(name)
    order = np.random.default_rng(0).permutation(len(next(iter(real.values())).values))
    mixed = {
        column: cells(
            x.form,
            [None if x.is_missing[i] else x.values[i] for i in order],
        )
        for column, x in real.items()
    }
    found = table_quality(KEY, [real], mixed)
    assert found.shape == 1
    assert found.trend == pytest.approx(1, abs=1e-12)
    np.testing.assert_array_equal(found.missing[0], found.missing[1])
    # Each row has a copy that is in another fold or not: nothing is learned.
    assert found.detection.logistic > 0.8 and found.detection.boosted > 0.8


@pytest.mark.medium
def test_columns_drawn_independently_have_a_shape_but_no_trend():
    rng = np.random.default_rng(0)
    x = rng.normal(size=800)
    group = np.where(x > 0, "a", "b")

    def table(x, y, group):
        return {
            "x": cells("number", x.tolist()),
            "y": cells("number", y.tolist()),
            "group": cells("text", group.tolist()),
        }

    real = table(x, x + 0.1 * rng.normal(size=800), group)
    y, shuffled = rng.permutation(x), rng.permutation(group)
    found = table_quality(KEY, [real], table(x, y, shuffled))
    assert found.shape > 0.95
    assert found.trend < 0.65
    assert found.detection.boosted < 0.1  # trees see what is joint,
    assert found.detection.logistic > 0.8  # and a hyperplane does not


@pytest.mark.medium
def test_nothing_depends_on_units_and_origin():
    real, synthetic, _ = saved_tables("penguins")
    first = table_quality(KEY, [real], synthetic)
    for table in (real, synthetic):
        egg, mass = table["egg"], table["mass"]
        # As ticks of nanoseconds: float64 holds no whole number there.
        ticks = np.where(egg.is_missing, 0, 1_700_000_000_000_000_001 + egg.values)
        table["egg"] = replace(egg, values=ticks)
        table["mass"] = replace(mass, values=2.0**-600 * mass.values)
    again = table_quality(KEY, [real], synthetic)
    np.testing.assert_array_equal(again.shapes, first.shapes)
    np.testing.assert_allclose(again.trends, first.trends, atol=1e-12)


# --- what is missing or constant


def test_constant_empty_and_unseen():
    real = {
        "constant": cells("number", [3.0, 3.0, 3.0]),
        "gone": cells("number", [1.0, 2.0, 4.0]),
        "text": cells("text", ["a", "b", None]),
        "x": cells("number", [1.0, 2.0, 4.0]),
    }
    synthetic = {
        "constant": cells("number", [3.0, 3.0]),
        "gone": cells("number", [None, None]),
        "text": cells("text", ["c", "c"]),
        "x": cells("number", [9.0, None]),
    }
    found = table_quality(KEY, [real], synthetic)
    np.testing.assert_array_equal(found.shapes, [1, np.nan, 0, 0])
    assert found.shape == pytest.approx(1 / 3)
    assert np.isnan(found.trends[0, 1]) and np.isnan(found.trends[1, 3])
    assert found.trends[0, 2] == found.trends[2, 3] == 0
    np.testing.assert_array_equal(found.missing_differences, [0, 1, -1 / 3, 0.5])
    assert found.detection is None  # of so few rows


def test_kinds_decide_what_is_compared_and_how():
    codes = cells("whole", [1, 5, 5, 77])
    table = {
        "code": codes,
        "id": cells("whole", [1, 2, 3, 4]),
        "note": cells("text", ["a b", "c d", "e f", "g h"]),
        "empty": cells("number", [None] * 4),
    }
    kinds = {"code": "category", "id": "identifier", "note": "free text"}
    (column,) = columns_beside([table], table, kinds | {"empty": "constant"})
    assert column.form == "category" and column.categories == ("1", "5", "77")
    assert [c.form for c in columns_beside([table], table)] == [
        "number",
        "number",
        "category",
        "number",
    ]


def test_tables_of_several_parties_are_taken_together_in_one_form():
    first = {
        "day": read_cells(pa.array(["2024-01-31", "2024-02-01"])),
        "smokes": read_cells(pa.array(["yes", "no"])),
        "n": read_cells(pa.array(["1", "2"])),
    }
    second = {
        "n": read_cells(pa.array(["2.5", ""])),
        "smokes": read_cells(pa.array(["", "yes"])),
        "day": read_cells(pa.array(["2024-02-02 12:00", "2024-02-03 00:00"])),
    }
    columns = columns_beside([first, second], first)
    day, smokes, n = columns
    assert day.form == "date" and smokes.form == "category" and n.form == "number"
    np.testing.assert_array_equal(n.real, [1, 2, 2.5, np.nan])
    np.testing.assert_array_equal(n.synthetic, [1, 2])
    assert smokes.real.tolist() == [1, 0, -1, 1] and smokes.synthetic.tolist() == [1, 0]
    hours = np.diff(day.real) / (day.real[3] - day.real[1]) * 48
    np.testing.assert_allclose(hours, [24, 36, 12])
    np.testing.assert_array_equal(day.synthetic, day.real[:2])


def test_tables_that_do_not_fit_are_refused():
    table = {"a": cells("number", [1.0]), "b": cells("number", [2.0])}
    with pytest.raises(ValueError, match=r"synthetic table .* no column \['b'\]"):
        table_quality(KEY, [table], {"a": table["a"]})
    with pytest.raises(ValueError, match="real table with all columns"):
        table_quality(KEY, [table, {"a": table["a"]}], table)
    nothing = {name: cells("number", []) for name in table}
    with pytest.raises(ValueError, match="got 0 and 1"):
        table_quality(KEY, [nothing], table)
    with pytest.raises(ValueError, match="got 1 and 0"):
        table_quality(KEY, [table], nothing)
    words = table | {"a": cells("text", ["x"])}
    with pytest.raises(ValueError, match="expected numbers in all tables"):
        table_quality(KEY, [table], words)


# --- detection


def test_a_score_is_one_where_the_area_is_a_half_or_less():
    areas = np.array([0.3, 0.6, 1.0])
    found = Detection(areas, np.full(3, 0.4), 90, 90)
    assert found.logistic == pytest.approx(1 - (0 + 0.2 + 1) / 3)
    assert found.boosted == 1


@pytest.mark.medium
def test_a_table_of_other_values_is_told_apart_and_few_rows_are_drawn_for_it():
    rng = np.random.default_rng(0)
    real = {
        "x": cells("number", rng.normal(size=500).tolist()),
        "many": cells("text", rng.integers(0, 400, 500).astype(str).tolist()),
    }
    other = {
        "x": cells("number", (5 + rng.normal(size=300)).tolist()),
        "many": cells("text", rng.integers(0, 400, 300).astype(str).tolist()),
    }
    found = table_quality(KEY, [real], other, max_detection_rows=200).detection
    assert (found.num_real, found.num_synthetic) == (200, 200)
    assert found.logistic < 0.05 and found.boosted < 0.05
    alike = table_quality(KEY, [real], real, max_detection_rows=200).detection
    assert alike.logistic > 0.7 and alike.boosted > 0.7
    again = table_quality(KEY, [real], other, max_detection_rows=200).detection
    assert again == found


@pytest.mark.medium
def test_missing_cells_alone_tell_tables_apart():
    rng = np.random.default_rng(0)
    x = rng.normal(size=200).tolist()
    real = {"x": cells("number", x), "only": cells("text", ["a"] * 200)}
    holes = [None if i % 2 else value for i, value in enumerate(x)]
    synthetic = real | {"x": cells("number", holes)}
    assert table_quality(KEY, [real], synthetic).detection.boosted < 0.8


@pytest.mark.medium
def test_columns_of_hardly_any_numbers_do_not_stop_the_trees():
    """All three numbers may be in the rows of one fold."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=120)
    for place in range(0, 90, 7):
        few = np.arange(120) // 3 == place // 3
        table = {
            "x": cells("number", x.tolist()),
            "few": cells("number", [1.5 if there else None for there in few]),
        }
        quality = table_quality(
            jax.random.key(place),
            [table],
            {**table, "few": cells("number", [None] * 120)},
            kinds={"x": "number", "few": "number"},
        )
        assert quality.detection is not None

"""Rows of others as a party writes them: in its words and types, and never rounded."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from cgm_jax.files import plain_format, read_tables, write_rewards
from cgm_jax.files.spelling import OwnColumn, as_arrow, as_words, same_cells
from cgm_jax.tables import Cells, read_cells


def column(text: list[str]) -> Cells:
    return read_cells(pa.array(text))


def words(rows: list[str], own: list[str]) -> list[str]:
    """Cells of the one text as a party writes them whose own cells are the other."""
    cells = column(own)
    return as_words(column(rows), OwnColumn("x", cells.form, cells.spelling)).tolist()


@pytest.mark.parametrize(
    ("rows", "own", "expected"),
    [
        (["1.5", "2"], ["1.50", "2.25"], ["1.50", "2.00"]),
        (["1.125", "2"], ["1.50", "2.25"], ["1.125", "2.00"]),  # not rounded
        (["30.5", "31"], ["30", "31"], ["30.5", "31"]),
        (["1e15", "1e-8"], ["1.5", "2"], ["1000000000000000", "0.00000001"]),
        (["-0.0", "0.5"], ["1.5"], ["0.0", "0.5"]),
        (["-0.0", "0.5"], ["1.5", "2"], ["0", "0.5"]),
        (["true", "false"], ["1", "0"], ["1", "0"]),
        (["1", "0"], ["yes", "no"], ["1", "0"]),
        (["1", "0"], ["TRUE", "TRUE"], ["TRUE", "FALSE"]),
        (["TRUE", ""], ["false", "NA"], ["true", "NA"]),
        (["2020-01-31", "?"], ["31.12.2020", "-"], ["31.01.2020", "-"]),
        (["2020-01-31 10:30"], ["31.12.2020"], ["31.01.2020 10:30"]),
        (
            ["2020-01-31 10:30:05.250"],
            ["31.12.2020 12:00"],
            ["31.01.2020 10:30:05.25"],
        ),
        (
            ["2020-01-31T23:30:00Z"],
            ["2020-06-30T12:00:00+02:00"],
            ["2020-02-01T01:30:00+02:00"],
        ),
        (["1.5", ""], ["NA", "NA"], ["1.5", "NA"]),
    ],
)
def test_rows_of_others_in_a_party_s_words(
    rows: list[str], own: list[str], expected: list[str]
):
    assert words(rows, own) == expected


@pytest.mark.parametrize(
    ("rows", "kind", "expected"),
    [
        (["1", "100"], pa.int8(), pa.int8()),
        (["1", "300"], pa.int8(), pa.int64()),
        (["1", "30.5"], pa.int8(), pa.float64()),
        (["1", str(2**64 + 1)], pa.int8(), pa.decimal128(38, 0)),
        (["0.1", "2"], pa.float32(), pa.float32()),
        (["16777216", "16777217"], pa.float32(), pa.float64()),
        (["1.25", "2"], pa.decimal128(5, 2), pa.decimal128(5, 2)),
        (["1.255", "2"], pa.decimal128(5, 2), pa.decimal128(38, 8)),
        (["1", "0"], pa.bool_(), pa.bool_()),
        (["1", "2"], pa.bool_(), pa.int64()),
        (["1", "x"], pa.int8(), pa.string()),
        (["2020-01-31"], pa.date32(), pa.date32()),
        (["2020-01-31 10:00"], pa.date32(), pa.timestamp("s")),
        (["2020-01-31 10:00:00.5"], pa.timestamp("s"), pa.timestamp("ms")),
        (["", ""], pa.int8(), pa.int8()),
        (["1.5", ""], pa.null(), pa.float64()),
        (["a", "b"], pa.null(), pa.string()),
    ],
)
def test_types_are_widened_only_where_they_cannot_hold_the_rows(
    rows: list[str], kind: pa.DataType, expected: pa.DataType
):
    cells = column(rows)
    if cells.problems:  # numbers and text, which a category may mix
        cells = Cells("text", np.array(rows, object), np.zeros(len(rows), bool))
    own = OwnColumn("x", "whole", column(["1"]).spelling)
    array = as_arrow(cells, own, kind)
    assert array.type == expected
    assert same_cells(read_cells(array), cells)


def test_single_precision_stays_where_points_are_not_finer():
    numbers = np.random.default_rng(0).normal(100, 15, 500)
    own = OwnColumn("x", "number", column(["1.5"]).spelling)
    array = as_arrow(column([repr(float(x)) for x in numbers]), own, pa.float32())
    assert array.type == pa.float32()
    np.testing.assert_array_equal(array.to_numpy(), numbers.astype(np.float32))
    far = column([repr(float(x)) for x in numbers + 1e7])
    assert as_arrow(far, own, pa.float32()).type == pa.float64()


def test_a_category_of_others_is_added_to_the_party_s(tmp_path: Path):
    own = OwnColumn(
        "x", "text", column(["s"]).spelling, categories=pa.array(["l", "m", "s"])
    )
    kind = pa.dictionary(pa.int8(), pa.string(), ordered=True)
    array = as_arrow(column(["m", "xl", "", "s"]), own, kind)
    assert array.type == kind
    assert array.dictionary.to_pylist() == ["l", "m", "s", "xl"]
    assert array.to_pylist() == ["m", "xl", None, "s"]


def test_numbers_read_back(tmp_path: Path):
    rng = np.random.default_rng(0)
    values = rng.normal(size=2000) * 10.0 ** rng.integers(-37, 38, 2000)
    values[:4] = [0.1, np.finfo(np.float32).max, 1e-40, 5e-324]
    table = {"x": read_cells(pa.array(values)), "y": read_cells(pa.array(-values))}
    for name in "ab":
        write_rewards(tmp_path / f"{name}.csv", table, plain_format(table))
    back = read_tables([tmp_path / "a.csv", tmp_path / "b.csv"]).tables[0]
    np.testing.assert_array_equal(back["x"].values, values)
    np.testing.assert_array_equal(back["y"].values, -values)
    for line in (tmp_path / "a.csv").read_text().splitlines()[1:]:
        for cell in line.split(","):
            assert ("e" in cell) == (not 1e-9 <= abs(float(cell)) < 1e16)

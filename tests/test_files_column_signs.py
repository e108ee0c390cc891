"""What the mediator is told about single columns, and what not."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from cgm_jax.files import read_tables
from cgm_jax.files.column_signs import column_signs
from cgm_jax.tables import infer, read_cells

rng = np.random.default_rng(0)
NAMES, FIRST_ROWS, SIZES = ("a", "b"), (2, 2), (60, 40)
MEDIATOR = Path(__file__).resolve().parents[2] / "shared" / "inputs" / "mediator"


def signs(a: list | np.ndarray, b: list | np.ndarray, name: str = "x") -> tuple:
    column = [read_cells(pa.array(cells)) for cells in (a, b)]
    tables = [{name: cells} for cells in column]
    return column_signs(NAMES, tables, [infer(name, column)], FIRST_ROWS)


def ages(size: int) -> np.ndarray:
    return rng.integers(20, 80, size)


def test_ordinary_columns_give_no_sign():
    assert signs(ages(60), ages(40)) == ()
    assert signs(rng.normal(size=60), rng.normal(size=40)) == ()
    assert signs(["f", "m"] * 30, ["m", "f"] * 20) == ()
    assert signs(["2020-01-31", "1999-12-05"] * 30, ["1999-12-05"] * 40) == ()
    assert signs([7] * 60, [7] * 40) == ()
    assert signs([0, 1] * 30, [1, 0] * 20) == ()


@pytest.mark.parametrize("value", [-999, 999, 9999.0])
def test_a_value_far_off_that_is_repeated(value: float):
    a, b = ages(60).astype(float), ages(40).astype(float)
    b[::10] = value
    (sentence,) = signs(a, b)
    assert sentence.startswith("b: column x: one value far from all others")
    assert "in 4 of 40 cells" in sentence and "9999" not in sentence


def test_codes_are_no_missing_cells():
    assert signs([1, 2, 5, 9, 77] * 12, [1, 2, 5, 9, 77] * 8) == ()


def test_one_cell_with_decimals():
    b = ages(40).astype(float)
    b[7] = 30.5
    (sentence,) = signs(ages(60), b)
    assert sentence.startswith("b: column x (row 9): 1 of 100 cells")
    assert signs(ages(60), ages(40) + 0.5) == ()


def test_columns_that_name_the_party():
    (sentence,) = signs([1] * 60, [2] * 40, "hospital")
    assert "tell from which party a row is" in sentence
    (sentence,) = signs(["north"] * 60, ["south"] * 40)
    assert "tell from which party a row is" in sentence


def test_columns_that_are_left_out_are_said_elsewhere():
    assert signs(np.arange(60) + 1000, np.arange(40) + 9000, "patient_no") == ()
    notes = [f"Seen on day {i} in the ward." for i in range(60)]
    assert signs(notes, notes[:40]) == ()
    assert signs([None] * 60, [None] * 40) == ()


def test_leading_zeros():
    (sentence,) = signs(["007", "012"] * 30, ["012", "999"] * 20)
    assert "leading zeros" in sentence


def test_dates_that_can_be_read_in_two_ways():
    (sentence,) = signs(["1/2/2020", "3/4/2021"] * 30, ["1/2/2020"] * 40)
    assert "month first" in sentence
    assert signs(["1/2/2020", "3/14/2021"] * 30, ["3/14/2021"] * 40) == ()


def test_several_zones():
    times = ["2020-01-31T10:00:00+02:00", "2020-01-31T10:00:00Z"]
    (sentence,) = signs(times[:1] * 60, [times[1], "2020-01-31T08:00:00Z"] * 20)
    assert "UTC" in sentence


def test_missing_cells_are_counted():
    (sentence,) = signs([*ages(55), *[None] * 5], ages(40))
    assert "5 cells are missing" in sentence


def test_missing_notes_are_not_counted():
    """Free text is not valued: of its cells, none counts as anything."""
    notes = [f"seen on ward {i}, went home well" for i in range(60)]
    assert not signs([*notes, *[None] * 5], notes[:40])


def test_one_sentence_for_many_columns():
    column = [read_cells(pa.array(["007", "012"] * 30)) for _ in NAMES]
    names = [f"zip{i}" for i in range(6)]
    tables = [dict.fromkeys(names, cells) for cells in column]
    facts = [infer(name, column) for name in names]
    (sentence,) = column_signs(NAMES, tables, facts, FIRST_ROWS)
    assert sentence.startswith("Columns zip0, zip1, zip2 and 3 more: ")


def described(name: str) -> str:
    return "\n".join(read_tables(sorted((MEDIATOR / name).iterdir())).warnings)


@pytest.mark.skipif(not MEDIATOR.is_dir(), reason="shared inputs are not here")
def test_inputs_of_a_mediator():
    assert described("plain") == ""
    assert "b: column age (row 2): 1 of 105 cells" in described("one_half_year")


def test_half_precision_that_rewards_do_not_keep_is_said(tmp_path: Path):
    halves = pa.array(rng.normal(size=50).astype(np.float16))
    singles = pa.array(rng.normal(size=50).astype(np.float32))
    paths = []
    for name, x in (("a", singles), ("b", halves)):
        paths.append(tmp_path / f"{name}.parquet")
        table = {"x": x, "y": singles.take(pa.array(rng.permutation(50)))}
        parquet.write_table(pa.table(table), paths[-1])
    (sentence,) = read_tables(paths).warnings
    assert sentence.startswith("b: column x: float16, in which")

"""Real tables, where they are beside the checkout, as Arrow tables of text."""

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import csv

from cgm_jax.tables import Cells, read_cells
from cgm_jax.tables.pooling import PooledForm, in_form

_FOLDERS = [folder / "shared" for folder in Path(__file__).resolve().parents[2:]]
SHARED = next((folder for folder in _FOLDERS if folder.exists()), _FOLDERS[0])
FOLDER = SHARED / "data" / "tables"


def read_table(name: str) -> dict[str, Cells]:
    """Every column of a table; skips the test where the table is not here."""
    if not (FOLDER / name).exists():
        pytest.skip(f"{name} is not in {FOLDER}")
    data = (FOLDER / name).read_bytes()
    data = gzip.decompress(data) if name.endswith(".gz") else data
    names = csv.read_csv(pa.BufferReader(data)).column_names
    options = csv.ConvertOptions(
        column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False
    )
    table = csv.read_csv(pa.BufferReader(data), convert_options=options)
    return cells_of(dict(zip(names, table.columns, strict=True)))


def cells_of(columns: dict[str, Any]) -> dict[str, Cells]:
    """The cells of Arrow columns or of lists of text."""
    return {
        name: read_cells(pa.array(column) if isinstance(column, list) else column)
        for name, column in columns.items()
    }


def assert_same(decoded: Cells, cells: Cells) -> None:
    """The same values, bit by bit, in the form that the decoded cells have."""
    assert decoded.form != "time" or not cells.spelling.is_ambiguous
    form = PooledForm(decoded.form, decoded.spelling.resolution)
    expected = in_form(cells, form)
    np.testing.assert_array_equal(decoded.is_missing, expected.is_missing)
    present = ~expected.is_missing
    found, wanted = decoded.values[present], expected.values[present]
    if wanted.dtype == np.float64:
        found, wanted = found.view(np.int64), wanted.view(np.int64)
    np.testing.assert_array_equal(found, wanted)


def mixed_tables() -> list[dict[str, Any]]:
    """Cells of two made-up tables with every kind of column."""
    rng = np.random.default_rng(3)
    tables = []
    for num in (70, 50):
        age = [str(x) for x in rng.integers(18, 80, num)]
        age[3] = ""
        pay = [f"{x:.2f}" for x in rng.lognormal(7, 1, num)]
        hundreds = [str(100 * x) for x in rng.integers(1, 40, num)]
        job = [["clerk", "cook", "nurse", "?"][i] for i in rng.integers(0, 4, num)]
        code = [str([1, 2, 5, 9, 77][i]) for i in rng.integers(0, 5, num)]
        days = np.datetime64("2020-01-01") + rng.integers(9, 90, num)
        for i in (0, 5, 7, 11):
            age[i] = "NA"
        job[0] = "president"  # held by one row of each
        tables.append(
            cells_of(
                {
                    "age": age,
                    "pay": pay,
                    "hundreds": hundreds,
                    "job": job,
                    "code": code,
                    "date": days.astype(str).tolist(),
                }
            )
        )
    return tables

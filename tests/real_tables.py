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

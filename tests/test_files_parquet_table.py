"""Parquet files: what is read, and the place and reason of every refusal."""

import datetime
import decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from party_files import (
    GOOD_CSV,
    SECRET_TEXT,
    parquet_bytes,
    read_parties,
    refused,
    write_csv,
)

GOOD = {"age": [31, 42], "income": [1200.5, 918273.645]}
EXPECTED = [[31, 1200.5], [42, 918273.645]]


def refusal(tmp_path: Path, data: bytes, **options):
    good = write_csv(tmp_path, "good.csv", GOOD_CSV)
    error = refused([good, write_csv(tmp_path, "it.parquet", data)], **options)
    assert error.file == tmp_path / "it.parquet"
    return error


@pytest.mark.parametrize(
    "columns",
    [
        GOOD,
        dict(reversed(GOOD.items())),
        {"age": pa.array([31, 42], pa.uint8()), "income": GOOD["income"]},
        {
            "age": pa.array([31, 42]).dictionary_encode(),
            "income": pa.array(["1200.500", "918273.645"]).cast(pa.decimal128(9, 3)),
        },
    ],
)
def test_kinds_of_numbers(tmp_path: Path, columns: dict):
    good = write_csv(tmp_path, "good.csv", GOOD_CSV)
    it = write_csv(tmp_path, "it.parquet", parquet_bytes(columns))
    party = read_parties([good, it]).points[1]
    assert party.dtype == np.float64
    np.testing.assert_array_equal(party, EXPECTED)


def test_files_of_pandas(tmp_path: Path):
    frame = pd.DataFrame({**GOOD, "sex": ["f", "m"]})
    frame["class"] = frame["sex"].astype("category")
    paths = [tmp_path / "a.parquet", tmp_path / "b.parquet"]
    frame.drop(columns="class").to_parquet(paths[0])
    frame[["sex", "income", "age"]].to_parquet(paths[1], compression="gzip")
    parties = read_parties(paths, label_column="sex")
    np.testing.assert_array_equal(parties.points, [EXPECTED, EXPECTED])
    assert parties.labels is not None
    assert [list(party) for party in parties.labels] == [["f", "m"]] * 2
    frame[["age", "class"]].to_parquet(paths[0])
    frame[["age", "class"]].to_parquet(paths[1])
    parties = read_parties(paths, label_column="class")
    assert parties.labels is not None and list(parties.labels[0]) == ["f", "m"]


@pytest.mark.parametrize(
    ("cells", "kind", "expected"),
    [
        ([1, 2], pa.int32(), [1, 2]),
        ([1.0, 2.0], pa.float64(), [1, 2]),
        (["x", "y"], pa.large_string(), ["x", "y"]),
        (["1", "2"], pa.string(), [1, 2]),
        ([True, False], pa.bool_(), ["True", "False"]),
        ([2**64 - 1, 1], pa.uint64(), [str(2**64 - 1), "1"]),
    ],
)
def test_kinds_of_labels(
    tmp_path: Path, cells: list, kind: pa.DataType, expected: list
):
    data = parquet_bytes({"x": [1, 2], "y": pa.array(cells, kind)})
    paths = [write_csv(tmp_path, f"{n}.parquet", data) for n in "ab"]
    labels = read_parties(paths, label_column="y").labels
    assert labels is not None and labels[1].tolist() == expected


@pytest.mark.parametrize(
    ("cells", "found"),
    [
        ([SECRET_TEXT, "b"], "text"),
        (pa.array([SECRET_TEXT, "b"]).dictionary_encode(), "text"),
        ([True, False], "truth values"),
        ([datetime.date(2020, 1, 1)] * 2, "dates"),
    ],
)
def test_columns_that_are_other_than_those_of_other_parties(
    tmp_path: Path, cells: list, found: str
):
    error = refusal(tmp_path, parquet_bytes({"age": [1, 2], "income": cells}))
    assert (error.column, error.row) == ("income", None) and found in error.sentence


@pytest.mark.parametrize(
    ("cells", "found"),
    [
        ([b"a", b"b"], "bytes"),
        ([datetime.timedelta(1)] * 2, "durations"),
        ([[1.0], [2.0]], "nested"),
        ([{"a": 1}, {"a": 2}], "nested"),
    ],
)
def test_kinds_of_columns_that_are_refused(tmp_path: Path, cells: list, found: str):
    error = refusal(tmp_path, parquet_bytes({"age": [1, 2], "income": cells}))
    assert error.column == "income" and found in error.sentence


@pytest.mark.parametrize(
    ("cells", "row", "found"),
    [
        ([1.5, -np.inf], 2, "infinite"),
        ([1.5, 1e39], 2, "larger"),
    ],
)
def test_cells_that_are_refused(tmp_path: Path, cells: list, row: int, found: str):
    error = refusal(tmp_path, parquet_bytes({"age": [1, 2], "income": cells}))
    assert (error.column, error.row) == ("income", row) and found in error.sentence


@pytest.mark.parametrize(
    ("cells", "form", "values"),
    [
        ([1.5, None], "number", [1.5]),
        ([1.5, float("nan")], "number", [1.5]),
        ([decimal.Decimal(1), None], "whole", [1]),
        (pa.array([1, None], pa.int8()), "whole", [1]),
        (pa.nulls(2), "empty", []),
    ],
)
def test_missing_cells(tmp_path: Path, cells: list, form: str, values: list):
    good = write_csv(tmp_path, "good.csv", GOOD_CSV)
    data = parquet_bytes({"age": [1, 2], "income": cells})
    it = write_csv(tmp_path, "it.parquet", data)
    found = read_parties([good, it]).tables[1]["income"]
    assert (found.form, found.present.tolist()) == (form, values)


@pytest.mark.parametrize(
    "cells",
    [
        pa.array(["f", "m"]),
        pa.array(["f", "m"], pa.large_string()),
        pa.array(["f", "m"], pa.string_view()),
        pa.array(["f", "m"]).dictionary_encode(),
    ],
)
def test_kinds_of_text(tmp_path: Path, cells: pa.Array):
    data = parquet_bytes(pa.table({"age": [1, 2], "sex": cells}))
    paths = [write_csv(tmp_path, f"{n}.parquet", data) for n in "ab"]
    found = read_parties(paths).tables[1]["sex"]
    assert (found.form, found.values.tolist()) == ("text", ["f", "m"])


@pytest.mark.parametrize(
    ("cells", "row", "found"),
    [
        (["x", None], 2, "missing"),
        ([1.0, float("nan")], 2, "missing"),
        ([[1], [2]], None, "another kind"),
        ([datetime.date(2020, 1, 1)] * 2, None, "another kind"),
    ],
)
def test_labels_that_are_refused(
    tmp_path: Path, cells: list, row: int | None, found: str
):
    write_csv(tmp_path, "a.csv", "age,y\n1,x\n2,y\n")
    data = parquet_bytes({"age": [1, 2], "y": cells})
    paths = [tmp_path / "a.csv", write_csv(tmp_path, "b.parquet", data)]
    error = refused(paths, label_column="y")
    assert (error.column, error.row) == ("y", row) and found in error.sentence


def test_rows_and_columns(tmp_path: Path):
    assert "found 0" in refusal(tmp_path, parquet_bytes(pa.table(GOOD)[:0])).sentence
    assert "dense" in refusal(tmp_path, parquet_bytes(pa.table(GOOD)[:1])).sentence
    assert "found none" in refusal(tmp_path, parquet_bytes({})).sentence


def test_headers(tmp_path: Path):
    twice = pa.Table.from_arrays([[1, 2], [3, 4]], ["age", "age"])
    error = refusal(tmp_path, parquet_bytes(twice))
    assert (error.column, error.row) == (2, None)
    frame = pd.DataFrame(GOOD, index=[5, 7])
    error = refusal(tmp_path, frame.to_parquet())
    assert error.column == 3 and "index" in error.sentence
    error = refusal(tmp_path, frame.rename_axis("pid").to_parquet())
    assert error.column == 3 and "index" in error.sentence
    # Pandas writes an index that counts up, here by 11, as a note without a column.
    error = refusal(tmp_path, frame.set_index("age").to_parquet())
    assert error.column == "age" and "index" in error.sentence
    good = write_csv(tmp_path, "good.csv", GOOD_CSV)
    it = write_csv(tmp_path, "it.parquet", pd.DataFrame(GOOD).to_parquet())
    assert read_parties([good, it]).columns == ("age", "income")
    error = refusal(tmp_path, parquet_bytes({"": [1, 2], "age": [1, 2]}))
    assert error.column == 1


@pytest.mark.medium
def test_every_truncation_is_refused(tmp_path: Path):
    data = parquet_bytes(GOOD)
    for length in range(4, len(data), 7):
        assert "damaged" in refusal(tmp_path, data[:length]).sentence


def test_a_flipped_bit_is_found_where_the_file_has_checksums(tmp_path: Path):
    columns = {"age": [31, 42], "income": [1200.5, 918273.645]}
    options = {
        "compression": "none",
        "use_dictionary": False,
        "write_statistics": False,
    }
    data = bytearray(parquet_bytes(columns, write_page_checksum=True, **options))
    position = data.index(np.float64(1200.5).tobytes())
    data[position] ^= 1
    assert "damaged" in refusal(tmp_path, bytes(data)).sentence


def test_a_flipped_bit_in_text_is_found(tmp_path: Path):
    data = parquet_bytes(
        {"age": [31, 42], "sex": [SECRET_TEXT, "m"]},
        compression="none",
        use_dictionary=False,
        write_statistics=False,
    )
    data = data.replace(SECRET_TEXT.encode(), b"\xff" + SECRET_TEXT.encode()[1:])
    write_csv(tmp_path, "a.csv", "age,sex\n1,f\n2,m\n")
    paths = [tmp_path / "a.csv", write_csv(tmp_path, "b.parquet", data)]
    assert "damaged" in refused(paths, label_column="sex").sentence


def test_a_promise_of_more_cells_than_any_memory_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("cgm_jax.files.parquet_table._MOST_CELLS", 3)
    assert "at most 3 cells" in refusal(tmp_path, parquet_bytes(GOOD)).sentence


def test_a_table_that_does_not_fit_into_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def no_memory(*args, **kwargs):
        raise pa.ArrowMemoryError("malloc of size 10 failed")

    monkeypatch.setattr("pyarrow.parquet.ParquetFile", no_memory)
    assert "fits into memory" in refusal(tmp_path, parquet_bytes(GOOD)).sentence

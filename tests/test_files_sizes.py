"""Rows and columns of party files, from their headers."""

from pathlib import Path

import numpy as np
import pytest
from party_files import npy_bytes, parquet_bytes, write_csv

from cgm_jax.files import UsageError, read_parties, read_tables, table_sizes

CSV = "age,income\n31,1200.5\n42,5\n29,300\n"


def test_are_those_that_reading_finds(tmp_path: Path):
    columns = {"income": np.arange(5.0), "age": np.arange(5)}
    paths = [
        write_csv(tmp_path, "a.csv", CSV),
        write_csv(tmp_path, "b.csv", CSV.removesuffix("\n")),
        write_csv(tmp_path, "c.csv", "\ufeff" + CSV),
        write_csv(tmp_path, "d.csv", CSV.replace("\n", "\r\n")),
        write_csv(tmp_path, "e.parquet", parquet_bytes(columns)),
    ]
    parties = read_parties(paths)
    found = [len(rows) for rows in parties.points], len(parties.columns)
    assert table_sizes(paths) == found == ([3, 3, 3, 3, 5], 2)
    assert table_sizes(paths, label_column="age") == ([3, 3, 3, 3, 5], 1)


def test_of_arrays(tmp_path: Path):
    paths = [tmp_path / name for name in ("a.npy", "b.npy")]
    for i, path in enumerate(paths):
        path.write_bytes(npy_bytes(np.ones((4 + i, 3))))
    assert table_sizes(paths) == ([4, 5], 3)


def test_of_headers_on_two_lines_and_of_semicolons(tmp_path: Path):
    text = 'age;"bmi\n(kg/m2)"\n31;22,5\n42;25\n'
    paths = [write_csv(tmp_path, "b.csv", text), write_csv(tmp_path, "a.csv", text)]
    paths[1].write_text(text + "29;19\n")
    parties = read_tables(paths, decimal=",")
    found = [len(table["age"]) for table in parties.tables], len(parties.columns)
    assert table_sizes(paths, decimal=",") == found == ([3, 2], 2)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", b""),
        ("a.csv", b"age,income\n"),
        ("a.csv", b"\xff\xfe\x00"),
        ("a.npy", b"no array"),
        ("a.npy", npy_bytes(np.ones(3))),
        ("a.npy", npy_bytes(np.ones((3, 2)))[:-8]),  # cut off
        ("a.npy", npy_bytes(np.ones((3, 2)))),  # beside a CSV file
        ("a.csv", b"age\n31\n42\n"),  # other columns
        ("a.csv", b"age,income\n31,5\n"),  # a single row
        ("a.parquet", b"no table"),
    ],
)
def test_none_of_damaged_files(name: str, content: bytes, tmp_path: Path):
    paths = [write_csv(tmp_path, name, content), write_csv(tmp_path, "b.csv", CSV)]
    assert table_sizes(paths) is None


def test_paths_are_refused_as_by_reading(tmp_path: Path):
    with pytest.raises(UsageError, match="at least two parties"):
        table_sizes([write_csv(tmp_path, "a.csv", CSV)])

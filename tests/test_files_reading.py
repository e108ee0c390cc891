"""The parties' files as a whole: alignment, labels, digests, warnings."""

import dataclasses
import hashlib
from pathlib import Path

import numpy as np
import pyarrow.csv
import pytest
from party_files import SECRET_TEXT, parquet_bytes, read_parties, refused, write_csv

from cgm_jax.files import InputError, check_parties
from cgm_jax.tables import ColumnChoice, TableCodec

A = "age,sex,income\n31,f,900\n42,m,850\n"
B = "income,age,sex\n950.5,29,m\n800,58,f\n700,33,m\n"


def two(tmp_path: Path, a: str, b: str) -> list[Path]:
    return [write_csv(tmp_path, "a.csv", a), write_csv(tmp_path, "b.csv", b)]


def test_columns_are_aligned_by_name_in_the_order_of_the_first(tmp_path: Path):
    parties = read_parties(two(tmp_path, A, B), label_column="sex")
    assert parties.header == ("age", "sex", "income")
    assert parties.columns == ("age", "income")
    np.testing.assert_array_equal(parties.points[0], [[31, 900], [42, 850]])
    np.testing.assert_array_equal(
        parties.points[1], [[29, 950.5], [58, 800], [33, 700]]
    )
    assert parties.labels is not None
    assert [x.tolist() for x in parties.labels] == [["f", "m"], ["m", "f", "m"]]
    assert parties.integer_columns == ("age",)
    assert parties.label_column == "sex"
    assert parties.warnings == ()


def test_without_labels(tmp_path: Path):
    parties = read_parties(two(tmp_path, "x,y\n1,2\n3,4\n", "y,x\n6,5.5\n8,7\n"))
    assert parties.labels is None and parties.label_column is None
    assert parties.header == parties.columns == ("x", "y")
    assert parties.integer_columns == ("y",)


def test_csv_and_parquet_may_be_mixed(tmp_path: Path):
    data = parquet_bytes({"sex": ["m", "f"], "age": [29, 58], "income": [950.5, 800]})
    paths = [
        write_csv(tmp_path, "a.csv", A),
        write_csv(tmp_path, "b.parquet", data),
    ]
    parties = read_parties(paths, label_column="sex")
    np.testing.assert_array_equal(parties.points[1], [[29, 950.5], [58, 800]])
    assert [file.kind for file in parties.files] == ["csv", "parquet"]


def test_digest_and_size_are_those_of_the_file(tmp_path: Path):
    paths = two(tmp_path, A, "\ufeff" + B + "\n\n")
    for path, file in zip(
        paths, read_parties(paths, label_column="sex").files, strict=True
    ):
        assert file.path == path
        assert file.num_bytes == path.stat().st_size
        assert file.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_results_are_frozen(tmp_path: Path):
    parties = read_parties(two(tmp_path, A, B), label_column="sex")
    with pytest.raises(dataclasses.FrozenInstanceError):
        parties.names = ()  # type: ignore[misc]


@pytest.mark.parametrize("missing_in", ["a", "b"])
def test_a_column_of_one_file_only_is_named(tmp_path: Path, missing_in: str):
    both, one = "x,y,z\n1,2,3\n4,5,6\n", "z,x\n1,2\n3,4\n"
    paths = two(tmp_path, *((one, both) if missing_in == "a" else (both, one)))
    error = refused(paths)
    assert (error.file, error.column) == (paths[1], "y")
    assert str(paths[0]) in error.sentence


def test_a_missing_column_is_reported_before_the_cells(tmp_path: Path):
    error = refused(two(tmp_path, "x,y\n1,2\n3,4\n", f"x,name\n1,{SECRET_TEXT}\n2,b\n"))
    assert error.column == "y" and error.row is None


@pytest.mark.parametrize("without", ["a", "b"])
def test_a_label_column_that_is_missing_is_named(tmp_path: Path, without: str):
    with_labels, plain = "x,y\n1,a\n2,b\n", "x,z\n1,2\n3,4\n"
    files = (plain, with_labels) if without == "a" else (with_labels, plain)
    error = refused(two(tmp_path, *files), label_column="y")
    assert (error.file, error.column) == (tmp_path / f"{without}.csv", "y")
    assert "--label-column" in error.sentence


def test_labels_alone_are_refused(tmp_path: Path):
    error = refused(two(tmp_path, "y\na\nb\n", "y\na\nb\n"), label_column="y")
    assert "beside the labels" in error.sentence


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["3", "-1", "0"], [3, -1, 0]),
        (["3.0", "1.00", "2"], [3, 1, 2]),
        (["01", "2", "3"], ["01", "2", "3"]),
        (["1.5", "2", "3"], ["1.5", "2", "3"]),
        (["1", "b", "3"], ["1", "b", "3"]),
        ([" a ", '"b, c"', "True"], ["a", "b, c", "True"]),
        (["none", "NA", "-"], ["none", "NA", "-"]),  # words, not gaps
        (["1", "99999999999999999999", "3"], ["1", "99999999999999999999", "3"]),
        (["1", "١", "3"], ["1", "١", "3"]),
    ],
)
def test_labels_keep_their_kind(tmp_path: Path, cells: list[str], expected: list):
    text = "x,y\n" + "".join(f"{i},{cell}\n" for i, cell in enumerate(cells))
    labels = read_parties(two(tmp_path, text, text), label_column="y").labels
    assert labels is not None
    assert labels[0].tolist() == labels[1].tolist() == expected
    assert labels[0].dtype == (np.int64 if isinstance(expected[0], int) else object)


@pytest.mark.parametrize("cell", ["", "  ", "nan", "NULL", "#N/A"])
@pytest.mark.parametrize("row", [2, 4])
def test_missing_labels_are_named(tmp_path: Path, cell: str, row: int):
    rows = [f"{i},{SECRET_TEXT}" for i in range(3)]
    rows[row - 2] = f"1,{cell}"
    paths = two(tmp_path, "x,y\n1,a\n2,b\n", "\n".join(["x,y", *rows]))
    error = refused(paths, label_column="y")
    assert (error.file, error.column, error.row) == (paths[1], "y", row)


def test_labels_of_two_kinds_are_refused(tmp_path: Path):
    paths = two(tmp_path, "x,y\n1,1\n2,2\n", f"x,y\n1,{SECRET_TEXT}\n2,2\n")
    error = refused(paths, label_column="y")
    assert (error.file, error.column) == (paths[1], "y")
    assert "whole numbers only" in error.sentence and "text" in error.sentence


def test_a_constant_column_is_fine(tmp_path: Path):
    parties = read_parties(two(tmp_path, "x,y\n1,7\n2,7\n", "x,y\n3,7\n4,7\n"))
    assert parties.warnings == () and np.all(parties.points[0][:, 1] == 7)


def test_equal_contents_are_read_with_a_warning(tmp_path: Path):
    parties = read_parties(two(tmp_path, A, A), label_column="sex")
    assert parties.files[0].sha256 == parties.files[1].sha256
    (warning,) = parties.warnings
    assert warning.startswith("b: the data are the same as those of a")


def test_warnings_name_rows_of_the_file(tmp_path: Path):
    good = "".join(f"{i % 4},{i % 7}\n" for i in range(10))
    parties = read_parties(two(tmp_path, "x,y\n" + good, "x,y\n" + good + "5,1e9\n"))
    (warning,) = parties.warnings
    assert warning.startswith("b: column y (row 12)")


@pytest.mark.medium
def test_ten_rows_and_a_million(tmp_path: Path):
    rng = np.random.default_rng(0)
    big = {name: rng.normal(size=1_000_000) for name in ("x", "y", "z")}
    pyarrow.csv.write_csv(pyarrow.table(big), tmp_path / "big.csv")
    small = "z,y,x\n" + "".join(f"{i},{i / 9},0.5\n" for i in range(10))
    parties = read_parties([tmp_path / "big.csv", write_csv(tmp_path, "s.csv", small)])
    assert [party.shape for party in parties.points] == [(1_000_000, 3), (10, 3)]
    np.testing.assert_array_equal(parties.points[0], np.stack(list(big.values()), 1))
    np.testing.assert_array_equal(parties.points[1][9], [0.5, 1.0, 9.0])


def test_truth_values_of_all_kinds_are_one_column(tmp_path: Path):
    flags = parquet_bytes({"x": [1, 2], "flag": [True, False]})
    paths = [
        write_csv(tmp_path, "a.csv", "x,flag\n1,TRUE\n2,FALSE\n"),
        write_csv(tmp_path, "b.parquet", flags),
        write_csv(tmp_path, "c.csv", "flag,x\n0,1\n1,2\n"),
    ]
    codec = TableCodec.fit(read_parties(paths).tables, min_rows=1)
    assert codec.coordinates == ("x", "flag=False", "flag=True")


@pytest.mark.parametrize("order", [1, -1])
def test_the_order_of_the_files_changes_nothing(tmp_path: Path, order: int):
    parties = read_parties(two(tmp_path, A, B)[::order], label_column="sex")
    assert parties.names == ("a", "b") and parties.header == ("age", "sex", "income")
    assert [file.path.name for file in parties.files] == ["a.csv", "b.csv"]
    assert tuple(parties.formats[1].columns) == ("income", "age", "sex")


def test_long_column_names_are_cut_in_messages(tmp_path: Path):
    name = "x" * 5000
    paths = two(tmp_path, f"{name},y\n1,2\n3,4\n", f"{name},y\n1,2\nq,4\n")
    with pytest.raises(InputError, match=r"column x{59}…, row 3: expected"):
        read_parties(paths)


@pytest.mark.medium
def test_more_columns_than_a_codec_takes_are_refused_unless_left_out(tmp_path: Path):
    names = [f"c{i}" for i in range(10_001)]
    text = ",".join(names) + "\n" + 2 * (",".join("1" for _ in names) + "\n")
    paths = [write_csv(tmp_path, name, text) for name in ("a.csv", "b.csv")]
    told = refused(paths).sentence
    assert told.startswith("expected at most 10,000 columns, found 10,001; remove")
    choices = [ColumnChoice(name, "left out") for name in names[1:]]
    assert check_parties(paths, choices=choices).facts[0].name == "c0"


def test_a_date_of_another_format_than_declared_is_named(tmp_path: Path):
    text = "day,age\n3 Mar 2023,31\nsoon,45\n"
    paths = [write_csv(tmp_path, name, text) for name in ("a.csv", "b.csv")]
    choice = ColumnChoice("day", "date or time", format="%d %b %Y")
    problems = check_parties(paths, choices=[choice]).problems
    assert [(p.file.name, p.column, p.row) for p in problems] == [
        ("a.csv", "day", 3),
        ("b.csv", "day", 3),
    ]
    assert problems[0].sentence.startswith("expected a date of the format %d %b %Y")

"""Labels: one spelling for all parties, and none that names a single row."""

from pathlib import Path

import pyarrow as pa
import pytest
from party_files import parquet_bytes, refused, write_csv

from cgm_jax.files import read_tables

MEDIATOR = Path(__file__).resolve().parents[2] / "shared" / "inputs" / "mediator"


def files(folder: Path, labels: list[str]) -> list[Path]:
    text = "x,y\n" + "".join(f"{i % 7},{label}\n" for i, label in enumerate(labels))
    return [write_csv(folder, f"{name}.csv", text) for name in "ab"]


def test_a_letter_is_the_same_letter_however_it_is_stored(tmp_path: Path):
    a, b = ["caf\u00e9", "tea"] * 3, ["cafe\u0301", "tea"] * 3
    paths = [files(tmp_path, a)[0], files(tmp_path, b)[1]]
    labels = read_tables(paths, label_column="y").labels
    assert labels is not None
    assert set(labels[0]) == set(labels[1]) == {"café", "tea"}


def test_truth_values_are_the_same_label_in_every_file(tmp_path: Path):
    files(tmp_path, ["TRUE", "FALSE"] * 3)
    paths = [tmp_path / "a.csv"]
    table = {"x": [1, 2, 3], "y": [True, False, True]}
    paths.append(write_csv(tmp_path, "b.parquet", parquet_bytes(table)))
    paths.append(write_csv(tmp_path, "c.csv", "x,y\n1,true\n2,false\n"))
    labels = read_tables(paths, label_column="y").labels
    assert labels is not None
    assert {label for theirs in labels for label in theirs} == {"True", "False"}
    # Beside other words they are words.
    paths = files(tmp_path, ["TRUE", "true", "maybe"])
    labels = read_tables(paths, label_column="y").labels
    assert labels is not None and labels[0].tolist() == ["TRUE", "true", "maybe"]


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.string_view()])
def test_kinds_of_text(tmp_path: Path, kind: pa.DataType):
    table = pa.table({"x": [1, 2], "y": pa.array(["u", "v"], kind)})
    data = parquet_bytes(table)
    paths = [write_csv(tmp_path, f"{n}.parquet", data) for n in "ab"]
    labels = read_tables(paths, label_column="y").labels
    assert labels is not None and labels[0].tolist() == ["u", "v"]


@pytest.mark.parametrize("label", ["p{}", "{}", "{}.5", "Ann {}"])
def test_labels_of_one_row_each_are_refused(tmp_path: Path, label: str):
    paths = files(tmp_path, [label.format(i) for i in range(30)])
    error = refused(paths, label_column="y")
    assert (error.file, error.column, error.row) == (paths[0], "y", None)
    assert "identifier" in error.sentence
    assert [problem.file for problem in error.problems] == paths


def test_small_parties_are_taken_together(tmp_path: Path):
    for i in range(5):
        text = "x,y\n" + "".join(f"{j},p{i}{j}\n" for j in range(5))
        write_csv(tmp_path, f"{i}.csv", text)
    paths = sorted(tmp_path.iterdir())
    assert "25 in 25 rows" in refused(paths, label_column="y").sentence


def test_labels_that_two_rows_share_are_labels(tmp_path: Path):
    paths = files(tmp_path, [f"p{i // 2}" for i in range(30)])
    assert read_tables(paths, label_column="y").labels is not None


@pytest.mark.skipif(not MEDIATOR.is_dir(), reason="shared inputs are not here")
def test_patients_are_no_labels():
    paths = sorted((MEDIATOR / "label_is_patient_id").iterdir())
    error = refused(paths, label_column="patient")
    assert [problem.file for problem in error.problems] == paths
    rare = sorted((MEDIATOR / "label_rare_class").iterdir())
    assert read_tables(rare, label_column="y").labels is not None

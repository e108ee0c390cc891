"""Rewards stand in the columns of the party's file; JSON is strict."""

import json
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pyarrow as pa
import pytest
from party_files import write_csv

from cgm_jax.files import (
    Parties,
    plain_format,
    read_tables,
    write_json,
    write_rewards,
)
from cgm_jax.tables import Cells, read_cells


def table(**columns: list) -> dict[str, Cells]:
    return {name: read_cells(pa.array(cells)) for name, cells in columns.items()}


def written(path: Path) -> str:
    return path.read_bytes().decode("utf-8")


PARTIES = {
    "a.csv": "age,sex,income\n31,f,900.50\n42,m,850.00\n",
    "b.csv": "income,age,sex\n700.25,29,m\n800.00,58,f\n",
}


@pytest.fixture
def parties(tmp_path: Path) -> Parties:
    paths = [write_csv(tmp_path, name, text) for name, text in PARTIES.items()]
    return read_tables(paths, label_column="sex")


def test_rows_stand_in_the_party_s_own_columns(tmp_path: Path, parties: Parties):
    rows = table(income=[0.25, 1e9], age=[30, 0])
    path = tmp_path / "out" / "reward.csv"
    expected = {
        "a": "age,sex,income\n30,m,0.25\n0,f,1000000000.00\n",
        "b": "income,age,sex\n0.25,30,m\n1000000000.00,0,f\n",
    }
    for name, own in zip(parties.names, parties.formats, strict=True):
        write_rewards(path, rows, own, labels=np.array(["m", "f"], object))
        assert written(path) == expected[name]


def test_names_and_labels_that_need_quotes(tmp_path: Path):
    header = ['in "k", EUR', "Größe", "line\nbreak"]
    rows = dict(zip(header, table(a=[1, 2], b=[3, 4], c=[5, 6]).values(), strict=True))
    labels = np.array(['a "b"', "c, d"])
    paths = [tmp_path / "a.csv", tmp_path / "b.csv"]
    for path in paths:
        write_rewards(path, rows, plain_format(rows, label_column="y"), labels=labels)
    parties = read_tables(paths, label_column="y")
    assert parties.header == (*header[:2], "line break", "y")
    assert parties.labels is not None
    assert parties.labels[0].tolist() == labels.tolist()
    again = tmp_path / "again.csv"
    write_rewards(again, parties.tables[0], parties.formats[0], labels=labels)
    assert written(again) == written(paths[0])


def test_an_empty_reward_is_a_header(tmp_path: Path, parties: Parties):
    rows = {name: cells.take(np.array([], int)) for name, cells in TWO.items()}
    path = tmp_path / "reward.csv"
    write_rewards(path, rows, parties.formats[0], labels=np.array([], object))
    assert written(path) == "age,sex,income\n"


def test_a_missing_cell_alone_in_a_row_is_no_blank_line(tmp_path: Path):
    rows = table(x=[1.5, None, None])
    paths = [tmp_path / "a.csv", tmp_path / "b.csv"]
    for path in paths:
        write_rewards(path, rows, plain_format(rows))
    assert written(paths[0]) == 'x\n1.5\n""\n""\n'
    found = read_tables(paths).tables[0]["x"]
    assert found.is_missing.tolist() == [False, True, True]


def test_rewards_of_npy_files_are_csv(tmp_path: Path):
    for name in "ab":
        np.save(tmp_path / f"{name}.npy", np.array([[1.5, 2], [3, 4]]))
    parties = read_tables([tmp_path / "a.npy", tmp_path / "b.npy"])
    path = tmp_path / f"reward{parties.formats[0].extension}"
    write_rewards(path, parties.tables[0], parties.formats[0])
    assert written(tmp_path / "reward.csv") == "x0,x1\n1.5,2\n3,4\n"


TWO = table(age=[30, 40], income=[1.5, 2.5])


@pytest.mark.parametrize(
    ("rows", "labels", "expected"),
    [
        ({"age": TWO["age"]}, ["f", "m"], "got others: income"),
        ({**TWO, "bmi": TWO["age"]}, ["f", "m"], "got others: bmi"),
        (TWO, None, "label"),
        (TWO, ["f"], "as many rows"),
        ({**TWO, "age": TWO["age"].take(np.array([0]))}, ["f", "m"], "as many rows"),
        (
            {
                **TWO,
                "income": Cells("number", np.array([np.inf, 1]), np.zeros(2, bool)),
            },
            ["f", "m"],
            "finite numbers to write in column income",
        ),
    ],
)
def test_what_does_not_fit_is_refused_and_not_written(
    tmp_path: Path, parties: Parties, rows: dict, labels: list | None, expected: str
):
    path = tmp_path / "out" / "reward.csv"
    with pytest.raises(ValueError, match=expected):
        write_rewards(path, rows, parties.formats[0], labels=labels)
    assert not path.exists()


def test_labels_need_a_column(tmp_path: Path):
    with pytest.raises(ValueError, match="a label column"):
        write_rewards(tmp_path / "r.csv", TWO, plain_format(TWO), labels=[1, 2])


def test_json_takes_what_a_report_is_made_of(tmp_path: Path):
    write_json(
        tmp_path / "report.json",
        {
            "party": "Zürich",
            "values": np.array([[0.1, 2.5]]),
            "sizes": np.array([3, 4]),
            "l": np.float32(0.5),
            "n": np.int64(7),
            "flag": np.bool_(1),
            "none": None,
            "jax": jnp.array([0.25]),
            "nested": ({"a": [1, (2, 3)]},),
        },
    )
    text = written(tmp_path / "report.json")
    assert "Zürich" in text and text.endswith("}\n")
    assert json.loads(text) == {
        "party": "Zürich",
        "values": [[0.1, 2.5]],
        "sizes": [3, 4],
        "l": 0.5,
        "n": 7,
        "flag": True,
        "none": None,
        "jax": [0.25],
        "nested": [{"a": [1, [2, 3]]}],
    }


@pytest.mark.parametrize("bad", [np.nan, -np.inf, np.array([1, np.nan]), jnp.inf])
def test_json_refuses_what_is_not_a_number(tmp_path: Path, bad: object):
    (tmp_path / "report.json").write_text("{}")
    with pytest.raises(ValueError, match=r"finite numbers for report\.json"):
        write_json(tmp_path / "report.json", {"a": [1, {"b": bad}]})
    assert written(tmp_path / "report.json") == "{}"


def test_json_refuses_other_objects(tmp_path: Path):
    with pytest.raises(TypeError, match="got <class 'object'>"):
        write_json(tmp_path / "report.json", {"a": object()})

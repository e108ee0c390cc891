"""Reward files read back as what was written; JSON is strict."""

import json
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

from cgm_jax.files import read_parties, write_json, write_reward_csv

HEADER = ["age", "sex", "income"]
COLUMNS = {"label_column": "sex", "integer_columns": ["age"]}


def written(path: Path) -> str:
    return path.read_bytes().decode("utf-8")


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_numbers_read_back_exactly(tmp_path: Path, dtype: type):
    rng = np.random.default_rng(0)
    exponents = rng.integers(-37, 38, size=(300, 3)).astype(dtype)
    points = (rng.normal(size=(300, 3)) * 10**exponents).astype(dtype)
    points[0] = [0.1, -0.0, np.finfo(dtype).tiny]
    points[1] = [np.finfo(np.float32).max, 1 / 3, 1e-40]
    paths = [tmp_path / "a.csv", tmp_path / "b.csv"]
    for path in paths:
        write_reward_csv(path, points, ["x0", "x1", "x2"])
    back = read_parties(paths).points[0]
    np.testing.assert_array_equal(back.astype(dtype), points)
    if dtype == np.float32:
        assert written(paths[0]).splitlines()[1].startswith("0.1,-0.0,")


def test_rows_stand_in_the_columns_of_the_parties(tmp_path: Path):
    points = np.array([[30.6, 0.25], [-0.4, 1e9]])
    path = tmp_path / "a" / "reward.csv"
    write_reward_csv(path, points, HEADER, labels=np.array([3, 10]), **COLUMNS)
    assert written(path) == "age,sex,income\n31,3,0.25\n0,10,1000000000.0\n"


@pytest.mark.parametrize("position", [0, 1, 2])
def test_labels_stand_where_they_stood(tmp_path: Path, position: int):
    header = ["x", "y"]
    header.insert(position, "label")
    labels = np.array(["b", "a", "b"], object)
    points = np.arange(6.0).reshape(3, 2)
    paths = [tmp_path / "a.csv", tmp_path / "b.csv"]
    for path in paths:
        write_reward_csv(path, points, header, labels=labels, label_column="label")
    parties = read_parties(paths, label_column="label")
    assert parties.header == tuple(header)
    assert parties.labels is not None
    np.testing.assert_array_equal(parties.labels[0], labels)
    np.testing.assert_array_equal(parties.points[0], points)


def test_names_and_labels_that_need_quotes(tmp_path: Path):
    header = ['in "k", EUR', "Größe", "y"]
    labels = ['a "b"', "c, d", "ü"]
    points = np.arange(6.0).reshape(3, 2)
    paths = [tmp_path / "a.csv", tmp_path / "b.csv"]
    for path in paths:
        write_reward_csv(
            path, points, header, labels=np.array(labels), label_column="y"
        )
    parties = read_parties(paths, label_column="y")
    assert parties.header == tuple(header)
    assert parties.labels is not None and parties.labels[0].tolist() == labels


def test_an_empty_reward_is_a_header(tmp_path: Path):
    path = tmp_path / "reward.csv"
    write_reward_csv(path, np.empty((0, 2)), HEADER, labels=np.array([]), **COLUMNS)
    assert written(path) == "age,sex,income\n"
    write_reward_csv(path, np.empty((0, 2), np.float32), ["x0", "x1"])
    assert written(path) == "x0,x1\n"


def test_whole_numbers_of_any_size(tmp_path: Path):
    points = np.array([[1e30], [-(2.0**60)], [-0.2], [2.5], [3.5]])
    path = tmp_path / "reward.csv"
    write_reward_csv(path, points, ["n"], integer_columns={"n"})
    whole = [int(line) for line in written(path).splitlines()[1:]]
    assert whole == [int(1e30), -(2**60), 0, 2, 4]
    assert "-0" not in written(path).splitlines()


def test_arrays_of_jax(tmp_path: Path):
    write_reward_csv(tmp_path / "r.csv", jnp.array([[0.1, 2.0]]), ["x0", "x1"])
    assert written(tmp_path / "r.csv") == "x0,x1\n0.1,2.0\n"


@pytest.mark.parametrize(
    ("points", "options", "expected"),
    [
        (np.ones((2, 3)), {"labels": [1, 2], "label_column": "sex"}, "2 columns"),
        (np.ones(2), {"labels": [1, 2], "label_column": "sex"}, "2 columns"),
        (np.ones((2, 2)), {}, "3 columns"),
        (np.ones((2, 2)), {"label_column": "sex"}, "label"),
        (np.ones((2, 3)), {"labels": [1, 2]}, "label"),
        (np.ones((2, 3)), {"labels": [1, 2], "label_column": "z"}, "label"),
        (np.ones((2, 2)), {"labels": [1], "label_column": "sex"}, "2 labels"),
        (np.full((2, 3), np.nan), {}, "finite"),
    ],
)
def test_what_does_not_fit_is_refused_and_not_written(
    tmp_path: Path, points: np.ndarray, options: dict, expected: str
):
    with pytest.raises(ValueError, match=expected):
        write_reward_csv(tmp_path / "reward.csv", points, HEADER, **options)
    assert not list(tmp_path.iterdir())


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

"""What a mediator says about columns, in a file."""

import json
from pathlib import Path

import pyarrow as pa
import pytest

from cgm_jax.tables import ColumnChoice, columns_json, infer, read_cells, read_columns


def written(folder: Path, content: object) -> Path:
    file = folder / "columns.json"
    text = content if isinstance(content, str) else json.dumps(content)
    file.write_text(text, "utf-8")
    return file


def test_what_is_inferred_is_obeyed(tmp_path: Path):
    facts = [infer("größe", [read_cells(pa.array([1.5, 2.5]))])]
    facts.append(infer("job", [read_cells(pa.array(["a", "b", "a"]))]))
    choices = read_columns(written(tmp_path, columns_json(facts)))
    assert choices == (
        ColumnChoice("größe", "number"),
        ColumnChoice("job", "category"),
    )


def test_all_that_may_be_said(tmp_path: Path):
    entry = {"name": "d", "kind": "date or time", "scale": 30, "weight": 0.5}
    entry["format"] = "%d/%m/%Y"
    (choice,) = read_columns(written(tmp_path, [entry]))
    assert choice == ColumnChoice("d", "date or time", 30, 0.5, "%d/%m/%Y")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("[{]", "expected JSON, found an error in line 1"),
        ({"x": "number"}, "expected a list of columns"),
        (["x"], "entry 1: expected an object"),
        (
            [{"name": "x", "kind": "numeric"}],
            r"1 \(x\): expected a kind of number",
        ),
        ([{"name": "x", "kind": ["number"]}], r"entry 1 \(x\): expected a kind of"),
        ([{"kind": "number"}], "entry 1: expected the name"),
        ([{"name": "x", "kind": "number", "skale": 1}], "found skale"),
        (
            [{"name": "x", "kind": "number", "scale": "1"}],
            "scale to be a number",
        ),
        ([{"name": "x", "kind": "number", "scale": 0}], "expected a scale above 0"),
        ([{"name": "x", "kind": "number", "weight": -1}], "expected a weight above 0"),
        ('[{"name": "x", "kind": "number", "scale": NaN}]', "expected a scale above 0"),
        ([{"name": "x", "kind": "number", "format": 1}], "expected format to be text"),
        ([{"name": "x", "kind": "number"}] * 2, r"entry 2 \(x\): .*once"),
        ([{"name": "x", "kind": "text"}], 'left out, found "text"'),
        ([{"name": "x"}], "left out, found none"),
        ('[{"name": "x", "kind": "number", "name": "y"}]', "found name twice"),
        ("null", "expected a list of columns, found something else"),
        ([{"name": "x", "kind": "number", "weight": 1e7}], "between 1e-6 and 1e6"),
        (
            [{"name": "x", "kind": "number", "scale": 10**400}],
            r"1 \(x\): .*a double holds",
        ),
        (
            [{"name": "x", "kind": "category", "scale": 2}],
            r"entry 1 \(x\): expected a scale only of .*got one of kind category",
        ),
        ([{"name": "x", "kind": "free text", "weight": 2}], "expected a weight only"),
        ([{"name": "x", "kind": "number", "format": "%d"}], "expected a format only"),
        (
            [{"name": "x", "kind": "date or time", "format": "%Q"}],
            r"entry 1 \(x\): expected a format such as .*, found %Q",
        ),
    ],
)
def test_wrong_files_are_one_line_that_names_the_entry(
    tmp_path: Path, content: object, told: str
):
    file = written(tmp_path, content)
    with pytest.raises(ValueError, match=told) as error:
        read_columns(file)
    assert str(error.value).startswith(str(file)) and "\n" not in str(error.value)


def test_columns_of_no_file_are_an_empty_list(tmp_path: Path):
    assert read_columns(written(tmp_path, columns_json([]))) == ()

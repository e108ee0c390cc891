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
    ],
)
def test_wrong_files_are_one_line_that_names_the_entry(
    tmp_path: Path, content: object, told: str
):
    file = written(tmp_path, content)
    with pytest.raises(ValueError, match=told) as error:
        read_columns(file)
    assert str(error.value).startswith(str(file)) and "\n" not in str(error.value)

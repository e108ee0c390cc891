"""A column that columns.json leaves out is not read, not valued and not handed out."""

import csv
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet
from small_runs import cgm_jax, report_of

from cgm_jax.tables import Cells, ColumnChoice, TableCodec
from cgm_jax.tables.kinds import infer

RNG = np.random.default_rng(0)
NUM = 40


def written(folder: Path) -> list[Path]:
    """Notes are text in one file, large numbers and an infinity in the other."""
    ages = RNG.normal(50, 9, (2, NUM)).round(1)
    notes = [f"secret {i}" if i % 2 else "31.12.2020" for i in range(NUM)]
    paths = folder / "a.csv", folder / "b.parquet"
    with paths[0].open("w", encoding="utf-8", newline="") as file:
        rows = zip(ages[0].tolist(), notes, strict=True)
        csv.writer(file).writerows([("age", "note"), *rows])
    table = {"note": pa.array([np.inf, 1e300] * (NUM // 2)), "age": pa.array(ages[1])}
    parquet.write_table(pa.table(table), paths[1])
    return list(paths)


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("left_out")
    files, choices = written(folder), folder / "columns.json"
    assert cgm_jax("check", *files) == 3  # as they are, they do not go together
    choices.write_text('[{"name": "note", "kind": "left out"}]', "utf-8")
    options = "--columns", choices, "--num-candidates", 500, "--resamples", 0
    assert cgm_jax("check", *files, "--columns", choices) == 0
    assert cgm_jax("run", *files, *options, "--no-stress", "--out", folder / "o") == 0
    return folder / "o"


@pytest.mark.medium
def test_it_has_no_coordinate_and_is_said_to_be_left_out(out: Path):
    report = report_of(out)
    columns = {row["column"]: row for row in report["columns"]}
    assert columns["note"]["kind"] == "left out"
    assert columns["note"]["handed_out"] == "left empty"
    assert columns["note"]["missing"] == "–"  # nobody looked
    page = (out / "mediator" / "report.html").read_text("utf-8")
    assert "Column note: not read, not valued, and left empty" in page
    statement = json.loads((out / "a" / "statement.json").read_text("utf-8"))
    (note,) = (x for x in statement["columns"] if x["name"] == "note")
    assert note["kind"] == "left out" and note["num_missing"] == 0
    told = (out / "a" / "statement.html").read_text("utf-8")
    assert "Not valued: note. The mediator left this out" in told


@pytest.mark.medium
def test_rewards_have_the_column_and_nothing_in_it(out: Path):
    with (out / "a" / "reward.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows and list(rows[0]) == ["age", "note"]
    assert {row["note"] for row in rows} == {""} and all(row["age"] for row in rows)
    table = parquet.read_table(out / "b" / "reward.parquet")
    assert table.column_names == ["note", "age"] and len(table)
    assert table["note"].type == pa.float64() and table["note"].null_count == len(table)
    for path in out.rglob("*"):
        if path.is_file() and path.suffix in (".csv", ".html", ".json"):
            assert "secret" not in path.read_text("utf-8")


def test_values_are_those_without_the_column():
    values = RNG.normal(size=NUM)
    table = {"x": Cells("number", values, np.zeros(NUM, bool))}
    words = np.array(["text"] * NUM, object)
    wider = {"note": Cells("text", words, np.zeros(NUM, bool)), **table}
    choice = ColumnChoice("note", "left out")
    without, codec = TableCodec.fit([table]), TableCodec.fit([wider], choices=[choice])
    np.testing.assert_array_equal(codec.encode(wider), without.encode(table))
    assert codec.decode(codec.encode(wider))["note"].is_missing.all()
    assert infer("note", [wider["note"]], kind="left out").kind == "left out"

"""Nothing of one party reaches another: canaries are planted, and after a run every
file of every party's folder is searched for those of the others."""

import csv
import datetime as dt
import re
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet
from small_runs import cgm_jax, one_line_error

from cgm_jax.generators import MMDGAN

NAMES = ("north", "south", "west")
NUM_CANARIES, NUM_ROWS = 60, 200
VALUED = ("salary", "job", "admitted", "seen_at", "site", "age", "bonus")
JOBS = ("clerk", "cook", "driver", "nurse")
DAY = dt.date(2019, 1, 1)

Rows = dict[str, list[Any]]


def made_up(party: int) -> Rows:
    """A party's table, whose first 60 rows hold what must never leave."""
    rng = np.random.default_rng(party)
    tag = "QXZ"[party] * 3
    salary = rng.normal(3e4, 6e3, NUM_ROWS).round(2)
    salary[:NUM_CANARIES] = rng.uniform(5e6, 9e6, NUM_CANARIES).round(2) + 0.01
    job = rng.choice(JOBS, NUM_ROWS).tolist()
    job[:NUM_CANARIES] = [f"{tag}smith {i}" for i in range(NUM_CANARIES)]
    label = rng.choice(["well", "ill"], NUM_ROWS).tolist()
    label[:4] = [f"{tag}itis"] * 4
    admitted = [DAY + dt.timedelta(int(i)) for i in rng.integers(0, 700, NUM_ROWS)]
    admitted[5] = dt.date(1903 + party, 5, 17)
    admitted[6] = dt.date(2087 + party, 5, 17)
    start = dt.datetime(2020, 1, 1)
    seen_at = [
        start + dt.timedelta(seconds=int(i))
        for i in rng.integers(0, 30_000_000, NUM_ROWS)
    ]
    bonus: list[float | None] = [None] * NUM_ROWS
    bonus[11] = 777_001.25 + 1000 * party
    return {
        "patient_id": (rng.permutation(10**5)[:NUM_ROWS] + 7_100_000).tolist(),
        "name": [f"{tag}ann {tag}berg{i}" for i in range(NUM_ROWS)],
        "note": [f"Called {tag.lower()}{i} about the visit." for i in range(NUM_ROWS)],
        "salary": salary.tolist(),
        "job": job,
        "admitted": admitted,
        "seen_at": seen_at,
        "site": rng.choice(["east", "main"], NUM_ROWS).tolist(),
        "age": rng.integers(18, 90, NUM_ROWS).tolist(),
        "bonus": bonus,
        "label": label,
    }


TABLES = {name: made_up(party) for party, name in enumerate(NAMES)}
COMMON = {"job": set(JOBS), "label": {"well", "ill"}}


def canaries(rows: Rows) -> set[str]:
    """What must not be found, as text in lower case."""
    texts = {str(x) for name in ("patient_id", "name", "note") for x in rows[name]}
    texts |= {word for text in rows["name"] for word in text.split()}
    for name, common in COMMON.items():
        texts |= set(rows[name]) - common
    for x in (*rows["salary"][:NUM_CANARIES], rows["bonus"][11]):
        texts |= {repr(x), f"{x:.2f}", f"{x:,.2f}", f"{x:.0f}", f"{x:.6e}"}
        texts |= {f"{x:.2f}".replace(".", ",")}
    for day in rows["admitted"][5:7]:
        texts |= {day.isoformat(), f"{day:%d.%m.%Y}", f"{day:%m/%d/%Y}", str(day.year)}
    texts |= {str(x) for x in rows["seen_at"]}
    return {text.casefold() for text in texts}


def write(folder: Path, name: str, kind: str) -> Path:
    rows, path = TABLES[name], folder / f"{name}.{kind}"
    if kind == "parquet":
        table = pa.table(rows)
        for column in ("job", "site"):
            place = table.schema.get_field_index(column)
            coded = table[column].dictionary_encode()
            table = table.set_column(place, column, coded)
        parquet.write_table(table, path)
        return path
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(rows)
        writer.writerows(zip(*rows.values(), strict=True))
    return path


def read_text(path: Path) -> str:
    """All that a file says, also what Parquet packs: cells, categories and notes."""
    text = path.read_bytes().decode("utf-8", "ignore")
    if path.suffix == ".parquet":
        table = parquet.read_table(path)
        text += str(table.schema)
        for column in table.columns:
            for chunk in column.chunks:
                text += " ".join(map(str, chunk.to_pylist()))
                if pa.types.is_dictionary(chunk.type):
                    text += " ".join(map(str, chunk.dictionary.to_pylist()))
    return text.casefold()


def found_in(text: str, canaries: set[str]) -> set[str]:
    """Those in a text: letters as part of any word, digits as a number."""
    numbers = set(re.findall(r"(?<![\d.])\d+(?!\.?\d)", text))
    return {x for x in canaries if (x in numbers if x.isdigit() else x in text)}


def read_rows(path: Path) -> list[tuple[Any, ...]]:
    """Rows in the columns that are valued, their cells as text of one spelling."""
    if path.suffix == ".parquet":
        rows = parquet.read_table(path).to_pylist()
    else:
        with path.open(newline="") as file:
            rows = list(csv.DictReader(file))
    return [tuple(spelled(name, row[name]) for name in VALUED) for row in rows]


def spelled(name: str, cell: Any) -> str:
    if cell is None or cell == "":
        return ""
    return f"{float(cell):.2f}" if name in ("salary", "bonus") else str(cell)


def check_folders(out: Path, files: dict[str, Path]) -> None:
    for name in NAMES:
        received = [path for path in (out / name).rglob("*") if path.is_file()]
        (reward,) = (path for path in received if path.stem == "reward")
        assert {path.name for path in received if path != reward} == {
            "statement.html",
            "statement.json",
        }
        texts = " ".join(read_text(path) for path in received)
        rows = read_rows(reward)
        assert len(rows) > 0
        for other in set(NAMES) - {name}:
            leaked = found_in(texts, canaries(TABLES[other]))
            assert not leaked, f"{name} got of {other}: {sorted(leaked)[:5]}"
            assert other not in texts
            assert not set(rows) & set(read_rows(files[other]))
            # The search would see them: they are all in that party's file, and so are
            # its rows.
            found = found_in(read_text(files[other]), canaries(TABLES[other]))
            assert len(found) > 4 * NUM_CANARIES


CSV, MIXED = ("csv",) * 3, ("parquet", "csv", "parquet")
KDE = ("--generator", "kde", "--bandwidth", 0.1)
# What generators make is the same from either kind of file (test_mediation_tables.py).
RUNS = {
    "kde": (KDE, CSV),
    "kde, with Parquet": (KDE, MIXED),
    "mmd-gan": (("--generator", "mmd-gan", "--num-steps", 20), CSV),
    "product-mixture": (("--generator", "product-mixture"), MIXED),
    "model of the same rows": (("--generator-model", "model.npz"), CSV),
}


@pytest.mark.parametrize("run", RUNS)
@pytest.mark.medium
def test_no_canary_is_in_the_folder_of_another_party(
    run, quickly_judged, no_figures, tmp_path, monkeypatch
):
    # The kernel is the quickest to compile.
    quick_gan = partial(MMDGAN, kernel="distance", width=16, depth=1)
    monkeypatch.setattr("cgm_jax.generators.MMDGAN", quick_gan)
    generator, kinds = RUNS[run]
    files = {
        name: write(tmp_path, name, kind)
        for name, kind in zip(NAMES, kinds, strict=True)
    }
    options = ("--num-candidates", 600, "--resamples", 0, "--no-stress", "--beta", 1)
    out = tmp_path / "out"
    words = ["--label-column", "label", *generator, *options]
    if "model.npz" in words:
        model = words[words.index("model.npz")] = tmp_path / "model.npz"
        training = (*words[:2], "--generator", "product-mixture", "--out", model)
        assert cgm_jax("train-generator", *files.values(), *training) == 0
    assert cgm_jax("run", *files.values(), "--out", out, *words) == 0
    check_folders(out, files)


@pytest.mark.medium
def test_only_shared_categories_and_labels(no_figures, tmp_path):
    """What twenty rows of one party have stays there, if it is asked for."""
    rng, files = np.random.default_rng(1), []
    for name in NAMES:
        ward, result = rng.choice(["a", "b", name], (2, 80))
        lines = [
            f"{x:.2f},{w},{r}"
            for x, w, r in zip(rng.normal(size=80), ward, result, strict=True)
        ]
        files.append(tmp_path / f"{name}.csv")
        files[-1].write_text("\n".join(["x,ward,result", *lines]))
    out = tmp_path / "out"
    options = ("--num-candidates", 300, "--resamples", 0, "--label-column", "result")
    options = (*options, "--generator", "kde", "--no-stress")
    for option, is_kept_in in (((), False), (("--only-shared-categories",), True)):
        words = (*options, *option, "--overwrite")
        assert cgm_jax("run", *files, "--out", out, *words) == 0
        seen = set()
        for name in NAMES:
            with (out / name / "reward.csv").open() as file:
                rows = list(csv.DictReader(file))
            seen |= {(key, row[key]) for row in rows for key in ("ward", "result")}
        own = {(key, name) for name in NAMES for key in ("ward", "result")}
        assert own.isdisjoint(seen) if is_kept_in else own <= seen


def test_labels_that_nobody_may_be_given_are_refused_first(tmp_path, capsys):
    files = [tmp_path / f"{name}.csv" for name in NAMES]
    for path in files:
        lines = [f"{i % 7}.{i},{path.stem}{i // 4}" for i in range(12)]
        path.write_text("\n".join(["x,ward", *lines]))
    code = cgm_jax("run", *files, "--out", tmp_path / "out", "--label-column", "ward")
    assert code == 3 and not (tmp_path / "out").exists()
    error = one_line_error(capsys)
    assert "column ward: expected a label that at least 5 rows have" in error
    assert "north0" not in error

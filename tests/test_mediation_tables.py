"""What comes in comes out: tables of every kind through the whole run."""

import csv
import itertools
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import factorial
from pathlib import Path
from typing import Any

import numpy as np
import oracles
import pyarrow as pa
import pytest
from pyarrow import parquet
from small_runs import cgm_jax, report_of
from tables_of_every_kind import (
    GERMAN,
    NAMES,
    SCHEMA,
    TABLES,
    Rows,
    write_csv,
    write_parquet,
)

from cgm_jax.cli import mediator
from cgm_jax.files import read_tables
from cgm_jax.files.spelling import same_cells
from cgm_jax.mediation.run import Mediation
from cgm_jax.tables import Cells

MISMATCH = 0.954
NUMBERS = ("age", "amount", "hundreds", "score", "ratio", "joined", "seen")
CATEGORIES = ("sector", "smoker", "code")
OPTIONS = ("--num-candidates", 1200, "--beta", 0.5, "--bandwidth", 0.1)
QUICK = ("--generator", "kde", "--resamples", 0, "--no-stress")


@dataclass(frozen=True, eq=False)
class Run:
    out: Path
    files: list[Path]
    mediation: Mediation

    @property
    def report(self) -> dict[str, Any]:
        return report_of(self.out)

    def reward(self, name: str) -> Path:
        (path,) = (self.out / name).glob("reward.*")
        return path


def run(files: list[Path], out: Path) -> Run:
    """Run the command, without pictures."""
    mediations, compute = [], mediator.mediate
    with pytest.MonkeyPatch.context() as patch:
        from cgm_jax.mediation import publish

        patch.setattr(publish, "draw_pictures", lambda section: {})
        patch.setattr(publish, "report_page", lambda *arguments, **more: "page")

        def mediate(*arguments, **more) -> Mediation:
            mediations.append(compute(*arguments, **more))
            return mediations[-1]

        patch.setattr(mediator, "mediate", mediate)
        assert cgm_jax("run", *files, "--out", out, *OPTIONS, *QUICK) == 0
    return Run(out, files, mediations[0])


def written(folder: Path, tables: dict[str, Rows] = TABLES) -> list[Path]:
    """Two CSV files in different styles, and a Parquet file in another order."""
    return [
        write_csv(folder / "north.csv", tables["north"], GERMAN),
        write_parquet(folder / "south.parquet", tables["south"]),
        write_csv(folder / "west.csv", tables["west"]),
    ]


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("every_kind")
    return run(written(folder), folder / "out")


@pytest.fixture(scope="module")
def received(
    done: Run, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, dict[str, Cells]]:
    return rewards_of(done, tmp_path_factory.mktemp("rewards"))


def rewards_of(run: Run, folder: Path) -> dict[str, dict[str, Cells]]:
    """The rewards as tables, read as the parties' files are."""
    files = []
    for name in NAMES:
        files.append(folder / f"{name}{run.reward(name).suffix}")
        files[-1].write_bytes(run.reward(name).read_bytes())
    parties = read_tables(files)
    return {
        name: dict(table)
        for name, table in zip(parties.names, parties.tables, strict=True)
    }


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.mark.medium
def test_headers_orders_and_types_are_the_party_s_own(done: Run):
    for name in ("north", "west"):
        with done.reward(name).open(newline="") as file:
            assert next(csv.reader(file)) == list(TABLES[name])
    schema = parquet.read_schema(done.reward("south"))
    assert schema.equals(SCHEMA, check_metadata=True)


SPELLED = {
    "age": r"NA|\d\d",
    "amount": r"\d+\.\d\d",
    "hundreds": r"[1-9]\d?00",
    "score": r"NA|-?\d+\.\d",
    "sector": r"""NA|farm|mine, deep|say "mill"|it's a port""",
    "smoker": "TRUE|FALSE",
    "code": "1|2|5|9|77",
    "joined": r"\d\d\.\d\d\.20(19|20|21)",
    "seen": r"\d\d\.\d\d\.2023 \d\d:[03]0\+02:00",
    "patient_id": r"1[01]\d{3}",
    "comment": "NA",  # as missing cells are written elsewhere in the file
    "currency": "EUR",
    "unused": "NA",
}


@pytest.mark.medium
def test_cells_are_spelled_as_the_party_spells(done: Run):
    rows = rows_of(done.reward("north"))
    assert len(rows) > 600
    for row in rows:
        for name, pattern in SPELLED.items():
            assert re.fullmatch(pattern, row[name]), (name, row[name])
    iso = rows_of(done.reward("west"))
    assert {row["smoker"] for row in iso} == {"true", "false"}
    assert all(re.fullmatch(r"20\d\d-\d\d-\d\d", row["joined"]) for row in iso)
    assert all(row["seen"].endswith(":00Z") for row in iso)
    assert {row["comment"] + row["unused"] for row in iso} == {""}


@pytest.mark.medium
def test_ranges_steps_shares_and_kinds_are_those_of_the_parties(done: Run, received):
    real = done.mediation.parties.tables
    for name in (*NUMBERS, *CATEGORIES):
        pool = np.concatenate([table[name].present for table in real])
        for table in received.values():
            cells = table[name]
            assert cells.form == real[0][name].form
            if name in CATEGORIES:
                assert set(cells.present) <= set(pool)
                continue
            ordered = np.sort(pool)
            assert ordered[4] <= cells.present.min() <= cells.present.max()
            assert cells.present.max() <= ordered[-5]
        most = received["north"][name]
        missing = np.mean(np.concatenate([table[name].is_missing for table in real]))
        assert abs(most.is_missing.mean() - missing) < 0.02
    given = received["north"]
    for table in received.values():
        assert (table["amount"].values >= 0).all()
        assert (table["hundreds"].values % 100 == 0).all()
    nothing = np.mean(np.concatenate([table["amount"].values for table in real]) == 0)
    assert nothing > 0.4 and abs(np.mean(given["amount"].values == 0) - nothing) < 0.02
    assert len(np.unique(given["age"].present)) > 40


@pytest.mark.medium
def test_no_row_is_one_of_the_parties(done: Run, received):
    names = (*NUMBERS, *CATEGORIES)

    def cells_or_none(cells: Cells) -> list[Any]:
        pairs = zip(cells.values.tolist(), cells.is_missing, strict=True)
        return [None if is_missing else value for value, is_missing in pairs]

    def rows(table: Mapping[str, Cells]) -> set[tuple[Any, ...]]:
        columns = [cells_or_none(table[x]) for x in names]
        return set(zip(*columns, strict=True))

    real = set().union(*map(rows, done.mediation.parties.tables))
    assert len(real) == sum(len(table["age"]) for table in TABLES.values())
    for table in received.values():
        assert not rows(table) & real


def as_numbers(name: str, values: list[Any]) -> np.ndarray:
    """Python's values as float64, NaN where there is none."""
    if name == "joined":
        values = [x.toordinal() for x in values]
    if name == "seen":
        values = [x.timestamp() for x in values]
    return np.array([np.nan if x is None else float(x) for x in values])


def plain_kernel(tables: list[Rows], length_scale: float) -> np.ndarray:
    """The kernel of all rows, by its definition: columns in units of their standard
    deviation, a mismatch for each category and missing cell."""
    numbers = []
    for name in NUMBERS:
        x = np.concatenate([as_numbers(name, table[name]) for table in tables])
        present = np.sort(x[~np.isnan(x)])
        median = present[(len(present) - 1) // 2]
        scaled = (np.where(np.isnan(x), median, x) - present.mean()) / present.std()
        numbers += [scaled, MISMATCH * np.isnan(x)]
    columns = [[cell for t in tables for cell in t[name]] for name in CATEGORIES]
    categories = np.array([[str(cell) for cell in column] for column in columns]).T
    x = np.stack(numbers, axis=1)
    return oracles.of_mixed_rows(
        oracles.squared_exponential(length_scale),
        (x, x),
        (categories, categories),
        mismatch=MISMATCH / length_scale,
    )


def shapley(values: np.ndarray, n: int) -> np.ndarray:
    phi = np.zeros(n)
    for i, size in itertools.product(range(n), range(n)):
        weight = factorial(size) * factorial(n - size - 1) / factorial(n)
        others = [j for j in range(n) if j != i]
        for group in itertools.combinations(others, size):
            mask = sum(1 << j for j in group)
            phi[i] += weight * (values[mask | 1 << i] - values[mask])
    return phi


@pytest.mark.medium
def test_values_are_those_of_the_plain_kernel(done: Run):
    report = done.report
    sizes = [len(table["age"]) for table in TABLES.values()]
    k = plain_kernel([*TABLES.values()], report["length_scale"])
    owner = np.repeat(np.arange(3), sizes)
    for i, party in enumerate(report["parties"]):
        own = owner == i
        value = oracles.value(lambda x, y: k[np.ix_(x, y)], *_indices(own))
        assert party["own_value_pool_only"] == pytest.approx(value, abs=1e-6)
    for mask in range(1, 8):
        chosen = (mask >> owner) & 1 == 1
        value = oracles.value(lambda x, y: k[np.ix_(x, y)], *_indices(chosen))
        found = report["coalition_values_pool_only"][mask]
        assert found == pytest.approx(value, abs=1e-6)


def _indices(chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.flatnonzero(chosen), np.arange(len(chosen))


@pytest.mark.medium
def test_alpha_is_the_shapley_value_of_the_values(done: Run):
    report = done.report
    phi = shapley(np.array(report["coalition_values"]), 3)
    alphas = [party["normalized_shapley"] for party in report["parties"]]
    np.testing.assert_allclose(alphas, phi / phi.max(), atol=1e-12)
    points = done.mediation.collaboration.promises
    pool = np.concatenate([*points.parties, points.candidates]).astype(float)
    k = oracles.squared_exponential(report["length_scale"])(pool, pool)
    sizes = [len(table["age"]) for table in TABLES.values()]
    for mask in range(1, 8):
        owner = np.repeat(np.arange(4), [*sizes, len(points.candidates)])
        chosen = ((mask >> owner) & 1 == 1) & (owner < 3)
        value = oracles.value(lambda x, y: k[np.ix_(x, y)], *_indices(chosen))
        assert report["coalition_values"][mask] == pytest.approx(value, abs=1e-6)


def numbers_of(run: Run) -> str:
    """All that a run found, without the files and what is said of their zones."""
    report = run.report
    settings = {**report["settings"], "inputs": None, "command": None, "date": None}
    more = {"reward_files": None, "statements": None, "warnings": None}
    return json.dumps({**report, "settings": settings, **more})


@pytest.mark.medium
def test_the_order_of_files_and_of_other_parties_columns_changes_nothing(
    done: Run, tmp_path
):
    rng, tables = np.random.default_rng(0), {}
    for name, rows in TABLES.items():
        columns = rng.permutation(list(rows)).tolist() if name != "north" else rows
        tables[name] = {key: rows[key] for key in columns}
    again = run(written(tmp_path, tables)[::-1], tmp_path / "out")
    assert numbers_of(again) == numbers_of(done)
    assert again.reward("north").read_bytes() == done.reward("north").read_bytes()


@pytest.mark.medium
def test_csv_and_parquet_of_one_table_give_the_same_bits(done: Run, received, tmp_path):
    """Of one party it is now a Parquet file and of another a CSV file."""
    schema = pa.schema([SCHEMA.field(name) for name in TABLES["north"]])
    files = [
        write_parquet(tmp_path / "north.parquet", TABLES["north"], schema),
        write_csv(tmp_path / "south.csv", TABLES["south"]),
        write_csv(tmp_path / "west.csv", TABLES["west"]),
    ]
    swapped = run(files, tmp_path / "out")
    assert numbers_of(swapped) == numbers_of(done)
    assert swapped.reward("west").read_bytes() == done.reward("west").read_bytes()
    others = rewards_of(swapped, tmp_path)
    for name in NAMES:
        for column in TABLES[name]:
            assert same_cells(others[name][column], received[name][column])

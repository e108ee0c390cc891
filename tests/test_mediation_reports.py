"""Tables of public bug reports, through the command: what people expect of rewards."""

import csv
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet
from real_tables import SHARED
from small_runs import cgm_jax, make_no_figures, report_of

INPUTS = SHARED / "inputs" / "mediator"
OPTIONS = ("--num-candidates", 500, "--resamples", 0, "--no-stress", "--beta", 0.5)
OPTIONS = (*OPTIONS, "--generator", "kde")
NUM = 120


def run(files: list[Path], out: Path, *options: object) -> dict[str, list[str]]:
    """Columns of the largest reward, which has nearly all candidates, as text."""
    assert cgm_jax("run", *files, "--out", out, *OPTIONS, *options) == 0
    rewards = []
    for path in sorted(out.glob("*/reward.csv")):
        with path.open(newline="", encoding="utf-8") as file:
            rewards.append(list(csv.DictReader(file)))
    rows = max(rewards, key=len)
    assert len(rows) > 300
    return {name: [row[name] for row in rows] for name in rows[0]}


def mostly_empty(rng: np.random.Generator) -> list[str]:
    numbers = rng.normal(5, 1, NUM)
    return ["" if rng.random() < 0.9 else f"{x:.1f}" for x in numbers]


EPOCH = 1_700_000_000_000  # milliseconds
COLUMNS: dict[str, Callable[[np.random.Generator], Any]] = {
    "x": lambda rng: rng.normal(0, 1, NUM).round(4),
    "ms": lambda rng: EPOCH + rng.integers(0, 60_000, NUM),
    "amount": lambda rng: np.where(
        rng.random(NUM) < 0.8, 0, rng.lognormal(4, 2, NUM).round(2)
    ),
    "heavy": lambda rng: rng.pareto(0.8, NUM).round(3),
    "sparse": mostly_empty,
    "whole": lambda rng: rng.integers(0, 50, NUM),
}


@pytest.fixture(scope="module")
def columns(tmp_path_factory) -> dict[str, tuple[list[str], list[str]]]:
    """Cells of every column: of the three parties, and of the largest reward."""
    folder, real, files = tmp_path_factory.mktemp("reports"), [], []
    for party in range(3):
        rng = np.random.default_rng(party)
        rows = list(zip(*(make(rng) for make in COLUMNS.values()), strict=True))
        real += [[str(cell) for cell in row] for row in rows]
        files.append(folder / f"p{party}.csv")
        lines = [",".join(row) for row in real[-NUM:]]
        files[-1].write_text("\n".join([",".join(COLUMNS), *lines]), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        make_no_figures(patch)
        given = run(files, folder / "out")
    by_column = zip(*real, strict=True)
    return {
        name: (list(cells), given[name])
        for name, cells in zip(COLUMNS, by_column, strict=True)
    }


@pytest.mark.medium
def test_milliseconds_of_an_epoch(columns):  # SDV 2285
    ms = np.array(columns["ms"][1], int)
    assert len(np.unique(ms)) > 0.9 * len(ms)
    assert ms.min() >= EPOCH and ms.max() < EPOCH + 60_000


@pytest.mark.medium
def test_amounts_with_many_zeros(columns):  # SDV 423, CTGAN 94
    real, given = columns["amount"]
    share = np.mean([float(x) == 0 for x in real])
    assert abs(np.mean([float(x) == 0 for x in given]) - share) < 0.05
    assert all(re.fullmatch(r"\d+(\.\d{1,2})?", x) for x in given)


@pytest.mark.medium
def test_heavy_tails(columns):  # SDV 2010, CTGAN 8
    real, given = (np.array(cells, float) for cells in columns["heavy"])
    pool = np.sort(real)
    assert given.min() >= pool[4] and given.max() <= pool[-5]
    for share in (0.25, 0.5, 0.75):
        low, high = np.quantile(pool, [share - 0.1, share + 0.1])
        assert low < np.quantile(given, share) < high


@pytest.mark.medium
def test_a_column_that_is_nearly_empty(columns):  # SDV 2288
    real, given = columns["sparse"]
    share = real.count("") / len(real)
    assert abs(given.count("") / len(given) - share) < 0.02


@pytest.mark.medium
def test_cents_stay_cents_and_whole_numbers_whole(columns):  # SDV 1806
    assert all(re.fullmatch(r"\d\d?", x) for x in columns["whole"][1])
    assert all(re.fullmatch(r"-?\d(\.\d{1,4})?", x) for x in columns["x"][1])


@pytest.mark.medium
def test_no_number_of_a_row_decides_who_is_paid(no_figures, tmp_path):
    """An identifier changes nothing; the number of a site is warned of."""
    alphas, warnings = {}, {}
    for kind in (None, "patient_no", "hospital"):
        folder = tmp_path / str(kind)
        folder.mkdir()
        files = []
        for party, size in enumerate((120, 90, 60)):
            rng = np.random.default_rng(party)
            columns = {"x": rng.normal(party, 1, size).round(2)}
            numbers = {
                "patient_no": 100_000 * (party + 1) + np.arange(size),
                "hospital": np.full(size, 17 + 31 * party),
            }
            if kind is not None:
                columns = {kind: numbers[kind], **columns}
            cells = zip(*columns.values(), strict=True)
            lines = [",".join(map(str, row)) for row in cells]
            files.append(folder / f"p{party}.csv")
            files[-1].write_text("\n".join([",".join(columns), *lines]))
        run(files, folder / "out")
        report = report_of(folder / "out")
        alphas[kind] = [party["normalized_shapley"] for party in report["parties"]]
        warnings[kind] = " ".join(report["warnings"])
    assert alphas["patient_no"] == alphas[None]
    assert "patient_no: taken as ident" in warnings["patient_no"]
    site = "Column hospital: the values alone tell from which party"
    assert site in warnings["hospital"]


@pytest.mark.medium
def test_categories_of_parquet_in_every_type(no_figures, tmp_path):  # SDV 1763, 2514
    rng, files = np.random.default_rng(0), []
    grades = pa.array(["low", "mid", "high"])
    sites = pa.array([202, 404, 500], pa.int16())
    for party in range(2):
        codes = pa.array([None if i == 3 else i for i in rng.integers(0, 4, NUM)])
        table = pa.table(
            {
                "x": rng.normal(party, 1, NUM).astype("f4"),
                "grade": pa.DictionaryArray.from_arrays(
                    codes.cast(pa.int8()), grades, ordered=True
                ),
                "site": pa.DictionaryArray.from_arrays(
                    pa.array(rng.integers(0, 3, NUM), pa.int8()), sites
                ),
                "day": pa.array(rng.integers(17_000, 18_000, NUM), pa.int32()).cast(
                    pa.date32()
                ),
            }
        )
        files.append(tmp_path / f"p{party}.parquet")
        parquet.write_table(table, files[-1])
    assert cgm_jax("run", *files, "--out", tmp_path / "out", *OPTIONS) == 0
    for path in files:
        reward = parquet.read_table(tmp_path / "out" / path.stem / "reward.parquet")
        assert reward.schema.equals(parquet.read_schema(path), check_metadata=True)
        assert reward.num_rows > 5
        assert set(reward["grade"].to_pylist()) <= {"low", "mid", "high", None}
        assert set(reward["site"].to_pylist()) <= {202, 404, 500}


@pytest.mark.skipif(not INPUTS.exists(), reason="shared inputs are not here")
@pytest.mark.medium
def test_codes_and_dates_of_a_mediator(no_figures, tmp_path):
    files = sorted((INPUTS / "codes_and_dates").glob("*.csv"))
    columns = run(files, tmp_path / "out")
    for name, cells in columns.items():
        seen = set()
        for path in files:
            with path.open() as file:
                seen |= {row[name] for row in csv.DictReader(file)}
        if name == "branch":
            assert set(cells) <= seen
        if name == "zip":  # nearly one a row
            assert set(cells).isdisjoint(seen)
        if name == "dob":
            days = [np.datetime64(f"{x[:4]}-{x[4:6]}-{x[6:]}") for x in cells]
            assert len(set(days)) > 100


@pytest.mark.skipif(not INPUTS.exists(), reason="shared inputs are not here")
@pytest.mark.parametrize("name", ["one_half_year", "plain", "epoch_ms_collapses"])
@pytest.mark.medium
def test_inputs_of_a_mediator(name: str, no_figures, tmp_path):
    files = sorted((INPUTS / name).glob("*.csv"))
    columns = run(files, tmp_path / "out")
    with files[0].open() as file:
        assert list(columns) == next(csv.reader(file))
    if name == "one_half_year":
        assert all(re.fullmatch(r"\d+(\.\d)?", x) for x in columns["age"])
    if name == "epoch_ms_collapses":
        assert len(set(columns["admitted_ms"])) > 200


@pytest.mark.skipif(not INPUTS.exists(), reason="shared inputs are not here")
@pytest.mark.medium
def test_rare_classes_of_a_mediator_are_counted(no_figures, tmp_path, capsys):
    files = sorted((INPUTS / "label_rare_class").glob("*.csv"))
    run(files, tmp_path / "out", "--label-column", "y")
    assert report_of(tmp_path / "out")["labels"]

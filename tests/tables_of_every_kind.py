"""Made-up tables with a column of every kind, and files of them in several formats."""

import csv
import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
from pyarrow import parquet

Rows = dict[str, list[Any]]

NAMES = ("north", "south", "west")
SIZES = (150, 120, 90)
BERLIN = ZoneInfo("Europe/Berlin")
SECTORS = ["farm", "mine, deep", 'say "mill"', "it's a port"]
CODES = [1, 2, 5, 9, 77]


def made_up(party: int, num: int) -> Rows:
    """A table of Python's own values, None where a cell is missing."""
    rng = np.random.default_rng(party)

    def missing(share: float, values: list[Any]) -> list[Any]:
        is_missing = rng.random(num) < share
        return [None if no else x for no, x in zip(is_missing, values, strict=True)]

    cents = np.where(rng.random(num) < 0.5, 0, rng.gamma(2, 9e3 + 4e3 * party, num))
    days = rng.integers(0, 900, num)
    start = dt.datetime(2023, 9, 20, tzinfo=dt.UTC)
    return {
        "age": missing(0.2, rng.integers(18, 90, num).tolist()),
        "amount": [Decimal(int(x)) / 100 for x in cents],
        "hundreds": (100 * rng.integers(1, 60, num)).tolist(),
        "score": missing(0.1, rng.normal(5 + party, 2, num).round(1).tolist()),
        "ratio": rng.normal(size=num).tolist(),
        "sector": missing(0.1, [SECTORS[i] for i in rng.integers(0, 4, num)]),
        "smoker": [bool(x) for x in rng.random(num) < 0.3],
        "code": [CODES[i] for i in rng.integers(0, 5, num)],
        "joined": [dt.date(2019, 3, 1) + dt.timedelta(int(x)) for x in days],
        "seen": [start + dt.timedelta(minutes=int(x)) for x in 90 * days],
        "patient_id": (rng.permutation(9000)[:num] + 1000).tolist(),
        "comment": [f"Row {i} of {NAMES[party]}, as we saw." for i in range(num)],
        "currency": ["EUR"] * num,
        "unused": [None] * num,
    }


TABLES = {
    name: made_up(party, num)
    for party, (name, num) in enumerate(zip(NAMES, SIZES, strict=True))
}

SCHEMA = pa.schema(
    [
        ("seen", pa.timestamp("ms", "Europe/Berlin")),
        ("joined", pa.date32()),
        ("sector", pa.dictionary(pa.int8(), pa.string())),
        ("smoker", pa.bool_()),
        ("age", pa.int64()),
        ("amount", pa.decimal128(10, 2)),
        ("hundreds", pa.int32()),
        ("score", pa.float32()),
        ("ratio", pa.float64()),
        ("code", pa.int16()),
        ("currency", pa.string_view()),
        ("comment", pa.large_string()),
        ("patient_id", pa.int32()),
        ("unused", pa.null()),
    ]
)


def write_parquet(path: Path, rows: Rows, schema: pa.Schema = SCHEMA) -> Path:
    columns = []
    for field in schema:
        cells = rows[field.name]
        if pa.types.is_dictionary(field.type):
            plain = pa.array(cells, field.type.value_type).dictionary_encode()
            columns.append(plain.cast(field.type))
        else:
            columns.append(pa.array(cells, field.type))
    parquet.write_table(pa.Table.from_arrays(columns, schema=schema), path)
    return path


# How two parties write dates, times, truth values and missing cells.
ISO = {
    dt.datetime: lambda x: f"{x.astimezone(dt.UTC):%Y-%m-%dT%H:%M:%SZ}",
    dt.date: lambda x: f"{x:%Y-%m-%d}",
    bool: lambda x: "true" if x else "false",
    type(None): lambda x: "",
}
GERMAN = {
    dt.datetime: lambda x: (
        f"{x.astimezone(dt.timezone(dt.timedelta(hours=2))):%d.%m.%Y %H:%M}+02:00"
    ),
    dt.date: lambda x: f"{x:%d.%m.%Y}",
    bool: lambda x: "TRUE" if x else "FALSE",
    type(None): lambda x: "NA",
}


def write_csv(path: Path, rows: Rows, style: Mapping[type, Any] = ISO) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(rows)
        for cells in zip(*rows.values(), strict=True):
            writer.writerow([style.get(type(x), written)(x) for x in cells])
    return path


def written(cell: Any) -> str:
    return f"{cell:.2f}" if isinstance(cell, Decimal) else str(cell)

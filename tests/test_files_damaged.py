"""Damaged files of every kind: read, or refused in one line without any cell."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from party_files import (
    SECRET_NUMBER,
    SECRET_TEXT,
    check_message,
    npy_bytes,
    parquet_bytes,
    read_parties,
    write_csv,
)

from cgm_jax.files import InputError

AGES = [31, 42, 29, 57, 33, 61]
INCOMES = [1200.5, 800.25, float(SECRET_NUMBER), 950, 700.125, 1e5]
SEXES = ["f", "m", "f", SECRET_TEXT, "m", "f"]
ROWS = list(zip(AGES, INCOMES, SEXES, strict=True))
TABLE = {"age": AGES, "income": INCOMES, "sex": SEXES}

FILES = {
    "plain.csv": "age,income,sex\n" + "".join(f"{a},{i},{s}\n" for a, i, s in ROWS),
    "quoted.csv": '"age","income","sex"\r\n'
    + "".join(f'"{a}","{i}","{s}"\r\n' for a, i, s in ROWS),
    "raw.parquet": parquet_bytes(TABLE, compression="none", use_dictionary=False),
    "snappy.parquet": parquet_bytes(TABLE),
    "array.npy": npy_bytes(np.array([AGES, INCOMES]).T),
}


def damage(rng: np.random.Generator, data: bytes) -> bytes:
    """Flip, cut, repeat or insert some bytes, up to three times."""
    for _ in range(rng.integers(1, 4)):
        start, stop = np.sort(rng.integers(0, len(data) + 1, size=2))
        stop = min(stop, start + rng.integers(1, 40))
        piece = data[start:stop]
        bit = bytes([1 << rng.integers(8)])
        kind = rng.integers(6)
        if kind == 0:
            piece = bytes(byte ^ bit[0] for byte in piece[:1]) + piece[1:]
        elif kind == 1:
            piece = b""
        elif kind == 2:
            piece = piece * 2
        elif kind == 3:
            piece = piece + rng.bytes(3)
        elif kind == 4:
            piece = piece + rng.choice(
                [b'"', b",", b"\n", b"\r", b"\0", b"\xef\xbb\xbf"]
            )
        else:
            data, piece = data[:stop], data[start:stop]
        data = data[:start] + piece + data[stop:]
    return data


@pytest.mark.parametrize("position", [0, 1])
@pytest.mark.parametrize("name", FILES)
@pytest.mark.medium
def test_damaged_files(tmp_path: Path, name: str, position: int):
    contents = FILES[name]
    good = contents.encode() if isinstance(contents, str) else contents
    extension = Path(name).suffix
    damaged = tmp_path / f"damaged{extension}"
    paths = [write_csv(tmp_path, f"good{extension}", good)]
    paths.insert(position, damaged)
    label_column = None if extension == ".npy" else "sex"
    rng = np.random.default_rng(0)
    outcomes: Counter[str] = Counter()
    for _ in range(150):
        damaged.write_bytes(damage(rng, good))
        try:
            parties = read_parties(paths, label_column=label_column)
        except InputError as error:
            check_message(error)
            outcomes["refused"] += 1
        else:
            for points in parties.points:
                assert points.shape[1] == 2 and len(points) >= 2
                assert np.all(np.abs(points) <= np.finfo(np.float32).max)
            for sentence in parties.warnings:
                assert SECRET_NUMBER not in sentence and SECRET_TEXT not in sentence
            outcomes["read"] += 1
    assert outcomes["refused"] > 25
    assert outcomes["read"] > 0

"""Writing what was read gives back the same file, whatever kinds of cells it holds."""

import datetime
import decimal
import io
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from party_files import parquet_bytes, write_csv
from pyarrow import parquet

from cgm_jax.files import Parties, read_tables, write_rewards
from cgm_jax.files.spelling import same_cells
from cgm_jax.tables import TableCodec

TABLES = Path(__file__).resolve().parents[2] / "shared" / "data" / "tables"
NUM_ROWS = 40
ZONE = datetime.timezone(datetime.timedelta(hours=2))


def random_columns(rng: np.random.Generator) -> dict[str, list[str]]:
    """Columns of a CSV file, each written in one way by a person or a program."""
    numbers = rng.normal(size=NUM_ROWS) * 10.0 ** rng.integers(-6, 7, NUM_ROWS)
    days = rng.integers(-20_000, 20_000, NUM_ROWS)
    dates = [datetime.date(1970, 1, 1) + datetime.timedelta(int(day)) for day in days]
    seconds = rng.integers(-(10**9), 10**9, NUM_ROWS).tolist()
    times = [
        datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
        + datetime.timedelta(seconds=second)
        for second in seconds
    ]
    words = rng.choice(['a "b"', "c, d", "größe", "-x", "line\nbreak"], NUM_ROWS)
    return {
        "whole": [str(x) for x in rng.integers(-50, 50, NUM_ROWS)],
        "signed": [f"{x:+d}" if x else "0" for x in rng.integers(-50, 50, NUM_ROWS)],
        "large": [str(x) for x in rng.integers(2**53, 2**63 - 1, NUM_ROWS)],
        "larger": [str(2**64 + int(x)) for x in rng.integers(0, 99, NUM_ROWS)],
        "cents": [f"{x:.2f}" for x in rng.normal(0, 1e4, NUM_ROWS) + 0.5],
        "tenths of whole": [f"{x}.0" for x in rng.integers(1, 50, NUM_ROWS)],
        "double": [np.format_float_positional(x, trim="-") for x in numbers],
        "truth": rng.choice(["TRUE", "FALSE"], NUM_ROWS).tolist(),
        "text": words.tolist(),
        "code": [f"{x:05d}" for x in rng.integers(0, 99999, NUM_ROWS)],
        "date": [f"{x:%Y-%m-%d}" for x in dates],
        "german date": [f"{x:%d.%m.%Y}" for x in dates],
        "american date": [f"{x:%m/%d/%Y}" for x in dates],
        "oracle date": [f"{x:%d-%b-%Y}".upper() for x in dates],
        "month by name": [f"{x.day} {x:%B %Y}" for x in dates],
        "plain date": [f"{x.month}/{x.day}/{x.year}" for x in dates],
        "date in digits": [f"{x:%Y%m%d}" for x in dates],
        "time": [f"{x:%Y-%m-%d %H:%M:%S}" for x in times],
        "minute": [f"{x:%Y-%m-%dT%H:%M}" for x in times],
        "UTC": [f"{x:%Y-%m-%dT%H:%M:%SZ}" for x in times],
        "zone": [x.astimezone(ZONE).isoformat() for x in times],
        "fraction": [
            f"{x:%Y-%m-%d %H:%M:%S}.{abs(second) % 1000:03d}"
            for x, second in zip(times, seconds, strict=True)
        ],
    }


def with_missing(
    rng: np.random.Generator, columns: dict[str, list[str]]
) -> dict[str, list[str]]:
    """A tenth of the cells of every second column are one word for missing."""
    words = dict.fromkeys(list(columns)[::2], "")
    for i, name in enumerate(words):
        words[name] = ["", "NA", "?", "null"][i % 4]
    return {
        name: [
            words[name] if name in words and rng.random() < 0.1 else cell
            for cell in cells
        ]
        for name, cells in columns.items()
    }


def csv_text(columns: dict[str, list[str]], separator: str = ",") -> str:
    frame = pd.DataFrame(columns, dtype=object)
    return frame.to_csv(index=False, sep=separator, lineterminator="\n")


def written(tmp_path: Path, parties: Parties, party: int = 0) -> bytes:
    """The file that writing a party's own table gives."""
    own = parties.formats[party]
    path = tmp_path / "out" / f"reward{own.extension}"
    labels = None if parties.labels is None else parties.labels[party]
    write_rewards(path, parties.tables[party], own, labels=labels)
    return path.read_bytes()


@pytest.mark.parametrize("seed", range(5))
def test_csv_files_come_back_letter_by_letter(tmp_path: Path, seed: int):
    rng = np.random.default_rng(seed)
    columns = with_missing(rng, random_columns(rng))
    names = rng.permutation(list(columns)).tolist()
    text = csv_text({name: columns[name] for name in names})
    paths = [
        write_csv(tmp_path, "a.csv", text),
        write_csv(tmp_path, "b.csv", csv_text(columns)),
    ]
    parties = read_tables(paths)
    assert written(tmp_path, parties).decode() == text
    assert written(tmp_path, parties, 1).decode() == csv_text(columns)


def test_labels_come_back_in_the_party_s_words(tmp_path: Path):
    rows = ["x,y", *(f"{i},{'TRUE' if i % 3 else 'FALSE'}" for i in range(9))]
    labels = pa.array([True, False, True] * 3)
    table = pa.table({"y": labels, "x": pa.array(range(9), pa.int8())})
    paths = [
        write_csv(tmp_path, "a.csv", "\n".join(rows) + "\n"),
        write_csv(tmp_path, "b.parquet", parquet_bytes(table)),
    ]
    parties = read_tables(paths, label_column="y")
    assert parties.labels is not None
    assert set(parties.labels[0]) == set(parties.labels[1]) == {"True", "False"}
    assert written(tmp_path, parties).decode() == "\n".join(rows) + "\n"
    assert parquet.read_table(io.BytesIO(written(tmp_path, parties, 1))).equals(table)


def test_decimal_commas_come_back(tmp_path: Path):
    rng = np.random.default_rng(0)
    cents = [f"{x:,.2f}" for x in rng.normal(0, 1e6, NUM_ROWS)]
    swap = str.maketrans(",.", ".,")
    columns = {
        "grouped": [cell.translate(swap) for cell in cents],
        "thousands": [f"{x:,}".replace(",", ".") for x in rng.integers(0, 10**7, 40)],
        "plain": [f"{x:.3f}".replace(".", ",") for x in rng.normal(0, 1e5, 40)],
        "text, too": rng.choice(["a;b", "c,d"], 40).tolist(),
        "date": [f"0{i % 9 + 1}.12.2020" for i in range(40)],
    }
    text = csv_text(columns, ";")
    paths = [write_csv(tmp_path, f"{name}.csv", text) for name in "ab"]
    parties = read_tables(paths, decimal=",")
    expected = [float(cell.replace(",", "")) for cell in cents]
    assert parties.tables[0]["grouped"].values.tolist() == expected
    assert written(tmp_path, parties).decode() == text


def arrow_columns(rng: np.random.Generator) -> dict[str, pa.Array]:
    """A column of every type that Parquet files of tables hold, some with nulls."""
    n = NUM_ROWS
    mask = rng.random(n) < 0.2

    def whole(low: int, high: int, kind: pa.DataType) -> pa.Array:
        return pa.array(rng.integers(low, high, n), kind)

    cents = [decimal.Decimal(int(x)).scaleb(-2) for x in rng.integers(-9999, 9999, n)]
    words = rng.choice(["f", "m", "größe"], n)
    ticks = rng.integers(-(10**9), 10**9, n)
    integers = [getattr(pa, f"{u}int{bits}")() for u in ("", "u") for bits in (8, 32)]
    return {
        **{str(kind): whole(0, 100, kind) for kind in integers},
        "int64": pa.array(rng.integers(2**53, 2**62, n), mask=mask),
        "uint64": pa.array(2**63 + rng.integers(0, 99, n).astype(np.uint64)),
        "float16": pa.array(rng.normal(size=n).astype(np.float16)),
        "float32": pa.array(rng.normal(size=n).astype(np.float32), mask=mask),
        "float64": pa.array(rng.normal(size=n), mask=mask),
        "decimal": pa.array(cents, pa.decimal128(12, 2), mask=mask),
        "wide decimal": pa.array(cents, pa.decimal256(50, 4)),
        "bool": pa.array(rng.random(n) < 0.5, mask=mask),
        "string": pa.array(words, pa.string(), mask=mask),
        "large_string": pa.array(words, pa.large_string()),
        "string_view": pa.array(words.tolist(), pa.string_view()),
        "dictionary": pa.array(words, pa.string(), mask=mask).dictionary_encode(),
        "ordered": pa.DictionaryArray.from_arrays(
            pa.array(rng.integers(1, 3, n), pa.int8(), mask=mask),
            ["low", "middle", "high"],
            ordered=True,
        ),
        "dictionary of ints": whole(0, 9, pa.int64()).dictionary_encode(),
        "date": pa.array(ticks % 9999, pa.int32()).cast(pa.date32()),
        "date64": pa.array(ticks % 9999 * 86_400_000, pa.date64(), mask=mask),
        **{
            f"timestamp {unit} {zone}": pa.array(
                ticks * scale, pa.timestamp(unit, zone), mask=mask
            )
            for unit, scale in (("s", 1), ("ms", 10), ("us", 7), ("ns", 11))
            for zone in (None, "UTC", "Europe/Berlin")
        },
        "null": pa.nulls(n),
        "ISO dates": pa.array([f"2020-01-{day:02d}" for day in ticks % 30 + 1]),
        "YYYYMMDD": pa.array(20200101 + ticks % 30, pa.int32()),
    }


@pytest.mark.parametrize("seed", range(3))
def test_parquet_files_come_back_type_by_type(tmp_path: Path, seed: int):
    rng = np.random.default_rng(seed)
    columns = arrow_columns(rng)
    names = rng.permutation(list(columns)).tolist()
    tables = [
        pa.table({name: columns[name] for name in order}) for order in (names, columns)
    ]
    paths = [
        write_csv(tmp_path, f"{name}.parquet", parquet_bytes(table))
        for name, table in zip("ab", tables, strict=True)
    ]
    parties = read_tables(paths)
    for i, path in enumerate(paths):
        table = parquet.read_table(path)  # Parquet has no seconds: they are ms there
        found = parquet.read_table(io.BytesIO(written(tmp_path, parties, i)))
        for name in table.column_names:
            assert found[name].type == table[name].type, name
            assert found[name].to_pylist() == table[name].to_pylist(), name
        assert found.schema.equals(table.schema) and table.num_columns == len(columns)


def test_a_file_of_pandas_comes_back(tmp_path: Path):
    frame = pd.DataFrame(
        {
            "n": pd.array([1, None, 3, 4], "Int64"),
            "x": [0.5, 1.5, np.nan, 2],
            "size": pd.Categorical(
                ["s", "l", None, "s"], ["s", "m", "l"], ordered=True
            ),
            "day": pd.to_datetime(["2020-01-01", "2020-01-02", None, "2021-05-05"]),
            "flag": pd.array([True, None, False, True], "boolean"),
        }
    )
    frame.to_parquet(tmp_path / "a.parquet")
    frame.iloc[::-1].reset_index(drop=True).to_parquet(tmp_path / "b.parquet")
    parties = read_tables([tmp_path / "a.parquet", tmp_path / "b.parquet"])
    found = pd.read_parquet(io.BytesIO(written(tmp_path, parties)))
    pd.testing.assert_frame_equal(found, frame)


def test_csv_and_parquet_of_one_table_say_the_same(tmp_path: Path):
    rng = np.random.default_rng(0)
    columns = random_columns(rng)
    text = {
        name: columns[name] for name in ("whole", "cents", "double", "text", "code")
    }
    table = pa.table(
        {
            "whole": pa.array([int(x) for x in text["whole"]]),
            "cents": pa.array(
                map(decimal.Decimal, text["cents"]), pa.decimal128(12, 2)
            ),
            "double": pa.array([float(x) for x in text["double"]]),
            "text": pa.array(text["text"]).dictionary_encode(),
            "code": pa.array(text["code"]),
        }
    )
    paths = [
        write_csv(tmp_path, "a.csv", csv_text(text)),
        write_csv(tmp_path, "b.parquet", parquet_bytes(table)),
    ]
    parties = read_tables(paths)
    for name in text:
        assert same_cells(parties.tables[0][name], parties.tables[1][name])
    # Each party's rows in the other's format.
    for i, j in ((0, 1), (1, 0)):
        own = parties.formats[j]
        path = tmp_path / f"reward{own.extension}"
        write_rewards(path, parties.tables[i], own)
        assert path.read_bytes() == written(tmp_path, parties, j)


def test_rows_of_a_codec_are_the_party_s_rows(tmp_path: Path):
    rng = np.random.default_rng(0)
    columns = with_missing(rng, random_columns(rng))
    left_out = {"large", "larger", "code"}  # identifiers
    texts = [
        csv_text({name: columns[name] for name in order if name not in left_out})
        for order in (list(columns), list(columns)[::-1])
    ]
    paths = [
        write_csv(tmp_path, f"{name}.csv", text)
        for name, text in zip("ab", texts, strict=True)
    ]
    parties = read_tables(paths)
    codec = TableCodec.fit(parties.tables)
    for table, own, text in zip(parties.tables, parties.formats, texts, strict=True):
        rows = codec.decode(codec.encode(table))
        write_rewards(tmp_path / "reward.csv", rows, own)
        assert (tmp_path / "reward.csv").read_text() == text


@pytest.mark.skipif(not TABLES.is_dir(), reason="shared data are not here")
@pytest.mark.parametrize("name", ["adult.csv.gz", "penguins-raw.csv"])
def test_real_tables_come_back(tmp_path: Path, name: str):
    frame = pd.read_csv(TABLES / name, dtype=str, keep_default_na=False)
    halves = [frame[::2], frame[1::2]]
    paths = [tmp_path / "a.csv", tmp_path / "b.csv"]
    for path, half in zip(paths, halves, strict=True):
        half.to_csv(path, index=False, lineterminator="\n")
    parties = read_tables(paths)
    text = written(tmp_path, parties)
    if name == "adult.csv.gz":
        assert text == paths[0].read_bytes()
    # Numbers of 17 digits, of which fewer are enough, are the same numbers.
    (tmp_path / "again.csv").write_bytes(text)
    again = read_tables([tmp_path / "again.csv", paths[1]]).tables[0]
    for column, cells in parties.tables[0].items():
        assert again[column].form == cells.form and same_cells(again[column], cells)

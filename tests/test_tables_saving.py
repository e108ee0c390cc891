"""Codecs in files: the same points and rows to the last bit, and no other files."""

import json

import numpy as np
import pytest
from random_tables import COLUMNS, random_table
from real_tables import assert_same, read_table

from cgm_jax.tables import ColumnChoice, TableCodec

CHOICES = (
    ColumnChoice("int8", "category", weight=2),
    ColumnChoice("float64", "number", scale=3.5),
)


def assert_equal(first: TableCodec, second: TableCodec) -> None:
    assert first.choices == second.choices
    for ours, theirs in zip(first.columns, second.columns, strict=True):
        assert type(ours) is type(theirs)
        for name, value in vars(ours).items():
            other = getattr(theirs, name)
            if isinstance(value, np.ndarray):
                assert value.dtype == other.dtype
                np.testing.assert_array_equal(value, other)
                if value.dtype == object:
                    assert list(map(type, value)) == list(map(type, other))
            else:
                assert value == other and isinstance(other, type(value).__mro__[-2]), (
                    name
                )


@pytest.mark.parametrize("seed", range(8))
def test_a_saved_codec_is_the_codec(seed: int, tmp_path):
    rng = np.random.default_rng(seed)
    nullable = {name: bool(rng.random() < 0.5) for name in COLUMNS}
    tables = [random_table(rng, num, nullable) for num in (60, 35)]
    choices = CHOICES if seed % 4 == 0 else ()
    codec = TableCodec.fit(
        tables, standardize=bool(seed % 2), min_rows=1 + seed, choices=choices
    )
    path = tmp_path / "codec.npz"
    codec.save(path)
    loaded = TableCodec.load(path)
    assert_equal(codec, loaded)
    for table in tables:
        points = codec.encode(table)
        np.testing.assert_array_equal(loaded.encode(table), points)
        noisy = points + rng.normal(0, 0.3, points.shape)
        made = codec.handed_out(noisy)
        np.testing.assert_array_equal(loaded.handed_out(noisy), made)
        rows, again = codec.decode(made), loaded.decode(made)
        for name, cells in rows.items():
            assert_same(again[name], cells)
        np.testing.assert_array_equal(loaded.encode(rows), codec.encode(rows))


@pytest.mark.parametrize("name", ["adult.csv.gz", "penguins-raw.csv"])
@pytest.mark.medium
def test_codecs_of_real_tables(name: str, tmp_path):
    codec = TableCodec.fit([read_table(name)])
    codec.save(tmp_path / "codec.npz")
    assert_equal(codec, TableCodec.load(tmp_path / "codec.npz"))


@pytest.mark.medium
def test_other_files_are_refused(tmp_path):
    path = tmp_path / "codec.npz"
    rng = np.random.default_rng(0)
    codec = TableCodec.fit([random_table(rng, 50, dict.fromkeys(COLUMNS, True))])
    codec.save(path)
    with np.load(path) as file:
        arrays = dict(file)
    facts = json.loads(str(arrays["facts"]))
    columns = facts["columns"]
    name = next(name for name in arrays if name.endswith(".is_allowed"))
    place = int(name.split(".")[0])

    def with_column(**changes):
        changed = [
            *columns[:place],
            {**columns[place], **changes},
            *columns[place + 1 :],
        ]
        return {**arrays, "facts": np.array(json.dumps({**facts, "columns": changed}))}

    for changed in (
        {k: v for k, v in arrays.items() if k != "facts"},
        {k: v for k, v in arrays.items() if k != name},
        {**arrays, name: arrays[name][:0]},
        {**arrays, f"{place}.other": arrays[name]},
        with_column(**{"class": "dict"}),
        with_column(height="high"),
        with_column(height=float("nan")),
        with_column(facts={"name": "x"}),
        {**arrays, "facts": np.array(json.dumps({**facts, "format": "older"}))},
    ):
        np.savez(path, **changed)
        with pytest.raises(
            ValueError, match=r"codec\.npz: expected a saved table codec"
        ):
            TableCodec.load(path)
    path.write_bytes(b"age,income\n1,2\n")
    with pytest.raises(ValueError, match="found a file of another kind"):
        TableCodec.load(path)

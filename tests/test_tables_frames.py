"""Data frames as points."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from cgm_jax.tables import ColumnChoice, encode_frames


def frame(seed: int, num: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "age": pd.array([None, *rng.integers(18, 80, num - 1)], "Int64"),
            "job": pd.Categorical(rng.choice(["cook", "clerk"], num)),
            "since": pd.Timestamp("2020-01-01")
            + pd.to_timedelta(rng.integers(0, 900, num), unit="D"),
            "member": rng.random(num) < 0.5,
            "pay": rng.lognormal(7, 1, num).round(2),
        }
    )


def test_nullable_frames_of_all_types():  # TABLES 10, 14, 30
    frames = [frame(0, 40), frame(1, 30)]
    points, codec = encode_frames(frames)
    kinds = {facts.name: facts.kind for facts in codec.facts}
    assert kinds == {
        "age": "whole number",
        "job": "category",
        "since": "date or time",
        "member": "category",
        "pay": "number",
    }
    assert [x.shape for x in points] == [(40, 8), (30, 8)]
    rows = codec.decode(points[0])
    np.testing.assert_array_equal(rows["pay"].values, frames[0]["pay"])
    assert rows["age"].is_missing.tolist() == frames[0]["age"].isna().tolist()
    assert rows["job"].values.tolist() == frames[0]["job"].tolist()


def test_arrow_tables_and_pandas_frames_are_the_same_points():
    data = frame(0, 40)
    points, _ = encode_frames([data, data.iloc[::-1, ::-1]])
    arrow, _ = encode_frames([pa.table(data), pa.table(data.iloc[::-1])])
    np.testing.assert_array_equal(points[0], arrow[0])
    np.testing.assert_array_equal(points[1], points[0][::-1])


def test_polars_frames():
    polars = pytest.importorskip("polars")
    data = frame(0, 40)
    points, _ = encode_frames([polars.from_pandas(data)])
    np.testing.assert_array_equal(points[0], encode_frames([data])[0][0])


def test_an_index_is_no_column():
    data = frame(0, 40)
    indexed = data.set_index(pd.Index(range(100, 140), name="pid"))
    points, _ = encode_frames([data])
    np.testing.assert_array_equal(encode_frames([indexed])[0][0], points[0])


def test_whole_numbers_as_column_names():  # TABLES 31
    data = pd.DataFrame(np.random.default_rng(0).standard_normal((20, 3)))
    points, codec = encode_frames([data])
    assert codec.coordinates == ("0", "1", "2")
    np.testing.assert_allclose(points[0].std(0), 1)


def test_choices():
    data = pd.DataFrame({"branch": [3, 4, 5, 6] * 9})
    _, codec = encode_frames([data], choices=[ColumnChoice("branch", "category")])
    assert codec.num_dimensions == 4


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (pd.DataFrame({"x": [1, "secret"]}), "a column of mixed objects"),
        (pd.DataFrame({"x": [1, 2], "y": [b"1", b"2"]}), "Column y, row 0: .*bytes"),
        (
            pd.DataFrame([[1, 2]], columns=["x", "x"]),
            "of its own|data frame whose",
        ),
        (3, "to be a data frame"),
    ],
)
def test_what_is_no_frame_of_columns_is_said(wrong: object, told: str):
    with pytest.raises(ValueError, match=told) as error:
        encode_frames([wrong])
    assert "secret" not in str(error.value)

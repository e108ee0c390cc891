"""Rows as points and back: exact on every real row, and what may be handed out."""

import jax
import jax.numpy as jnp
import numpy as np
import oracles
import pyarrow as pa
import pytest
from random_tables import COLUMNS, random_table
from real_tables import assert_same, cells_of, mixed_tables, read_table

from cgm_jax.kernels import SquaredExponential
from cgm_jax.tables import ColumnChoice, TableCodec, read_cells
from cgm_jax.tables.number_columns import MISMATCH
from cgm_jax.tables.pooling import PooledForm, in_form

KEPT = ("number", "whole number", "category", "date or time", "constant")


@pytest.mark.parametrize("seed", range(20))
def test_every_row_of_any_table_comes_back_exactly(seed: int):
    rng = np.random.default_rng(seed)
    nullable = {name: bool(rng.random() < 0.5) for name in COLUMNS}
    tables = [random_table(rng, num, nullable) for num in (60, 35, 25)]
    codec = TableCodec.fit(tables, standardize=bool(seed % 2), min_rows=1)
    kinds = {facts.name: facts.kind for facts in codec.facts}
    for table in tables:
        points = codec.encode(table)
        assert points.shape == (len(table["int8"]), codec.num_dimensions)
        assert np.isfinite(points).all()
        rows = codec.decode(points)
        assert list(rows) == list(COLUMNS)
        for name, cells in table.items():
            if kinds[name] in KEPT:
                assert_same(rows[name], cells)
            else:
                assert kinds[name] == "identifier"
    made = codec.handed_out(rng.normal(0, 3, (200, codec.num_dimensions)))
    np.testing.assert_array_equal(codec.handed_out(made), made)
    for name, cells in codec.decode(made).items():
        assert len(cells) == 200, name


@pytest.mark.parametrize("seed", range(10))
def test_whatever_is_handed_out_may_leave(seed: int):
    rng = np.random.default_rng(seed)
    tables = [
        random_table(rng, num, dict.fromkeys(COLUMNS, bool(seed % 2)))
        for num in (70, 50)
    ]
    codec = TableCodec.fit(tables, standardize=seed % 4 > 1)
    points = np.concatenate([codec.encode(table) for table in tables])
    drawn = points[rng.integers(0, len(points), 400)]
    drawn = drawn + rng.choice([1e-9, 0.1, 30], (400, 1)) * rng.normal(size=drawn.shape)
    made = codec.handed_out(drawn)
    np.testing.assert_array_equal(codec.handed_out(made), made)
    rows = codec.decode(made)
    for facts in codec.facts:
        cells = [rows[facts.name], *(table[facts.name] for table in tables)]
        form = PooledForm(facts.form, facts.resolution)
        found, *parties = (in_form(one, form).present for one in cells)
        pool = np.sort(np.concatenate(parties))
        if facts.kind == "category":
            values, counts = np.unique(pool, return_counts=True)
            assert np.isin(found, values[counts >= 5]).all()
        elif facts.kind in ("number", "whole number", "date or time"):
            assert (pool[4] <= found).all() and (found <= pool[-5]).all()
            assert len(np.unique(found)) > 1 or pool[4] == pool[-5]
            if facts.step is not None and facts.form != "number":
                assert ((found - pool[0]) % facts.step == 0).all()
            if facts.num_decimals is not None:
                shown = [float(f"{x:.{facts.num_decimals}f}") for x in found]
                np.testing.assert_array_equal(found.astype(float), shown)


def test_the_property_test_reaches_every_kind():
    rng = np.random.default_rng(0)
    table = random_table(rng, 120, dict.fromkeys(COLUMNS, False))
    kinds = {facts.kind for facts in TableCodec.fit([table], min_rows=1).facts}
    assert {*KEPT} <= kinds


@pytest.mark.parametrize(
    "name", ["adult.csv.gz", "shoppers.csv.gz", "default.csv.gz", "penguins-raw.csv"]
)
@pytest.mark.medium
def test_every_row_of_real_tables_comes_back(name: str):
    table = read_table(name)
    codec = TableCodec.fit([table], min_rows=1)
    rows = codec.decode(codec.encode(table))
    for facts in codec.facts:
        if facts.kind in KEPT:
            assert_same(rows[facts.name], table[facts.name])


@pytest.mark.parametrize("standardize", [True, False])
@pytest.mark.parametrize("columns", [1, 5])
def test_tables_of_numbers_give_points_of_mean_0_and_deviation_1(
    columns: int, *, standardize: bool
):
    rng = np.random.default_rng(columns)
    parties = [
        np.column_stack(
            [rng.integers(18, 80, n), *np.round(rng.normal(3e4, 9e3, (columns - 1, n)))]
        ).astype(float)
        + np.array([0, *[0.25] * (columns - 1)])[None]
        for n in (40, 25, 17)
    ]
    if columns > 1:
        for rows in parties:
            rows[:, 3] = rng.standard_normal(len(rows))  # full doubles
            rows[:, 4] = 7  # the same everywhere
    tables = [
        cells_of({f"x{i}": pa.array(rows[:, i]) for i in range(columns)})
        for rows in parties
    ]
    codec = TableCodec.fit(tables, standardize=standardize)
    pool = np.concatenate(parties)
    varies = np.ptp(pool, axis=0) > 0
    shift, scale = np.zeros(columns), np.ones(columns)
    if standardize:
        shift, scale = pool.mean(axis=0), np.where(varies, pool.std(axis=0), 1)
    for rows, table in zip(parties, tables, strict=True):
        expected = (rows - shift[None]) / scale[None]
        np.testing.assert_array_equal(
            codec.encode(table).astype(np.float32),
            expected[:, varies].astype(np.float32),
        )


def test_numbers_whose_squares_are_no_numbers():
    rng = np.random.default_rng(0)
    for size in (1e-300, 1e37):
        table = cells_of({"x": pa.array(rng.normal(size=40) * size)})
        points = TableCodec.fit([table]).encode(table)
        assert np.isfinite(points).all() and 0.1 < points.std() < 10


@pytest.mark.parametrize("length_scale", [0.7, 3.0])
@pytest.mark.medium
def test_the_kernel_of_points_is_a_product_over_columns(length_scale: float):
    tables = mixed_tables()
    codec = TableCodec.fit(tables)
    x, y = (codec.encode(table) for table in tables)
    number_names = ("age", "pay", "hundreds", "date")
    at = [codec.coordinates.index(name) for name in number_names]
    categories = []
    for table in tables:
        columns = [table["job"].values, table["code"].values.astype(str)]
        columns.append(table["age"].is_missing.astype(str))
        categories.append(np.column_stack(columns).astype(str))
    expected = oracles.of_mixed_rows(
        oracles.squared_exponential(length_scale),
        (x[:, at], y[:, at]),
        (categories[0], categories[1]),
        mismatch=MISMATCH / length_scale,
    )
    found = oracles.squared_exponential(length_scale)(x, y)
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    kernel = SquaredExponential(length_scale)
    with jax.enable_x64(True):
        embedded = [kernel.embed(jnp.asarray(points)) for points in (x, y)]
        package = kernel.pairwise(*embedded)
    np.testing.assert_allclose(package, expected, rtol=1e-10)  # far pairs cancel


def test_numbers_have_mean_0_and_deviation_1_and_heavy_tails_a_robust_one():
    rng = np.random.default_rng(5)
    pareto = (rng.pareto(0.8, 4000) + 1).round(2)
    pareto[:1000] = np.median(pareto)  # a mass at the median does not count
    table = cells_of({"x": pa.array(rng.normal(5, 3, 4000)), "tail": pa.array(pareto)})
    codec = TableCodec.fit([table])
    x, tail = codec.encode(table).T
    np.testing.assert_allclose([x.mean(), x.std()], [0, 1], atol=1e-12)
    assert codec.facts[1].is_heavy_tailed
    assert np.median(tail) == 0
    np.testing.assert_allclose(np.median(np.abs(tail[tail != 0])), 1 / 1.4826)


def test_no_tail_is_too_heavy():
    values = [*(f"{i}e-30" for i in range(1, 30)), "1e30"]
    codec = TableCodec.fit([table := cells_of({"x": values})])
    assert codec.facts[0].is_heavy_tailed
    points = codec.encode(table)
    assert np.abs(points).max() < 1e16
    np.testing.assert_array_equal(codec.decode(points)["x"].values, table["x"].values)


def test_milliseconds_of_an_epoch_stay_apart():
    ms = 1_700_000_000_000 + np.random.default_rng(0).integers(0, 60_000, 200)
    table = cells_of({"admitted_ms": pa.array(ms)})
    codec = TableCodec.fit([table])
    assert codec.facts[0].kind == "whole number"
    points = codec.encode(table).astype(np.float32)
    assert len(np.unique(points)) == len(np.unique(ms))
    np.testing.assert_array_equal(codec.decode(points)["admitted_ms"].values, ms)


def test_nanoseconds_of_decades_stay_apart_or_are_refused():
    rng = np.random.default_rng(0)
    ns = rng.integers(0, 1_700_000_000 * 10**9, 300)
    table = cells_of({"at": pa.array(ns).cast(pa.timestamp("ns"))})
    codec = TableCodec.fit([table])
    np.testing.assert_array_equal(codec.decode(codec.encode(table))["at"].values, ns)
    close = np.append(ns, ns[:5] + 1)
    table = cells_of({"at": pa.array(close).cast(pa.timestamp("ns"))})
    with pytest.raises(ValueError, match=r"Column at: .* float64 tells apart"):
        TableCodec.fit([table])


def test_what_has_no_coordinates():
    num = 40
    tables = [
        cells_of(
            {
                "patient_no": [str(start + i) for i in range(num)],
                "case": [f"C{start}-{i}" for i in range(num)],
                "notes": [f"Seen on day {i} by nurse {start}." for i in range(num)],
                "site": ["north"] * num,
                "later": [""] * num,
                "vast": [str(10**20)] * num,
                "x": [f"{i}.5" for i in range(num)],
            }
        )
        for start in (100_000, 200_019)
    ]
    codec = TableCodec.fit(tables)
    assert codec.coordinates == ("x",)
    rows = codec.decode(codec.encode(tables[0])[:3])
    assert list(rows) == list(tables[0])  # a column for each of the input's
    assert rows["patient_no"].values.tolist() == [1_000_001, 1_000_002, 1_000_003]
    assert rows["case"].values.tolist() == ["synthetic-1", "synthetic-2", "synthetic-3"]
    assert rows["notes"].is_missing.all() and rows["later"].is_missing.all()
    assert rows["site"].values.tolist() == ["north"] * 3
    assert rows["vast"].values.tolist() == [10**20] * 3


def test_choices_are_obeyed():
    table = cells_of(
        {
            "branch": [str(x) for x in [3, 4, 5, 6] * 10],
            "x": [f"{i}.25" for i in range(40)],
            "date": ["01/02/2023", "03/04/2023"] * 20,
        }
    )
    choices = (
        ColumnChoice("branch", "category", weight=2),
        ColumnChoice("x", "number", scale=10),
        ColumnChoice("date", "date or time", format="%d/%m/%Y"),
    )
    codec = TableCodec.fit([table], choices=choices)
    assert [facts.kind for facts in codec.facts] == [choice.kind for choice in choices]
    points = codec.encode(table)
    rows = codec.decode(points)
    assert rows["branch"].values.tolist()[:4] == [3, 4, 5, 6]
    np.testing.assert_allclose(points[:, :4].max(), 2 * MISMATCH / np.sqrt(2))
    np.testing.assert_allclose(np.diff(points[:, 4]), 0.1)
    first = np.datetime64("2023-02-01")
    assert rows["date"].values[0] == first.astype(int)
    with pytest.raises(ValueError, match="Column x: expected one of number, category"):
        TableCodec.fit([table], choices=[ColumnChoice("x", "identifier")])
    with pytest.raises(ValueError, match="got age; there are branch, x, date"):
        TableCodec.fit([table], choices=[ColumnChoice("age", "number")])


def test_a_declared_format_reads_text():
    table = cells_of({"d": [f"{day} Mar 2023" for day in range(1, 21)]})
    choice = ColumnChoice("d", "date or time", format="%d %b %Y")
    codec = TableCodec.fit([table], choices=[choice])
    rows = codec.decode(codec.encode(table))["d"]
    start = np.datetime64("2023-03-01").astype(int)
    np.testing.assert_array_equal(rows.values, start + np.arange(20))
    other = cells_of({"d": ["1 Mar 2023", "soon"]})
    with pytest.raises(ValueError, match="Column d, row 1: expected a date of") as told:
        TableCodec.fit([other], choices=[choice])
    assert "soon" not in str(told.value)


def test_dates_of_one_party_decide_how_another_ones_are_read():
    a = cells_of({"d": ["01/02/2023", "03/04/2023"] * 5})
    b = cells_of({"d": ["25/12/2022", "03/04/2023"] * 5})
    codec = TableCodec.fit([a, b])
    assert not codec.facts[0].is_ambiguous
    dates = codec.decode(codec.encode(a))["d"].values.astype("M8[D]")
    assert [str(date) for date in dates[:2]] == ["2023-02-01", "2023-04-03"]
    c = cells_of({"d": ["12/25/2022", "03/04/2023"] * 5})
    codec = TableCodec.fit([a, c])
    assert not codec.facts[0].is_ambiguous
    assert str(codec.decode(codec.encode(a))["d"].values.astype("M8[D]")[0])[5:] == (
        "01-02"
    )
    alone = TableCodec.fit([a])
    assert alone.facts[0].is_ambiguous
    dates = alone.decode(alone.encode(a))["d"].values.astype("M8[D]")
    assert str(dates[0]) == "2023-01-02"


def test_a_column_that_is_nearly_empty():  # TABLES 11
    numbers = [f"{i % 7}.5" if i % 10 == 0 else "" for i in range(300)]
    table = cells_of({"x": numbers, "y": [f"{i}.5" for i in range(300)]})
    codec = TableCodec.fit([table])
    assert codec.facts[0].missing_share == 0.9
    made = codec.decode(codec.handed_out(codec.encode(table)))
    assert made["x"].is_missing.mean() == 0.9


def test_a_column_that_is_constant_in_one_party():  # TABLES 21
    a = cells_of({"x": ["1", "1", "1"], "y": ["1.5", "2.5", "4"]})
    b = cells_of({"x": ["1", "2", "4"], "y": ["1.5", "2.5", "4"]})
    codec = TableCodec.fit([a, b])
    assert np.isfinite(codec.encode(a)).all()
    assert codec.decode(codec.encode(a))["x"].values.tolist() == [1, 1, 1]


def test_too_many_categories_are_refused_before_they_are_made():
    num = 30_000
    table = cells_of({"place": pa.array([f"place {i}" for i in range(num)] * 2)})
    choice = ColumnChoice("place", "category")
    with pytest.raises(ValueError, match=r"at most 20000 coordinates.*column place"):
        TableCodec.fit([table], choices=[choice], min_rows=2)


@pytest.mark.parametrize(
    ("tables", "told"),
    [
        ([{"x": ["1", "2"]}, {"y": ["1", "2"]}], "same columns in all tables.*x, y"),
        ([{"x": ["7", "7"]}], "a column that varies"),
        ([{"x": []}], "rows in every table"),
        ([{"x": ["1,5", "2,5"]}], "Column x, row 0: .*decimal comma"),
        ([{"x": ["1", "2"]}, {"x": ["2020-01-01"]}], "expected dates in all tables"),
        ([{"x": ["1", "2"]}, {"x": ["low"]}], "numbers in some and text"),
        ([{"x": ["a", "b"]}], "Column x: expected a category that at least 5 rows"),
    ],
)
def test_what_cannot_be_fitted_is_said(tables: list[dict[str, list[str]]], told: str):
    with pytest.raises(ValueError, match=told):
        TableCodec.fit([cells_of(table) for table in tables])


def test_points_of_another_table_are_refused():
    table = cells_of({"job": ["cook", "clerk"] * 5, "x": [f"{i}.5" for i in range(10)]})
    codec = TableCodec.fit([table])
    with pytest.raises(ValueError, match="Expected points of 3 coordinates"):
        codec.decode(np.zeros((2, 4)))
    with pytest.raises(ValueError, match="Column job: expected the categories"):
        codec.encode(cells_of({"job": ["pilot"], "x": ["1.5"]}))
    with pytest.raises(ValueError, match="Column x: expected no missing cell"):
        codec.encode(cells_of({"job": ["cook"], "x": [""]}))


def test_a_declared_day_before_the_month_is_obeyed():
    choice = ColumnChoice("d", "date or time", format="%Y-%d-%m")
    texts = ["2023-03-01", "2023-12-05", "NA", "2023-07-07"]
    table = {"d": read_cells(pa.array(texts))}
    codec = TableCodec.fit([table], choices=[choice], min_rows=1)
    dates = codec.decode(codec.encode(table))["d"].values.astype("M8[D]")
    expected = ["2023-01-03", "2023-05-12", "2023-07-07"]
    assert dates[[0, 1, 3]].astype(str).tolist() == expected
    wrong = {"d": read_cells(pa.array(["2023-03-01", "2023-01-31"]))}
    with pytest.raises(ValueError, match=r"Column d, row 1: .*format %Y-%d-%m"):
        TableCodec.fit([wrong], choices=[choice], min_rows=1)


def test_a_format_is_read_with_and_without_leading_zeros():
    choice = ColumnChoice("d", "date or time", format="%-d %b %Y")
    table = {"d": read_cells(pa.array(["3 Mar 2023", "17 Mar 2023"]))}
    codec = TableCodec.fit([table], choices=[choice], min_rows=1)
    days = codec.decode(codec.encode(table))["d"].values
    assert days.astype("M8[D]").astype(str).tolist() == ["2023-03-03", "2023-03-17"]


@pytest.mark.parametrize("scale", [1e-300, 1e300])
def test_a_scale_that_leaves_no_differences_is_refused(scale: float):
    table = {"x": read_cells(pa.array([1.5, 2.0, 7.5]))}
    choice = ColumnChoice("x", "number", scale=scale)
    with pytest.raises(ValueError, match="Column x: expected a scale like"):
        TableCodec.fit([table], choices=[choice], min_rows=1)

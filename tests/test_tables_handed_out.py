"""Which rows may leave: nothing that few rows have, and no row's own extremes."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from real_tables import cells_of, mixed_tables

from cgm_jax.tables import TableCodec
from cgm_jax.tables.number_columns import NumberColumn


def pool_of(tables: list[dict[str, Any]], name: str) -> np.ndarray:
    return np.sort(np.concatenate([table[name].present for table in tables]))


def test_what_is_handed_out():
    tables = mixed_tables()
    codec = TableCodec.fit(tables)
    rng = np.random.default_rng(0)
    real = np.concatenate([codec.encode(table) for table in tables])
    points = rng.normal(0, 3, (3000, codec.num_dimensions))
    points[:1000] = real[rng.integers(0, len(real), 1000)]
    made = codec.handed_out(points)
    np.testing.assert_array_equal(codec.handed_out(made), made)
    rows = codec.decode(made)
    again = codec.encode(rows)
    np.testing.assert_array_equal(again, made)

    jobs = rows["job"]
    assert set(jobs.present) == {"clerk", "cook", "nurse"}  # never the rare one
    assert jobs.is_missing.any() and rows["age"].is_missing.any()
    assert set(rows["code"].present) == {1, 2, 5, 9, 77}
    assert (rows["hundreds"].present % 100 == 0).all()
    np.testing.assert_array_equal(rows["pay"].present, np.round(rows["pay"].present, 2))
    for name in ("age", "pay", "hundreds", "date"):
        pool = pool_of(tables, name)
        # No row's own value, where there are others between it and the next one.
        following, preceding = pool[pool > pool[4]][0], pool[pool < pool[-5]][-1]
        assert pool[4] <= rows[name].present.min() <= following
        assert preceding <= rows[name].present.max() <= pool[-5]
    assert rows["pay"].present.min() > pool_of(tables, "pay")[4]


def test_a_real_row_that_may_leave_is_handed_out_as_it_is():
    tables = mixed_tables()
    codec = TableCodec.fit(tables, min_rows=1)
    for table in tables:
        points = codec.encode(table)
        np.testing.assert_array_equal(codec.handed_out(points), points)


def test_common_values_stay_exact_in_float32():
    """A rate of nine decimals, of which float32 knows seven; others are near."""
    rng = np.random.default_rng(6)
    common = np.repeat(1 / np.arange(3, 13), 12).round(9)
    alone = rng.uniform(0, 0.5, 40).round(9)
    texts = [f"{x:.9f}" for x in np.concatenate([common, alone])]
    codec = TableCodec.fit([cells_of({"rate": texts})])
    (column,) = codec.columns
    assert isinstance(column, NumberColumn) and len(column.common) == 10
    drawn = column.common.astype(np.float32)[:, None]
    for points in (drawn, codec.handed_out(drawn), codec.handed_out(drawn * 1.0)):
        rows = codec.decode(points.astype(np.float32))
        np.testing.assert_array_equal(rows["rate"].values, np.unique(common))
    near = np.nextafter(drawn, np.float32(9))
    assert not np.isin(codec.decode(near)["rate"].values, common).any()
    whole = TableCodec.fit([cells_of({"age": [str(i * i % 90) for i in range(200)]})])
    assert isinstance(whole.columns[0], NumberColumn) and not len(
        whole.columns[0].common
    )


def test_what_few_rows_have_is_not_handed_out():
    """None of eight numbers is the fifth most extreme on both sides."""
    for num, leaves in ((1, False), (8, False), (9, True)):
        present = [f"{i}.5" for i in range(num)]
        table = cells_of(
            {"x": [*present, *[""] * 9], "y": [str(i) for i in range(num + 9)]}
        )
        codec = TableCodec.fit([table])
        rows = codec.decode(codec.handed_out(codec.encode(table)))["x"]
        assert rows.is_missing.all() != leaves
        assert set(rows.present) == ({4.5} if leaves else set())


def test_values_that_few_rows_have_are_no_mass_points():
    table = cells_of({"x": [f"{i}.5" for i in range(20)] + ["3.5"] * 4})
    (column,) = TableCodec.fit([table]).columns
    assert column.facts.mass_points == (3.5,)  # 5 of 24 rows; others are of one each


def test_the_end_of_the_range_is_no_row_s_own_value():
    for num_same, highest in ((1, 945), (6, 950)):
        values = [*range(0, 1000, 10), 501, *[950] * (num_same - 1)]
        codec = TableCodec.fit([cells_of({"x": [str(x) for x in values]})])
        rows = codec.decode(codec.handed_out(np.array([[-9.0], [9.0]])))["x"]
        assert rows.values.tolist() == [45, highest]


@pytest.mark.parametrize(
    ("ids", "first"),
    [
        (range(1, 200), 1001),
        (range(7_000_000, 7_000_200), 10_000_001),
        (range(2_000_000_000, 2_000_000_200), 1_000_000_001),  # still of 32 bits
        (range(2**63 - 300, 2**63 - 100), 10**18 + 1),  # and of 64
        (range(2**64 - 300, 2**64 - 100), 10**19 + 1),  # unsigned
        ([-(2**63), 2**63 - 1] * 20, 10**18 + 1),
    ],
)
def test_identifiers_are_new_ones_within_the_bits_of_the_old(ids, first: int):
    kind = pa.uint64() if max(ids) >= 2**63 else pa.int64()
    x = pa.array(np.arange(len(ids)) % 7 / 2)
    table = cells_of({"id": pa.array(ids, kind), "x": x})
    codec = TableCodec.fit([table])
    rows = codec.decode(codec.encode(table))["id"]
    assert [int(i) for i in rows.values[:3]] == [first, first + 1, first + 2]
    assert set(rows.values.tolist()).isdisjoint(ids)


def test_missing_cells_are_handed_out_if_several_rows_have_them():
    numbers = [f"{i}.5" for i in range(20)]
    tables = [cells_of({"x": numbers + [""] * num}) for num in (4, 5)]
    few_missing, some_missing = (TableCodec.fit([table]) for table in tables)
    far = np.array([[0.0, 1.0]])
    assert not few_missing.decode(few_missing.handed_out(far))["x"].is_missing.any()
    assert some_missing.decode(some_missing.handed_out(far))["x"].is_missing.all()


def test_rare_categories_stay_here():
    jobs = ["cook"] * 20 + ["nurse"] * 5 + ["pilot"] * 4
    table = cells_of({"job": jobs, "x": [f"{i}.5" for i in range(29)]})
    codec = TableCodec.fit([table])
    made = codec.decode(codec.handed_out(codec.encode(table)))
    assert set(made["job"].values) == {"cook", "nurse"}
    assert set(codec.decode(codec.encode(table))["job"].values) == set(jobs)


def test_only_shared_categories():
    a = cells_of({"job": ["cook", "clerk"] * 9, "x": [f"{i}.5" for i in range(18)]})
    b = cells_of({"job": ["cook", "nurse"] * 9, "x": [f"{i}.5" for i in range(18)]})
    codec = TableCodec.fit([a, b], only_shared_categories=True)
    made = codec.decode(codec.handed_out(codec.encode(a)))
    assert set(made["job"].values) == {"cook"}
    apart = {"job": ["nurse"] * 18, "x": [f"{i}.5" for i in range(18)]}
    c = cells_of({**apart, "job": ["pilot"] * 18})
    with pytest.raises(ValueError, match=r"job: .* by two parties, got none"):
        TableCodec.fit([c, cells_of(apart)], only_shared_categories=True)


def test_whole_numbers_go_to_the_nearest_of_their_step():
    hundreds = [100 * (i % 40 + 1) for i in range(80)]
    table = cells_of({"pay": [str(x) for x in hundreds]})
    codec = TableCodec.fit([table])
    (column,) = codec.columns
    for shift, expected in ((40, 0), (-40, 0), (60, 100), (-60, -100)):
        points = codec.encode(table) + shift / column.scale
        found = codec.decode(points)["pay"].values - np.array(hundreds)
        inside = (np.array(hundreds) > 100) & (np.array(hundreds) < 4000)
        assert (found[inside] == expected).all()

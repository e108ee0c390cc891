"""What is agreed on is public, complete, and the same for everybody."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cgm_jax.files import InputError, read_tables
from cgm_jax.mediation.agreement import (
    AgreedColumn,
    Agreement,
    read_agreed_columns,
)
from cgm_jax.tables import Cells, ColumnChoice

AGE = AgreedColumn("age", "whole number", 0, 120)
INCOME = AgreedColumn("income", "number", 0.0, 12.0)
JOB = AgreedColumn("job", "category", values=("clerk", "nurse", ""))
AGREEMENT = Agreement(
    (AGE, INCOME, JOB), 0.6, "orthogonal", 100, 7, 1e-5, "replace one"
)


def table(ages, incomes, jobs) -> dict[str, Cells]:
    def cells(form, values, kind):
        return Cells(form, np.array(values, kind), np.zeros(len(values), bool))

    return {
        "job": cells("text", jobs, object),
        "age": cells("whole", ages, np.int64),
        "income": cells("number", incomes, float),
    }


def test_rows_become_points_and_come_back():
    rows = table([0, 60, 120], [0.0, 1.23, 12.0], ["nurse", "", "clerk"])
    points = AGREEMENT.encode(rows, Path("a.csv"))
    low, high = AGREEMENT.edges
    assert points.shape == (3, 5)
    assert np.all((points >= low - 1e-12) & (points <= high + 1e-12))
    np.testing.assert_allclose(points[:, 0], [-np.sqrt(3), 0, np.sqrt(3)], atol=1e-12)
    back = AGREEMENT.decode(points)
    for name in ("age", "income", "job"):
        assert back[name].values.tolist() == rows[name].values.tolist()
    noisy = AGREEMENT.decode(points + 1e-3)
    assert noisy["job"].values.tolist() == ["nurse", "", "clerk"]


def test_a_uniform_number_has_variance_1_and_numbers_beyond_are_at_the_end():
    ages = np.linspace(0, 120, 2_001).astype(int)
    rows = table(ages, [99.0] * 2_001, ["nurse"] * 2_001)
    points = AGREEMENT.encode(rows, Path("a.csv"))
    assert points[:, 0].var() == pytest.approx(1, abs=0.01)
    assert np.allclose(points[:, 1], np.sqrt(3))


VISIT = AgreedColumn("visit", "date or time", "2024-01-01", "2024-12-31", missing=True)
LENGTH = AgreedColumn("length", "number", 0, 10, missing=True)
STAY = AgreedColumn("stay", "whole number", 0, 10, missing=True)
WITH_HOLES = replace(AGREEMENT, columns=(VISIT, LENGTH, STAY))


def read(tmp_path: Path, *rows: str) -> dict[str, Cells]:
    file = tmp_path / "a.csv"
    file.write_text("\n".join(["visit,length,stay", *rows]))
    return dict(read_tables([file], least_parties=1).tables[0])


def test_days_and_missing_cells_become_points_and_come_back(tmp_path):
    rows = read(
        tmp_path, "2024-01-01,2.5,3", ",,1", "2024-12-31,NA,10", "2024-07-01,0,?"
    )
    points = WITH_HOLES.encode(rows, tmp_path)
    low, high = WITH_HOLES.edges
    assert points.shape == (4, 6)
    assert np.all((points >= low - 1e-12) & (points <= high + 1e-12))
    # A missing cell is in the middle, and as far from there as two categories.
    np.testing.assert_allclose(points[1, :4], [0, high[1]] * 2, atol=1e-12)
    np.testing.assert_allclose(points[3, 4:], [0, high[1]], atol=1e-12)
    assert high[1] == pytest.approx(np.sqrt(2) * AGREEMENT.edges[1][-1])
    expected = np.sqrt(12) * (182 / 365 - 0.5)  # days after 1 January, of a leap year
    np.testing.assert_allclose(points[3, :2], [expected, 0], atol=1e-12)
    back = WITH_HOLES.decode(points + 1e-3)
    for name, cells in rows.items():
        assert back[name].is_missing.tolist() == cells.is_missing.tolist()
        assert back[name].present.tolist() == pytest.approx(cells.present, abs=0.01)
        assert back[name].form == cells.form
    assert VISIT.num_beyond(rows["visit"]) == 0
    late = read(tmp_path, "2025-01-01,11,0", ",,0")
    assert [c.num_beyond(late[c.name]) for c in WITH_HOLES.columns] == [1, 1, 0]
    np.testing.assert_allclose(WITH_HOLES.encode(late, tmp_path)[0, 0], np.sqrt(3))
    empty = read(tmp_path, ",1,1", ",2,2")
    np.testing.assert_allclose(WITH_HOLES.encode(empty, tmp_path)[:, 1], high[1])


@pytest.mark.parametrize(
    "days",
    ["31/01/2024", "20240131", "2024-01-31T10:00", "2024-01-31 10:00Z", "x", "7"],
)
def test_days_that_are_read_by_what_is_beside_them_are_refused(tmp_path, days):
    for rows in ([f"{days},1,1"] * 2, [f"{days},1,1", "2024-02-01,1,1"]):
        refused = (
            r"2024-01-31 or nothing, in every row|expected (dates|a date|a number)"
        )
        with pytest.raises(InputError, match=refused):
            WITH_HOLES.encode(read(tmp_path, *rows), tmp_path)


WORDS = ("1", "1.0", "+1", "1e0", "01", "0.1", "0.10", ".1", "true", "TRUE", "True")
MORE = ("yes", "?", "NA", "5%", "1.5", "1,5", "x", "20230101", "20230101.0")


@pytest.mark.parametrize("mark", [".", ","])
@pytest.mark.medium
def test_no_row_changes_how_another_is_read(tmp_path, mark):
    """Or one row would move the sums of features by more than its own features."""
    values = ("1", "01", "0.1", "true", "yes", "", "5%", "1.5", "1,5", "x", "20230101")
    values = values[:8] + values[9:] if mark == "," else values
    column = AgreedColumn("job", "category", values=values)
    agreement = replace(AGREEMENT, columns=(column, AGE))
    file, between = tmp_path / "a.csv", ";" if mark == "," else ","

    def first_row(first: str, second: str) -> list[float] | None:
        rows = [f'"{word}"{between}1' for word in (first, first, second, second)]
        file.write_text("\n".join([f"job{between}age", *rows]))
        choices = [ColumnChoice("job", "category")]
        try:
            parties = read_tables(
                [file], decimal=mark, choices=choices, least_parties=1
            )
            return agreement.encode(parties.tables[0], file)[0].tolist()
        except InputError:
            return None  # refused, which only the party learns

    several = 0
    for first in WORDS + MORE:
        read = [first_row(first, second) for second in WORDS + MORE]
        assert len({tuple(row) for row in read if row is not None}) <= 1, first
        several += len(read) - read.count(None) > 9
    assert several > 9


@pytest.mark.parametrize(
    "pair", [("1", "1.0"), ("true", "TRUE"), ("", "NA"), ("x", " x")]
)
def test_values_that_are_read_as_one_are_refused(pair):
    with pytest.raises(ValueError, match="different"):
        AgreedColumn("job", "category", values=pair)


def test_what_does_not_fit_is_refused_without_a_cell():
    good = table([1], [1.0], ["nurse"])
    text = Cells("text", np.array(["secret"], object), np.zeros(1, bool))
    missing = Cells("number", np.array([np.nan]), np.ones(1, bool))
    for name, cells in (("age", text), ("income", missing), ("job", text)):
        with pytest.raises(InputError, match="agree") as caught:
            AGREEMENT.encode({**good, name: cells}, Path("a.csv"))
        assert f"column {name}" in str(caught.value)
        assert "secret" not in str(caught.value)
    del good["job"]
    with pytest.raises(InputError, match="a column of the agreement"):
        AGREEMENT.encode(good, Path("a.csv"))


def test_a_file_has_all_of_it_and_the_digest_sees_every_part(tmp_path):
    path = tmp_path / "agreement.json"
    AGREEMENT.save(path)
    assert Agreement.load(path) == AGREEMENT
    others = [
        replace(AGREEMENT, columns=(AGE, INCOME)),
        replace(AGREEMENT, length_scale=0.7),
        replace(AGREEMENT, kind="quasi-random"),
        replace(AGREEMENT, seed=8),
        replace(AGREEMENT, delta=1e-6),
        replace(AGREEMENT, neighbours="add or remove one"),
    ]
    assert len({each.digest for each in [AGREEMENT, *others]}) == 7
    facts = json.loads(path.read_text())
    for wrong in (
        {**facts, "format": "x"},
        {**facts, "kind": "x"},
        {**facts, "more": 1},
        {**facts, "columns": [{"name": "age"}]},
        {**facts, "columns": []},
        {**facts, "columns": [facts["columns"][0]] * 2},
        {**facts, "length_scale": "1"},
        {**facts, "length_scale": float("nan")},
        {**facts, "length_scale": 10**400},
        {**facts, "num_features": 1.5},
        {**facts, "num_features": 10**12},
        {**facts, "seed": -1},
        {**facts, "delta": 1},
        {**facts, "neighbours": "none"},
        [],
    ):
        path.write_text(json.dumps(wrong))
        with pytest.raises(InputError, match="expected an agreement"):
            Agreement.load(path)


@pytest.mark.parametrize(
    "entries",
    [
        "{}",
        "[]",
        "not JSON",
        '[{"name": "a", "kind": "number"}]',
        '[{"name": "a", "kind": "number", "low": 1, "high": 0}]',
        '[{"name": "a", "kind": "number", "low": 0, "high": 1e400}]',
        '[{"name": "a", "kind": "number", "low": true, "high": 2}]',
        '[{"name": "a", "kind": "category", "values": ["x"]}]',
        '[{"name": "a", "kind": "category", "values": ["x", "x"]}]',
        '[{"name": "a", "kind": "category", "values": ["x", 1]}]',
        '[{"name": "a", "kind": "identifier", "low": 0, "high": 1}]',
        '[{"name": "a", "kind": "number", "low": 0, "high": 1, "more": 2}]',
        '[{"name": "a", "kind": "number", "low": 0, "high": 1, "missing": 1}]',
        '[{"name": "a", "kind": "number", "low": "2024-01-01", "high": "2024-02-01"}]',
        '[{"name": "a", "kind": "date or time", "low": 0, "high": 1}]',
        '[{"name": "a", "kind": "date or time", "low": "2024", "high": "2025-01-01"}]',
        '[{"name": "a", "kind": "date or time", "low": "x", "high": "2024-03-01"}]',
        '[{"name": "a", "kind": "category", "values": ["x", "y"], "missing": true}]',
    ],
)
def test_columns_without_public_ranges_are_refused(tmp_path, entries):
    path = tmp_path / "columns.json"
    path.write_text(entries)
    with pytest.raises(InputError, match=r"expected (a .*column|days)|list of columns"):
        read_agreed_columns(path)


def test_features_depend_on_the_agreement_alone():
    one, again = AGREEMENT.features, replace(AGREEMENT).features
    assert one == again
    assert one.num_dimensions == 5
    assert one != replace(AGREEMENT, seed=8).features
    small = replace(AGREEMENT, columns=(AGE, INCOME), kind="quadrature")
    assert small.features.max_error is not None

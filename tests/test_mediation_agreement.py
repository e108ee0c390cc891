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


WORDS = ("1", "1.0", "+1", "1e0", "01", "0.1", "0.10", ".1", "true", "TRUE", "True")
MORE = ("yes", "?", "NA", "5%", "1.5", "1,5", "x", "20230101", "20230101.0")


@pytest.mark.parametrize("mark", [".", ","])
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
    ],
)
def test_columns_without_public_ranges_are_refused(tmp_path, entries):
    path = tmp_path / "columns.json"
    path.write_text(entries)
    with pytest.raises(InputError, match=r"expected a .*column|list of columns"):
        read_agreed_columns(path)


def test_features_depend_on_the_agreement_alone():
    one, again = AGREEMENT.features, replace(AGREEMENT).features
    assert one == again
    assert one.num_dimensions == 5
    assert one != replace(AGREEMENT, seed=8).features
    small = replace(AGREEMENT, columns=(AGE, INCOME), kind="quadrature")
    assert small.features.max_error is not None

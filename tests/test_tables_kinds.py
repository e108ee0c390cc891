"""Kinds of columns, as a person would say; the facts that warnings rest on."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from real_tables import FOLDER, SHARED, cells_of, read_table

from cgm_jax.tables import ColumnFacts, infer, read_cells

RNG = np.random.default_rng(0)


def kind_of(*parties: Any, name: str = "x") -> str:
    return facts_of(*parties, name=name).kind


def facts_of(*parties: Any, name: str = "x") -> ColumnFacts:
    cells = [read_cells(pa.array([*party])) for party in parties]
    return infer(name, cells)


EXPECTED = {
    "adult.csv.gz": {
        "whole number": "age, fnlwgt, education-num, capital-gain, capital-loss, "
        "hours-per-week",
        "category": "workclass, education, marital-status, occupation, relationship, "
        "race, sex, native-country, income-per-year",
    },
    "shoppers.csv.gz": {
        "whole number": "Administrative, Informational, ProductRelated, "
        "OperatingSystems, Browser, Region, TrafficType",
        "number": "Administrative_Duration, Informational_Duration, "
        "ProductRelated_Duration, BounceRates, ExitRates, PageValues, SpecialDay",
        "category": "Month, VisitorType, Weekend, Revenue",
    },
    "default.csv.gz": {
        "identifier": "ID",
        # A gap between codes that many have: nobody has a 1.
        "category": "PAY_5, PAY_6",
        "whole number": "LIMIT_BAL, SEX, EDUCATION, MARRIAGE, AGE, Default, PAY_0, "
        "PAY_2, PAY_3, PAY_4, "
        + ", ".join(
            f"{name}{i}" for name in ("BILL_AMT", "PAY_AMT") for i in range(1, 7)
        ),
    },
    "penguins-raw.csv": {
        "category": "studyName, Species, Island, Clutch Completion, Sex",
        "identifier": "Sample Number, Individual ID",
        "constant": "Region, Stage",
        "date or time": "Date Egg",
        "number": "Culmen Length (mm), Culmen Depth (mm), Delta 15 N (o/oo), "
        "Delta 13 C (o/oo)",
        "whole number": "Flipper Length (mm), Body Mass (g)",
        "free text": "Comments",
    },
}


@pytest.mark.parametrize("num_parties", [1, 3])
@pytest.mark.parametrize("name", EXPECTED)
@pytest.mark.medium
def test_real_tables_are_what_a_person_says(name: str, num_parties: int):
    table = read_table(name)
    found: dict[str, list[str]] = {}
    for column, cells in table.items():
        rows = np.arange(len(cells)) % num_parties
        parties = [cells.take(rows == i) for i in range(num_parties)]
        found.setdefault(infer(column, parties).kind, []).append(column)
    assert {kind: sorted(names) for kind, names in found.items()} == {
        kind: sorted(names.split(", ")) for kind, names in EXPECTED[name].items()
    }


def test_mass_points_make_no_heavy_tail():
    amounts = RNG.lognormal(4, 0.8, 400).round(2)
    half_zeros = np.where(np.arange(400) % 2, amounts, 0.0)
    facts = facts_of(half_zeros.tolist())
    assert facts.mass_points == (0,) and not facts.is_heavy_tailed
    # With the zeros, the median is near 0 and most of the distances to it are small.
    few = np.where(np.arange(400) % 20 < 11, 0.0, amounts)
    assert not facts_of(few.tolist()).is_heavy_tailed
    heavy = np.where(np.arange(400) % 2, RNG.lognormal(4, 2, 400), 0.0)
    assert facts_of(heavy.tolist()).is_heavy_tailed


def test_masses_and_steps_of_real_tables():
    adult = read_table("adult.csv.gz")
    gain = infer("capital-gain", [adult["capital-gain"]])
    assert gain.mass_points == (0,) and not gain.is_heavy_tailed
    body = read_table("penguins-raw.csv")["Body Mass (g)"]
    assert infer("Body Mass (g)", [body]).step == 25


@pytest.mark.parametrize(
    ("parties", "name", "expected"),
    [
        ([[7, 7, 7], [7]], "x", "constant"),
        ([[None, None], [None]], "x", "constant"),
        ([[7, None, 7]], "x", "whole number"),
        ([range(1, 31)], "x", "identifier"),
        ([range(100, 120), range(200, 220)], "x", "identifier"),  # TABLES 2
        ([[*RNG.permutation(60)]], "x", "identifier"),
        ([[*RNG.choice(10**6, 60, replace=False)]], "x", "whole number"),
        ([[*RNG.choice(10**6, 60, replace=False)]], "patient_no", "identifier"),
        ([[*RNG.choice(10**6, 60, replace=False)]], "patientId", "identifier"),
        ([[*RNG.choice(10**6, 60, replace=False)]], "Sample Number", "identifier"),
        ([[*RNG.choice(10**6, 60, replace=False)]], "valid", "whole number"),
        ([[*np.sort(RNG.choice(10**6, 60, replace=False))]], "x", "identifier"),
        ([range(1990, 2020)], "year", "whole number"),
        ([range(1, 10)], "x", "whole number"),  # too few rows to tell
        ([[2**64 - 1, *range(9)]], "x", "identifier"),
        ([[f"a{i:03}" for i in range(30)]], "x", "identifier"),  # TABLES 1
        ([[f"Ann Smith {i}" for i in range(30)]], "x", "free text"),
        ([["No blood was taken.", "It was not seen again."] * 9], "x", "free text"),
        ([["cook", "clerk", "chief cook"] * 9], "x", "category"),
        ([[True, False]], "x", "category"),
        ([[1, 2, 5, 9, 77] * 10], "x", "category"),  # TABLES 13
        ([[202, 404] * 10], "x", "category"),
        ([[0, 1] * 10], "x", "whole number"),
        ([[*range(7)] * 10], "children", "whole number"),
        ([[0, 1, 2, 3] * 60 + [7]], "children", "whole number"),
        ([[100, 200, 300] * 10], "x", "whole number"),
        ([[1, 2, 5, 9, 77] * 9], "x", "whole number"),  # fewer than ten rows each
        ([[0.5, 1.5, 2]], "x", "number"),
        ([["2023-01-31", "2023-02-01"]], "x", "date or time"),
    ],
)
def test_kinds(parties: list[Any], name: str, expected: str):
    cells = [
        read_cells(pa.array([*party], pa.uint64() if 2**64 - 1 in party else None))
        for party in parties
    ]
    assert infer(name, cells).kind == expected


def test_forms_of_parties_are_unified():
    assert facts_of([1, 2], [1.5]).form == "number"
    assert facts_of([True, False], ["true"], [1, 0]).form == "truth"  # TABLES 16
    assert facts_of(["01234"], [12345]).form == "text"
    assert facts_of([20230131], [20230132]).form == "whole"
    assert facts_of([None], [1, 2]).form == "whole"
    with pytest.raises(ValueError, match="whole numbers within"):
        facts_of([2**53 + 1], [0.5])


def test_declared_kinds_that_the_cells_cannot_have_are_refused():
    cells = [read_cells(pa.array(["a", "b"]))]
    with pytest.raises(ValueError, match="Column x: expected one of category"):
        infer("x", cells, kind="number")
    problem = [read_cells(pa.array(["5%", "6%"]))]
    with pytest.raises(ValueError, match=r"Column x, row 0: .*percent"):
        infer("x", problem)
    assert infer("x", problem, kind="category").kind == "category"


def test_steps_and_decimals():
    assert facts_of([100, 300, 800, 500]).step == 100  # TABLES 24
    assert facts_of([0.25, 0.75, 1.5]).num_decimals == 2
    assert facts_of([0.2, 0.4, 1.0]).step == 2
    assert facts_of([1 / 3, 0.5]).step is None


def test_signs_of_what_a_person_should_look_at():
    ages = RNG.integers(18, 80, 97).tolist()
    assert facts_of([*ages, -999, -999, -999]).sentinel == -999  # TABLES 32
    assert facts_of([*ages, 999, 999]).sentinel == 999
    assert facts_of([*ages, -1, -1]).sentinel == -1
    assert facts_of(ages).sentinel is None
    assert facts_of([*ages, 500]).sentinel is None  # once
    assert facts_of([*ages, 30.5]).num_with_decimals == 1
    assert facts_of([*ages, *[0.5] * 40]).num_with_decimals == 0
    assert facts_of(["01234", "12345"]).has_leading_zeros
    assert facts_of([None, 1, 2, 3]).missing_share == 0.25
    zeros = [0] * 90 + ages
    assert facts_of(zeros).mass_points[0] == 0


def test_columns_that_tell_the_parties_apart():
    low, high = RNG.uniform(0, 1, 50), RNG.uniform(2, 3, 50)
    assert facts_of(low, high).tells_parties_apart
    assert not facts_of(low, np.append(high, 0.5)).tells_parties_apart
    assert facts_of([1] * 9, [2] * 9).tells_parties_apart
    assert facts_of(["north"] * 9, ["south"] * 9).tells_parties_apart
    assert not facts_of(["north", "south"] * 9, ["south"] * 9).tells_parties_apart
    assert not facts_of(low).tells_parties_apart


def test_zones_of_parties_are_mixed():
    zoned, utc = ["2023-01-31T10:00:00+02:00"] * 2, ["2023-01-31T10:00:00Z"]
    assert facts_of(zoned, utc).has_mixed_zones
    assert not facts_of(zoned, zoned).has_mixed_zones


def test_zips_dates_and_codes_of_a_mediators_files():
    folder = SHARED / "inputs" / "mediator" / "codes_and_dates"
    if not folder.exists() or not FOLDER.exists():
        pytest.skip(f"{folder} is not here")
    from pyarrow import csv

    tables = []
    for file in sorted(folder.glob("*.csv")):
        names = csv.read_csv(file).column_names
        options = csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()))
        table = csv.read_csv(file, convert_options=options)
        tables.append(cells_of(dict(zip(names, table.columns, strict=True))))
    kinds = {name: infer(name, [t[name] for t in tables]).kind for name in tables[0]}
    assert kinds == {
        "age": "whole number",
        "bmi": "number",
        "branch": "category",
        "dob": "date or time",
        "zip": "identifier",
    }


def test_a_gap_beside_a_value_of_few_rows_is_one_of_chance():
    children = [0] * 60 + [1] * 50 + [2] * 30 + [3] * 10 + [4] * 6
    assert kind_of([*children, 6, 6, 6, 6]) == "whole number"
    assert kind_of([*children, 6, 6, 6, 6, 6]) == "category"


@pytest.mark.parametrize("name", ["account", "savingsAccount", "phone", "SSN"])
def test_numbers_that_name_people_are_identifiers(name: str):
    numbers = RNG.choice(10**7, 60, replace=False) + 9 * 10**7
    assert kind_of(numbers.tolist(), name=name) == "identifier"
    assert kind_of(numbers.tolist(), name="balance") == "whole number"

"""Columns of one file and not of another: all are named, with what was meant."""

from pathlib import Path

import pytest
from party_files import SECRET_TEXT, check_message, read_parties, write_csv

from cgm_jax.files import check_parties


def problems(tmp_path: Path, a: str, b: str, **options) -> list[tuple]:
    paths = [write_csv(tmp_path, "a.csv", a), write_csv(tmp_path, "b.csv", b)]
    found = check_parties(paths, **options).problems
    for problem in found:
        check_message(ValueError(str(problem)))
    return [(p.file.name, p.column, p.row, p.sentence) for p in found]


ROWS = "\n1,2,3\n4,5,6\n"


def test_names_in_other_letters_are_the_same_name(tmp_path: Path):
    a = "gr\u00f6\u00dfe,bmi\n1,2\n3,4\n"  # composed
    b = "bmi,gro\u0308\u00dfe\n5,6\n7,8\n"  # decomposed
    paths = [write_csv(tmp_path, "a.csv", a), write_csv(tmp_path, "b.csv", b)]
    parties = read_parties(paths)
    assert parties.header == ("größe", "bmi")
    assert parties.points[1].tolist() == [[6, 5], [8, 7]]
    assert parties.formats[1].columns["größe"].name == "gro\u0308ße"
    for name in ("gr\u00f6\u00dfe", "gro\u0308\u00dfe"):
        assert read_parties(paths, label_column=name).labels is not None


def test_all_missing_and_additional_columns_are_named(tmp_path: Path):
    found = problems(tmp_path, "a,bmi,c" + ROWS, "x,c,income" + ROWS)
    named = [(column, "none of that name" in text) for _, column, _, text in found]
    assert named == [("a", True), ("bmi", True), ("x", False), ("income", False)]
    assert {file for file, *_ in found} == {"b.csv"}


@pytest.mark.parametrize(
    ("mine", "theirs"),
    [("age", "Age"), ("income", "imcome"), ("patient_no", "PatientNo")],
)
def test_near_names_are_suggested_and_not_said_twice(
    tmp_path: Path, mine: str, theirs: str
):
    (found,) = problems(tmp_path, f"{mine},b,c" + ROWS, f"{theirs},b,c" + ROWS)
    assert found[1] == mine and f"did you mean {theirs}?" in found[3]


def test_a_name_is_suggested_once(tmp_path: Path):
    found = problems(tmp_path, "age1,age2,c" + ROWS, "age3,c,zz" + ROWS)
    assert sum("did you mean age3?" in text for *_, text in found) == 1


def test_the_label_column_is_suggested(tmp_path: Path):
    text = "x,y,Group\n1,2,a\n3,4,b\n"
    found = problems(tmp_path, text, text, label_column="group")
    assert [file for file, *_ in found] == ["a.csv", "b.csv"]
    assert all("did you mean Group?" in text for *_, text in found)


@pytest.mark.medium
def test_very_many_columns_are_counted(tmp_path: Path):
    header = ",".join(f"v{i}" for i in range(500))
    row = ",".join(["1"] * 500)
    wide = f"{header}\n{row}\n{row}\n"
    found = problems(tmp_path, "x,y,z" + ROWS, wide)
    assert len(found) < 20
    assert "found 500 additional ones" in found[-1][3]


def test_problems_of_all_files_and_kinds_are_listed_at_once(tmp_path: Path):
    a = f"x,y,z\n1,1e39,\n2,3,{SECRET_TEXT}\n4,5,1\n7,8,2\n9,1,3\n"
    b = f"x,y,w\n1,2,3\n{SECRET_TEXT},3,5\n4,5,6\n"
    found = problems(tmp_path, a, b)
    places = [(file, column, row) for file, column, row, _ in found]
    assert places == [
        ("a.csv", "y", 2),
        ("a.csv", "z", 3),
        ("b.csv", "z", None),
        ("b.csv", "w", None),
        ("b.csv", "x", 3),
    ]


def test_a_file_that_cannot_be_read_does_not_hide_the_others(tmp_path: Path):
    found = problems(tmp_path, "x,,y,y\n1,2,3,4\n", "x,y\n1,1e39\n2,3\n")
    places = [(file, column, row) for file, column, row, _ in found]
    assert places == [("a.csv", 2, 1), ("a.csv", 4, 1), ("b.csv", "y", 2)]


def test_forms_that_do_not_fit_name_the_file_that_differs(tmp_path: Path):
    days = "x,y\n1,2020-01-31\n2,2020-02-01\n"
    paths = [write_csv(tmp_path, f"{name}.csv", days) for name in "ac"]
    paths.append(write_csv(tmp_path, "b.csv", "x,y\n1,2\n2,3\n"))
    (problem,) = check_parties(paths).problems
    assert (problem.file.name, problem.column) == ("b.csv", "y")
    assert problem.sentence.startswith("expected dates in all tables")

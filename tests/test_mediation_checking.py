"""`check` lists all problems and warnings; `describe` prints kinds that are obeyed."""

import json
from pathlib import Path

import pytest
from party_files import SECRET_TEXT, write_csv

from cgm_jax.cli import main
from cgm_jax.files import CheckedFiles, FileAccessError, InputError
from cgm_jax.mediation.checking import check_data, check_files
from cgm_jax.mediation.tables import TableOptions, read_choices

MEDIATOR = Path(__file__).resolve().parents[2] / "shared" / "inputs" / "mediator"
GOOD = "age,sex\n" + "".join(f"{20 + i * i % 37},{'fm'[i % 2]}\n" for i in range(60))
OTHER = "age,sex\n" + "".join(  # modulo 37 twice a square is none
    f"{20 + 2 * i * i % 37},{'fm'[i % 2]}\n" for i in range(1, 60) if i != 37
)
BAD = f"Age,sex\n1e39,f\n3,{SECRET_TEXT}\n"


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    return [write_csv(tmp_path, f"{name}.csv", GOOD) for name in "ab"]


def run(*words: object) -> int:
    with pytest.raises(SystemExit) as caught:
        main([str(word) for word in words])
    code = caught.value.code
    assert isinstance(code, int)
    return code


@pytest.mark.medium
def test_files_without_problems(paths: list[Path], capsys: pytest.CaptureFixture):
    paths[1].write_text(OTHER)
    assert run("check", *paths) == 0
    assert capsys.readouterr().out == "No problems, no warnings.\n"
    checked = check_files(paths, TableOptions())
    assert checked.parties is not None and checked.problems == ()
    kinds = [column["kind"] for column in check_data(checked)["columns"]]
    assert kinds == ["whole number", "category"]


def test_rows_that_two_files_share_are_warned_of(paths: list[Path], capsys):
    assert run("check", *paths, "--json") == 0
    of_files, warning = json.loads(capsys.readouterr().out)["warnings"]
    assert of_files.startswith("b: the data are the same as those of a")
    assert warning.startswith("a, b: these have rows in common, 60 of the 60 rows of a")
    # `describe` looks at no rows.
    assert len(check_files(paths, TableOptions()).warnings) == 1


def test_problems_are_a_table(paths: list[Path], capsys: pytest.CaptureFixture):
    paths[1].write_text(BAD)
    assert run("check", *paths) == 3
    out, err = capsys.readouterr()
    assert SECRET_TEXT not in out and "problem" in out and "b.csv" in out
    assert err == "error: problems: 2, in files: 1\n"


def test_problems_as_json(paths: list[Path], capsys: pytest.CaptureFixture):
    paths[1].write_text(BAD)
    assert run("check", *paths, "--json") == 3
    found = json.loads(capsys.readouterr().out)
    assert [problem["column"] for problem in found["problems"]] == ["age", "Age"]
    assert found["problems"][1]["row"] == 2
    assert found["problems"][0]["file"] == str(paths[1])
    assert "did you mean Age?" in found["problems"][0]["sentence"]
    assert found["warnings"] == []
    assert found["columns"] == [{"name": "sex", "kind": "category"}]


@pytest.mark.medium
def test_warnings_alone_are_no_failure(paths: list[Path], capsys):
    paths[1].write_text(OTHER.replace("\n22,", "\n,"))
    assert run("check", *paths, "--json") == 0
    (warning,) = json.loads(capsys.readouterr().out)["warnings"]
    assert "missing" in warning


def test_described_kinds_are_read_and_obeyed(
    paths: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture
):
    assert run("describe", *paths) == 0
    columns = tmp_path / "columns.json"
    text = capsys.readouterr().out
    columns.write_text(text)
    assert json.loads(text) == [
        {"name": "age", "kind": "whole number"},
        {"name": "sex", "kind": "category"},
    ]
    columns.write_text(text.replace("whole number", "category"))
    assert [
        c.kind for c in check_files(paths, TableOptions(columns=columns)).facts
    ] == ["category"] * 2
    columns.write_text(text.replace('"category"', '"number"'))
    (problem,) = check_files(paths, TableOptions(columns=columns)).problems
    assert problem.column == "sex" and "expected one of" in problem.sentence


def test_a_declared_category_may_mix_numbers_and_text(
    paths: list[Path], tmp_path: Path
):
    for path in paths:
        path.write_text("x,code\n" + "1,2\n2,3\n3,4\n4,x\n5,2\n" * 4)
    assert [
        problem.column for problem in check_files(paths, TableOptions()).problems
    ] == ["code"] * 2
    columns = tmp_path / "columns.json"
    columns.write_text('[{"name": "code", "kind": "category"}]')
    assert check_files(paths, TableOptions(columns=columns)).problems == ()


def test_files_of_kinds_that_are_wrong(tmp_path: Path):
    columns = tmp_path / "columns.json"
    with pytest.raises(FileAccessError, match="check the path"):
        read_choices(columns)
    columns.write_text('[{"name": "age", "kind": "colour"}]')
    with pytest.raises(InputError, match=r"columns\.json: entry 1 \(age\): expected"):
        read_choices(columns)


def test_columns_that_nobody_has_are_named(paths: list[Path], tmp_path: Path):
    columns = tmp_path / "columns.json"
    columns.write_text('[{"name": "bmi", "kind": "number"}]')
    (problem,) = check_files(paths, TableOptions(columns=columns)).problems
    assert problem.file == columns and "bmi" in problem.sentence


def test_tables_without_anything_to_value(paths: list[Path]):
    for path in paths:
        path.write_text("x\n1\n1\n")
    (problem,) = check_files(paths, TableOptions()).problems
    assert "expected a column that varies" in problem.sentence


def test_describe_names_problems_beside_the_kinds(paths, capsys):
    paths[1].write_text(BAD)
    assert run("describe", *paths) == 3
    out, err = capsys.readouterr()
    assert json.loads(out) == [{"name": "sex", "kind": "category"}]
    assert err.count("\n") == 3 and SECRET_TEXT not in err


def test_decimal_commas(paths: list[Path]):
    for path in paths:
        path.write_text("x;y\n" + "".join(f"{i % 9},5;{i % 4}\n" for i in range(30)))
    found = {problem.row for problem in check_files(paths, TableOptions()).problems}
    assert found == {1}
    assert check_files(paths, TableOptions(decimal=",")).problems == ()


@pytest.mark.skipif(not MEDIATOR.is_dir(), reason="shared inputs are not here")
def test_inputs_of_a_mediator():
    def check(name: str) -> CheckedFiles:
        # Some have fewer than the nine rows that are asked for by default.
        options = TableOptions(min_rows=1)
        return check_files(sorted((MEDIATOR / name).iterdir()), options)

    problems = check("many_problems").problems
    places = [(problem.file.name, problem.column) for problem in problems]
    assert places == [("b.csv", None), ("b.csv", "bmi")]
    for name in ("plain", "codes_and_dates", "header_newline", "nfc_nfd_header"):
        assert check(name).problems == ()
    checked = check("codes_and_dates")
    kinds = {column.name: column.kind for column in checked.facts}
    assert kinds["branch"] == "category" and kinds["dob"] == "date or time"
    assert any("identifiers" in sentence for sentence in checked.warnings)


def test_so_few_rows_that_a_range_of_five_is_none_are_refused(tmp_path: Path):
    """The fifth of eight numbers from either end is beyond the middle."""
    rows = [f"{x}.{x}" for x in (3, 1, 4, 15, 9, 2, 6, 5, 35)]
    for num, expected in ((4, 9), (5, None)):
        paths = [
            write_csv(tmp_path, "a.csv", "\n".join(["x", *rows[:4], ""])),
            write_csv(tmp_path, "b.csv", "\n".join(["x", *rows[4 : 4 + num], ""])),
        ]
        problems = check_files(paths, TableOptions()).problems
        assert [problem.column for problem in problems] == ["x"] * (num == 4)
        for problem in problems:
            assert f"expected at least {expected} numbers" in problem.sentence
            assert "found 8" in problem.sentence
        assert check_files(paths, TableOptions(min_rows=4)).problems == ()

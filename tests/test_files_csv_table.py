"""CSV files: what is read, and the place and reason of every refusal."""

import csv
import io
from pathlib import Path

import numpy as np
import pytest
from party_files import (
    GOOD_CSV,
    SECRET_NUMBER,
    SECRET_TEXT,
    read_parties,
    refused,
    write_csv,
)

from cgm_jax.files import Parties, check_parties


def read_with_good(tmp_path: Path, text: str | bytes, **options) -> Parties:
    """Read a good file and then this one."""
    paths = [write_csv(tmp_path, "good.csv"), write_csv(tmp_path, "it.csv", text)]
    return read_parties(paths, **options)


def refusal(tmp_path: Path, text: str | bytes, **options):
    paths = [write_csv(tmp_path, "good.csv"), write_csv(tmp_path, "it.csv", text)]
    error = refused(paths, **options)
    assert error.file == tmp_path / "it.csv"
    return error


ROWS = f"31,1200.5\n42,{SECRET_NUMBER}\n"
EXPECTED = [[31, 1200.5], [42, 918273.645]]


@pytest.mark.parametrize(
    "text",
    [
        "age,income\n" + ROWS,
        ("age,income\n" + ROWS).rstrip("\n"),
        "age,income\n" + ROWS + "\n\r\n\n",
        ("age,income\n" + ROWS).replace("\n", "\r\n"),
        ("age,income\n" + ROWS).replace("\n", "\r"),
        "\ufeffage,income\n" + ROWS,
        " age , income \n" + ROWS.replace(",", " ,\t"),
        f'"age","income"\n"31","1200.5"\n42,"{SECRET_NUMBER}"\n',
        f"income,age\n1200.5,31\n{SECRET_NUMBER},42\n",
        "age,income\n+31,12.005e2\n4.2E+1,918273645e-3\n",
        "age,income\n31.,1200.5000\n42,+918273.645\n",
    ],
)
def test_ways_to_write_the_same_table(tmp_path: Path, text: str):
    party = read_with_good(tmp_path, text).points[1]
    assert party.dtype == np.float64
    np.testing.assert_array_equal(party, EXPECTED)


@pytest.mark.parametrize(
    "cell", ["", "  ", "NA", "NaN", "null", "N/A", "#N/A", "?", "-", ".", "#DIV/0!"]
)
def test_a_cell_that_is_missing(tmp_path: Path, cell: str):
    text = f"age,income\n31,{cell}\n42,{SECRET_NUMBER}\n"
    cells = read_with_good(tmp_path, text).tables[1]["income"]
    assert cells.form == "number"
    assert cells.is_missing.tolist() == [True, False]
    assert cells.present.tolist() == [float(SECRET_NUMBER)]


@pytest.mark.parametrize(
    ("cell", "found"),
    [
        ("inf", "an infinite one"),
        ("1e400", "an infinite one"),
        ("1e39", "larger"),
        ("-3.5e38", "larger"),
        (SECRET_TEXT, "text"),
        ("-nan", "text"),
        ("-Infinity", "an infinite one"),
        (f"{SECRET_NUMBER} EUR", "an amount with a currency"),
        ("5%", "a percent sign"),
        ("<0.5", "a bound"),
        ("0x1F", "text"),
        ("1_000", "text"),
        ("١٢", "text"),
        ("True", "text"),
        ("2020-01-31", "text"),
        ('"1,5"', "a decimal comma or a thousands separator"),
        ('"918,273.645"', "a decimal comma or a thousands separator"),
        ("1'000", "a decimal comma or a thousands separator"),
    ],
)
def test_a_cell_that_is_no_number(tmp_path: Path, cell: str, found: str):
    check_cell(tmp_path, cell, found, row=3)


@pytest.mark.parametrize("row", [2, 4])
def test_a_cell_of_the_first_or_last_row(tmp_path: Path, row: int):
    check_cell(tmp_path, SECRET_TEXT, "text", row=row)


@pytest.mark.parametrize(
    ("cells", "form", "values"),
    [
        (["TRUE", "false"], "truth", [True, False]),
        (["2020-01-31", "2020-02-01"], "time", [18292, 18293]),
        (["f", "m"], "text", ["f", "m"]),
        (["007", "12"], "text", ["007", "12"]),
        (["2^53"], "text", ["2^53"]),
        (["9007199254740993", "1"], "whole", [2**53 + 1, 1]),
    ],
)
def test_columns_that_are_not_measured(
    tmp_path: Path, cells: list[str], form: str, values: list
):
    text = "age,x\n" + "".join(f"3,{cell}\n" for cell in [*cells, *cells])
    paths = [write_csv(tmp_path, f"{name}.csv", text) for name in "ab"]
    cells_read = read_parties(paths).tables[1]["x"]
    assert cells_read.form == form
    assert cells_read.values.tolist() == values * 2


def check_cell(tmp_path: Path, cell: str, found: str, *, row: int) -> None:
    lines = ["age,income"] + [f"3{i},{SECRET_NUMBER}" for i in range(3)]
    lines[row - 1] = f"31,{cell}"
    error = refusal(tmp_path, "\n".join(lines))
    assert (error.column, error.row) == ("income", row)
    assert found in error.sentence


@pytest.mark.parametrize("bad_row", [2, 777, 1001])
def test_the_first_bad_cell_of_many_rows_is_found(tmp_path: Path, bad_row: int):
    lines = ["age,income"] + ["1,2"] * 1000
    for row in (bad_row, 1001):
        lines[row - 1] = f"{SECRET_TEXT},2"
    error = refusal(tmp_path, "\n".join(lines))
    assert (error.column, error.row) == ("age", bad_row)


@pytest.mark.parametrize("num_cells", [1, 3])
@pytest.mark.parametrize("row", [2, 3, 4])
def test_ragged_rows_are_named(tmp_path: Path, num_cells: int, row: int):
    lines = ["age,income"] + [f"31,{SECRET_NUMBER}"] * 3
    lines[row - 1] = ",".join([SECRET_NUMBER] * num_cells)
    error = refusal(tmp_path, "\n".join(lines))
    assert error.row == row
    assert f"expected 2 cells as in the header, found {num_cells}" in error.sentence


def test_ragged_rows_are_counted_as_rows_of_a_sheet_beside_line_breaks(tmp_path: Path):
    text = 'age,income\n"31\n",2\n3,4\n5\n'
    assert refusal(tmp_path, text).row == 4


def test_line_breaks_in_cells_at_the_border_of_two_blocks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("cgm_jax.files.csv_table._LONGEST_ROW", 37)
    cells = [f"{i}{i}" for i in range(1, 80)]
    text = "age,income\n" + "".join(f'"{cell}\n",1\n' for cell in cells)
    party = read_with_good(tmp_path, text).points[1]
    np.testing.assert_array_equal(party[:, 0], np.array(cells, float))
    assert refusal(tmp_path, text + "5\n").row == len(cells) + 2
    error = refusal(tmp_path, f"age,income\n1,2\n{'3' * 400},4\n")
    assert "a row of more than 37 bytes" in error.sentence


def test_a_long_first_row_does_not_become_an_index(tmp_path: Path):
    error = refusal(tmp_path, "age,income\n1,2,3\n4,5,6\n")
    assert error.row == 2 and "found 3" in error.sentence


def test_a_blank_line_between_rows_is_not_skipped(tmp_path: Path):
    error = refusal(tmp_path, "age,income\n1,2\n\n3,4\n,\n")
    assert error.row == 3 and "missing ones only (and 1 more" in error.sentence
    paths = [write_csv(tmp_path, f"{name}.csv", "x\n1\n\n3\n") for name in "ab"]
    assert read_parties(paths).tables[0]["x"].is_missing.tolist() == [0, 1, 0]


@pytest.mark.parametrize(
    ("text", "num_rows"),
    [("age,income", 0), ("age,income\n\n", 0), ("age,income\r\n", 0), (GOOD_CSV, 3)],
)
def test_the_fewest_rows(tmp_path: Path, text: str, num_rows: int):
    error = refusal(tmp_path, text, min_rows=num_rows + 1) if num_rows == 0 else None
    if error is None:
        assert len(read_with_good(tmp_path, text, min_rows=3).points[1]) == num_rows
        error = refused([tmp_path / "good.csv", tmp_path / "it.csv"], min_rows=4)
    assert f"found {num_rows}" in error.sentence


def test_one_row_is_refused_with_the_reason(tmp_path: Path):
    error = refusal(tmp_path, f"age,income\n31,{SECRET_NUMBER}\n")
    assert "at least 2 rows" in error.sentence and "dense" in error.sentence


@pytest.mark.parametrize(
    ("header", "column", "found"),
    [
        (",income", 1, "found none"),
        ("age,", 2, "found none"),
        ("Unnamed: 0,income", 1, "a saved index"),
        ("age,age", 2, "that of column 1"),
        ("age, age ", 2, "that of column 1"),
        (f"31,{SECRET_NUMBER}", 1, "found a number"),  # no header at all
        (f"age,{SECRET_NUMBER}", 2, "found a number"),
        ("age,in\u200bcome", 2, "printable"),
        ("age;income", None, "semicolon"),
        ("age;income,height", None, "semicolon"),
        ("age\tincome", None, "semicolon, tab or bar"),
        ("age|income", None, "semicolon, tab or bar"),
        ('age,"in', None, "quote"),
        ('age,"in"come', None, "quote"),
        ("", None, "blank line"),
        (" , ", None, "blank line"),
    ],
)
def test_headers_that_are_refused(
    tmp_path: Path, header: str, column: int | None, found: str
):
    error = refusal(tmp_path, f"{header}\n{ROWS}")
    assert (error.column, error.row) == (column, 1)
    assert found in error.sentence


def test_the_numbers_that_pandas_gives_to_nameless_columns_are_names(tmp_path: Path):
    paths = [write_csv(tmp_path, f"{name}.csv", "0,1\n2,3\n4,5\n") for name in "ab"]
    assert read_parties(paths).columns == ("0", "1")


def test_names_may_hold_a_bar(tmp_path: Path):
    paths = [write_csv(tmp_path, f"{n}.csv", "a|b,c\n2,3\n4,5\n") for n in "ab"]
    assert read_parties(paths).columns == ("a|b", "c")


@pytest.mark.parametrize("line", ["sep=,", "SEP=;", "# export", "Report of 2024"])
def test_a_line_before_the_header_is_named(tmp_path: Path, line: str):
    error = refusal(tmp_path, f"{line}\nage,income\n{ROWS}")
    assert error.row == 1 and "a line before the header" in error.sentence


def test_a_name_may_start_with_a_hash(tmp_path: Path):
    paths = [write_csv(tmp_path, f"{n}.csv", "#age,b\n2,3\n4,5\n") for n in "ab"]
    assert read_parties(paths).columns == ("#age", "b")


def test_a_line_break_in_a_quoted_name(tmp_path: Path):
    text = 'age,"bmi\n(kg/m2)"\n31,22\n42,x\n33,4\n'
    paths = [
        write_csv(tmp_path, "a.csv", text.replace("x", "25")),
        write_csv(tmp_path, "b.csv", "bmi (kg/m2),age\n1,2\n3,4\n"),
    ]
    parties = read_parties(paths)
    assert parties.header == ("age", "bmi (kg/m2)")
    assert parties.points[0].tolist() == [[31, 22], [42, 25], [33, 4]]
    write_csv(tmp_path, "a.csv", text)
    assert (refused(paths).column, refused(paths).row) == ("bmi (kg/m2)", 3)


@pytest.mark.parametrize("word", ["Total", "SUM", "Gesamt:"])
def test_a_row_of_totals_is_named(tmp_path: Path, word: str):
    error = refusal(tmp_path, f"age,income\n{ROWS}{word},919474.145\n")
    assert error.row == 4 and "totals" in error.sentence
    paths = [tmp_path / "good.csv", tmp_path / "it.csv"]
    assert len(check_parties(paths).problems) == 1
    text = f"kind,income\n{word},1\nother,2\n{word},3\n"  # a category of data
    for name in ("good.csv", "it.csv"):
        write_csv(tmp_path, name, text)
    assert check_parties(paths).problems == ()


GERMAN = "age;income;date\n31;1.200,5;01.02.2020\n42;918.273,645;28.02.2020\n"


def test_decimal_commas_where_they_are_asked_for(tmp_path: Path):
    paths = [
        write_csv(tmp_path, "a.csv", GERMAN),
        write_csv(
            tmp_path, "b.csv", "age,income,date\n1,2.5,2020-02-01\n3,4,2020-02-02\n"
        ),
    ]
    parties = read_parties(paths, decimal=",")
    table = parties.tables[0]
    assert table["income"].values.tolist() == [1200.5, 918273.645]
    assert table["date"].values.tolist() == [18293, 18320]
    assert parties.tables[1]["income"].values.tolist() == [2.5, 4]
    assert parties.formats[0].columns["income"].is_grouped
    assert "--decimal ," in refused(paths).sentence


def test_a_decimal_point_beside_decimal_commas(tmp_path: Path):
    for name, cell in (("a", "1,5"), ("b", "1.5")):
        write_csv(tmp_path, f"{name}.csv", f"x;y\n1;2,5\n2;{cell}\n3;1.500\n")
    error = refused([tmp_path / "a.csv", tmp_path / "b.csv"], decimal=",")
    assert (error.file, error.column, error.row) == (tmp_path / "b.csv", "y", 3)
    assert "a decimal point" in error.sentence


def test_semicolons_and_decimal_commas(tmp_path: Path):
    error = refusal(tmp_path, f"age;income\n31;1200,5\n42;{SECRET_NUMBER}\n")
    assert "commas between cells and points in numbers" in error.sentence


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_wide_encodings_are_refused(tmp_path: Path, encoding: str):
    error = refusal(tmp_path, GOOD_CSV.encode(encoding))
    assert "UTF-16" in error.sentence and "UTF-8" in error.sentence


@pytest.mark.parametrize("text", ["âge,income\n1,2\n3,4\n", "age,income\n1,é\n3,4\n"])
def test_older_encodings_are_refused(tmp_path: Path, text: str):
    assert "expected UTF-8 text" in refusal(tmp_path, text.encode("latin-1")).sentence


@pytest.mark.medium
def test_text_outside_ascii_in_a_file_of_several_pieces(tmp_path: Path):
    lines = [f"{i},größe{i // 3}" for i in range(100_000)]
    text = "x,y\n" + "\n".join(lines)
    paths = [write_csv(tmp_path, f"{name}.csv", text) for name in "ab"]
    labels = read_parties(paths, label_column="y").labels
    assert labels is not None and labels[0][-1] == "größe33333"
    write_csv(tmp_path, "b.csv", text.encode()[:-1] + b"\xc3")
    assert "expected UTF-8 text" in refused(paths, label_column="y").sentence


def test_other_bytes_in_a_ragged_row(tmp_path: Path):
    error = refusal(tmp_path, b"age,income\n1,2\n3,\xff,4\n")
    assert "expected UTF-8 text" in error.sentence


def test_a_quote_that_is_never_closed(tmp_path: Path):
    text = f'age,sex\n31,f\n42,"m\n29,{SECRET_TEXT}\n33,f\n'
    write_csv(tmp_path, "good.csv", "age,sex\n1,f\n2,m\n")
    paths = [tmp_path / "good.csv", write_csv(tmp_path, "it.csv", text)]
    error = refused(paths, label_column="sex")
    assert error.row == 3 and "quotes" in error.sentence


def test_whole_numbers_above_2_to_the_53(tmp_path: Path):
    text = "age,income\n9007199254740993,1\n123456789012345678901234567890,2\n"
    party = read_with_good(tmp_path, text).points[1]
    np.testing.assert_allclose(
        party[:, 0], [2.0**53, 1.2345678901234568e29], rtol=1e-15
    )


@pytest.mark.medium
def test_more_than_a_thousand_columns(tmp_path: Path):
    width = 1_025
    points = np.random.default_rng(0).normal(size=(3, width))
    stream = io.StringIO()
    csv.writer(stream).writerows([[f"c{i}" for i in range(width)], *points.tolist()])
    lines = stream.getvalue().splitlines()
    paths = [write_csv(tmp_path, f"{n}.csv", "\n".join(lines)) for n in "ab"]
    np.testing.assert_array_equal(read_parties(paths).points[0], points)
    lines[2] = lines[2].replace(",", f",{SECRET_TEXT}", width - 1)
    write_csv(tmp_path, "b.csv", "\n".join(lines))
    assert (refused(paths).column, refused(paths).row) == ("c1", 3)


@pytest.mark.medium
def test_many_rows_in_several_blocks(tmp_path: Path):
    num_rows = 300_000
    cell = "0.5" + "0" * 35  # 23 MB: more than one block of the parser
    row = f"{cell},{cell}\n"
    paths = [
        write_csv(tmp_path, "good.csv"),
        write_csv(tmp_path, "it.csv", "age,income\n" + row * num_rows + "1\n"),
    ]
    assert refused(paths).row == num_rows + 2
    write_csv(tmp_path, "it.csv", "age,income\n" + row * num_rows)
    party = read_parties(paths).points[1]
    assert party.shape == (num_rows, 2) and np.all(party == float(cell))


def test_names_may_hold_a_semicolon(tmp_path: Path):
    header = '"share; of all",age,job'
    rows = "".join(f"0.{i},{30 + i},a\n" for i in range(1, 9))
    files = [
        write_csv(tmp_path, name, f"{header}\n{rows}") for name in ("a.csv", "b.csv")
    ]
    assert read_parties(files).header == ("share; of all", "age", "job")


def test_semicolons_between_names_that_hold_commas(tmp_path: Path):
    told = refusal(tmp_path, 'age;"income, net";sex\n1;2;3\n4;5;6\n').sentence
    assert told.startswith("expected commas between cells, found another separator")

"""CSV files: a header, cells of text between commas, points in numbers, UTF-8.

With ``decimal=","``, files with semicolons between cells have decimal commas and points
between thousands. Every column stays text here; ``tables.read_cells`` parses it.
"""

import codecs
import csv
import re
from functools import partial
from pathlib import Path
from typing import Any, Literal

from .input_errors import InputError, Problem
from .table import Separator, Table, check_names, common_name

Decimal = Literal[".", ","]

_BOM = b"\xef\xbb\xbf"
_FIRST_ROW = 2  # row 1 is the header
_LONGEST_ROW = 2**24  # bytes; 4,096 columns of 20 digits take 2**17
_PIECE = 2**20  # of the text, to be checked at once
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_TOTALS = {"total", "totals", "grand total", "sum", "summe", "gesamt", "insgesamt"}
# For Arrow, numbers beside decimal commas: 1.234,5 and 1234,5, and 1.5, which is none.
_THOUSANDS = r"^\s*[+-]?[0-9]{1,3}(\.[0-9]{3})+(,[0-9]*)?\s*$"
_NO_THOUSANDS = r"^\s*[+-]?[0-9]{4,}(,[0-9]*)?\s*$"
_POINT_NUMBER = r"^\s*[+-]?[0-9]*\.[0-9]*([eE][+-]?[0-9]+)?\s*$"


def read_csv(file: Path, data: bytes, *, decimal: Decimal = ".") -> Table:
    """Read a CSV file; blank lines that are not at its end are empty cells."""
    _check_text(file, data)
    own_names, separator, start = read_header(file, data, decimal=decimal)
    names = [common_name(name) for name in own_names]
    cells = _read_cells(file, data, start, names, separator)
    columns, problems = dict(zip(names, cells, strict=True)), []
    if _ends_in_totals(columns):
        row = len(cells[0]) - 1 + _FIRST_ROW
        sentence = "expected data in the last row, found totals; remove the row"
        problems.append(Problem(sentence, file, row=row))
        columns = {name: column[:-1] for name, column in columns.items()}
    problems += _blank_lines(file, columns)
    grouped: set[str] = set()
    if separator == ";":
        for name, column in columns.items():
            is_grouped, problem = _check_commas(file, name, column)
            problems += problem
            if is_grouped:
                grouped.add(name)
    return Table(
        file,
        columns,
        own_names,
        len(columns[names[0]]),
        _FIRST_ROW,
        separator=separator,
        grouped=frozenset(grouped),
        problems=tuple(problems),
    )


def read_header(
    file: Path, data: bytes, *, decimal: Decimal = "."
) -> tuple[tuple[str, ...], Separator, int]:
    """The names of the columns, what is between them, and where the rows start."""
    error = partial(InputError, file=file, row=1)
    start = len(_BOM) if data.startswith(_BOM) else 0
    first, end = _line(data, start)
    separator: Separator = ";" if decimal == "," and ";" in first else ","
    if re.fullmatch(r"sep=.?\s*", first, re.IGNORECASE):
        raise error(
            "expected the names of the columns, found a line before the header (sep=, "
            "of a spreadsheet); remove the line"
        )
    try:
        cells = _cells(first, separator)
    except csv.Error:
        raise error(
            "expected a header, found a quote that is not closed or not followed by a "
            "comma; correct the quotes"
        ) from None
    names = tuple(cell.strip() for cell in cells)
    if not any(names):
        raise error(
            "expected the names of the columns, found a blank line; write them in "
            "the first row"
        )
    is_one_cell = len(names) == 1 and not {"\t", "|"}.isdisjoint(cells[0])
    if is_one_cell or _has_semicolons(first, names):
        raise error(
            "expected commas between cells, found another separator (a semicolon, tab "
            "or bar); save the file with commas between cells and points in numbers, "
            "or, if it has semicolons and decimal commas, give --decimal ,"
        )
    if names[0].startswith("#") or len(names) == 1:
        _check_title(file, len(names), _line(data, end)[0], separator)
    # A file without a header has data here: such "names" must not get into a message.
    # 0, 1, 2, ... is what pandas writes for columns without names.
    if names != tuple(str(i) for i in range(len(names))):
        numbers = [i for i, name in enumerate(names, 1) if _NUMBER.fullmatch(name)]
        sentence = (
            "expected a name, found a number; write the names of the columns in the "
            "first row (no numbers: year_2020, not 2020)"
        )
        if numbers:
            problems = [Problem(sentence, file, position, 1) for position in numbers]
            raise InputError.of(problems)
    check_names(file, [common_name(name) for name in names], row=1)
    return names, separator, end


def _line(data: bytes, start: int) -> tuple[str, int]:
    """The row of a sheet that starts there, and where the next one starts.

    A line break in quotes is part of the row, unless the quotes are never closed.
    """
    quotes, at, ends = 0, start, []
    while True:
        breaks = (data.find(b"\n", at), data.find(b"\r", at))
        ends.append(min((x for x in breaks if x >= 0), default=len(data)))
        quotes += data.count(b'"', at, ends[-1])
        if quotes % 2 == 0:
            end = ends[-1]
            break
        if ends[-1] == len(data) or ends[-1] - start > _PIECE:
            end = ends[0]
            break
        at = ends[-1] + 1
    after = end + (2 if data[end : end + 2] == b"\r\n" else 1)
    return data[start:end].decode("utf-8"), after


def _cells(line: str, separator: Separator) -> list[str]:
    return next(csv.reader([line], strict=True, delimiter=separator), [])


def _has_semicolons(first: str, names: tuple[str, ...]) -> bool:
    """Whether semicolons are between the cells of a header, rather than in a name."""
    if not any(";" in name for name in names):
        return False
    try:
        return len(_cells(first, ";")) >= len(names)
    except csv.Error:
        return False


def _check_title(file: Path, num_names: int, line: str, separator: Separator) -> None:
    """Refuse a first line that is not the header, since the next is another table."""
    try:
        num_cells = len(_cells(line, separator))
    except csv.Error:
        return
    if num_cells > num_names:
        raise InputError(
            "expected the names of the columns, found a line before the header (a "
            f"title or comment: {num_names} cell where the next row has {num_cells}); "
            "remove the line",
            file=file,
            row=1,
        )


def _check_text(file: Path, data: bytes) -> None:
    found = "zero bytes (UTF-16, or not a text file)" if b"\0" in data else None
    if not data.isascii():
        decoder = codecs.getincrementaldecoder("utf-8")()
        try:
            for start in range(0, len(data), _PIECE):
                is_last = start + _PIECE >= len(data)
                decoder.decode(data[start : start + _PIECE], is_last)
        except UnicodeDecodeError:
            found = found or "other bytes (an older encoding, or not a text file)"
    if found is not None:
        raise InputError(
            f"expected UTF-8 text, found {found}; save the table as CSV in UTF-8",
            file=file,
        )


def _read_cells(
    file: Path, data: bytes, start: int, names: list[str], separator: Separator
) -> list[Any]:
    """Every column as a chunked array of text."""
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    num_columns = len(names)

    end = len(data)
    while end > start and data[end - 1] in b"\r\n":
        end -= 1
    if end <= start:
        return [pa.chunked_array([], pa.string())] * num_columns

    ragged_rows = []

    def on_ragged_row(row: Any) -> str:
        ragged_rows.append((row.number + 1, row.actual_columns))
        return "error"

    positions = [str(position) for position in range(num_columns)]
    try:
        table = arrow_csv.read_csv(
            pa.BufferReader(pa.py_buffer(data).slice(start, end - start)),
            # Threads would lose the number of a ragged row.
            read_options=arrow_csv.ReadOptions(
                column_names=positions, use_threads=False, block_size=_LONGEST_ROW
            ),
            parse_options=arrow_csv.ParseOptions(
                delimiter=separator,
                ignore_empty_lines=False,
                newlines_in_values=True,
                invalid_row_handler=on_ragged_row,
            ),
            convert_options=arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(positions, pa.string()),
                strings_can_be_null=False,
            ),
        )
    except pa.ArrowInvalid:  # its text quotes cells
        if not ragged_rows:
            raise InputError(
                "expected rows of cells with commas between them, found a quote that "
                f"is not closed or a row of more than {_LONGEST_ROW} bytes; save the "
                "table again",
                file=file,
            ) from None
        row, num_cells = ragged_rows[0]
        raise InputError(
            f"expected {num_columns} cells as in the header, found {num_cells}; "
            "check the commas and quotes of this row",
            file=file,
            row=row,
        ) from None
    return table.columns


def _ends_in_totals(columns: dict[str, Any]) -> bool:
    """Whether the last row is one of totals, whose word is in no other row."""
    for cells in columns.values():
        if len(cells) > 1:
            word = cells[-1].as_py().strip()
            is_total = word.casefold().rstrip(":") in _TOTALS
            if is_total and not _any_equal(cells[:-1], cells[-1]):
                return True
    return False


def _any_equal(cells: Any, cell: Any) -> bool:
    from pyarrow import compute

    return bool(compute.any(compute.equal(cells, cell)).as_py())


def _blank_lines(file: Path, columns: dict[str, Any]) -> list[Problem]:
    """Rows without any cell; in a single column, they are missing cells."""
    from pyarrow import compute

    if len(columns) < 2:
        return []
    is_blank = None
    for cells in columns.values():
        is_empty = compute.equal(compute.utf8_trim_whitespace(cells), "")
        is_blank = is_empty if is_blank is None else compute.and_(is_blank, is_empty)
        if not compute.any(is_blank).as_py():
            return []
    rows = compute.indices_nonzero(is_blank).to_pylist()
    more = f" (and {len(rows) - 1} more such rows)" if len(rows) > 1 else ""
    sentence = f"expected cells, found missing ones only{more}; remove the row"
    return [Problem(sentence, file, row=rows[0] + _FIRST_ROW)]


def _check_commas(file: Path, name: str, cells: Any) -> tuple[bool, list[Problem]]:
    """Whether thousands have points wherever they can, and points that are elsewhere.

    ``1.5`` would be text beside decimal commas.
    """
    from pyarrow import compute

    matches = compute.match_substring_regex
    is_grouped = matches(cells, _THOUSANDS)
    is_other = compute.and_not(matches(cells, _POINT_NUMBER), is_grouped)
    has_other, has_groups, has_none = (
        bool(compute.any(found).as_py())
        for found in (is_other, is_grouped, matches(cells, _NO_THOUSANDS))
    )
    if not has_other:
        return has_groups and not has_none, []
    row = compute.index(is_other, True).as_py() + _FIRST_ROW
    sentence = (
        "expected a decimal comma, found a number with a decimal point; write all "
        "numbers of the file in the same way, or leave out --decimal"
    )
    return False, [Problem(sentence, file, name, row)]

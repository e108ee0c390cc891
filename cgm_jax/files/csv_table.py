"""CSV files: a header, commas between cells, points in numbers, UTF-8.

The whole file is cut into cells of text first; numbers are made of them by column.
"""

import codecs
import csv
import re
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from .input_errors import InputError
from .table import Table, check_names

_BOM = b"\xef\xbb\xbf"
_FIRST_ROW = 2  # row 1 is the header
_LONGEST_ROW = 2**24  # bytes; 4,096 columns of 20 digits take 2**17
_PIECE = 2**20  # of the text, to be checked at once
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_GROUPED_NUMBER = re.compile(r"[+-]?[0-9]+([,.'’\s][0-9]+)+")
_DATE = re.compile(r"[0-9]{1,4}([-/.])[0-9]{1,2}\1[0-9]{1,4}([T ].*)?")
_MISSING = {"", "na", "n/a", "#n/a", "<na>", "null", "none", "?", "-"}


def read_csv(file: Path, data: bytes) -> Table:
    """Read a CSV file; blank lines that are not at its end are empty cells."""
    _check_text(file, data)
    names, start = _read_header(file, data)
    columns = dict(zip(names, _read_cells(file, data, start, len(names)), strict=True))
    return Table(
        file,
        names,
        len(columns[names[0]]),
        _FIRST_ROW,
        cells=lambda name: _parse_numbers(file, name, columns[name]),
        text=lambda name: columns[name].to_pylist(),
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


def _read_header(file: Path, data: bytes) -> tuple[tuple[str, ...], int]:
    """The names of the columns, and where the line after them starts."""
    start = len(_BOM) if data.startswith(_BOM) else 0
    breaks = (data.find(b"\n", start), data.find(b"\r", start))
    end = min((at for at in breaks if at >= 0), default=len(data))
    error = partial(InputError, file=file, row=1)
    try:
        cells = next(csv.reader([data[start:end].decode("utf-8")], strict=True), [])
    except csv.Error:
        raise error(
            "expected a header on one line, found a quote that is not closed or not "
            "followed by a comma; correct the quotes"
        ) from None
    names = tuple(cell.strip() for cell in cells)
    if not any(names):
        raise error(
            "expected the names of the columns, found a blank line; write them in "
            "the first row"
        )
    is_one_cell = len(names) == 1 and not {"\t", "|"}.isdisjoint(cells[0])
    if is_one_cell or any(";" in name for name in names):
        raise error(
            "expected commas between cells, found another separator (a semicolon, tab "
            "or bar); save the file with commas between cells and points in numbers"
        )
    # A file without a header has data here: such "names" must not get into a message.
    # 0, 1, 2, ... is what pandas writes for columns without names.
    if names != tuple(str(i) for i in range(len(names))):
        for position, name in enumerate(names, 1):
            if _NUMBER.fullmatch(name):
                raise error(
                    "expected a name, found a number; write the names of the columns "
                    "in the first row (no numbers: year_2020, not 2020)",
                    column=position,
                )
    check_names(file, names, row=1)
    return names, end + (2 if data[end : end + 2] == b"\r\n" else 1)


def _read_cells(file: Path, data: bytes, start: int, num_columns: int) -> list[Any]:
    """Every column as a chunked array of text."""
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    end = len(data)
    while end > start and data[end - 1] in b"\r\n":
        end -= 1
    if end <= start:
        return [pa.array([], pa.string())] * num_columns

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


def _parse_numbers(file: Path, name: str, cells: Any) -> Float[np.ndarray, " rows"]:
    import pyarrow as pa
    from pyarrow import compute

    text = compute.utf8_trim_whitespace(cells)
    try:
        return compute.cast(text, pa.float64()).to_numpy()
    except pa.ArrowInvalid:  # its text quotes the cell
        start, stop = 0, len(text)
    while stop - start > 1:  # the first cell that is no number is in start..stop - 1
        middle = (start + stop) // 2
        try:
            compute.cast(text.slice(start, middle - start), pa.float64())
            start = middle
        except pa.ArrowInvalid:
            stop = middle
    problem = _what_is(text[start].as_py())
    raise InputError(problem, file=file, column=name, row=start + _FIRST_ROW) from None


def _what_is(cell: str) -> str:
    """What a cell that is no number seems to be, and what to do about it."""
    if cell.casefold() in _MISSING:
        found, advice = "a missing value", "fill it in or remove the row"
    elif cell.casefold() in {"true", "false"}:
        found, advice = "a truth value", "write 1 and 0"
    elif _DATE.fullmatch(cell):
        found, advice = "a date", "write it as a number, such as a count of days"
    elif _GROUPED_NUMBER.fullmatch(cell):
        found = "a decimal comma or a thousands separator"
        advice = "write decimals with a point and thousands without a mark"
    else:
        found = "text"
        advice = "correct it, or remove the column, or make it the --label-column"
    return f"expected a number, found {found}; {advice}"

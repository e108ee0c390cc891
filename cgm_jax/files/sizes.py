"""How many rows and columns the parties' files hold, without reading their numbers."""

import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from . import csv_table
from .csv_table import Decimal
from .npy_table import read_header
from .sources import Kind, Source, check_sources

__all__ = ["table_sizes"]

_PIECE = 2**20  # bytes


def table_sizes(
    paths: Sequence[str | Path],
    *,
    label_column: str | None = None,
    decimal: Decimal = ".",
) -> tuple[list[int], int] | None:
    """Rows of every party, sorted by name, and the number of columns beside the labels.

    Of a CSV file the lines are counted, of others the header is read. None where that
    fails or files do not go together: `read_tables` says what is wrong.

    Args:
        paths: one file per party.
        label_column: name of a column that is not counted.
        decimal: as for `read_tables`.

    Raises:
        UsageError, InputError, FileAccessError: for paths, as `read_tables`.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> for name in ("a.csv", "b.csv"):
        ...     _ = (folder / name).write_text("age,sex\\n31,f\\n42,m\\n")
        >>> table_sizes(sorted(folder.iterdir()), label_column="sex")
        ([2, 2], 1)
    """
    sources = check_sources(paths)
    try:
        count: dict[Kind, Callable[[Source], tuple[int, int]]] = {
            "csv": partial(_of_csv, decimal=decimal),
            "npy": _of_npy,
            "parquet": _of_parquet,
        }
        shapes = [count[source.kind](source) for source in sources]
    except Exception:  # damaged, in any of many ways
        return None
    num_rows = [rows for rows, _ in shapes]
    num_columns = shapes[0][1] - (label_column is not None)
    is_one_table = len({columns for _, columns in shapes}) == 1
    is_one_kind = len({source.kind == "npy" for source in sources}) == 1
    if min(num_rows) < 2 or num_columns < 1 or not (is_one_table and is_one_kind):
        return None
    return num_rows, num_columns


def _of_csv(source: Source, *, decimal: Decimal) -> tuple[int, int]:
    with source.path.open("rb") as file:
        piece = file.read(_PIECE)
        names, _, start = csv_table.read_header(source.path, piece, decimal=decimal)
        num_lines, piece, last = 0, piece[start:], b"\n"
        while piece:
            num_lines += piece.count(b"\n")
            last = piece[-1:]
            piece = file.read(_PIECE)
    return num_lines + (last != b"\n"), len(names)


def _of_npy(source: Source) -> tuple[int, int]:
    with source.path.open("rb") as file:
        (num_rows, num_columns), _, dtype = read_header(source.path, file)
        offset, size = file.tell(), file.seek(0, os.SEEK_END)
    if num_rows * num_columns * dtype.itemsize != size - offset:
        raise ValueError("The header promises more or less than there is.")
    return num_rows, num_columns


def _of_parquet(source: Source) -> tuple[int, int]:
    from pyarrow import parquet

    metadata = parquet.read_metadata(source.path)
    return metadata.num_rows, metadata.num_columns

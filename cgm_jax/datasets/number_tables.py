"""Tables of numbers in the forms that OpenML and Kaggle serve: ARFF, CSV and Parquet.

An ARFF file names its columns in lines ``@ATTRIBUTE name type`` and holds, after a line
``@DATA``, what a CSV file without a header does; lines that start with % are comments.
Both may be compressed by gzip. Only the dense form of ARFF is read, and only numbers.
"""

import gzip
import re
import zlib
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

import numpy as np
from jaxtyping import Float
from numpy.typing import DTypeLike

from .data_errors import DamagedDataError

__all__ = ["TABLE_SUFFIXES", "read_number_table"]

TABLE_SUFFIXES = (".arff", ".arff.gz", ".csv", ".csv.gz", ".parquet", ".pq")

_ATTRIBUTE = re.compile(r"""@attribute\s+('[^']*'|"[^"]*"|[^\s'"]+)\s+\S""", re.I)


def read_number_table(
    path: str | Path,
    *,
    columns: Sequence[str] | None = None,
    dtype: DTypeLike = np.float32,
) -> tuple[list[str], Float[np.ndarray, "rows columns"]]:
    """Read a table of finite numbers, or some of its columns.

    Args:
        path: a file whose name ends as one of `TABLE_SUFFIXES`.
        columns: names of the columns wanted; by default all. Others may hold anything.
        dtype: of the numbers.

    Returns:
        The names of the columns, as wanted or as in the file, and the numbers.

    Raises:
        DamagedDataError: if the file is cut off or is no such table, a column is not
            there or an entry is not a finite number.
        OSError: if the file cannot be read.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp(), "small.arff")
        >>> lines = ["@RELATION r", "@ATTRIBUTE a REAL", "@ATTRIBUTE 'b' {0,1}"]
        >>> _ = path.write_text("\\n".join([*lines, "@DATA", "0.5,'1'", "2,'0'"]))
        >>> read_number_table(path)
        (['a', 'b'], array([[0.5, 1. ], [2. , 0. ]], dtype=float32))
    """
    path = Path(path)
    try:
        if path.suffix in (".parquet", ".pq"):
            names, values = _parquet(path, columns, dtype)
        else:
            opened = gzip.open if path.suffix == ".gz" else open
            with opened(path, "rt", encoding="utf-8", errors="replace") as file:
                names, values = _text(path, iter(file), columns, dtype)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DamagedDataError(
            path,
            f"expected a whole gzip file, found one that does not unpack ({error}); "
            "get the file again",
        ) from error
    finite = np.isfinite(values).all(axis=0)
    if not finite.all():
        raise DamagedDataError(
            path,
            "expected finite numbers, found NaN or infinity in column "
            f"{names[int(np.argmin(finite))]}; get the file again",
        )
    return names, values


def _text(
    path: Path, lines: Iterator[str], columns: Sequence[str] | None, dtype: DTypeLike
) -> tuple[list[str], np.ndarray]:
    is_arff = ".arff" in path.suffixes[-2:]
    names = _arff_names(path, lines) if is_arff else _csv_names(lines)
    wanted = _positions(path, names, columns)
    first = next((line for line in lines if line.strip() and line[0] != "%"), None)
    if first is None:
        raise DamagedDataError(
            path, "expected rows of numbers, found none; get the file again"
        )
    try:
        values = np.loadtxt(
            chain([first], _whole_lines(lines, len(names))),
            dtype=dtype,
            delimiter=",",
            comments="%",
            quotechar="'" if is_arff else '"',
            usecols=wanted,
            ndmin=2,
        )
    except ValueError as error:
        raise DamagedDataError(
            path, f"expected {len(names)} numbers in every row, but {error}"
        ) from error
    return [names[j] for j in wanted], values


def _whole_lines(lines: Iterator[str], num_columns: int) -> Iterator[str]:
    # With ``usecols`` NumPy is content with any row that is long enough.
    for line in lines:
        found = line.count(",") + 1
        if found != num_columns and line.strip() and line[0] != "%":
            raise ValueError(f"a row has {found}; get the file again")
        yield line


def _arff_names(path: Path, lines: Iterator[str]) -> list[str]:
    names = []
    for line in lines:
        if line.lstrip().lower().startswith("@data"):
            return names
        match = _ATTRIBUTE.match(line.lstrip())
        if match:
            names.append(match[1].strip("'\""))
    raise DamagedDataError(
        path, "expected an ARFF file, found no line @DATA; get the file again"
    )


def _csv_names(lines: Iterator[str]) -> list[str]:
    return [name.strip().strip('"') for name in next(lines, "").split(",")]


def _positions(
    path: Path, names: list[str], columns: Sequence[str] | None
) -> list[int]:
    wanted = names if columns is None else columns
    missing = [name for name in wanted if name not in names]
    if missing:
        shown = ", ".join(names[:8]) + (", …" if len(names) > 8 else "")
        raise DamagedDataError(
            path,
            f"expected a column {missing[0]}, found {shown or 'no columns'}; check "
            "that it is the right file",
        )
    return [names.index(name) for name in wanted]


def _parquet(
    path: Path, columns: Sequence[str] | None, dtype: DTypeLike
) -> tuple[list[str], np.ndarray]:
    import pyarrow
    import pyarrow.parquet

    try:
        names = pyarrow.parquet.read_schema(path).names
        wanted = [names[j] for j in _positions(path, names, columns)]
        table = pyarrow.parquet.read_table(path, columns=wanted)
        values = np.empty((table.num_rows, len(wanted)), dtype)
        for j, column in enumerate(table.columns):
            values[:, j] = column.to_numpy()  # categories arrive as text
    except (pyarrow.ArrowException, ValueError) as error:
        if isinstance(error, DamagedDataError):
            raise
        raise DamagedDataError(
            path, f"expected a Parquet file of numbers, but {error}"
        ) from error
    return wanted, values

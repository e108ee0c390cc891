"""Parquet files: columns of numbers, and one of labels."""

from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from .input_errors import InputError
from .table import Table, check_names

_FIRST_ROW = 1
_MOST_CELLS = 2**33  # 64 GiB of float64; a damaged or hostile file may promise more


def read_parquet(file: Path, data: bytes) -> Table:
    """Read a Parquet file."""
    columns = _read_columns(file, data)
    names = tuple(columns)
    return Table(
        file,
        names,
        len(columns[names[0]]),
        _FIRST_ROW,
        cells=lambda name: _as_numbers(file, name, columns[name]),
        text=lambda name: _as_text(file, name, columns[name]),
    )


def _read_columns(file: Path, data: bytes) -> dict[str, Any]:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        opened = parquet.ParquetFile(
            pa.BufferReader(data), page_checksum_verification=True
        )
        names = [name.strip() for name in opened.schema_arrow.names]
        num_cells = opened.metadata.num_rows * opened.metadata.num_columns
        table = opened.read() if num_cells <= _MOST_CELLS else None
        if table is not None:
            table.validate(full=True)
    except MemoryError:
        raise
    # The parser raises a dozen types for a damaged file, and its texts quote the file.
    except Exception:
        raise InputError(
            "expected a complete Parquet file, found a damaged, encrypted or "
            "unsupported one; copy it again or save the table again",
            file=file,
        ) from None
    if table is None:
        raise InputError(
            f"expected at most {_MOST_CELLS} cells, its header promises {num_cells}; "
            "give a sample of the rows",
            file=file,
        )
    if not names:
        raise InputError(
            "expected columns, found none; save the table again", file=file
        )
    check_names(file, names)
    return dict(zip(names, table.columns, strict=True))


def _as_numbers(file: Path, name: str, cells: Any) -> Float[np.ndarray, " rows"]:
    import pyarrow as pa
    from pyarrow import compute, types

    cells = _checked(file, name, cells)
    kind = cells.type
    if types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind):
        # safe=False: an integer above 2**53 becomes the nearest float64.
        return compute.cast(cells, pa.float64(), safe=False).to_numpy()
    if types.is_boolean(kind):
        found, advice = "truth values", "write 1 and 0"
    elif types.is_temporal(kind):
        found, advice = "dates or times", "write them as numbers, such as days"
    elif types.is_nested(kind):
        found, advice = "nested values", "write one column for each of their parts"
    else:
        found = "text"
        advice = "remove the column, or make it the --label-column"
    raise InputError(
        f"expected a column of numbers, found {found}; {advice}", file=file, column=name
    )


def _as_text(file: Path, name: str, cells: Any) -> list[str]:
    from pyarrow import types

    cells = _checked(file, name, cells)
    kind = cells.type
    is_text = types.is_string(kind) or types.is_large_string(kind)
    is_number = types.is_integer(kind) or types.is_floating(kind)
    if not (is_text or is_number or types.is_boolean(kind) or types.is_decimal(kind)):
        raise InputError(
            "expected labels that are whole numbers or text, found another kind; "
            "convert the column",
            file=file,
            column=name,
        )
    return [str(cell) for cell in cells.to_pylist()]


def _checked(file: Path, name: str, cells: Any) -> Any:
    """The cells, none of which is missing, with categories as what they stand for."""
    from pyarrow import types

    if types.is_dictionary(cells.type):
        cells = cells.cast(cells.type.value_type)
    if cells.null_count:
        first = int(np.argmax(cells.is_null().to_numpy()))
        raise InputError(
            "expected a value, found a missing one; fill it in or remove the row",
            file=file,
            column=name,
            row=first + _FIRST_ROW,
        )
    return cells

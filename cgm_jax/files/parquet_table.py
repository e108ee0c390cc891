"""Parquet files: columns of numbers, and one of labels."""

from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from .input_errors import InputError
from .table import Table, check_cells, check_names, parse_labels

__all__ = ["read_parquet"]

_FIRST_ROW = 1
_MOST_CELLS = 2**33  # 64 GiB of float64; a damaged or hostile file may promise more


def read_parquet(file: Path, data: bytes) -> Table:
    """Read a Parquet file.

    Example:
        >>> import io, pandas as pd
        >>> data = pd.DataFrame({"age": [31, 42], "job": ["a", "b"]}).to_parquet()
        >>> table = read_parquet(Path("bank.parquet"), data)
        >>> table.numbers("age"), table.labels("job")
        (array([31., 42.]), array(['a', 'b'], dtype=object))
    """
    columns = _read_columns(file, data)
    names = tuple(columns)
    num_rows = len(columns[names[0]])

    def numbers(name: str) -> Float[np.ndarray, " rows"]:
        values = _as_numbers(file, name, columns[name])
        check_cells(file, name, values, first_row=_FIRST_ROW)
        return values

    def labels(name: str) -> np.ndarray:
        cells = _as_text(file, name, columns[name])
        return parse_labels(file, name, cells, first_row=_FIRST_ROW)

    return Table(names, num_rows, _FIRST_ROW, numbers, labels)


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

    cells = _decode_categories(cells)
    _check_no_nulls(file, name, cells)
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

    cells = _decode_categories(cells)
    _check_no_nulls(file, name, cells)
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


def _decode_categories(cells: Any) -> Any:
    from pyarrow import types

    is_encoded = types.is_dictionary(cells.type)
    return cells.cast(cells.type.value_type) if is_encoded else cells


def _check_no_nulls(file: Path, name: str, cells: Any) -> None:
    if cells.null_count:
        first = int(np.argmax(cells.is_null().to_numpy()))
        raise InputError(
            "expected a value, found a missing one; fill it in or remove the row",
            file=file,
            column=name,
            row=first + _FIRST_ROW,
        )

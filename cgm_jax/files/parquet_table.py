"""Parquet files: columns of any kind, under their names."""

import json
from pathlib import Path
from typing import Any

from .input_errors import InputError
from .table import SAVED_INDEX, Table, check_names, common_name

_FIRST_ROW = 1
_MOST_CELLS = 2**33  # 64 GiB of float64; a damaged or hostile file may promise more


def read_parquet(file: Path, data: bytes) -> Table:
    """Read a Parquet file."""
    import pyarrow as pa
    from pyarrow import parquet

    try:
        opened = parquet.ParquetFile(
            pa.BufferReader(data), page_checksum_verification=True
        )
        schema = opened.schema_arrow
        num_cells = opened.metadata.num_rows * opened.metadata.num_columns
        table = opened.read() if num_cells <= _MOST_CELLS else None
        if table is not None:
            table.validate(full=True)
        index = _index_columns(schema)
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
    if not schema.names:
        raise InputError(
            "expected columns, found none; save the table again", file=file
        )
    names = [common_name(name) for name in schema.names]
    for name in index:
        if name not in names:  # pandas keeps one that counts up in a note
            raise InputError(SAVED_INDEX, file=file, column=name)
    check_names(file, names, index=index)
    return Table(
        file,
        dict(zip(names, table.columns, strict=True)),
        tuple(schema.names),
        table.num_rows,
        _FIRST_ROW,
        schema=schema,
    )


def _index_columns(schema: Any) -> list[str]:
    """Names of the index of a frame of pandas, which are columns as a rule."""
    notes = json.loads((schema.metadata or {}).get(b"pandas", b"{}"))
    saved = notes.get("index_columns", [])
    names = [each["name"] if isinstance(each, dict) else each for each in saved]
    return [common_name(str(name)) for name in names if name is not None]

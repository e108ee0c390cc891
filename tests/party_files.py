"""Party files for the tests, and what every refusal of one must look like."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from cgm_jax.files import (
    FileAccessError,
    InputError,
    Parties,
    UsageError,
    read_tables,
)
from cgm_jax.files.input_errors import one_line

# Planted in the data: these must never be in a message.
SECRET_NUMBER = "918273.645"
SECRET_TEXT = "XQZWVSECRET"

GOOD_CSV = f"age,income\n31,1200.5\n42,{SECRET_NUMBER}\n29,300\n"


class NumberParties(Parties):
    """Parties whose columns all hold numbers."""

    @property
    def points(self) -> tuple[np.ndarray, ...]:
        """Each party's numbers, shape (rows, columns)."""
        return tuple(
            np.stack([cells.values.astype(np.float64) for cells in table.values()], 1)
            for table in self.tables
        )

    @property
    def integer_columns(self) -> tuple[str, ...]:
        """Names of the columns of whole numbers only."""
        return tuple(
            name
            for name in self.columns
            if all(table[name].form == "whole" for table in self.tables)
        )


def read_parties(paths: Sequence[Path | str], **options: Any) -> NumberParties:
    """Files of numbers."""
    return NumberParties(**vars(read_tables(paths, **options)))


def write_csv(folder: Path, name: str, text: str | bytes = GOOD_CSV) -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8"))
    return path


def npy_bytes(array: Any) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=True)
    return stream.getvalue()


def parquet_bytes(columns: dict[str, Any] | pa.Table, **options: Any) -> bytes:
    table = columns if isinstance(columns, pa.Table) else pa.table(columns)
    stream = io.BytesIO()
    parquet.write_table(table, stream, **options)
    return stream.getvalue()


def check_message(error: Exception) -> str:
    """One line, no cell of any file, no traceback of another exception."""
    message = str(error)
    assert message.isprintable(), "one line that any terminal can show"
    assert SECRET_NUMBER not in message
    assert SECRET_TEXT.casefold() not in message.casefold()
    assert error.__cause__ is None
    assert error.__suppress_context__ or error.__context__ is None
    return message


def refused(paths: Sequence[Path | str], **options: Any) -> InputError:
    """The `InputError` that reading ends in."""
    with pytest.raises(InputError) as caught:
        read_tables(paths, **options)
    error = caught.value
    place = str(error.file)
    if error.column is not None:
        place += f", column {error.column}"
    if error.row is not None:
        place += f", row {error.row}"
    message = check_message(error)
    assert message == one_line(f"{place}: {error.sentence}")
    for problem in error.problems:
        assert problem.sentence.startswith("expected ")
        check_message(ValueError(str(problem)))
    return error


def refused_usage(paths: Sequence[Path | str], **options: Any) -> str:
    with pytest.raises(UsageError) as caught:
        read_tables(paths, **options)
    return check_message(caught.value)


def refused_access(paths: Sequence[Path | str], **options: Any) -> str:
    with pytest.raises(FileAccessError) as caught:
        read_tables(paths, **options)
    return check_message(caught.value)

"""One Arrow column as cells: text as in a CSV file, or typed as in a Parquet file."""

from dataclasses import replace
from typing import Any, Literal

import numpy as np

from cgm_jax._shared.checks import check_choice

from .cells import (
    CellProblem,
    Cells,
    Resolution,
    Spelling,
    empty_cells,
    from_floats,
)
from .text_cells import dates_of_whole, read_text
from .times import coarsest

__all__ = ["read_cells"]


def read_cells(array: Any, *, decimal: Literal[".", ","] = ".") -> Cells:
    """Read one column; what is wrong with it is in ``problems`` of the result.

    Args:
        array: an Array or ChunkedArray of pyarrow. In text, numbers, dates, truth
            values and missing cells are found as in a CSV file.
        decimal: the mark before the decimals in text; with a comma, points are between
            thousands.

    Returns:
        The cells; nan in a column of numbers is a missing cell.

    Example:
        >>> import pyarrow as pa
        >>> from cgm_jax.tables import read_cells
        >>> cells = read_cells(pa.array(["1.50", "NA", "2.25"]))
        >>> cells.form, cells.values, cells.spelling.missing_word
        ('number', array([1.5 ,  nan, 2.25]), 'NA')
    """
    import pyarrow as pa
    from pyarrow import types

    check_choice(decimal, (".", ","), "decimal")
    if not isinstance(array, pa.Array | pa.ChunkedArray):
        raise TypeError(
            "Expected an Array or ChunkedArray of pyarrow, such as pyarrow.array(x), "
            f"got {type(array).__name__}."
        )
    if types.is_dictionary(array.type):
        array = _decoded(array)
    kind = array.type
    if types.is_string(kind) or types.is_string_view(kind):
        array = array.cast(pa.large_string())  # one chunk of it can hold any text
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    is_missing = array.is_null().to_numpy(zero_copy_only=False)
    if types.is_large_string(array.type):
        return read_text(array, decimal)
    if types.is_null(kind):
        return empty_cells(is_missing, Spelling())
    if types.is_boolean(kind):
        values = array.fill_null(pa.scalar(value=False)).to_numpy(zero_copy_only=False)
        return _or_empty(Cells("truth", values, is_missing))
    if types.is_integer(kind):
        return _or_empty(dates_of_whole(Cells("whole", _integers(array), is_missing)))
    if types.is_floating(kind):
        return _read_floats(array, is_missing)
    if types.is_decimal(kind):
        # By text: Arrow's own cast is not correctly rounded.
        cells = read_text(array.cast(pa.string()))
        return replace(cells, spelling=replace(cells.spelling, missing_word=""))
    if types.is_timestamp(kind) or types.is_date(kind):
        return _or_empty(_read_times(array, is_missing))
    return _refused(kind, is_missing)


def _decoded(array: Any) -> Any:
    """The values that a dictionary array stands for; Arrow decodes no views of text."""
    import pyarrow as pa
    from pyarrow import types

    kind = array.type.value_type
    kind = pa.large_string() if types.is_string_view(kind) else kind
    chunks = array.chunks if isinstance(array, pa.ChunkedArray) else [array]
    decoded = [chunk.dictionary.cast(kind).take(chunk.indices) for chunk in chunks]
    return pa.chunked_array(decoded, kind)


def _integers(array: Any) -> Any:
    import pyarrow as pa

    array = array.fill_null(0)
    try:
        return array.cast(pa.int64()).to_numpy()
    except pa.ArrowInvalid:  # uint64 beyond int64
        return np.array(array.to_pylist(), object)


def _read_floats(array: Any, is_missing: Any) -> Cells:
    import pyarrow as pa

    dtype = {16: np.float16, 32: np.float32, 64: np.float64}[array.type.bit_width]
    values = array.fill_null(pa.scalar(dtype(0), array.type)).to_numpy()
    is_missing = is_missing | np.isnan(values)
    if dtype is not np.float64:
        # The number that a person sees: 0.1, not 0.10000000149011612.
        distinct, position = np.unique(values, return_inverse=True)
        values = distinct.astype(str).astype(np.float64)[position]
    cells = from_floats(values, is_missing, Spelling())
    return dates_of_whole(cells) if cells.form == "whole" else cells


def _read_times(array: Any, is_missing: Any) -> Cells:
    import pyarrow as pa
    from pyarrow import types

    kind, zone = array.type, None
    resolution: Resolution = "D"
    if types.is_timestamp(kind):
        resolution, zone = kind.unit, kind.tz
        ticks = array.cast(pa.int64())
    elif types.is_date32(kind):
        ticks = array.cast(pa.int32())
    else:
        resolution, ticks = "ms", array.cast(pa.int64())
    values = ticks.fill_null(0).cast(pa.int64()).to_numpy()
    values, resolution = coarsest(values, resolution, zone=zone)
    digits = {"ms": 3, "us": 6, "ns": 9}.get(resolution, 0)
    clock = "" if resolution == "D" else " %H:%M:%S" + (".%f" if digits else "")
    spelling = Spelling(
        num_decimals=digits,
        fixed_decimals=True,
        time_format="%Y-%m-%d" + clock + ("%:z" if zone else ""),
        resolution=resolution,
        zone=zone,
    )
    return Cells("time", values, is_missing, spelling)


def _refused(kind: Any, is_missing: Any) -> Cells:
    from pyarrow import types

    if types.is_nested(kind):
        found, advice = "nested values", "write one column for each of their parts"
    elif types.is_temporal(kind):
        found = "times of day or durations"
        advice = "write them as numbers, such as seconds"
    else:
        found, advice = "bytes", "write them as text, or remove the column"
    sentence = f"expected numbers, dates, truth values or text, found {found}; {advice}"
    return empty_cells(is_missing, Spelling(), (CellProblem(0, sentence),))


def _or_empty(cells: Cells) -> Cells:
    if cells.is_missing.all():
        return empty_cells(cells.is_missing, cells.spelling)
    return cells

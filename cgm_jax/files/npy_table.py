"""NPY files: one array of numbers, rows by columns; columns are named x0, x1, x2."""

import io
import math
import warnings
from pathlib import Path

import numpy as np
from jaxtyping import Shaped

from .input_errors import InputError
from .table import Table


def read_npy(file: Path, data: bytes) -> Table:
    """Read an NPY file.

    Nothing is allocated for what the header promises before the file is known to hold
    it, and nothing in the file is ever executed (no pickled objects).
    """
    import pyarrow as pa

    array = _read_array(file, data)
    if array.dtype.kind == "f":
        with np.errstate(all="ignore"):  # wider floats may become infinite here
            array = array.astype(np.float64)
    array = array.astype(array.dtype.newbyteorder("="))
    columns = {
        f"x{position}": pa.array(np.ascontiguousarray(array[:, position]))
        for position in range(array.shape[1])
    }
    return Table(file, columns, tuple(columns), len(array), 1)


def _read_array(file: Path, data: bytes) -> Shaped[np.ndarray, "rows d"]:
    stream = io.BytesIO(data)
    shape, is_fortran, dtype = read_header(file, stream)
    _check_dtype(file, dtype)
    if len(shape) != 2 or shape[1] == 0:
        raise InputError(
            "expected an array of two dimensions, rows by columns, found one of shape "
            f"{shape}; reshape it (one column: x.reshape(-1, 1))",
            file=file,
        )
    offset = stream.tell()
    promised, present = math.prod(shape) * dtype.itemsize, len(data) - offset
    if min(shape) < 0 or promised != present:
        raise InputError(
            f"expected {promised} bytes of numbers as its header promises, found "
            f"{present} (an incomplete copy, or more than one array); save it again",
            file=file,
        )
    flat = np.frombuffer(data, dtype, offset=offset) if promised else np.empty(0, dtype)
    return flat.reshape(shape, order="F" if is_fortran else "C")


def read_header(
    file: Path, stream: io.BufferedIOBase
) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Shape, order and dtype; the stream is left where the numbers start."""
    read = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    try:
        with warnings.catch_warnings():  # a header written by Python 2 is fine
            warnings.simplefilter("ignore")
            return read[np.lib.format.read_magic(stream)](stream)
    # NumPy evaluates the header's text: damaged, it can fail in any way.
    except Exception:
        raise InputError(
            "expected the header of an NPY file, version 1 or 2, found a damaged or "
            "unknown one; save the array again with numpy.save",
            file=file,
        ) from None


def _check_dtype(file: Path, dtype: np.dtype) -> None:
    if dtype.kind in "iuf" and dtype.subdtype is None:
        return
    found, advice = {
        "O": ("Python objects", "convert it with .astype(float)"),
        "c": ("complex numbers", "save real and imaginary parts as columns"),
        "b": ("truth values", "convert it with .astype(int)"),
        "V": ("a structured type", "save a plain array, or a CSV file"),
        "M": ("dates", "write them as numbers, such as a count of days"),
        "m": ("time spans", "write them as numbers"),
    }.get(dtype.kind, ("text", "convert it, or save a CSV file"))
    raise InputError(
        f"expected an array of numbers, found {found}; {advice}", file=file
    )

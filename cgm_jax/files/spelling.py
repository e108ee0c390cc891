"""Cells as a party writes them: text for a CSV file, Arrow's types for Parquet.

Nothing is changed to fit: what the party's own decimals, format or type cannot hold is
written with more decimals, a finer format or a wider type.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from jaxtyping import Int, Shaped

from cgm_jax.tables import Cells, Spelling, read_cells
from cgm_jax.tables.cells import Form, as_text

__all__ = ["OwnColumn", "as_arrow", "as_words", "same_cells"]

_ORDINARY = 1e-9, 1e16  # numbers between them are written without an exponent
_NEAR = 1e-6  # of a standard deviation
_DIRECTIVE = re.compile(r"%[-:^]?[A-Za-z]")
_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}


@dataclass(frozen=True)
class OwnColumn:
    """How a party's file writes a column.

    Args:
        name: as it stands in the file.
        form: what its cells are in this file.
        spelling: how they are written.
        is_grouped: whether 1234 is written as 1.234, beside decimal commas.
        categories: those of a dictionary column of Parquet, in its order; else None.
    """

    name: str
    form: Form
    spelling: Spelling
    is_grouped: bool = False
    categories: Any = None


def as_words(cells: Cells, own: OwnColumn) -> Shaped[np.ndarray, " rows"]:
    """Text of every cell; a missing one is the party's word for it."""
    spelling = own.spelling
    if own.form != cells.form and (own.form == "empty" or cells.form == "time"):
        spelling = replace(
            cells.spelling, decimal=spelling.decimal, missing_word=spelling.missing_word
        )
    result = np.full(len(cells), spelling.missing_word, object)
    if cells.form == "empty":
        return result
    if cells.form == "text":
        result[~cells.is_missing] = cells.present
        return result
    distinct, position = np.unique(cells.present, return_inverse=True)
    if cells.form == "time":
        words = _times(distinct, cells.spelling.resolution, spelling)
    else:
        write = _number_writer(cells.form, own, spelling)
        words = [write(value) for value in distinct.tolist()]
    result[~cells.is_missing] = np.array(words, object)[position]
    return result


def as_arrow(cells: Cells, own: OwnColumn, kind: Any) -> Any:
    """An array of the type ``kind``, or of the first wider one that holds all cells."""
    import pyarrow as pa

    for wider in _wider(kind):
        try:
            array = _cast(cells, own, wider)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError):
            continue
        if same_cells(read_cells(array), cells) or _are_near(array, cells):
            return array
    raise ValueError(f"Expected cells that Parquet can hold in column {own.name}.")


def _are_near(array: Any, cells: Cells) -> bool:
    """Whether numbers in single precision are as near as points tell them apart."""
    from pyarrow import types

    if not (types.is_float32(array.type) and cells.form in ("whole", "number")):
        return False
    values = cells.present.astype(np.float64)
    errors = array.drop_null().cast("float64").to_numpy() - values
    return bool(np.abs(errors).max(initial=0) <= _NEAR * values.std())


def same_cells(a: Cells, b: Cells) -> bool:
    """Whether two columns say the same in whatever form: 1 is 1.0, and true."""
    if not np.array_equal(a.is_missing, b.is_missing):
        return False
    if "time" in (a.form, b.form):
        return a.form == b.form and np.array_equal(_instants(a), _instants(b))
    if "text" in (a.form, b.form):
        a, b = (replace(x, values=as_text(x)) for x in (a, b))
    return np.array_equal(a.present, b.present)


def _number_writer(
    form: Form, own: OwnColumn, spelling: Spelling
) -> Callable[[Any], str]:
    """How a truth value or number is written."""
    words = {True: spelling.truth_words[0], False: spelling.truth_words[1]}
    fixed = spelling.num_decimals if spelling.fixed_decimals else None

    def write(value: Any) -> str:
        if form == "truth" and own.form in ("whole", "number"):
            value = int(value)
        elif form == "truth" or (own.form == "truth" and value in (0, 1)):
            return words[bool(value)]
        text = _number(value, fixed)
        if own.is_grouped:
            whole, point, rest = text.partition(".")
            if whole.lstrip("-").isdigit():
                text = f"{int(whole):,}".replace(",", "_") + point + rest
        if spelling.has_plus and value > 0:
            text = f"+{text}"
        if spelling.decimal != ".":
            text = text.replace(".", spelling.decimal).replace("_", ".")
        return text

    return write


def _number(value: int | float, fixed: int | None) -> str:
    """The shortest text that reads back, with a fixed number of decimals if it can."""
    if isinstance(value, int):
        return f"{value}.{'0' * fixed}" if fixed else str(value)
    if fixed is not None:
        text = f"{value:.{fixed}f}"
        if float(text) == value:
            return text.removeprefix("-") if value == 0 else text
    least, most = _ORDINARY
    if value == 0 or least <= abs(value) < most:
        return np.format_float_positional(value + 0.0, trim="-")
    return repr(value)


def _times(
    ticks: Int[np.ndarray, " _"], resolution: str, spelling: Spelling
) -> list[str]:
    """Times in the party's format and zone, or in a finer format that holds them."""
    if resolution == "D":
        seconds, fractions = ticks * 86_400, np.zeros_like(ticks)
    else:
        per_second = _PER_SECOND[resolution]
        seconds, rest = np.divmod(ticks, per_second)
        fractions = rest * (10**9 // per_second)
    offsets = [_offset(spelling.zone, second) for second in seconds.tolist()]
    seconds = seconds + np.array(offsets, np.int64)
    pattern = spelling.time_format
    if "%H" not in pattern and (seconds % 86_400).any():
        pattern += " %H:%M"
    if "%S" not in pattern and ((seconds % 60).any() or fractions.any()):
        pattern = pattern.replace("%M", "%M:%S")
    if "%f" not in pattern and fractions.any():
        pattern = pattern.replace("%S", "%S.%f")
    digits = spelling.num_decimals or 0 if spelling.fixed_decimals else 0
    return [
        _time(second, fraction, offset, pattern, digits)
        for second, fraction, offset in zip(
            seconds.tolist(), fractions.tolist(), offsets, strict=True
        )
    ]


def _time(seconds: int, fraction: int, offset: int, pattern: str, digits: int) -> str:
    days, clock = divmod(seconds, 86_400)
    year, month, day = str(np.datetime64(days, "D")).rsplit("-", 2)
    decimals = f"{fraction:09d}".rstrip("0").ljust(digits, "0")
    sign = "-" if offset < 0 else "+"
    offset_hours, offset_minutes = (f"{x:02d}" for x in divmod(abs(offset) // 60, 60))
    parts = {
        "%Y": year,
        "%y": year[-2:],
        "%m": month,
        "%-m": str(int(month)),
        "%d": day,
        "%-d": str(int(day)),
        "%H": f"{clock // 3600:02d}",
        "%-H": str(clock // 3600),
        "%M": f"{clock // 60 % 60:02d}",
        "%S": f"{clock % 60:02d}",
        "%f": decimals,
        "%z": f"{sign}{offset_hours}{offset_minutes}",
        "%:z": f"{sign}{offset_hours}:{offset_minutes}",
    }
    if not decimals:
        pattern = pattern.replace(".%f", "")
    moment = datetime(int(year), int(month), int(day)) + timedelta(seconds=clock)

    def written(match: re.Match[str]) -> str:
        if match[0] in parts:
            return parts[match[0]]
        text = moment.strftime(match[0].replace("^", ""))  # such as %b
        return text.upper() if "^" in match[0] else text

    return _DIRECTIVE.sub(written, pattern)


def _offset(zone: str | None, seconds: int) -> int:
    """Seconds that clocks of a zone are ahead of UTC at a moment."""
    if zone is None or zone == "UTC":
        return 0
    if zone[0] in "+-":
        hours, minutes = zone[1:].split(":")
        size = int(hours) * 3600 + int(minutes) * 60
        return -size if zone[0] == "-" else size
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    shift = moment.astimezone(ZoneInfo(zone)).utcoffset()
    return 0 if shift is None else int(shift.total_seconds())


def _instants(cells: Cells) -> Shaped[np.ndarray, " _"]:
    """Nanoseconds since 1970, as Python's integers: of any size."""
    resolution = cells.spelling.resolution
    factor = 86_400 * 10**9 if resolution == "D" else 10**9 // _PER_SECOND[resolution]
    return cells.present.astype(object) * factor


def _wider(kind: Any) -> Iterator[Any]:
    """A type, and those that hold more of its kind; text at last."""
    import pyarrow as pa
    from pyarrow import types

    yield kind
    if types.is_dictionary(kind):
        yield pa.dictionary(pa.int32(), kind.value_type, kind.ordered)
        kind = kind.value_type
        yield kind
    if types.is_boolean(kind) or types.is_integer(kind) or types.is_null(kind):
        yield from (pa.bool_(), pa.int64(), pa.uint64())
    if types.is_decimal(kind):
        # As many digits before the point as there were, and more after it.
        yield pa.decimal128(38, min(kind.scale + 6, 37))
    if not (types.is_temporal(kind) or _is_text(kind)):
        yield from (pa.float64(), pa.decimal128(38, 0))
    if types.is_temporal(kind) or types.is_null(kind):
        zone = getattr(kind, "tz", None)
        yield from (pa.timestamp(unit, zone) for unit in ("s", "ms", "us", "ns"))
    yield pa.string()


def _cast(cells: Cells, own: OwnColumn, kind: Any) -> Any:
    import pyarrow as pa
    from pyarrow import compute, types

    mask = cells.is_missing
    if types.is_dictionary(kind):
        plain = _cast(cells, replace(own, categories=None), kind.value_type)
        categories = own.categories
        if categories is None:
            categories = pa.array([], kind.value_type)
        known = compute.is_in(plain, value_set=categories)
        unknown = compute.unique(plain.filter(compute.invert(known))).drop_null()
        categories = pa.concat_arrays([categories, unknown])
        indices = compute.index_in(plain, value_set=categories).cast(kind.index_type)
        return pa.DictionaryArray.from_arrays(indices, categories, ordered=kind.ordered)
    if cells.form == "empty":
        return pa.nulls(len(cells), kind)
    if cells.form == "time" and types.is_temporal(kind):
        unit = cells.spelling.resolution
        ticks = cells.values.astype(f"M8[{unit}]")
        zone = getattr(kind, "tz", None)
        if unit == "D":
            array = pa.array(ticks, pa.date32(), mask=mask)
        else:
            array = pa.array(ticks, pa.timestamp(unit), mask=mask)
        if zone is None:
            return array.cast(kind)
        return array.cast(pa.timestamp(kind.unit)).view(kind)
    is_number = cells.form in ("truth", "whole", "number")
    if is_number and types.is_decimal(kind):
        words = [_number(x, None) for x in cells.values.tolist()]
        return pa.array(words, mask=mask).cast(kind)
    if is_number and not _is_text(kind) and cells.values.dtype != object:
        return pa.array(cells.values, mask=mask).cast(kind)
    words = as_words(cells, own)
    is_null = mask & (own.spelling.missing_word == "") if _is_text(kind) else mask
    return pa.array(words, pa.string(), mask=is_null).cast(kind)


def _is_text(kind: Any) -> bool:
    from pyarrow import types

    checks = (types.is_string, types.is_large_string, types.is_string_view)
    return any(check(kind) for check in checks)

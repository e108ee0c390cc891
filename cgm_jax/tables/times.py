"""Dates and times: read from text in people's formats, kept as ticks since 1970."""

import re
from dataclasses import replace
from datetime import datetime
from typing import Any

import numpy as np
from jaxtyping import Bool, Int, Shaped

from .cells import Cells, Resolution, Spelling

__all__ = [
    "TICKS_PER_DAY",
    "looks_like_time",
    "read_named_months",
    "read_times",
    "time_text",
]

# RE2's syntax; the order of day, month and year is decided for a whole column.
_TIME = (
    r"^(?P<a>\d{1,4})(?P<s>[-/.])(?P<b>\d{1,2})(?P<t>[-/.])(?P<c>\d{1,4})"
    r"(?:(?P<gap>[T ])(?P<H>\d{1,2}):(?P<M>\d{2})(?P<seconds>:(?P<S>\d{2})"
    r"(?:\.(?P<f>\d{1,9}))?)?(?P<half>\s?[AaPp][Mm])?\s?(?P<z>Z|[+-]\d{2}:?\d{2})?)?$"
)
TICKS_PER_DAY: dict[Resolution, int] = {
    "D": 1,
    "s": 86_400,
    "ms": 86_400 * 10**3,
    "us": 86_400 * 10**6,
    "ns": 86_400 * 10**9,
}


# Not \p{L}, of which RE2 makes a large automaton at each call; `strptime` decides.
_NAMED_MONTH = (
    r"^(?:\d{1,2}\.?[ -]?[^\d\s]{3,9}\.?[ -]?(?:\d{4}|\d{2})|"
    r"[^\d\s]{3,9} \d{1,2},? \d{4})$"
)
_NAMED_FORMATS = tuple(
    date_format.replace("%b", month)
    for date_format in (
        *("%d-%b-%Y", "%d %b %Y", "%d-%b-%y", "%d %b %y", "%d%b%Y", "%d. %b %Y"),
        *("%b %d, %Y", "%b %d %Y"),
    )
    for month in ("%b", "%B")
)


def looks_like_time(words: Any) -> Bool[np.ndarray, " words"]:
    """Which texts are written as a date, with or without a time of day."""
    return _fields(words).is_valid().to_numpy(zero_copy_only=False)


def read_times(words: Any) -> tuple[Int[np.ndarray, " words"], Spelling] | None:
    """Ticks of texts that are all times in one format, and the spelling; or None."""
    fields = _fields(words)
    if fields.null_count or not len(fields):
        return None
    date = _read_dates(fields)
    if date is None:
        return None
    days, date_format, is_ambiguous = date
    clock = _read_clock(fields)
    if clock is None:
        return None
    seconds, nanoseconds, spelling = clock
    resolution: Resolution = "ns" if nanoseconds.any() else "s"
    ticks = days * 86_400 + seconds
    if resolution == "ns":
        if (np.abs(ticks) > 9.2e9).any():  # ns would not fit: as fine as fits
            if (nanoseconds % 1000).any():
                return None
            resolution = "us"
        per_second = TICKS_PER_DAY[resolution] // 86_400
        ticks = ticks * per_second + nanoseconds // (10**9 // per_second)
    ticks, resolution = coarsest(ticks, resolution, zone=spelling.zone)
    return ticks, replace(
        spelling,
        time_format=date_format + spelling.time_format,
        resolution=resolution,
        is_ambiguous=is_ambiguous,
    )


def read_named_months(words: Any) -> tuple[Int[np.ndarray, " words"], Spelling] | None:
    """Days of texts such as 03-Mar-2023 that are all in one format; or None."""
    from pyarrow import compute

    matches = compute.match_substring_regex(words, _NAMED_MONTH)
    if not compute.all(matches).as_py():
        return None
    texts = words.to_pylist()
    for date_format in _NAMED_FORMATS:
        try:
            dates = [datetime.strptime(text, date_format) for text in texts]
        except ValueError:
            continue
        for spelled in (date_format, date_format.replace("%d", "%-d")):
            for letters in (spelled, re.sub("%([bB])", r"%^\1", spelled)):
                if [_written(date, letters) for date in dates] == texts:
                    days = np.array(dates, "M8[D]").astype(np.int64)
                    return days, Spelling(time_format=letters)
    return None


def _written(date: datetime, date_format: str) -> str:
    """As ``strftime``; with %-d without a leading zero, with %^b in capitals."""
    date_format = date_format.replace("%-d", str(date.day))
    text = date.strftime(date_format.replace("%^", "%"))
    return text.upper() if "%^" in date_format else text


def time_text(tick: int, resolution: Resolution) -> str:
    """A time in ISO 8601; of a time of day, on the day of ``strptime``, only the time.

    Example:
        >>> time_text(0, "D"), time_text(-2208988800 + 3600, "s")
        ('1970-01-01', '01:00:00')
    """
    return str(np.datetime64(tick, resolution)).removeprefix("1900-01-01T")


def coarsest(
    ticks: Int[np.ndarray, " _"], resolution: Resolution, *, zone: str | None
) -> tuple[Int[np.ndarray, " _"], Resolution]:
    """The same times in the coarsest unit that holds them all; days have no zone."""
    for coarser, per_day in TICKS_PER_DAY.items():  # from days on
        factor = TICKS_PER_DAY[resolution] // per_day
        if not (coarser == "D" and zone) and not (ticks % factor).any():
            return ticks // factor, coarser
    return ticks, resolution


def at_resolution(cells: Cells, resolution: Resolution) -> Cells:
    """The same times in a finer unit."""
    own = cells.spelling.resolution
    factor = TICKS_PER_DAY[resolution] // TICKS_PER_DAY[own]
    if np.abs(cells.values).max(initial=0) > (2**63 - 1) // max(factor, 1):
        raise ValueError(
            f"expected times that 64 bits hold in units of {resolution}, found years "
            "far away; give them in a coarser unit"
        )
    spelling = replace(cells.spelling, resolution=resolution)
    return replace(cells, values=cells.values * factor, spelling=spelling)


def day_first(cells: Cells) -> Cells:
    """Dates that were read month first, with day and month exchanged."""
    per_day = TICKS_PER_DAY[cells.spelling.resolution]
    days, clock = np.divmod(cells.values, per_day)
    years, months, rest = _calendar(days)
    exchanged, _ = _days(years, rest, months)
    values = np.where(cells.is_missing, 0, exchanged * per_day + clock)
    exchange = {"m": "d", "d": "m"}
    date_format = "".join(
        exchange.get(char, char) for char in cells.spelling.time_format
    )
    spelling = replace(cells.spelling, time_format=date_format, is_ambiguous=False)
    return replace(cells, values=values, spelling=spelling)


def from_whole(values: Int[np.ndarray, " _"]) -> Int[np.ndarray, " _"] | None:
    """Days of whole numbers that are all dates YYYYMMDD of 1900 to 2100; or None."""
    if not len(values) or values.min() < 19000101 or values.max() > 21001231:
        return None
    days, is_date = _days(values // 10_000, values // 100 % 100, values % 100)
    return days if is_date.all() else None


def to_whole(days: Int[np.ndarray, " _"]) -> Int[np.ndarray, " _"]:
    """Dates as whole numbers YYYYMMDD."""
    years, months, rest = _calendar(days)
    return years * 10_000 + months * 100 + rest


def _fields(words: Any) -> Any:
    from pyarrow import compute

    return compute.extract_regex(words, pattern=_TIME)


def _read_dates(fields: Any) -> tuple[Any, str, bool] | None:
    first, second, third = (_column(fields, name) for name in "abc")
    separators = np.unique([_column(fields, "s"), _column(fields, "t")])
    lengths = [np.strings.str_len(x) for x in (first, second, third)]
    if len(separators) != 1:
        return None
    separator = separators[0]
    a, b, c = (x.astype(np.int64) for x in (first, second, third))

    def part(letter: str, length: Any) -> str:
        return f"%{letter}" if (length == 2).all() else f"%-{letter}"

    if (lengths[0] == 4).all() and (lengths[2] <= 2).all():
        days, is_date = _days(a, b, c)
        pattern = separator.join(["%Y", part("m", lengths[1]), part("d", lengths[2])])
        return (days, pattern, False) if is_date.all() else None
    year_digits = np.unique(lengths[2])
    if (lengths[0] > 2).any() or year_digits.tolist() not in ([2], [4]):
        return None
    if year_digits[0] == 2:
        c = c + np.where(c < 69, 2000, 1900)  # as strptime does
    year = "%Y" if year_digits[0] == 4 else "%y"
    orders = []
    if separator != ".":
        orders.append((*_days(c, a, b), (part("m", lengths[0]), part("d", lengths[1]))))
    orders.append((*_days(c, b, a), (part("d", lengths[0]), part("m", lengths[1]))))
    orders = [order for order in orders if order[1].all()]
    if not orders:
        return None
    days, _, parts = orders[0]
    return days, separator.join([*parts, year]), len(orders) == 2


def _read_clock(fields: Any) -> tuple[Any, Any, Spelling] | None:
    """Seconds of the day in UTC, nanoseconds, and the spelling of the clock alone."""
    if (_column(fields, "half") != "").any():
        return None  # a.m. or p.m.: only in a declared format
    hours, minutes, seconds = (_numbers(fields, name) for name in "HMS")
    if (hours > 23).any() or (minutes > 59).any() or (seconds > 59).any():
        return None
    fraction = _column(fields, "f")
    nanoseconds = np.strings.ljust(fraction, 9, "0").astype(np.int64)
    gaps = np.unique(_column(fields, "gap"))
    offsets = np.unique(_column(fields, "z"))
    if len(offsets) > 1 and "" in offsets:
        return None
    total = hours * 3600 + minutes * 60 + seconds
    shift = {offset: _seconds_of(offset) for offset in offsets.tolist()}
    total -= np.array([shift[offset] for offset in _column(fields, "z").tolist()])
    digits = np.strings.str_len(fraction)
    gap = str(gaps[-1])
    clock = ""
    if gap:
        clock = f"{gap}%H:%M"
        clock += ":%S" if (_column(fields, "seconds") != "").any() else ""
        clock += ".%f" if digits.any() else ""
    zones = sorted({_zone(offset) for offset in offsets.tolist()} - {""})
    if len(offsets) == 1:
        style = str(offsets[0])
        clock += "" if not style else "Z" if style == "Z" else "%z"
        clock = clock.replace("%z", "%:z") if ":" in style else clock
    else:
        clock += "%:z"
    return (
        total,
        nanoseconds,
        Spelling(
            num_decimals=int(digits.max()),
            fixed_decimals=bool(digits.min() == digits.max()),
            time_format=clock,
            zone=None if not zones else zones[0] if len(zones) == 1 else "UTC",
            has_mixed_zones=len(zones) > 1,
        ),
    )


def _seconds_of(offset: str) -> int:
    if offset in ("", "Z"):
        return 0
    minutes = int(offset[1:3]) * 60 + int(offset[-2:])
    return (-60 if offset[0] == "-" else 60) * minutes


def _zone(offset: str) -> str:
    if not offset:
        return ""
    return f"{offset[:3]}:{offset[-2:]}" if _seconds_of(offset) else "UTC"


def _days(years: Any, months: Any, days: Any) -> tuple[Any, Bool[np.ndarray, " _"]]:
    """Days since 1970, and whether there are such dates."""
    start = (years - 1970) * 12 + np.clip(months, 1, 12) - 1
    first = start.astype("M8[M]").astype("M8[D]").astype(np.int64)
    following = (start + 1).astype("M8[M]").astype("M8[D]").astype(np.int64)
    is_date = (months >= 1) & (months <= 12) & (days >= 1)
    is_date &= (years >= 1) & (first + days <= following)
    return first + days - 1, is_date


def _calendar(days: Int[np.ndarray, " _"]) -> tuple[Any, Any, Any]:
    dates = days.astype("M8[D]")
    months = dates.astype("M8[M]")
    count = months.astype(np.int64)
    rest = (dates - months.astype("M8[D]")).astype(np.int64)
    return count // 12 + 1970, count % 12 + 1, rest + 1


def _column(fields: Any, name: str) -> Shaped[np.ndarray, " _"]:
    text = fields.field(name).fill_null("")
    return text.to_numpy(zero_copy_only=False).astype(str)


def _numbers(fields: Any, name: str) -> Int[np.ndarray, " _"]:
    text = _column(fields, name)
    return np.where(text == "", "0", text).astype(np.int64)

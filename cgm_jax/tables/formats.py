"""Dates in a format that a person declares, such as ``%d %b %Y``."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np

from .cells import CellProblem, Cells, Resolution
from .columns import ColumnChoice, usual_format
from .times import TICKS_PER_DAY, coarsest, day_first

__all__ = ["with_format"]

_DAY_BEFORE_MONTH = "%Y-%d-%m"


def with_format(cells: Cells, choice: ColumnChoice) -> Cells:
    """Text read as times of the declared format, or with a problem where it is none.

    Times and empty cells stay as they are, unless the format says that day and month
    are to be exchanged.
    """
    time_format = usual_format(str(choice.format))
    if cells.form == "time" and cells.spelling.is_ambiguous:
        if time_format.startswith("%d"):
            return day_first(cells)
        return replace(cells, spelling=replace(cells.spelling, is_ambiguous=False))
    if cells.form == "time" and time_format.startswith(_DAY_BEFORE_MONTH):
        return _day_before_month(cells, choice)
    if cells.form in ("time", "empty"):
        return cells
    if cells.form != "text":
        found = "truth values" if cells.form == "truth" else "numbers"
        return _with_problem(cells, ~cells.is_missing, choice, found)
    distinct, position = np.unique(cells.present, return_inverse=True)
    ticks = []
    for text in distinct.tolist():
        try:
            moment = datetime.strptime(text, time_format)
        except ValueError:
            return _with_problem(
                cells, (cells.values == text) & ~cells.is_missing, choice
            )
        zoned = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        since = zoned - datetime(1970, 1, 1, tzinfo=UTC)
        ticks.append((since.days * 86_400 + since.seconds) * 10**6 + since.microseconds)
    zone = "UTC" if "%z" in time_format else None
    start: Resolution = "us"
    values, resolution = coarsest(np.array(ticks, np.int64), start, zone=zone)
    result = np.zeros(len(cells), np.int64)
    result[~cells.is_missing] = values[position]
    spelling = replace(
        cells.spelling,
        time_format=str(choice.format),
        resolution=resolution,
        zone=zone,
        is_ambiguous=False,
    )
    return Cells("time", result, cells.is_missing, spelling)


def _day_before_month(cells: Cells, choice: ColumnChoice) -> Cells:
    """Times that were read as YYYY-MM-DD, of which all are YYYY-DD-MM."""
    if not cells.spelling.time_format.startswith("%Y-%m-%d"):
        return cells
    days = cells.values // TICKS_PER_DAY[cells.spelling.resolution]
    dates = days.astype("M8[D]")
    month_days = (dates - dates.astype("M8[M]")).astype(np.int64) + 1
    is_wrong = (month_days > 12) & ~cells.is_missing
    if is_wrong.any():
        return _with_problem(cells, is_wrong, choice)
    return day_first(cells)


def _with_problem(
    cells: Cells,
    is_wrong: np.ndarray,
    choice: ColumnChoice,
    found: str = "another text",
) -> Cells:
    sentence = (
        f"expected a date of the format {choice.format}, found {found}; correct it, or "
        "the format in columns.json"
    )
    return replace(cells, problems=(CellProblem(int(np.argmax(is_wrong)), sentence),))

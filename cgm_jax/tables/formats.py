"""Dates in a format that a person declares, such as ``%d %b %Y``."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np

from .cells import Cells, Resolution
from .columns import ColumnChoice
from .times import coarsest, day_first

__all__ = ["with_format"]


def with_format(cells: Cells, choice: ColumnChoice) -> Cells:
    """Text read as times of the declared format; times and empty cells as they are."""
    if choice.kind != "date or time":
        raise ValueError(
            f"Column {choice.name}: expected a format only for a date or time."
        )
    if cells.form == "time" and cells.spelling.is_ambiguous:
        if str(choice.format).lstrip("%-").startswith("d"):
            return day_first(cells)
        return replace(cells, spelling=replace(cells.spelling, is_ambiguous=False))
    if cells.form in ("time", "empty"):
        return cells
    if cells.form != "text":
        raise ValueError(
            f"Column {choice.name}: expected text for the declared format, got numbers "
            "or truth values."
        )
    distinct, position = np.unique(cells.present, return_inverse=True)
    ticks = []
    for text in distinct.tolist():
        try:
            moment = datetime.strptime(text, str(choice.format))
        except ValueError:
            row = int(np.argmax((cells.values == text) & ~cells.is_missing))
            raise ValueError(
                f"Column {choice.name}, row {row}: expected a date of the format "
                f"{choice.format}, got another text."
            ) from None
        zoned = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        since = zoned - datetime(1970, 1, 1, tzinfo=UTC)
        ticks.append((since.days * 86_400 + since.seconds) * 10**6 + since.microseconds)
    zone = "UTC" if "%z" in str(choice.format) else None
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

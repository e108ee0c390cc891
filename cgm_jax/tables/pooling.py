"""Cells of several parties in one form: what each can be read as beside the others."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from .cells import Cells, Form, Resolution, as_text, empty_cells, missing_like
from .times import TICKS_PER_DAY, at_resolution, day_first, to_whole

__all__ = ["PooledForm", "in_form", "pooled_form"]


@dataclass(frozen=True)
class PooledForm:
    """The form in which all parties' cells of a column are compared."""

    form: Form
    resolution: Resolution = "D"
    is_day_first: bool = False  # where a party's own dates could be both
    is_ambiguous: bool = False  # no party's dates tell which


def pooled_form(parties: Sequence[Cells], *, is_text: bool = False) -> PooledForm:
    """The narrowest form that all parties' cells have; ValueError if there is none.

    Declared text may mix numbers and text; otherwise only codes may.
    """
    forms: set[Form] = {cells.form for cells in parties}
    forms.discard("empty")
    times = [cells for cells in parties if cells.form == "time"]
    whole_dates = bool(times) and all(
        cells.spelling.time_format == "%Y%m%d" for cells in times
    )
    if len(forms) > 1 and whole_dates:  # not every party's numbers are dates
        forms.remove("time")
        forms.add("whole")
    if not forms:
        return PooledForm("empty")
    if forms == {"time"}:
        used = {cells.spelling.resolution for cells in times}
        units: list[Resolution] = [unit for unit in TICKS_PER_DAY if unit in used]
        return PooledForm("time", units[-1], *_order_of(times))
    if len(forms) == 1:
        return PooledForm(forms.pop())
    if forms == {"whole", "number"}:
        return PooledForm("number")
    if forms == {"truth", "whole"} and not is_text:
        codes = [cells.present for cells in parties if cells.form == "whole"]
        if np.isin(np.concatenate(codes), (0, 1)).all():
            return PooledForm("truth")
    if "time" in forms:
        raise ValueError(
            "expected dates in all tables, found dates in some and others in the "
            "rest; write all as YYYY-MM-DD"
        )
    if not is_text and _are_mostly_numbers(parties):
        raise ValueError(
            "expected numbers in all tables, found numbers in some and text or truth "
            "values in the rest; correct it, or declare the column a category or an "
            "identifier in columns.json"
        )
    return PooledForm("text")


def in_form(cells: Cells, pooled: PooledForm) -> Cells:
    """One party's cells in the form of all; ValueError if a value would change."""
    form = pooled.form
    if form == "empty":  # also of a column that is left out, whatever it holds
        return empty_cells(np.ones(len(cells), bool), cells.spelling)
    if cells.form == "time" and form != "time":  # YYYYMMDD
        values = np.where(cells.is_missing, 0, to_whole(cells.values))
        cells = replace(cells, form="whole", values=values)
    if cells.form == "empty":
        spelling = replace(cells.spelling, resolution=pooled.resolution)
        values = missing_like(form, cells.is_missing)
        return replace(cells, form=form, values=values, spelling=spelling)
    if form == "time":
        if cells.spelling.is_ambiguous and pooled.is_day_first:
            cells = day_first(cells)
        return at_resolution(cells, pooled.resolution)
    if cells.form == form:
        return cells
    if form == "text":
        values = as_text(cells)
    elif form == "truth":
        values = cells.values == 1
    else:
        values = cells.values.astype(np.float64)
        is_large = np.abs(values) >= 2**53
        if (values[is_large].astype(object) != cells.values[is_large]).any():
            raise ValueError(
                "expected whole numbers within ±2^53 beside numbers with decimals, "
                "found larger ones; declare the column a category or an identifier in "
                "columns.json"
            )
        values[cells.is_missing] = np.nan
    return replace(cells, form=form, values=values)


def _order_of(times: Sequence[Cells]) -> tuple[bool, bool]:
    """Whether days come first in the dates that tell, and whether none of them do."""
    formats = [
        (cells.spelling.time_format.lstrip("%-")[0], cells.spelling.is_ambiguous)
        for cells in times
        if re.match("%-?[dm][/-]%-?[dm]", cells.spelling.time_format)
    ]
    decided = {first for first, is_ambiguous in formats if not is_ambiguous}
    return "d" in decided, len(formats) > 0 and not decided


def _are_mostly_numbers(parties: Sequence[Cells]) -> bool:
    """Whether most cells are numbers, though none of the others is a code (007)."""
    if any(cells.spelling.has_leading_zeros for cells in parties):
        return False
    numbers = sum(
        len(cells.present) for cells in parties if cells.form in ("whole", "number")
    )
    return numbers >= sum(len(cells.present) for cells in parties) / 2

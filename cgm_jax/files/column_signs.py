"""Signs that a column is not what it seems, from the facts that `tables.infer` finds.

Nothing here is an error, and no value of a cell is in a sentence.
"""

import re
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from cgm_jax.tables import Cells, ColumnFacts
from cgm_jax.tables.kinds import NOT_VALUED

__all__ = ["column_signs", "list_columns"]

_TIME_OF_DAY = re.compile(r"([01]?\d|2[0-3]):[0-5]\d(:[0-5]\d)?")
_FEWEST_ROWS = 20  # of all parties, of which one cell with decimals stands out


def column_signs(
    names: Sequence[str],
    tables: Sequence[Mapping[str, Cells]],
    facts: Sequence[ColumnFacts],
    first_rows: Sequence[int],
) -> tuple[str, ...]:
    """Sentences on how columns are read, and on what decides who is paid.

    Args:
        names: of the parties.
        tables: their cells, by the name of the column.
        facts: of the columns.
        first_rows: the number of each file's first row of data.
    """
    sentences = [
        sentence
        for column in facts
        for sentence in (
            *_sentinels(names, tables, column),
            *_few_decimals(names, tables, column, first_rows),
        )
    ]
    return (*sentences, *_of_columns(facts), *_times_of_day(tables, facts))


def list_columns(columns: Iterable[str]) -> str:
    """``column x``, or ``columns x, y, z and 4 more``."""
    names = list(columns)
    if len(names) == 1:
        return f"column {names[0]}"
    shown = ", ".join(names[:3])
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"columns {shown}{more}"


def _sentinels(
    names: Sequence[str], tables: Sequence[Mapping[str, Cells]], column: ColumnFacts
) -> list[str]:
    if column.sentinel is None or column.kind not in ("number", "whole number"):
        return []
    sentences = []
    for name, table in zip(names, tables, strict=True):
        cells = table[column.name]
        number = int((cells.present == column.sentinel).sum())
        if number:
            sentences.append(
                f"{name}: column {column.name}: one value far from all others stands "
                f'in {number} of {len(cells)} cells; if it means "missing" (as -999 '
                "does), leave these cells empty."
            )
    return sentences


def _few_decimals(
    names: Sequence[str],
    tables: Sequence[Mapping[str, Cells]],
    column: ColumnFacts,
    first_rows: Sequence[int],
) -> list[str]:
    if not column.num_with_decimals or sum(column.num_rows) < _FEWEST_ROWS:
        return []
    for name, table, first_row in zip(names, tables, first_rows, strict=True):
        cells = table[column.name]
        if cells.form == "number":
            is_fraction = ~cells.is_missing & (cells.values != np.rint(cells.values))
            row = int(np.argmax(is_fraction)) + first_row
            return [
                f"{name}: column {column.name} (row {row}): {column.num_with_decimals} "
                f"of {sum(column.num_rows)} cells of all parties have decimals, the "
                "others are whole numbers; check them, for rewards have decimals then, "
                "too."
            ]
    return []


def _times_of_day(
    tables: Sequence[Mapping[str, Cells]], facts: Sequence[ColumnFacts]
) -> list[str]:
    clocks = [
        column
        for column in facts
        if column.form == "text"
        and all(
            _TIME_OF_DAY.fullmatch(text)
            for table in tables
            for text in table[column.name].present
        )
    ]
    sentence = (
        "times of day, which are taken as text; if times near to each other are to be "
        'alike, declare "date or time" in columns.json, with their format, such as '
        '"%H:%M".'
    )
    return [_sentence(clocks, sentence)] if clocks else []


def _of_columns(facts: Sequence[ColumnFacts]) -> list[str]:
    """One sentence for each sign, however many columns show it."""
    signs = (
        (
            [x for x in facts if x.tells_parties_apart and _is_valued(x)],
            "the values alone tell from which party a row is, and so decide who is "
            "paid; leave out what names a party or its place: declare it left out in "
            "columns.json.",
        ),
        (
            [x for x in facts if x.has_leading_zeros and x.kind != "identifier"],
            "numbers with leading zeros, which are taken as codes: each is a category.",
        ),
        (
            [x for x in facts if x.is_ambiguous],
            "day and month could be exchanged in every date; they are read month "
            "first: write them as YYYY-MM-DD if that is wrong.",
        ),
        (
            [x for x in facts if x.has_mixed_zones],
            "times of several zones, which are compared in UTC.",
        ),
    )
    sentences = [_sentence(columns, sentence) for columns, sentence in signs if columns]
    missing = [x for x in facts if 0 < x.missing_share < 1 and _is_valued(x)]
    if missing:
        number = sum(sum(x.num_missing) for x in missing)
        sentences.append(
            _sentence(
                missing,
                f"{number} cells are missing, which counts as a value of its own.",
            )
        )
    return sentences


def _sentence(columns: Sequence[ColumnFacts], sentence: str) -> str:
    listed = list_columns(column.name for column in columns)
    return f"{listed[0].upper()}{listed[1:]}: {sentence}"


def _is_valued(column: ColumnFacts) -> bool:
    return column.kind not in NOT_VALUED

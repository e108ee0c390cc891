"""What every kind of party file is turned into, and the checks of its header."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from .input_errors import InputError, Problem

# What pandas makes of an index without a name: a CSV file read and written again,
# and a Parquet file.
_NO_NAME = re.compile(r"(Unnamed: \d+|__index_level_\d+__)?")
SAVED_INDEX = (
    "expected a column of data, found a saved index of pandas; write the file with "
    "index=False, or make the index a column with reset_index()"
)
_LINE_BREAK = re.compile(r"\s*[\r\n]\s*")

Separator = Literal[",", ";"]


@dataclass(frozen=True, eq=False)
class Table:
    """One party's file as it was read, before its cells are parsed."""

    file: Path
    columns: Mapping[str, Any]  # Arrow's arrays by `common_name`, in the file's order
    own_names: tuple[str, ...]  # of the columns, as they stand in the file
    num_rows: int
    first_row: int  # of the data, as a person counts rows in the file
    separator: Separator = ","  # between the cells of a CSV file
    schema: Any = None  # Arrow's, of a Parquet file
    grouped: frozenset[str] = frozenset()  # columns that write 1234 as 1.234
    problems: tuple[Problem, ...] = ()  # with rows and cells


def common_name(name: str) -> str:
    """A column's name as all parties' files share it: on one line, in NFC.

    Example:
        >>> common_name(" gro\\u0308ße\\n(cm) ")
        'größe (cm)'
    """
    return unicodedata.normalize("NFC", _LINE_BREAK.sub(" ", name.strip()))


def check_names(
    file: Path,
    names: Sequence[str],
    *,
    row: int | None = None,
    index: Sequence[str] = (),
) -> None:
    """Refuse columns that have no name, or not one of their own, or are an index."""
    first_position: dict[str, int] = {}
    problems: list[Problem] = []
    for position, name in enumerate(names, 1):
        if _NO_NAME.fullmatch(name):
            sentence = (
                "expected a name, found none (a saved index, or a comma at the end of "
                "every row?); name the column or write the file without it, in pandas "
                "with index=False"
            )
        elif name in index:
            sentence = SAVED_INDEX
        elif not name.isprintable():
            sentence = "expected a name of printable characters; rename the column"
        elif name in first_position:
            sentence = (
                "expected a name of its own, found that of column "
                f"{first_position[name]}; rename one of them"
            )
        else:
            first_position[name] = position
            continue
        problems.append(Problem(sentence, file, position, row))
    if problems:
        raise InputError.of(problems)

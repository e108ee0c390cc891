"""What every kind of party file is turned into, and the checks common to all kinds."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Shaped

from .input_errors import InputError

# What pandas makes of an index without a name: a CSV file read and written again,
# and a Parquet file.
_SAVED_INDEX = re.compile(r"(Unnamed: \d+|__index_level_\d+__)?")
_WHOLE_NUMBER = re.compile(r"(-?(?:0|[1-9][0-9]{0,17}))(?:\.0+)?")
_MISSING_LABELS = {"", "nan", "<na>", "null", "#n/a"}


@dataclass(frozen=True)
class Table:
    """One party's file: the header at once, the cells of a column when asked for."""

    file: Path
    columns: tuple[str, ...]  # their names, in the order of the file
    num_rows: int
    first_row: int  # of the data, as a person counts rows in the file
    cells: Callable[[str], Float[np.ndarray, " rows"]]  # numbers, to be checked
    text: Callable[[str], Iterable[str | None]]

    def numbers(self, column: str) -> Float[np.ndarray, " rows"]:
        """Cells of a column; refuses NaN, infinities and what overflows in float32."""
        values = self.cells(column)
        with np.errstate(over="ignore"):
            bad = ~np.isfinite(values.astype(np.float32))
        if not bad.any():
            return values
        first = int(np.argmax(bad))
        if np.isnan(values[first]):
            problem = (
                "expected a number, found a missing value; fill it in or remove the row"
            )
        elif np.isinf(values[first]):
            problem = (
                "expected a finite number, found an infinite one; correct it or "
                "remove the row"
            )
        else:
            problem = (
                "expected a number within ±3.4e38 (single precision), found a larger "
                "one; give the column in a larger unit"
            )
        row = first + self.first_row
        raise InputError(problem, file=self.file, column=column, row=row)

    def labels(self, column: str) -> Shaped[np.ndarray, " rows"]:
        """Labels, stripped: int64 if all are whole numbers, such as 1.0, else text.

        ``01`` is text, so that nothing of a code is lost.
        """
        labels = [(cell or "").strip() for cell in self.text(column)]
        for row, label in enumerate(labels, self.first_row):
            if label.casefold() in _MISSING_LABELS:
                problem = (
                    "expected a label, found a missing value; fill it in or remove the "
                    "row"
                )
            elif not label.isprintable():
                problem = (
                    "expected a label of printable characters on one line; check the "
                    "quotes from this row on"
                )
            else:
                continue
            raise InputError(problem, file=self.file, column=column, row=row)
        whole = [_WHOLE_NUMBER.fullmatch(label) for label in labels]
        if all(whole):
            return np.array([int(match[1]) for match in whole if match], np.int64)
        return np.array(labels, object)


def check_names(file: Path, names: Sequence[str], *, row: int | None = None) -> None:
    """Refuse a header in which a column has no name, or not one of its own."""
    first_position: dict[str, int] = {}
    for position, name in enumerate(names, 1):
        if _SAVED_INDEX.fullmatch(name):
            problem = (
                "expected a name, found none (a saved index, or a comma at the end of "
                "every row?); name the column or write the file without it, in pandas "
                "with index=False"
            )
        elif not name.isprintable():
            problem = "expected a name of printable characters; rename the column"
        elif name in first_position:
            problem = (
                "expected a name of its own, found that of column "
                f"{first_position[name]}; rename one of them"
            )
        else:
            first_position[name] = position
            continue
        raise InputError(problem, file=file, column=position, row=row)

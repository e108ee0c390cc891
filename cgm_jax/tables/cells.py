"""Cells of one column of one party: what they say, and how the party writes them.

A CSV file and a Parquet file of the same table give the same cells, bit by bit: numbers
are read from the digits that a person sees (a float32 of 0.1 is 0.1), and times are in
the coarsest unit that holds all of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

import numpy as np
from jaxtyping import Bool, Shaped

from cgm_jax._shared.checks import check_choice, check_kind

__all__ = ["CellProblem", "Cells", "Form", "Resolution", "Spelling", "as_text"]

Form = Literal["empty", "truth", "whole", "number", "time", "text"]
Resolution = Literal["D", "s", "ms", "us", "ns"]

LARGEST = float(np.finfo(np.float32).max)


@dataclass(frozen=True)
class Spelling:
    """How a party writes a column.

    ``time_format`` is one of ``strftime``, with ``%-d`` for a day without a leading
    zero, ``%^b`` for MAR, ``%:z`` for an offset such as +02:00, a ``Z`` as it is, and
    ``%f`` for a fraction of ``num_decimals`` digits.
    """

    num_decimals: int | None = 0  # the most of a cell; None: as many as a double needs
    fixed_decimals: bool = False  # every cell shows as many
    decimal: str = "."
    has_plus: bool = False  # before every number above 0
    truth_words: tuple[str, str] = ("True", "False")
    missing_word: str = ""
    time_format: str = "%Y-%m-%d"
    resolution: Resolution = "D"
    zone: str | None = None  # "UTC", "+02:00", "Europe/Berlin"; None: it is not said
    has_leading_zeros: bool = False
    is_ambiguous: bool = False  # day and month could be exchanged in every cell
    has_mixed_zones: bool = False


@dataclass(frozen=True)
class CellProblem:
    """What is wrong with a column: the first row it shows in, and what to do."""

    row: int  # from 0
    sentence: str


@dataclass(frozen=True, eq=False)
class Cells:
    """One column of one party.

    ``values`` are bool (truth), int64 or, beyond it, Python's int (whole), float64
    (number), int64 ticks since 1970 in UTC (time; ``spelling.resolution``), or text in
    NFC. Missing cells hold False, 0, nan, 0 and ``""``.
    """

    form: Form
    values: Shaped[np.ndarray, " rows"]
    is_missing: Bool[np.ndarray, " rows"]
    spelling: Spelling = Spelling()
    problems: tuple[CellProblem, ...] = ()

    def __post_init__(self) -> None:
        check_choice(self.form, get_args(Form), "form")
        for name in ("values", "is_missing"):
            check_kind(getattr(self, name), np.ndarray)
        if self.values.shape != self.is_missing.shape or self.values.ndim != 1:
            raise ValueError(
                "Expected values and is_missing of one shape (rows,), got "
                f"{self.values.shape} and {self.is_missing.shape}."
            )

    def __len__(self) -> int:
        return len(self.is_missing)

    @property
    def present(self) -> Shaped[np.ndarray, " _"]:
        """The values of the cells that are not missing."""
        return self.values[~self.is_missing]

    def take(self, rows: Shaped[np.ndarray, " _"]) -> "Cells":
        """Some of the rows, by their numbers or a mask."""
        values, is_missing = self.values[rows], self.is_missing[rows]
        return replace(self, values=values, is_missing=is_missing)


def check_table(table: Any) -> None:
    """Raise unless it has the cells of columns, by name."""
    if not isinstance(table, Mapping) or not table:
        raise TypeError(
            "Expected a table of Cells by the name of a column, got "
            f"{type(table).__name__}; of data frames `encode_frames` makes points."
        )
    for cells in table.values():
        check_kind(cells, Cells, "`read_cells`")


def as_text(cells: Cells) -> Shaped[np.ndarray, " rows"]:
    """Truth values and numbers as text, in the party's spelling; text as it is.

    Args:
        cells: of any form but times.

    Returns:
        Text, ``""`` where a cell is missing.

    Raises:
        ValueError: the cells are times.

    Example:
        >>> import pyarrow as pa
        >>> from cgm_jax.tables import as_text, read_cells
        >>> as_text(read_cells(pa.array(["1.50", "NA", "+2.25"]))).tolist()
        ['1.50', '', '2.25']
    """
    check_kind(cells, Cells, "`read_cells`")
    spelling = cells.spelling
    fixed = spelling.num_decimals if spelling.fixed_decimals else None

    def written(value: Any) -> str:
        if cells.form == "truth":
            return spelling.truth_words[0 if value else 1]
        if cells.form == "whole" and not fixed:
            return str(value)
        if fixed is not None:
            return f"{value:.{fixed}f}"
        return repr(float(value)).removesuffix(".0")

    if cells.form == "time":
        raise ValueError("Expected numbers, truth values or text, got times.")
    if cells.form in ("text", "empty"):
        return cells.values
    distinct, position = np.unique(cells.present, return_inverse=True)
    result = np.full(len(cells), "", object)
    words = np.array([written(value) for value in distinct.tolist()], object)
    result[~cells.is_missing] = words[position]
    return result


def missing_like(form: Form, is_missing: Bool[np.ndarray, " rows"]) -> Any:
    """Values of a form in which every cell is still missing."""
    values = {"truth": False, "whole": 0, "number": np.nan, "time": 0}
    types = {"truth": bool, "whole": np.int64, "number": np.float64, "time": np.int64}
    return np.full(len(is_missing), values.get(form, ""), types.get(form, object))


def empty_cells(
    is_missing: Bool[np.ndarray, " rows"],
    spelling: Spelling,
    problems: tuple[CellProblem, ...] = (),
) -> Cells:
    """A column without a value."""
    values = missing_like("empty", is_missing)
    return Cells("empty", values, is_missing, spelling, problems)


def from_floats(
    values: Shaped[np.ndarray, " rows"],
    is_missing: Bool[np.ndarray, " rows"],
    spelling: Spelling,
) -> Cells:
    """Numbers, whole ones if they all are; refuses what float32 cannot hold."""
    values = np.where(is_missing, np.nan, values) + 0.0  # no −0
    present = values[~is_missing]
    too_large = ~(np.abs(values) <= LARGEST) & ~is_missing
    if too_large.any():
        row = int(np.argmax(too_large))
        sentence = (
            "expected a finite number, found an infinite one; correct it or remove the "
            "row"
            if np.isinf(values[row])
            else "expected a number within ±3.4e38 (single precision), found a larger "
            "one; give the column in a larger unit"
        )
        problem = CellProblem(row, sentence)
        return Cells("number", values, is_missing, spelling, (problem,))
    if not len(present):
        return empty_cells(is_missing, spelling)
    if (present == np.rint(present)).all() and (np.abs(present) < 2**63).all():
        whole = np.where(is_missing, 0, values).astype(np.int64)
        if not spelling.fixed_decimals:
            spelling = replace(spelling, num_decimals=0)
        return Cells("whole", whole, is_missing, spelling)
    if not spelling.fixed_decimals:
        spelling = replace(spelling, num_decimals=count_decimals(present))
    return Cells("number", values, is_missing, spelling)


def count_decimals(values: Shaped[np.ndarray, " _"]) -> int | None:
    """The decimals that write every number exactly, within 15 digits; or None."""
    distinct = np.unique(values)
    largest = np.abs(distinct).max(initial=0)
    for decimals in range(16):
        if largest * 10.0**decimals > 1e15:
            break
        distinct = distinct[
            np.rint(distinct * 10.0**decimals) / 10.0**decimals != distinct
        ]
        if not len(distinct):
            return decimals
    return None

"""The columns of a real and a synthetic table side by side, in numbers.

Numbers and dates stay numbers, NaN where a cell is missing; everything else becomes
codes 0, 1, … of its categories, and −1 where a cell is missing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from jaxtyping import Bool, Float, Int

__all__ = ["ColumnBeside", "columns_beside"]

_NUMBERS = {"number", "whole number", "date or time"}
_NUMBERS_BY_FORM = {"number", "whole", "time"}
_LEFT_OUT = {"identifier", "free text", "constant"}


@dataclass(frozen=True, eq=False)
class ColumnBeside:
    """One column of both tables.

    Attributes:
        name: of the column.
        form: "number", "date" or "category".
        real: float64 with NaN, or codes with −1, of the real rows.
        synthetic: the same of the synthetic rows.
        categories: what the codes stand for; none of a number or a date.
        origin: what was taken from whole numbers and ticks too large for float64.
    """

    name: str
    form: Literal["number", "date", "category"]
    real: Float[np.ndarray, " n"] | Int[np.ndarray, " n"]
    synthetic: Float[np.ndarray, " m"] | Int[np.ndarray, " m"]
    categories: tuple[str, ...] = ()
    origin: int = 0

    @property
    def is_number(self) -> bool:
        """Whether it is a number or a date, not a category."""
        return self.form != "category"

    @property
    def is_missing(self) -> tuple[Bool[np.ndarray, " n"], Bool[np.ndarray, " m"]]:
        """Which real and which synthetic cells are missing."""
        both = self.real, self.synthetic
        real, synthetic = (np.isnan(x) if self.is_number else x < 0 for x in both)
        return real, synthetic

    @property
    def present(self) -> tuple[np.ndarray, np.ndarray]:
        """The cells that are not missing, real and synthetic."""
        is_missing = self.is_missing
        return self.real[~is_missing[0]], self.synthetic[~is_missing[1]]


def columns_beside(
    real: Mapping[str, Any],
    synthetic: Mapping[str, Any],
    kinds: Mapping[str, str] | None = None,
) -> list[ColumnBeside]:
    """The columns that can be compared, in the order of the real table.

    Args:
        real: `Cells` by column name.
        synthetic: the same columns.
        kinds: the kind of each column; identifiers, free text and constants are left
            out. By default numbers and times by their form, all else categories.

    Raises:
        ValueError: if the synthetic table lacks a column, a table has no rows, or the
            columns of a table are not of one length.
    """
    for table, which in ((real, "real"), (synthetic, "synthetic")):
        lengths = {len(table[name].values) for name in real if name in table}
        lacking = [name for name in real if name not in table]
        if lacking or len(lengths) != 1 or 0 in lengths:
            raise ValueError(
                f"Expected a {which} table with rows and with all columns of the real "
                f"one, got columns of {sorted(lengths)} rows, without {lacking}."
            )
    found = []
    for name, cells in real.items():
        kind = None if kinds is None else kinds[name]
        if kind in _LEFT_OUT or (kind is None and cells.form == "empty"):
            continue
        as_number = cells.form in _NUMBERS_BY_FORM if kind is None else kind in _NUMBERS
        beside = _numbers if as_number else _codes
        found.append(beside(name, cells, synthetic[name]))
    return found


def _numbers(name: str, real: Any, synthetic: Any) -> ColumnBeside:
    form = "date" if real.form == "time" else "number"
    both = [
        (np.asarray(cells.values), ~cells.is_missing) for cells in (real, synthetic)
    ]
    origin = 0
    if all(x.dtype.kind == "i" for x, _ in both):
        present = [x[is_there] for x, is_there in both if is_there.any()]
        low = min((int(x.min()) for x in present), default=0)
        high = max((int(x.max()) for x in present), default=0)
        # Subtracted as integers, so that every tick of a nanosecond remains.
        if max(-low, high) > 2**53 and high - low < 2**63:
            origin = low
    columns = (
        np.where(is_there, (x - origin if origin else x).astype(np.float64), np.nan)
        for x, is_there in both
    )
    one, other = columns
    return ColumnBeside(name, form, one, other, origin=origin)


def _codes(name: str, real: Any, synthetic: Any) -> ColumnBeside:
    texts = [np.asarray(cells.values).astype(str) for cells in (real, synthetic)]
    is_missing = np.concatenate([real.is_missing, synthetic.is_missing])
    codes = np.full(len(is_missing), -1)
    categories, found = np.unique(
        np.concatenate(texts)[~is_missing], return_inverse=True
    )
    codes[~is_missing] = found
    one, other = np.split(codes, [len(texts[0])])
    return ColumnBeside(name, "category", one, other, tuple(map(str, categories)))

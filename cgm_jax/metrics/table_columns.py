"""The columns of real tables and of a synthetic one side by side, in numbers.

Numbers and dates stay numbers, NaN where a cell is missing; everything else becomes
codes 0, 1, … of its categories, and −1 where a cell is missing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Int

from cgm_jax._shared.checks import one_each
from cgm_jax.tables.cells import Cells, Resolution, as_text, check_table
from cgm_jax.tables.kinds import KINDS, NOT_VALUED
from cgm_jax.tables.pooling import in_form, pooled_form

__all__ = ["ColumnBeside", "columns_beside"]

_NUMBERS = {"number", "whole number", "date or time"}


@dataclass(frozen=True, eq=False)
class ColumnBeside:
    """One column of the real tables and of the synthetic one.

    Attributes:
        name: of the column.
        form: "number", "date" or "category".
        real: float64 with NaN, or codes with −1, of the real rows.
        synthetic: the same of the synthetic rows.
        categories: what the codes stand for; none of a number or a date.
        origin: what was taken from whole numbers and ticks too large for float64.
        resolution: of the ticks of a date.
    """

    name: str
    form: Literal["number", "date", "category"]
    real: Float[np.ndarray, " n"] | Int[np.ndarray, " n"]
    synthetic: Float[np.ndarray, " m"] | Int[np.ndarray, " m"]
    categories: tuple[str, ...] = ()
    origin: int = 0
    resolution: Resolution = "D"

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
    real: Sequence[Mapping[str, Cells]],
    synthetic: Mapping[str, Cells],
    kinds: Mapping[str, str] | None = None,
) -> list[ColumnBeside]:
    """The columns that can be compared, in the order of the first real table.

    Args:
        real: tables of the same columns, whose rows are taken together.
        synthetic: one table of these columns.
        kinds: the kind of each column; those that are not valued are left
            out. By default the usual one of its cells' form.

    Raises:
        ValueError: if a table lacks a column or has no rows, or the cells of a column
            have no form in common.
    """
    real = one_each(real, "tables")
    tables = [*real, synthetic]
    for table in tables:
        check_table(table)
    if kinds is not None and not isinstance(kinds, Mapping):
        raise TypeError(
            f"Expected the kind of each column by its name, got {type(kinds).__name__}."
        )
    unknown = [] if kinds is None else [name for name in real[0] if name not in kinds]
    if unknown:
        raise ValueError(f"Expected the kind of each column, got none of {unknown}.")
    for table, which in zip(tables, ["real"] * len(real) + ["synthetic"], strict=True):
        lacking = [name for name in real[0] if name not in table]
        lengths = {len(table[name]) for name in real[0] if name in table}
        if lacking or len(lengths) != 1:
            raise ValueError(
                f"Expected a {which} table with all columns of the first, and as many "
                f"rows in each, got {sorted(lengths)} rows, and no column {lacking}."
            )
    sizes = [len(table[next(iter(real[0]))]) for table in tables]
    if not sizes[-1] or not sum(sizes[:-1]):
        raise ValueError(
            f"Expected real and synthetic rows, got {sum(sizes[:-1])} and {sizes[-1]}."
        )
    found = []
    for name in real[0]:
        parts = [table[name] for table in tables]
        kind = None if kinds is None else kinds[name]
        if kind in NOT_VALUED:
            continue
        pooled = pooled_form(parts, is_text=kind in KINDS["text"])
        parts = [in_form(cells, pooled) for cells in parts]
        kind = kind or KINDS[pooled.form][0]
        if kind in NOT_VALUED:
            continue
        beside = _numbers if kind in _NUMBERS else _codes
        found.append(beside(name, parts))
    return found


def _numbers(name: str, parts: Sequence[Cells]) -> ColumnBeside:
    values, is_missing, origin = _joined(parts), _missing(parts), 0
    present = values[~is_missing]
    if values.dtype.kind == "i" and len(present):
        low, high = int(present.min()), int(present.max())
        # Subtracted as integers, so that every tick of a nanosecond remains.
        if max(-low, high) > 2**53 and high - low < 2**63:
            origin = low
    numbers = np.full(len(values), np.nan)
    numbers[~is_missing] = present - origin if origin else present
    real, synthetic = np.split(numbers, [-len(parts[-1])])
    is_date, unit = parts[0].form == "time", parts[0].spelling.resolution
    form = "date" if is_date else "number"
    return ColumnBeside(name, form, real, synthetic, origin=origin, resolution=unit)


def _codes(name: str, parts: Sequence[Cells]) -> ColumnBeside:
    if parts[0].form == "time":
        texts = _joined(parts).astype(f"M8[{parts[0].spelling.resolution}]").astype(str)
    else:
        spelling = parts[0].spelling
        texts = np.concatenate([as_text(replace(x, spelling=spelling)) for x in parts])
    is_missing = _missing(parts)
    codes = np.full(len(texts), -1)
    categories, codes[~is_missing] = np.unique(texts[~is_missing], return_inverse=True)
    real, synthetic = np.split(codes, [-len(parts[-1])])
    return ColumnBeside(name, "category", real, synthetic, tuple(map(str, categories)))


def _joined(parts: Sequence[Cells]) -> np.ndarray:
    return np.concatenate([cells.values for cells in parts])


def _missing(parts: Sequence[Cells]) -> Bool[np.ndarray, " n"]:
    return np.concatenate([cells.is_missing for cells in parts])

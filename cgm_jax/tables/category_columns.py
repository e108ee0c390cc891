"""A category as one coordinate for each of its values, and columns without coordinates.

The coordinate of a row's own category is w = MISMATCH / √2 and the others are 0, so
that rows of different categories are MISMATCH apart: the squared exponential of the
points is that of the numbers times exp(−MISMATCH² / 2ℓ²) for each category that
differs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Shaped

from .cells import Cells, missing_like
from .kinds import ColumnFacts
from .number_columns import MISMATCH

__all__ = ["CategoryColumn", "LeftOut"]

_MOST_IDS = 10**7  # of synthetic rows


@dataclass(frozen=True, eq=False)
class CategoryColumn:
    """Categories, of which a missing cell is one."""

    facts: ColumnFacts
    values: Shaped[np.ndarray, " categories"]  # sorted, without the missing one
    height: float
    is_allowed: Bool[np.ndarray, " c"]  # may be handed out; the last may be "missing"

    @property
    def coordinates(self) -> tuple[str, ...]:
        """Their names."""
        name = self.facts.name
        names = tuple(f"{name}={value}" for value in self.values.tolist())
        has_missing = len(self.is_allowed) > len(self.values)
        return (*names, f"{name} is missing") if has_missing else names

    @property
    def is_category_coordinate(self) -> tuple[bool, ...]:
        """Which of them stand for a category: all."""
        return (True,) * len(self.is_allowed)

    def encode(self, cells: Cells) -> Float[np.ndarray, "n c"]:
        """Cells in the column's form as coordinates."""
        index = np.full(len(cells), len(self.values))
        present = ~cells.is_missing
        distinct, position = np.unique(cells.present, return_inverse=True)
        places = np.searchsorted(self.values, distinct)
        places = np.minimum(places, max(0, len(self.values) - 1))
        index[present] = places[position]
        is_new = len(distinct) and (
            not len(self.values) or (self.values[places] != distinct).any()
        )
        if is_new or (index >= len(self.is_allowed)).any():
            raise ValueError(
                f"Column {self.facts.name}: expected the categories of the tables of "
                "the fit, got another, or a missing cell."
            )
        return self._points(index)

    def decode(self, points: Float[np.ndarray, "m c"]) -> Cells:
        """The nearest category of each point."""
        index = np.argmax(points, axis=1)
        form = self.facts.form
        is_missing = index == len(self.values)
        values = missing_like(form, is_missing).astype(self.values.dtype)
        values[~is_missing] = self.values[index[~is_missing]]
        return Cells(form, values, is_missing, self.facts.spelling)

    def handed_out(self, points: Float[np.ndarray, "m c"]) -> Float[np.ndarray, "m c"]:
        """The nearest of the allowed categories, encoded again."""
        allowed = np.flatnonzero(self.is_allowed)
        return self._points(allowed[np.argmax(points[:, allowed], axis=1)])

    def _points(self, index: Any) -> Float[np.ndarray, "m c"]:
        points = np.zeros((len(index), len(self.is_allowed)))
        points[np.arange(len(index)), index] = self.height
        return points


def category_column(
    facts: ColumnFacts,
    parties: Sequence[Cells],
    *,
    min_rows: int,
    only_shared: bool,
    weight: int | float,
) -> CategoryColumn:
    """The categories of all parties, in the column's form."""
    pool = np.concatenate([cells.present for cells in parties])
    values, counts = np.unique(pool, return_counts=True)
    held = [np.isin(values, np.unique(cells.present)) for cells in parties]
    holders = np.sum(held, axis=0)
    if sum(facts.num_missing):
        counts = np.append(counts, sum(facts.num_missing))
        holders = np.append(holders, np.count_nonzero(facts.num_missing))
    is_allowed = (counts >= min_rows) & ((holders >= 2) | (not only_shared))
    if not is_allowed.any():
        shared = " and by two parties" if only_shared else ""
        raise ValueError(
            f"Column {facts.name}: expected a category that at least {min_rows} rows "
            f"have{shared}, got none, so that none may be handed out; leave the column "
            "out, or declare it an identifier or free text in columns.json."
        )
    return CategoryColumn(facts, values, MISMATCH / np.sqrt(2) * weight, is_allowed)


@dataclass(frozen=True, eq=False)
class LeftOut:
    """A column without coordinates: constant, identifiers, text, or not read."""

    facts: ColumnFacts
    constant: Shaped[np.ndarray, " _"]  # its value, of a constant
    first_id: int = 1
    coordinates: tuple[str, ...] = ()
    is_category_coordinate: tuple[bool, ...] = ()

    def encode(self, cells: Cells) -> Float[np.ndarray, "n 0"]:
        """No coordinates."""
        return np.empty((len(cells), 0))

    def handed_out(self, points: Float[np.ndarray, "m 0"]) -> Float[np.ndarray, "m 0"]:
        """No coordinates."""
        return points

    def decode(self, points: Float[np.ndarray, "m 0"]) -> Cells:
        """The constant, missing cells instead of text, or new identifiers."""
        form, num = self.facts.form, len(points)
        present = np.zeros(num, bool)
        spelling = self.facts.spelling
        if self.facts.kind == "identifier":
            numbers = range(self.first_id, self.first_id + num)
            if form == "text":
                values = np.array([f"synthetic-{i}" for i in numbers], object)
            else:
                dtype = np.int64 if self.first_id + num < 2**63 else object
                values = np.array(numbers, dtype)
            return Cells(form, values, present, spelling)
        if len(self.constant):
            return Cells(form, np.repeat(self.constant, num), present, spelling)
        return Cells(form, missing_like(form, ~present), ~present, spelling)


def left_out(facts: ColumnFacts, parties: Sequence[Cells]) -> LeftOut:
    """A column without coordinates, of its parties' cells in its form."""
    pool = np.concatenate([cells.present for cells in parties])
    if facts.kind == "constant":
        return LeftOut(facts, pool[:1])
    if facts.kind == "identifier" and facts.form == "whole" and len(pool):
        return LeftOut(facts, pool[:0], first_id=_first_id(np.unique(pool)))
    return LeftOut(facts, pool[:0])


def _first_id(ids: Shaped[np.ndarray, " _"]) -> int:
    """Above all real ones at a power of ten; below some, where bits would not do."""
    most, largest = int(ids[-1]), max(abs(int(ids[0])), abs(int(ids[-1])))
    limit = next((2**bits for bits in (31, 63, 64) if most < 2**bits), None)
    for digits in range(len(str(largest)), 6, -1):
        first = 10**digits + 1
        is_free = not ((ids >= first) & (ids < first + _MOST_IDS)).any()
        if is_free and (limit is None or first + _MOST_IDS <= limit):
            return first
    return 10 ** len(str(largest)) + 1

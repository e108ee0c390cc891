"""A column of numbers, dates or times as one coordinate, and one for missing cells.

A number x is the coordinate (x − shift) / scale. Numbers of few decimals, whole numbers
and times lie on a grid, and rounding to it brings x back exactly; where a grid is too
fine for float64, a coordinate that some real value has is that value.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Shaped

from .cells import Cells, missing_like
from .columns import ColumnChoice
from .kinds import ColumnFacts, between_masses, robust_scale

__all__ = ["MISMATCH", "NumberColumn"]

# The median distance of two values of a normal column, in standard deviations: as far
# apart are two rows that differ in one category.
MISMATCH = 0.954
_FINEST_GRID = 2**49  # steps; so many are told apart after seven roundings
_SNAP = 8  # units in the last place, within which a coordinate is a real value's


@dataclass(frozen=True, eq=False)
class NumberColumn:
    """Numbers, whole numbers, dates or times."""

    facts: ColumnFacts
    origin: int  # subtracted before float64, where that could not hold the values
    shift: float
    scale: float
    missing: float  # height of the coordinate "is missing"; 0: there is none
    median: int | float  # what a missing cell counts as
    lowest: int | float  # of those that may be handed out
    highest: int | float
    ends: tuple[float, float]  # of the real values, less the origin
    hands_out_missing: bool
    hands_out_present: bool  # or missing cells only: too few rows have another
    known: Shaped[np.ndarray, " k"]  # real values, where there is no grid, or none
    known_points: Float[np.ndarray, " k"]
    common: Float[np.ndarray, " c"]  # held by many rows, on a grid too fine for float32

    @property
    def coordinates(self) -> tuple[str, ...]:
        """Their names."""
        name = self.facts.name
        return (name, f"{name} is missing") if self.missing else (name,)

    @property
    def is_category_coordinate(self) -> tuple[bool, ...]:
        """Which of them stand for a category."""
        return (False, True)[: len(self.coordinates)]

    @property
    def range_coordinates(self) -> Float[np.ndarray, "2"]:
        """The range of the first coordinate that may be handed out."""
        return self._points(np.array([self.lowest, self.highest]))

    @property
    def median_coordinate(self) -> float:
        """What the first coordinate of a missing cell is."""
        return float(self._points(np.array([self.median]))[0])

    @property
    def mass_coordinates(self) -> Float[np.ndarray, " _"]:
        """Where values are that many rows have."""
        return self._points(np.array(self.facts.mass_points))

    def encode(self, cells: Cells) -> Float[np.ndarray, "n c"]:
        """Cells in the column's form as coordinates."""
        values = np.where(cells.is_missing, self.median, cells.values)
        if self.facts.form != "number":
            values = values.astype(np.int64)
        points = self._points(values)
        if not self.missing:
            if cells.is_missing.any():
                raise ValueError(
                    f"Column {self.facts.name}: expected no missing cell, as in the "
                    "tables of the fit, got one."
                )
            return points[:, None]
        return np.column_stack([points, self.missing * cells.is_missing])

    def decode(self, points: Float[np.ndarray, "m c"]) -> Cells:
        """Coordinates as cells."""
        is_missing = self._is_missing(points)
        values = self._values(self._in_full(points[:, 0]))
        values = np.where(is_missing, missing_like(self.facts.form, is_missing), values)
        return Cells(self.facts.form, values, is_missing, self.facts.spelling)

    def handed_out(self, points: Float[np.ndarray, "m c"]) -> Float[np.ndarray, "m c"]:
        """Within the range that may leave, on the grid; encoded again."""
        is_missing = self._is_missing(points) & self.hands_out_missing
        is_missing |= not self.hands_out_present
        if not len(self.known):
            x = self._with_common(points[:, 0].astype(np.float64))
            result = self._points(np.clip(self._values(x), self.lowest, self.highest))
        else:
            result = np.clip(self._snapped(points[:, 0])[0], *self.range_coordinates)
        result = np.where(is_missing, self.median_coordinate, result)
        if not self.missing:
            return result[:, None]
        return np.column_stack([result, self.missing * is_missing])

    def _is_missing(self, points: Any) -> Bool[np.ndarray, " m"]:
        if not self.missing:
            return np.zeros(len(points), bool)
        return points[:, 1] > self.missing / 2

    def _points(self, values: Any) -> Float[np.ndarray, " m"]:
        return ((values - self.origin).astype(np.float64) - self.shift) / self.scale

    def _in_full(self, points: Any) -> Float[np.ndarray, " m"]:
        """Float32 coordinates that a mass point or an end has are exactly there."""
        result = points.astype(np.float64)
        if points.dtype == np.float32:
            result = self._with_common(result)
            for exact in (*self.mass_coordinates, *self.range_coordinates):
                result[points == np.float32(exact)] = exact
        return result

    def _with_common(self, points: Any) -> Float[np.ndarray, " m"]:
        """Float32 coordinates that a common value has are exactly there."""
        if not len(self.common):
            return points
        rounded = self.common.astype(np.float32)
        place = np.minimum(np.searchsorted(rounded, points), len(rounded) - 1)
        return np.where(points == rounded[place], self.common[place], points)

    def _values(self, points: Any) -> Shaped[np.ndarray, " m"]:
        """What coordinates stand for: on the grid, or the real value that is there."""
        floats = points * self.scale + self.shift
        facts = self.facts
        if facts.step is None:
            values = floats + self.origin
        elif facts.form == "number":
            tens = 10.0 ** (facts.num_decimals or 0)
            start = np.rint(self.lowest * tens)
            steps = np.rint((floats * tens - start) / facts.step)
            values = (start + facts.step * steps) / tens + 0.0
        else:
            start = int(self.lowest) - self.origin
            steps = np.rint((np.clip(floats, *self.ends) - start) / facts.step)
            values = steps.astype(np.int64) * facts.step + int(self.lowest)
        if len(self.known):
            _, index, is_known = self._snapped(points)
            values = np.where(is_known, self.known[index], values)
        return values

    def _snapped(self, points: Any) -> tuple[Any, Any, Any]:
        """The nearest real coordinates if they are within a few units, and which."""
        known = self.known_points
        right = np.minimum(np.searchsorted(known, points), len(known) - 1)
        left = np.maximum(right - 1, 0)
        is_left = np.abs(points - known[left]) <= np.abs(points - known[right])
        index = np.where(is_left, left, right)
        distance = np.abs(points - known[index])
        # Also where shift takes digits off: in units of what was rounded.
        size = np.maximum(np.abs(known[index]), abs(self.shift / self.scale))
        is_known = distance <= _SNAP * np.spacing(size)
        return np.where(is_known, known[index], points), index, is_known


def number_columns(
    facts: Sequence[ColumnFacts],
    cells: Sequence[Sequence[Cells]],
    choices: Sequence[ColumnChoice],
    *,
    standardize: bool,
    min_rows: int,
) -> list[NumberColumn]:
    """Columns of all parties, in their form: one sequence of cells a column."""
    pools = [np.concatenate([one.present for one in column]) for column in cells]
    origins = [_origin(fact, values) for fact, values in zip(facts, pools, strict=True)]
    floats = [
        (values - origin).astype(np.float64)
        for values, origin in zip(pools, origins, strict=True)
    ]
    moments = _moments(floats)
    result = []
    for fact, choice, values, origin, x, (mean, std) in zip(
        facts, choices, pools, origins, floats, moments, strict=True
    ):
        if not standardize:
            mean, std = 0.0, 1.0
        elif fact.is_heavy_tailed:
            # Not so small that the farthest value overflows in float32.
            robust = robust_scale(between_masses(x, values, fact.mass_points))
            mean, std = float(np.median(x)), max(robust, 1e-15 * np.ptp(x))
        if not std:  # of one value, or squares that underflow
            std = float(np.ptp(x))
        scale = choice.scale or (std if std > 0 else 1.0)
        _check_scale(fact.name, choice, x)
        ordered = np.sort(values)
        num_missing = sum(fact.num_missing)
        lowest, highest = _range(fact, ordered, min_rows)
        column = NumberColumn(
            replace(fact, mass_points=_masses(fact, values, min_rows)),
            origin,
            mean,
            float(scale / choice.weight),
            missing=MISMATCH * choice.weight if num_missing else 0.0,
            median=ordered[(len(ordered) - 1) // 2].item(),
            lowest=lowest,
            highest=highest,
            ends=(float(x.min()), float(x.max())),
            hands_out_missing=num_missing >= min_rows,
            hands_out_present=len(values) >= 2 * min_rows - 1 or num_missing < min_rows,
            known=ordered[:0],
            known_points=x[:0],
            common=x[:0],
        )
        with_values = _with_common if _is_on_grid(fact, x) else _with_known
        result.append(with_values(column, ordered, min_rows))
    return result


def _check_scale(name: str, choice: ColumnChoice, x: Any) -> None:
    """Refuse a scale by which rows would be equal, or nothing else would count."""
    spread = float(np.ptp(x))
    if choice.scale and spread and not 1e-9 <= spread / choice.scale <= 1e9:
        raise ValueError(
            f"Column {name}: expected a scale like the differences between its "
            f"values, got {choice.scale:g}."
        )


def _range(
    facts: ColumnFacts, ordered: Shaped[np.ndarray, " k"], min_rows: int
) -> tuple[int | float, int | float]:
    """The range that may be handed out, within the `min_rows`-th most extreme values.

    Where fewer rows have such an end, it is a row's own value: the range then ends half
    way to the next one, as rows at its end are handed out again and again.
    """
    rank = min(min_rows, (len(ordered) + 1) // 2) - 1
    ends = ordered[rank], ordered[len(ordered) - 1 - rank]
    if len(ordered) < 4 * min_rows:
        return ends[0].item(), ends[1].item()
    distinct, counts = np.unique(ordered, return_counts=True)
    inside: list[Any] = []
    for end, direction in zip(ends, (1, -1), strict=True):
        place = int(np.searchsorted(distinct, end))
        is_shared = counts[place] >= min_rows or len(distinct) < 3
        following = distinct[place if is_shared else place + direction]
        inside.append(_half_way(facts, end, following))
    if inside[0] > inside[1]:
        inside = list(ends)
    return inside[0].item(), inside[1].item()


def _half_way(facts: ColumnFacts, end: Any, following: Any) -> Any:
    """Half way between two values; on the grid, where nothing may be between them."""
    if facts.step is None:
        return end + (following - end) / 2
    if facts.form != "number":
        num_steps = (int(following) - int(end)) // facts.step
        return end + int(num_steps / 2) * facts.step
    tens = 10.0 ** (facts.num_decimals or 0)
    start, stop = np.rint(end * tens), np.rint(following * tens)
    num_steps = np.trunc((stop - start) / facts.step / 2)
    return (start + facts.step * num_steps) / tens + 0.0


def _masses(
    facts: ColumnFacts, values: Shaped[np.ndarray, " k"], min_rows: int
) -> tuple[int | float, ...]:
    """Mass points that may be handed out: of few rows, they are rows' own values."""
    counts = [np.count_nonzero(values == value) for value in facts.mass_points]
    masses = zip(facts.mass_points, counts, strict=True)
    return tuple(value for value, count in masses if count >= min_rows)


def _origin(facts: ColumnFacts, values: Any) -> int:
    """0, as long as float64 holds the values with room for rounding."""
    if facts.form == "number":
        return 0
    lowest, highest = int(values.min()), int(values.max())
    is_small = max(abs(lowest), abs(highest)) < _FINEST_GRID
    return 0 if is_small else lowest


def _moments(columns: Sequence[Any]) -> list[tuple[float, float]]:
    """Mean and population standard deviation of each column.

    Columns of one length are added row by row, as one matrix, so that the last bit is
    that of a table of numbers alone.
    """
    result: dict[int, tuple[float, float]] = {}
    for length in {len(x) for x in columns}:
        chosen = [i for i, x in enumerate(columns) if len(x) == length]
        pool = np.column_stack([columns[i] for i in chosen])
        moments = zip(chosen, pool.mean(axis=0), pool.std(axis=0), strict=True)
        result |= {i: (float(mean), float(std)) for i, mean, std in moments}
    return [result[i] for i in range(len(columns))]


def _is_on_grid(facts: ColumnFacts, x: Any) -> bool:
    if facts.step is None:
        return False
    unit = facts.step / 10.0 ** (facts.num_decimals or 0)
    return bool(np.abs(x).max() < _FINEST_GRID * unit)


def _with_common(column: NumberColumn, ordered: Any, min_rows: int) -> NumberColumn:
    """With the values of `min_rows` rows, where float32 would make others of them."""
    distinct, counts = np.unique(ordered, return_counts=True)
    points = column._points(distinct)
    rounded = points.astype(np.float32).astype(np.float64)
    if (column._values(rounded) == distinct).all():
        return column
    return replace(column, common=points[counts >= min_rows])


def _with_known(column: NumberColumn, ordered: Any, min_rows: int) -> NumberColumn:
    del min_rows  # they are exact in float64 only, which no drawn point is
    known = np.unique(ordered)
    points = column._points(known)
    if (np.diff(points) <= 0).any():
        raise ValueError(
            f"Column {column.facts.name}: expected values that float64 tells apart "
            "beside the largest, got closer ones; round them, or take off what all "
            "have in common."
        )
    return replace(column, known=known, known_points=points)

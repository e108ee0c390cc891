"""Columns as states: categories, or for numbers bins in which values are drawn.

The bins of a column of numbers have about equally many rows; a value that many rows
have is a bin of its own, and so is "missing". Within a bin are pieces, in the order of
their values: atoms, single values that at least ``min_rows`` rows have, and intervals
of about ``min_rows`` rows, in which a value is uniform. What is within a bin is the
same whatever the other columns are.

A value counts as the piece that it is in, or else as the nearest: the density is that
of rows, whose values are on a grid or at atoms.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from .product_columns import Columns, PointColumn, split_points

NUM_BINS = 100


@dataclass(frozen=True, eq=False)
class Bins:
    """The states of a column, and the p pieces of its numbers; none of a category."""

    column: PointColumn
    low: Float[np.ndarray, " p"]
    high: Float[np.ndarray, " p"]  # equal to low: an atom
    share: Float[np.ndarray, " p"]  # of the rows of its bin
    bin: Int[np.ndarray, " p"]

    @classmethod
    def fit(
        cls, column: PointColumn, block: Float[np.ndarray, "n c"], *, min_rows: int
    ) -> "Bins":
        """The bins of a column's coordinates."""
        if column.is_category:
            nothing = np.empty(0)
            return cls(column, nothing, nothing, nothing, np.empty(0, int))
        values = block[~is_missing(column, block), 0].astype(np.float64)
        if not len(values):
            values = np.array([column.median])
        distinct, counts = np.unique(values, return_counts=True)
        least = max(len(values) / NUM_BINS, min_rows)
        bins = _runs(counts, least, np.zeros(len(counts), int))
        pieces = _runs(counts, min_rows, bins)
        first = np.flatnonzero(np.diff(pieces, prepend=-1))
        last = np.append(first[1:], len(distinct)) - 1
        middle = (distinct[1:] + distinct[:-1]) / 2
        between = np.concatenate([distinct[:1], middle, distinct[-1:]])
        num_rows = np.bincount(pieces, counts)
        is_atom = (first == last) & (num_rows >= min_rows)
        low = np.where(is_atom, distinct[first], between[first])
        high = np.where(is_atom, distinct[first], between[last + 1])
        of_bin = bins[first]
        return cls(
            column, low, high, num_rows / np.bincount(of_bin, num_rows)[of_bin], of_bin
        )

    @property
    def num_bins(self) -> int:
        """How many bins the values of numbers have."""
        return int(self.bin[-1]) + 1 if len(self.bin) else 0

    @property
    def num_states(self) -> int:
        """Categories; or bins, and missing."""
        if self.column.is_category:
            return self.column.size
        return self.num_bins + (self.column.size > 1)

    def states(
        self, block: Float[np.ndarray, "n c"]
    ) -> tuple[Int[np.ndarray, " n"], Float[np.ndarray, " n"]]:
        """The state of each row, and the logarithm of the density within it."""
        if self.column.is_category:
            return np.argmax(block, axis=1), np.zeros(len(block))
        values = block[:, 0].astype(np.float64)
        piece = self._pieces(values)
        width = np.where(self.high > self.low, self.high - self.low, 1)
        missing = is_missing(self.column, block)
        states = np.where(missing, self.num_bins, self.bin[piece])
        log_density = np.log(self.share / width)[piece]
        return states, np.where(missing, 0, log_density)

    def block(
        self, states: Int[np.ndarray, " n"], uniform: Float[np.ndarray, " n"]
    ) -> Float[np.ndarray, "n c"]:
        """Coordinates of rows in these states, by numbers in [0, 1)."""
        if self.column.is_category:
            return self.column.height * np.eye(self.column.size)[states]
        is_missing = states == self.num_bins
        states = np.where(is_missing, 0, states)
        ends = self.bin + _cumulative(self.share, self.bin)
        piece = np.searchsorted(ends, states + uniform, side="right")
        piece = np.minimum(piece, np.searchsorted(self.bin, states, side="right") - 1)
        part = 1 - (ends[piece] - states - uniform) / self.share[piece]
        values = self.low[piece] + (self.high - self.low)[piece] * np.clip(part, 0, 1)
        values = np.where(is_missing, self.column.median, values)
        block = np.column_stack([values, self.column.height * is_missing])
        return block[:, : self.column.size]

    def _pieces(self, values: Float[np.ndarray, " n"]) -> Int[np.ndarray, " n"]:
        """The piece that each value is in, or the nearest; atoms come first."""
        is_atom = self.low == self.high
        right = np.clip(np.searchsorted(self.low, values), 1, len(self.low)) - 1
        best, distance = right, np.full(len(values), np.inf)
        for shift in (-1, 0, 1):  # the last that starts before, and those beside it
            piece = np.clip(right + shift, 0, len(self.low) - 1)
            far = np.maximum(self.low[piece] - values, values - self.high[piece])
            # Of float32 coordinates an atom is as near as its last digit.
            near = is_atom[piece] & np.isclose(values, self.low[piece], rtol=1e-6)
            far = np.where(near, -1, np.maximum(far, 0))
            best = np.where(far < distance, piece, best)
            distance = np.minimum(distance, far)
        return best


def fitted_bins(
    columns: Columns, points: Float[np.ndarray, "n d"], *, min_rows: int
) -> tuple[Bins, ...]:
    """The bins of all columns."""
    blocks = zip(columns, split_points(columns, points), strict=True)
    return tuple(Bins.fit(column, block, min_rows=min_rows) for column, block in blocks)


def states_of(
    bins: tuple[Bins, ...], points: Float[np.ndarray, "n d"]
) -> tuple[Int[np.ndarray, "n c"], Float[np.ndarray, " n"]]:
    """States of all columns, and the logarithm of the density of points within them."""
    blocks = split_points(tuple(b.column for b in bins), points)
    states, densities = zip(
        *(b.states(block) for b, block in zip(bins, blocks, strict=True)), strict=True
    )
    return np.stack(states, axis=1).astype(np.int32), np.sum(densities, axis=0)


def is_missing(column: PointColumn, block: Float[np.ndarray, "n c"]) -> np.ndarray:
    """Which cells of a column of numbers are missing."""
    if column.size == 1:
        return np.zeros(len(block), bool)
    return block[:, 1] > column.height / 2


def _runs(
    counts: Int[np.ndarray, " k"], least: int | float, groups: Int[np.ndarray, " k"]
) -> Int[np.ndarray, " k"]:
    """Number of the run each value is in: those that have ``least`` rows are alone."""
    result, run, held, last = [], -1, np.inf, -1
    for count, group in zip(counts.tolist(), groups.tolist(), strict=True):
        if max(held, count) >= least or group != last:
            run, held, last = run + 1, 0, group
        held += count
        result.append(run)
    return np.array(result)


def _cumulative(share: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Cumulative shares within each group."""
    ends = np.cumsum(share)
    first = np.searchsorted(groups, groups)
    return ends - ends[first] + share[first]

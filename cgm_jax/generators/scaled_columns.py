"""Generators for tables: work in scaled columns, return rows that a file can hold.

`TableScale` translates between columns of one scale and the parties' units, with whole
numbers in the range of theirs where theirs are whole. `TableGenerator` makes any
generator draw rows that survive the translation: a column is rounded before its points
are valued, so that what is valued is what is handed out. Rounding may lead back to a
real row: such rows are drawn again, so that nobody is handed out another's row.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Array, Bool, Float, Key

from cgm_jax._shared.arrays import Points

from .base import Generator

_MOST_DRAWN = 16  # points for every one that is wanted


@dataclass(frozen=True, eq=False)
class TableScale:
    """The parties' units, and the scaled columns that everything is computed in.

    A column that is constant in the pool says nothing about which points are alike: it
    is left out of the computation and put back unchanged.
    """

    shift: Float[np.ndarray, " columns"]  # subtracted from each column
    scale: Float[np.ndarray, " columns"]  # what each column is divided by
    varies: Bool[np.ndarray, " columns"]
    whole: Bool[np.ndarray, " columns"]  # holds whole numbers only, in its range
    lowest: Float[np.ndarray, " columns"]
    highest: Float[np.ndarray, " columns"]

    @classmethod
    def of(
        cls,
        parties: Sequence[Float[np.ndarray, "_ columns"]],
        *,
        standardize: bool,
        whole: Bool[np.ndarray, " columns"],
    ) -> "TableScale":
        """The scale of the parties' pooled rows."""
        pool = np.concatenate(parties)
        lowest, highest = pool.min(axis=0), pool.max(axis=0)
        varies = lowest < highest
        if not varies.any():
            raise ValueError(
                "Expected a column that varies, found the same row everywhere: there "
                "is nothing to learn and nothing to share."
            )
        ones = np.ones(pool.shape[1])
        shift = pool.mean(axis=0) if standardize else 0 * ones
        scale = np.where(varies, pool.std(axis=0), 1) if standardize else ones
        constant = np.where(varies, shift, pool[0])
        return cls(constant, scale, varies, whole, lowest, highest)

    def scaled(self, rows: Float[np.ndarray, "m columns"]) -> Float[np.ndarray, "m d"]:
        """Rows in the parties' units as points: float32, no constant columns."""
        scaled = (rows - self.shift[None]) / self.scale[None]
        return scaled[:, self.varies].astype(np.float32)

    def rows(self, points: Float[np.ndarray, "m d"]) -> Float[np.ndarray, "m columns"]:
        """Points as rows in the parties' units, whole and in range where theirs are."""
        rows = np.tile(self.shift, (len(points), 1))
        scale = self.scale[self.varies][None]
        rows[:, self.varies] += np.asarray(points, float) * scale
        rounded = np.clip(np.rint(rows), self.lowest[None], self.highest[None])
        return np.where(self.whole[None], rounded, rows)


@dataclass(frozen=True, eq=False)
class TableGenerator:
    """A generator whose points are rows of a table, once they are translated back."""

    generator: Generator
    scale: TableScale

    def fit(self, key: Key[Array, ""], points: Points) -> "OfRows":
        """Fit the generator to points in scaled columns, shape ``(n, d)``."""
        return OfRows(self.generator.fit(key, points), np.asarray(points))

    def sample(self, key: Key[Array, ""], model: "OfRows", num: int) -> np.ndarray:
        """Draw points in scaled columns that are rows of the table, ``(num, d)``.

        Real rows are left out, but where there are hardly any others.
        """
        drawn = num
        while True:
            points = np.asarray(self.generator.sample(key, model.model, drawn))
            points = self.scale.scaled(self.scale.rows(points))
            again = is_among(points, model.real)
            if len(points) - again.sum() >= num:
                return points[~again][:num]
            if drawn >= _MOST_DRAWN * num:
                return np.concatenate([points[~again], points[again]])[:num]
            drawn *= 2


@dataclass(frozen=True, eq=False)
class OfRows:
    """A fitted model, and the real points that its own must not repeat."""

    model: Any
    real: Float[np.ndarray, "n d"]


@dataclass(frozen=True, eq=False)
class TrainedOnRows:
    """A model that draws rows in the parties' units, as a generator of points."""

    model: Any  # with a method ``sample(key, num)``
    scale: TableScale

    def fit(self, key: Key[Array, ""], points: Points) -> Any:
        """The model, which was trained before."""
        del key, points
        return self.model

    def sample(self, key: Key[Array, ""], model: Any, num: int) -> np.ndarray:
        """Draw points in scaled columns; more start with fewer."""
        return self.scale.scaled(np.asarray(model.sample(key, num), float))


def is_among(
    points: Float[np.ndarray, "m d"], real: Float[np.ndarray, "n d"]
) -> Bool[np.ndarray, " m"]:
    """Whether each point equals a real one, to the last bit."""
    # −0 + 0 is 0: one number, one pattern of bits.
    kind = np.dtype((np.void, points.dtype.itemsize * points.shape[1]))
    one, other = (
        np.ascontiguousarray(x.astype(points.dtype) + 0).view(kind)[:, 0]
        for x in (points, real)
    )
    return np.isin(one, other)

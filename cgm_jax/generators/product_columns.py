"""Columns of points as states and numbers.

A column of a point has one of a few states: a category, or for a number "any value",
one of its mass points, or "missing". In the state 0 a number has a value besides.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Float, Int

from cgm_jax._shared.checks import as_list
from cgm_jax.tables import TableCodec
from cgm_jax.tables.category_columns import CategoryColumn
from cgm_jax.tables.number_columns import NumberColumn


@dataclass(frozen=True)
class PointColumn:
    """Adjacent coordinates of a point that belong to one column of a table."""

    name: str
    size: int = 1  # number of coordinates
    is_category: bool = False
    height: float = 0.0  # of a category, or of "is missing"; 0: never missing
    mass_points: tuple[float, ...] = ()
    median: float = 0.0  # what the coordinate of a missing number is

    @property
    def num_states(self) -> int:
        """Categories; or any value, mass points and missing."""
        if self.is_category:
            return self.size
        return 1 + len(self.mass_points) + (self.size > 1)

    def states(self, block: Float[np.ndarray, "n c"]) -> Int[np.ndarray, " n"]:
        """Which state each row is in."""
        if self.is_category:
            return np.argmax(block, axis=1)
        result = np.zeros(len(block), int)
        for i, value in enumerate(self.mass_points, 1):
            result[np.isclose(block[:, 0], value, rtol=1e-6)] = i
        if self.size > 1:
            result[block[:, 1] > self.height / 2] = self.num_states - 1
        return result

    def block(
        self, states: Int[np.ndarray, " n"], values: Float[np.ndarray, " n"] | None
    ) -> Float[np.ndarray, "n c"]:
        """Coordinates of rows in these states; ``values`` are those of numbers."""
        if values is None:
            return self.height * np.eye(self.size)[states]
        exact = np.array([0.0, *self.mass_points, self.median])
        values = np.where(states == 0, values, exact[states])
        is_missing = self.height * (states == 1 + len(self.mass_points))
        return np.column_stack([values, is_missing])[:, : self.size]


Columns = tuple[PointColumn, ...]


def plain_columns(num_dimensions: int) -> Columns:
    """One column of numbers for each coordinate, named by its place from 0."""
    return tuple(PointColumn(str(i)) for i in range(num_dimensions))


def codec_columns(codec: TableCodec) -> Columns:
    """The columns of a table that have coordinates."""
    result = []
    for column in codec.columns:
        name, size = column.facts.name, len(column.coordinates)
        if isinstance(column, CategoryColumn):
            result.append(
                PointColumn(name, size, is_category=True, height=float(column.height))
            )
        elif isinstance(column, NumberColumn):
            masses = tuple(column.mass_coordinates.tolist())
            median = column.median_coordinate
            height = float(column.missing)
            made = PointColumn(
                name, size, height=height, mass_points=masses, median=median
            )
            result.append(made)
    return tuple(result)


def split_points(
    columns: Columns, points: Float[np.ndarray, "n d"]
) -> list[Float[np.ndarray, "n c"]]:
    """The coordinates of each column."""
    ends = np.cumsum([column.size for column in columns])
    return np.split(points, ends[:-1], axis=1)


def state_slices(columns: Columns) -> list[slice]:
    """Where the states of each column are among those of all."""
    ends = np.cumsum([0, *(column.num_states for column in columns)])
    return [slice(*pair) for pair in pairwise(ends.tolist())]


def states_and_values(
    columns: Columns, points: Float[np.ndarray, "n d"]
) -> tuple[list[Int[np.ndarray, " n"]], Float[np.ndarray, "n g"]]:
    """The state of each column, and the numbers: NaN where they have no value."""
    blocks = split_points(columns, points)
    states = [c.states(b) for c, b in zip(columns, blocks, strict=True)]
    values = [
        np.where(state == 0, block[:, 0], np.nan)
        for column, block, state in zip(columns, blocks, states, strict=True)
        if not column.is_category
    ]
    return states, np.array(values, np.float64).reshape(-1, len(points)).T


def chosen_columns(columns: Columns, chosen: Iterable[str | int]) -> Sequence[int]:
    """Places of columns that are named or numbered from 0, in the points' order."""
    names = [column.name for column in columns]
    places = set()
    for one in as_list(chosen, "columns"):
        if isinstance(one, str) and one in names:
            places.add(names.index(one))
        elif isinstance(one, int | np.integer) and 0 <= one < len(names):
            places.add(int(one))
        else:
            raise ValueError(
                f"Expected columns of the points, by name or counted from 0, got "
                f"{one!r}; there are {', '.join(names)}."
            )
    if not places:
        raise ValueError("Expected at least one column, got none.")
    return sorted(places)

"""Rows of tables as points, and back: a codec fitted to all parties' tables together.

``decode(encode(table))`` is the table, but for columns that are left out (identifiers
are numbered anew, free text is missing). `handed_out` makes any points those of rows
that may leave: categories that enough rows have, numbers within the range of several.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Int

from cgm_jax._shared.arrays import to_host
from cgm_jax._shared.checks import as_list, as_whole, check_kind, one_each

from .category_columns import CategoryColumn, LeftOut, category_column, left_out
from .cells import Cells, check_table
from .columns import ColumnChoice
from .formats import with_format
from .kinds import ColumnFacts, Kind, infer
from .number_columns import NumberColumn, number_columns
from .pooling import PooledForm, in_form

__all__ = ["ColumnCodec", "TableCodec"]

ColumnCodec = NumberColumn | CategoryColumn | LeftOut
_NUMBERS = ("number", "whole number", "date or time")
_MOST_COORDINATES = 20_000


@dataclass(frozen=True, eq=False)
class TableCodec:
    """A translation between tables and points."""

    columns: tuple[ColumnCodec, ...]
    choices: tuple[ColumnChoice, ...] = ()

    @classmethod
    def fit(
        cls,
        tables: Sequence[Mapping[str, Cells]],
        *,
        choices: Sequence[ColumnChoice] = (),
        standardize: bool = True,
        min_rows: int = 5,
        only_shared_categories: bool = False,
    ) -> "TableCodec":
        """The codec of all parties' tables.

        Args:
            tables: each party's columns; in the order of the first party's.
            choices: what is declared of some columns; the rest is inferred.
            standardize: numbers have mean 0 and standard deviation 1 in the pool
                (median and a robust deviation where the tail is heavy); otherwise they
                stay as they are.
            min_rows: rows that must have a category, and how many must be as extreme,
                for it to be handed out.
            only_shared_categories: hand out only what two parties have.

        Returns:
            The codec.

        Raises:
            ValueError: columns differ, cells have problems, a choice does not fit, no
                column varies, or there would be too many coordinates.
        """
        min_rows = as_whole(min_rows, "min_rows", smallest=1)
        tables, choices = one_each(tables, "tables"), as_list(choices, "choices")
        for table in tables:
            check_table(table)
        for choice in choices:
            check_kind(choice, ColumnChoice)
        names = list(tables[0])
        _check_names(tables, names, choices)
        declared: dict[str, Kind] = {choice.name: choice.kind for choice in choices}
        facts: list[ColumnFacts] = []
        cells: list[list[Cells]] = []
        for name in names:
            column = [_formatted(table[name], name, choices) for table in tables]
            facts.append(infer(name, column, kind=declared.get(name)))
            cells.append([in_form(one, _pooled(facts[-1])) for one in column])
        _check_size(facts)
        said = {fact.name: ColumnChoice(fact.name, fact.kind) for fact in facts}
        said |= {choice.name: choice for choice in choices}
        chosen = [i for i, fact in enumerate(facts) if _is_number(fact)]
        numbers = number_columns(
            [facts[i] for i in chosen],
            [cells[i] for i in chosen],
            [said[names[i]] for i in chosen],
            standardize=standardize,
            min_rows=min_rows,
        )
        columns: dict[int, ColumnCodec] = dict(zip(chosen, numbers, strict=True))
        for i, fact in enumerate(facts):
            if fact.kind == "category":
                columns[i] = category_column(
                    fact,
                    cells[i],
                    min_rows=min_rows,
                    only_shared=only_shared_categories,
                    weight=said[fact.name].weight,
                )
            elif i not in columns:
                columns[i] = left_out(fact, cells[i])
        codec = cls(tuple(columns[i] for i in range(len(facts))), tuple(choices))
        if not codec.num_dimensions:
            raise ValueError(
                "Expected a column that varies, besides identifiers and free text, "
                "got none: there is nothing to learn and nothing to share."
            )
        return codec

    @property
    def facts(self) -> tuple[ColumnFacts, ...]:
        """What each column is."""
        return tuple(column.facts for column in self.columns)

    @property
    def coordinates(self) -> tuple[str, ...]:
        """Names of the coordinates of a point: age, job=clerk, age is missing."""
        return tuple(name for column in self.columns for name in column.coordinates)

    @property
    def num_dimensions(self) -> int:
        """How many coordinates a point has."""
        return len(self.coordinates)

    @property
    def column_of_coordinate(self) -> Int[np.ndarray, " d"]:
        """The place of the column that each coordinate of a point is of."""
        sizes = [len(column.coordinates) for column in self.columns]
        return np.repeat(np.arange(len(sizes)), sizes)

    @property
    def is_category_coordinate(self) -> Bool[np.ndarray, " d"]:
        """Which coordinates stand for a category or for a missing cell."""
        flags = (column.is_category_coordinate for column in self.columns)
        return np.array([flag for some in flags for flag in some], bool)

    def encode(self, table: Mapping[str, Cells]) -> Float[np.ndarray, "n d"]:
        """A party's table as points."""
        check_table(table)
        blocks = []
        for column in self.columns:
            name = column.facts.name
            cells = _formatted(table[name], name, self.choices)
            blocks.append(column.encode(in_form(cells, _pooled(column.facts))))
        return np.concatenate(blocks, axis=1)

    def decode(self, points: Float[np.ndarray, "m d"]) -> dict[str, Cells]:
        """Points as rows of a table, in the forms that all parties' cells share.

        Points in float32 are those of `handed_out`, rounded.
        """
        blocks = self.blocks(points)
        return {
            column.facts.name: column.decode(block)
            for column, block in zip(self.columns, blocks, strict=True)
        }

    def clipped(self, points: Float[np.ndarray, "m d"]) -> Float[np.ndarray, "m d"]:
        """Points with numbers within the range that may be handed out."""
        bounds = np.tile([[-np.inf], [np.inf]], self.num_dimensions)
        start = 0
        for column in self.columns:
            if isinstance(column, NumberColumn):
                bounds[:, start] = column.range_coordinates
            start += len(column.coordinates)
        return np.clip(points, bounds[:1], bounds[1:])

    def handed_out(self, points: Float[np.ndarray, "m d"]) -> Float[np.ndarray, "m d"]:
        """Points of rows that may leave: what is near to each, and allowed."""
        blocks = zip(self.columns, self.blocks(points), strict=True)
        made = [column.handed_out(block) for column, block in blocks]
        return np.concatenate(made, axis=1)

    def save(self, path: str | Path) -> None:
        """Write the codec to a file, by custom ``.npz``, in place of what is there.

        It holds what the codec knows of the tables: rare categories, too, the ends of
        columns, and all values of those that have many decimals.
        """
        from .saving import save_codec

        save_codec(self, path)

    @classmethod
    def load(cls, path: str | Path) -> "TableCodec":
        """Read a codec that `save` wrote; a ``ValueError`` if the file is damaged."""
        from .saving import load_codec

        return load_codec(path)

    def blocks(self, points: Float[np.ndarray, "m d"]) -> list[np.ndarray]:
        """The coordinates of each column."""
        points = np.asarray(points)
        if points.dtype != np.float32:
            points = to_host(points)
        if points.ndim != 2 or points.shape[1] != self.num_dimensions:
            raise ValueError(
                f"Expected points of {self.num_dimensions} coordinates, got shape "
                f"{points.shape}."
            )
        ends = np.cumsum([len(column.coordinates) for column in self.columns])
        return np.split(points, ends[:-1], axis=1)


def _formatted(cells: Cells, name: str, choices: Sequence[ColumnChoice]) -> Cells:
    """Dates read in the format that is declared of them, if one is."""
    for choice in choices:
        if choice.name == name and choice.format:
            cells = with_format(cells, choice)
            if cells.problems:
                row, sentence = cells.problems[0].row, cells.problems[0].sentence
                raise ValueError(f"Column {name}, row {row}: {sentence}.")
    return cells


def _is_number(facts: ColumnFacts) -> bool:
    return facts.kind in _NUMBERS


def _pooled(facts: ColumnFacts) -> PooledForm:
    return PooledForm(facts.form, facts.resolution, facts.is_day_first)


def _check_names(
    tables: Sequence[Mapping[str, Cells]],
    names: list[str],
    choices: Sequence[ColumnChoice],
) -> None:
    for table in tables:
        if set(table) != set(names):
            raise ValueError(
                "Expected the same columns in all tables, got others: "
                f"{', '.join(sorted(set(table) ^ set(names)))}."
            )
        if not all(len(cells) for cells in table.values()):
            raise ValueError("Expected rows in every table, got none; leave it out.")
    for choice in choices:
        if choice.name not in names:
            raise ValueError(
                f"Expected columns of the tables in columns.json, got {choice.name}; "
                f"there are {', '.join(names)}."
            )


def _check_size(facts: Sequence[ColumnFacts]) -> None:
    sizes = [
        fact.num_distinct + 1 if fact.kind == "category" else int(_is_number(fact)) * 2
        for fact in facts
    ]
    num_rows = sum(facts[0].num_rows)
    num_bytes = 8 * sum(sizes) * num_rows
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if sum(sizes) <= _MOST_COORDINATES and num_bytes < memory:
        return
    largest = facts[int(np.argmax(sizes))]
    raise ValueError(
        f"Expected at most {_MOST_COORDINATES} coordinates that fit into memory, got "
        f"{sum(sizes)} of {num_rows} rows, {num_bytes / 2**30:.1f} GiB; column "
        f"{largest.name} has {max(sizes)}: leave it out, or declare it free text or an "
        "identifier in columns.json."
    )

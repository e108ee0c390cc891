"""The parties' files as tables and as points: what every run starts from."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Int

from cgm_jax.features.labels import may_be_given
from cgm_jax.files import InputError, Parties, UsageError, read_tables
from cgm_jax.files.csv_table import Decimal
from cgm_jax.files.input_errors import Problem, access_error
from cgm_jax.files.table import common_name
from cgm_jax.tables import ColumnChoice, TableCodec, read_columns
from cgm_jax.tables.number_columns import NumberColumn

__all__ = [
    "CodedTables",
    "TableOptions",
    "fitted_codec",
    "labels_to_give",
    "of_all_files",
    "open_tables",
    "read_choices",
]


@dataclass(frozen=True, kw_only=True)
class TableOptions:
    """What a mediator says about the files and their columns."""

    label_column: str | None = None
    columns: Path | None = None  # a file of their kinds; what is not there is inferred
    decimal: Decimal = "."
    standardize: bool = True
    min_rows: int = 5  # that have a category or are as extreme, for it to be handed out
    only_shared_categories: bool = False  # hand out none that a single party has


@dataclass(frozen=True, eq=False)
class CodedTables:
    """The tables of all parties, and the codec between them and points."""

    parties: Parties
    codec: TableCodec
    options: TableOptions

    @cached_property
    def points(self) -> list[Float[np.ndarray, "_ d"]]:
        """Each party's rows as points, float64."""
        return [self.codec.encode(table) for table in self.parties.tables]

    def masks(self, rows: Int[np.ndarray, " k"]) -> list[Bool[np.ndarray, " _"]]:
        """Which rows of each party are among some of the pool."""
        sizes = [len(points) for points in self.points]
        mask = np.zeros(sum(sizes), bool)
        mask[rows] = True
        return np.split(mask, np.cumsum(sizes)[:-1])


def open_tables(
    paths: Sequence[str | Path],
    options: TableOptions,
    *,
    categories: Sequence[str] = (),
) -> CodedTables:
    """Read the parties' files; an `InputError` has all that is wrong with them.

    Args:
        paths: of the files.
        options: what is said about them.
        categories: columns that are categories, unless the file of kinds has them.
    """
    choices = read_choices(options.columns)
    declared = {choice.name for choice in choices}
    names = dict.fromkeys(map(common_name, categories))
    more = (ColumnChoice(name, "category") for name in names if name not in declared)
    choices = (*choices, *more)
    parties = read_tables(
        paths,
        label_column=options.label_column,
        decimal=options.decimal,
        choices=choices,
    )
    _check_categories(parties, names)
    tables = CodedTables(parties, fitted_codec(parties, choices, options), options)
    labels_to_give(tables)
    return tables


def labels_to_give(tables: CodedTables) -> Bool[np.ndarray, " rows"] | None:
    """Which rows have a label that others may be given; None without labels."""
    parties, options = tables.parties, tables.options
    if parties.labels is None:
        return None
    is_allowed = may_be_given(
        parties.labels,
        min_rows=options.min_rows,
        only_shared=options.only_shared_categories,
    )
    if not is_allowed.any():
        shared = " and two parties" if options.only_shared_categories else ""
        raise InputError(
            f"expected a label that at least {options.min_rows} rows{shared} have, "
            "found none, so that none may be handed out; choose another "
            "--label-column",
            file=parties.files[0].path,
            column=parties.label_column,
        )
    return is_allowed


def read_choices(path: Path | None) -> tuple[ColumnChoice, ...]:
    """What a file such as ``columns.json`` declares; nothing without a file."""
    if path is None:
        return ()
    try:
        choices = read_columns(path)
    except OSError as error:
        raise access_error(path, "read", error) from None
    except ValueError as error:
        sentence = str(error).removeprefix(f"{path}: ")
        raise InputError(sentence, file=path) from None
    return tuple(replace(choice, name=common_name(choice.name)) for choice in choices)


def _check_categories(parties: Parties, names: Iterable[str]) -> None:
    """Refuse a column that is named for what it is, and is none."""
    found = parties.tables[0]
    for name in names:
        if name not in found:
            raise UsageError(
                f"--label-column {name}: expected a column of the files, found none of "
                f"that name; there are {', '.join(found)}"
            )


def fitted_codec(
    parties: Parties, choices: Sequence[ColumnChoice], options: TableOptions
) -> TableCodec:
    """The codec of the parties' tables, whose numbers have a range that may leave."""
    try:
        codec = TableCodec.fit(
            parties.tables,
            choices=choices,
            standardize=options.standardize,
            min_rows=options.min_rows,
            only_shared_categories=options.only_shared_categories,
        )
    except ValueError as error:
        file = options.columns or parties.files[0].path
        raise of_all_files(error, file) from None
    _check_ranges(codec, parties, options.min_rows)
    return codec


def _check_ranges(codec: TableCodec, parties: Parties, min_rows: int) -> None:
    """Refuse numbers of so few rows that some would be handed out as they are."""
    least = 2 * min_rows - 1  # then the middle one has as many on either side
    problems = [
        Problem(
            f"expected at least {least} numbers of all files together, found {num}: "
            f"rewards stay within the range that {min_rows} rows reach at either end; "
            "pool more rows, or choose a smaller --min-rows",
            parties.files[0].path,
            column.facts.name,
        )
        for column in codec.columns
        if isinstance(column, NumberColumn) and column.hands_out_present
        for num in [sum(column.facts.num_rows) - sum(column.facts.num_missing)]
        if num < least
    ]
    if problems:
        raise InputError.of(problems)


def of_all_files(error: ValueError, file: Path) -> InputError:
    """What is wrong with the files together: one, the first, stands for all."""
    sentence = f"{str(error)[0].lower()}{str(error)[1:]}".removesuffix(".")
    return InputError(sentence, file=file)

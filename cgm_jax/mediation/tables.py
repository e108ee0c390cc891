"""The parties' files as tables and as points: what every run starts from."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from jaxtyping import Float

from cgm_jax.files import InputError, Parties, read_tables
from cgm_jax.files.csv_table import Decimal
from cgm_jax.files.input_errors import access_error
from cgm_jax.files.table import common_name
from cgm_jax.tables import ColumnChoice, TableCodec, read_columns

__all__ = ["CodedTables", "TableOptions", "fitted_codec", "open_tables", "read_choices"]


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


def open_tables(paths: Sequence[str | Path], options: TableOptions) -> CodedTables:
    """Read the parties' files; an `InputError` has all that is wrong with them."""
    choices = read_choices(options.columns)
    parties = read_tables(
        paths,
        label_column=options.label_column,
        decimal=options.decimal,
        choices=choices,
    )
    return CodedTables(parties, fitted_codec(parties, choices, options), options)


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


def fitted_codec(
    parties: Parties, choices: Sequence[ColumnChoice], options: TableOptions
) -> TableCodec:
    """The codec of the parties' tables."""
    try:
        return TableCodec.fit(
            parties.tables,
            choices=choices,
            standardize=options.standardize,
            min_rows=options.min_rows,
            only_shared_categories=options.only_shared_categories,
        )
    except ValueError as error:
        # Of the files together: the first stands for all.
        sentence = f"{str(error)[0].lower()}{str(error)[1:]}".removesuffix(".")
        file = options.columns or parties.files[0].path
        raise InputError(sentence, file=file) from None

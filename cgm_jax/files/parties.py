"""What a mediator's run starts from: all parties' tables, and how each is written."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Shaped

from cgm_jax.tables import Cells, Spelling

from .sources import FileKind
from .spelling import OwnColumn
from .table import Separator

__all__ = ["OwnFormat", "Parties", "PartyFile", "plain_format"]


@dataclass(frozen=True)
class PartyFile:
    """Which file a party's data came from, and the digest of what was parsed of it."""

    path: Path
    kind: FileKind
    num_bytes: int
    sha256: str


@dataclass(frozen=True, eq=False)
class OwnFormat:
    """How a party's file is written, for rewards that look like it.

    Args:
        kind: of the party's file; of NPY files, rewards are CSV.
        columns: how each is written, by its common name, in the order of the file.
        label_column: the common name of the one that holds labels, or None.
        separator: what is between the cells of a CSV file.
        schema: Arrow's, of a Parquet file; else None.
    """

    kind: FileKind
    columns: Mapping[str, OwnColumn]
    label_column: str | None = None
    separator: Separator = ","
    schema: Any = None

    @property
    def extension(self) -> str:
        """The extension of a reward file: ``.parquet`` or ``.csv``."""
        return ".parquet" if self.kind == "parquet" else ".csv"


def plain_format(
    table: Mapping[str, Cells], *, label_column: str | None = None
) -> OwnFormat:
    """A CSV file of a table's columns, as their cells are spelled, and of labels.

    Args:
        table: cells by the name of the column.
        label_column: name of a last column, of labels.

    Returns:
        The format, for `write_rewards`.

    Example:
        >>> import pyarrow as pa
        >>> from cgm_jax.tables import read_cells
        >>> plain_format({"age": read_cells(pa.array([31, 45]))}).extension
        '.csv'
    """
    columns = {
        name: OwnColumn(name, cells.form, cells.spelling)
        for name, cells in table.items()
    }
    if label_column is not None:
        columns[label_column] = OwnColumn(label_column, "text", Spelling())
    return OwnFormat("csv", columns, label_column)


@dataclass(frozen=True, eq=False)
class Parties:
    """The tables of all parties, aligned by the names of the columns.

    Parties are sorted by name: the order in which their files were given has no effect.

    Args:
        names: the parties' names, safe as folder names, different in any case.
        header: names of all columns, in NFC, in the order of the first party's file.
        tables: for each party its cells by the name of the column, without the labels,
            in the order of the header.
        label_column: name of the label column, or None.
        labels: one array of shape (rows,) a party, all int64 or all text; or None.
        files: which file each party's data came from.
        formats: how each party's file is written.
        first_rows: the number of each file's first row of data, as a person counts.
        warnings: sentences on what looks like a mistake but may be none.
    """

    names: tuple[str, ...]
    header: tuple[str, ...]
    tables: tuple[Mapping[str, Cells], ...]
    label_column: str | None
    labels: tuple[Shaped[np.ndarray, " _"], ...] | None
    files: tuple[PartyFile, ...]
    formats: tuple[OwnFormat, ...]
    first_rows: tuple[int, ...]
    warnings: tuple[str, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """The header without the label column."""
        return tuple(name for name in self.header if name != self.label_column)

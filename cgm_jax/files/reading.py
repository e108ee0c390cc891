"""The parties' files, checked and aligned: everything a mediator run starts from."""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from jaxtyping import Float, Shaped

from cgm_jax._shared.digests import digest_of_file

from .csv_table import read_csv
from .input_errors import InputError, UsageError
from .npy_table import read_npy
from .parquet_table import read_parquet
from .sources import Kind, Source, check_sources, read_bytes
from .table import Table
from .warning_signs import warning_signs

__all__ = ["Parties", "PartyFile", "read_parties"]


@dataclass(frozen=True)
class PartyFile:
    """Which file a party's data came from, and the digest of what was parsed of it."""

    path: Path
    kind: Kind
    num_bytes: int
    sha256: str


@dataclass(frozen=True)
class Parties:
    """The data of all parties, aligned by the names of the columns.

    Args:
        names: the parties' names, safe as folder names, different in any case.
        header: names of all columns in the order of the first party's file.
        columns: the same without the label column, length d.
        points: one array of shape (rows, d) a party, float64, finite in float32, too.
        label_column: name of the label column, or None.
        labels: one array of shape (rows,) a party, all int64 or all text; or None.
        integer_columns: names of the columns of whole numbers only, in every file.
        files: which file each party's data came from.
        warnings: sentences on what looks like a mistake but may be none.
    """

    names: tuple[str, ...]
    header: tuple[str, ...]
    columns: tuple[str, ...]
    points: tuple[Float[np.ndarray, "_ d"], ...]
    label_column: str | None
    labels: tuple[Shaped[np.ndarray, " _"], ...] | None
    integer_columns: tuple[str, ...]
    files: tuple[PartyFile, ...]
    warnings: tuple[str, ...]


def read_parties(
    paths: Sequence[str | Path], *, label_column: str | None = None, min_rows: int = 2
) -> Parties:
    r"""Read one CSV, Parquet or NPY file per party.

    CSV and Parquet files may be mixed, and their columns stand in any order. NPY files
    have no column names, so they go with NPY files only and have no label column.

    Args:
        paths: one file per party, in the order of the parties.
        label_column: name of the column that holds labels; all others hold numbers.
        min_rows: the fewest rows a party may have. The value of a single row would tell
            how dense everyone's data are there.

    Returns:
        The data of all parties.

    Raises:
        UsageError: for one party, one file twice, a web address, labels in NPY files.
        InputError: if a file does not hold what it should; it names the place.
        FileAccessError: if a file does not exist or cannot be read.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> _ = (folder / "a.csv").write_text("age,sex,income\n31,f,900\n42,m,850")
        >>> _ = (folder / "b.csv").write_text("income,age,sex\n950.5,29,m\n800,58,f")
        >>> parties = read_parties(sorted(folder.iterdir()), label_column="sex")
        >>> parties.names, parties.columns, parties.integer_columns
        (('a', 'b'), ('age', 'income'), ('age',))
        >>> parties.points[1], parties.labels[1]
        (array([[ 29. , 950.5],
               [ 58. , 800. ]]), array(['m', 'f'], dtype=object))
    """
    sources = check_sources(paths)
    _check_kinds(sources, label_column)
    parties: list[_Party] = []
    for source in sources:
        first = parties[0] if parties else None
        parties.append(_read_party(source, first, label_column, min_rows))
    header = parties[0].header
    columns = tuple(name for name in header if name != label_column)
    names = tuple(source.name for source in sources)
    points = tuple(party.points for party in parties)
    is_whole = np.all([np.all(rows % 1 == 0, axis=0) for rows in points], axis=0)
    first_rows = [party.first_row for party in parties]
    return Parties(
        names=names,
        header=header,
        columns=columns,
        points=points,
        label_column=label_column,
        labels=_same_kind_of_labels(sources, parties, label_column),
        integer_columns=tuple(np.array(columns, object)[is_whole].tolist()),
        files=tuple(party.file for party in parties),
        warnings=warning_signs(names, columns, points, first_rows),
    )


_READERS: dict[Kind, Callable[[Path, bytes], Table]] = {
    "csv": read_csv,
    "parquet": read_parquet,
    "npy": read_npy,
}


@dataclass(frozen=True)
class _Party:
    header: tuple[str, ...]
    points: Float[np.ndarray, "rows d"]
    labels: Shaped[np.ndarray, " rows"] | None
    file: PartyFile
    first_row: int


def _read_party(
    source: Source, first: _Party | None, label_column: str | None, min_rows: int
) -> _Party:
    """Read a file in the columns of the first party, or in its own if it is that."""
    try:
        data = read_bytes(source)
        digest = digest_of_file(io.BytesIO(data))
        file = PartyFile(source.path, source.kind, len(data), digest)
        table = _READERS[source.kind](source.path, data)
        header = first.header if first else table.columns
        _check_num_rows(table, min_rows)
        first_path = first.file.path if first else source.path
        _check_columns(table, header, first_path, label_column)
        columns = [name for name in header if name != label_column]
        points = np.empty((table.num_rows, len(columns)))
        for position, name in enumerate(columns):
            points[:, position] = table.numbers(name)
        labels = None if label_column is None else table.labels(label_column)
    except MemoryError:
        raise InputError(
            "expected a table that fits into memory, found one that asks for more (too "
            "large, or damaged); give a sample of its rows",
            file=source.path,
        ) from None
    return _Party(header, points, labels, file, table.first_row)


def _check_kinds(sources: Sequence[Source], label_column: str | None) -> None:
    arrays = [source for source in sources if source.kind == "npy"]
    if arrays and label_column is not None:
        raise UsageError(
            f"{arrays[0].path}: expected a file with named columns for --label-column, "
            "found NPY; leave the option out or save the table as CSV or Parquet"
        )
    if arrays and len(arrays) < len(sources):
        raise InputError(
            "expected a file with named columns like the other parties', found NPY; "
            "save the array as CSV or Parquet under the same names",
            file=arrays[0].path,
        )


def _check_num_rows(table: Table, min_rows: int) -> None:
    if table.num_rows < min_rows:
        reason = (
            "the value of so few rows would tell the party how dense everyone's data "
            "are just there; "
        )
        raise InputError(
            f"expected at least {min_rows} rows of data, found {table.num_rows}; "
            f"{reason if table.num_rows else ''}add rows or leave the party out",
            file=table.file,
        )


def _check_columns(
    table: Table, header: Sequence[str], first: Path, label_column: str | None
) -> None:
    """Refuse columns that are not those of the first file, in any order."""
    error = partial(InputError, file=table.file)
    present, expected = set(table.columns), set(header)
    if label_column is not None and label_column not in present:
        raise error(
            "expected this label column, found no column of that name; add it or "
            "correct --label-column",
            column=label_column,
        )
    for name in header:
        if name not in present:
            raise error(
                f"expected this column as in {first}, found none of that name; "
                "add it here or remove it there",
                column=name,
            )
    for name in table.columns:
        if name not in expected:
            raise error(
                f"expected only the columns of {first}, found one more; remove it "
                "here or add it there",
                column=name,
            )
    if len(header) == (label_column is not None):
        raise error(
            "expected a column of numbers beside the labels, found none; add one"
        )


def _same_kind_of_labels(
    sources: Sequence[Source], parties: Sequence[_Party], label_column: str | None
) -> tuple[Shaped[np.ndarray, " _"], ...] | None:
    if label_column is None:
        return None
    labels = tuple(party.labels for party in parties if party.labels is not None)
    words = ["whole numbers only" if x.dtype == np.int64 else "text" for x in labels]
    for source, word in zip(sources, words, strict=True):
        if word != words[0]:
            raise InputError(
                f"expected labels that are {words[0]} as in {sources[0].path}, found "
                f"{word}; write them the same way in every file",
                file=source.path,
                column=label_column,
            )
    return labels

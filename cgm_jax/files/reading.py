"""The parties' files, checked and aligned: everything a mediator run starts from."""

import io
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Shaped

from cgm_jax._shared.digests import digest_of_file
from cgm_jax.tables import Cells, ColumnChoice, ColumnFacts, Spelling, read_cells
from cgm_jax.tables.cells import empty_cells
from cgm_jax.tables.formats import with_format

from .column_signs import column_signs, list_columns
from .csv_table import Decimal, read_csv
from .facts import column_facts
from .input_errors import InputError, Problem, UsageError
from .labels import label_problems, label_spelling, read_labels
from .matching import column_problems
from .npy_table import read_npy
from .parquet_table import read_parquet
from .parties import OwnFormat, Parties, PartyFile
from .sources import FileKind, Source, check_sources, read_bytes
from .spelling import OwnColumn
from .table import Table, common_name
from .warning_signs import warning_signs

__all__ = ["CheckedFiles", "check_parties", "read_tables"]

_MOST_COLUMNS = 10_000  # a number has two coordinates, of which a codec takes 20,000


@dataclass(frozen=True, eq=False)
class CheckedFiles:
    """What was found in the parties' files.

    Args:
        problems: everything that has to be mended, in the order of the parties.
        warnings: sentences on what looks like a mistake but may be none, in the columns
            that all readable files have and that are without problems.
        facts: what these columns are.
        parties: the tables; None if there are problems.
    """

    problems: tuple[Problem, ...]
    warnings: tuple[str, ...]
    facts: tuple[ColumnFacts, ...]
    parties: Parties | None


def read_tables(
    paths: Sequence[str | Path],
    *,
    label_column: str | None = None,
    min_rows: int = 2,
    decimal: Decimal = ".",
    choices: Sequence[ColumnChoice] = (),
    least_parties: int = 2,
) -> Parties:
    r"""Read one CSV, Parquet or NPY file per party.

    CSV and Parquet files may be mixed, and their columns stand in any order. NPY files
    have no column names, so they go with NPY files only and have no label column.
    Parties are sorted by name: the order of the paths has no effect.

    Args:
        paths: one file per party.
        label_column: name of a column of labels, which are carried through.
        min_rows: the fewest rows a party may have. The value of a single row would tell
            how dense everyone's data are there.
        decimal: ``","`` reads CSV files that have semicolons between cells, decimal
            commas and, perhaps, points between thousands; those with commas between
            cells are read as ever.
        choices: what is declared of some columns: numbers and text may be mixed in a
            category.
        least_parties: the fewest files; 1 where a party reads its own.

    Returns:
        The data of all parties.

    Raises:
        UsageError: for one party, one file twice, a web address, labels in NPY files.
        InputError: if a file does not hold what it should; it names the place, and its
            ``problems`` are all that are in any file.
        FileAccessError: if a file does not exist or cannot be read.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> _ = (folder / "a.csv").write_text("age,sex,income\n31,f,900\n42,m,850")
        >>> _ = (folder / "b.csv").write_text("income,age,sex\n950.5,29,m\n800,58,f")
        >>> parties = read_tables(sorted(folder.iterdir()), label_column="sex")
        >>> parties.names, parties.columns
        (('a', 'b'), ('age', 'income'))
        >>> parties.tables[1]["income"].values, parties.labels[1]
        (array([950.5, 800. ]), array(['m', 'f'], dtype=object))
    """
    checked = check_parties(
        paths,
        label_column=label_column,
        min_rows=min_rows,
        decimal=decimal,
        choices=choices,
        least_parties=least_parties,
    )
    if checked.parties is None:
        raise InputError.of(checked.problems)
    return checked.parties


def check_parties(
    paths: Sequence[str | Path],
    *,
    label_column: str | None = None,
    min_rows: int = 2,
    decimal: Decimal = ".",
    choices: Sequence[ColumnChoice] = (),
    least_parties: int = 2,
) -> CheckedFiles:
    r"""Find all problems of all files at once.

    Args:
        paths: one file per party.
        label_column: as for `read_tables`, like the others.
        min_rows: the fewest rows a party may have.
        decimal: the mark before decimals.
        choices: what is declared of some columns.
        least_parties: the fewest files.

    Returns:
        Problems, warnings and, if there are no problems, the tables.

    Raises:
        UsageError, InputError: for paths and kinds of files that do not go together.
        FileAccessError: if a file does not exist or cannot be read.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> _ = (folder / "a.csv").write_text("age,bmi\n31,22\n42,19.5")
        >>> _ = (folder / "b.csv").write_text("Age,bmi\n29,1e39\n58,21")
        >>> for problem in check_parties(sorted(folder.iterdir())).problems:
        ...     print(problem.column, "-", problem.sentence.partition(";")[2].strip())
        age - add or rename it here, or remove it there
        bmi - give the column in a larger unit
    """
    sources = check_sources(paths, least=least_parties)
    declared = {common_name(choice.name): choice for choice in choices}
    label_column = None if label_column is None else common_name(label_column)
    _check_kinds(sources, label_column)
    problems: list[Problem] = []
    read: list[_Read] = []
    for source in sources:
        try:
            read.append(_read_file(source, decimal, label_column, declared))
        except InputError as error:
            problems += error.problems
            continue
        problems += [*_few_rows(read[-1].table, min_rows), *read[-1].problems]
    tables = [party.table for party in read]
    if len(read) > 1:
        problems += column_problems(tables, label_column)
        if label_column and all(party.labels is not None for party in read):
            labels = [party.labels for party in read if party.labels is not None]
            problems += label_problems(tables, labels, label_column)
    facts, wrong_cells = column_facts(tables, [party.cells for party in read], choices)
    order = [source.path for source in sources]
    problems = sorted(
        [*problems, *wrong_cells], key=lambda problem: order.index(problem.file)
    )
    return CheckedFiles(
        tuple(problems),
        warnings := _warnings(read, facts) if len(read) > 1 else (),
        tuple(facts),
        None if problems else _aligned(sources, read, label_column, warnings),
    )


@dataclass(frozen=True, eq=False)
class _Read:
    """One party's file, its cells parsed as far as they can be."""

    name: str
    file: PartyFile
    table: Table
    cells: dict[str, Cells]
    labels: Shaped[np.ndarray, " rows"] | None
    problems: list[Problem]


def _read_file(
    source: Source,
    decimal: Decimal,
    label_column: str | None,
    declared: Mapping[str, ColumnChoice],
) -> _Read:
    readers: dict[FileKind, Callable[[Path, bytes], Table]] = {
        "csv": partial(read_csv, decimal=decimal),
        "parquet": read_parquet,
        "npy": read_npy,
    }
    try:
        data = read_bytes(source)
        digest = digest_of_file(io.BytesIO(data))
        file = PartyFile(source.path, source.kind, len(data), digest)
        table = readers[source.kind](source.path, data)
        return _parsed(source.name, file, table, label_column, declared)
    except MemoryError:
        raise InputError(
            "expected a table that fits into memory, found one that asks for more (too "
            "large, or damaged); give a sample of its rows",
            file=source.path,
        ) from None


def _parsed(
    name: str,
    file: PartyFile,
    table: Table,
    label_column: str | None,
    declared: Mapping[str, ColumnChoice],
) -> _Read:
    left_out = {name for name, said in declared.items() if said.kind == "left out"}
    num_columns = len(table.columns.keys() - left_out)
    if num_columns > _MOST_COLUMNS:
        raise InputError(
            f"expected at most {_MOST_COLUMNS:,} columns, found {num_columns:,}; "
            "remove those that are not needed, or declare them left out in "
            "columns.json",
            file=table.file,
        )
    cells: dict[str, Cells] = {}
    problems, labels = list(table.problems), None
    for column, array in table.columns.items():
        if column == label_column:
            labels, wrong = read_labels(table, column)
            problems += wrong
            labels = None if wrong else labels
            continue
        if column in left_out:
            cells[column] = empty_cells(np.ones(len(array), bool), Spelling())
            continue
        decimal: Decimal = "," if table.separator == ";" else "."
        found, said = read_cells(array, decimal=decimal), declared.get(column)
        cells[column] = with_format(found, said) if said and said.format else found
    return _Read(name, file, table, cells, labels, problems)


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


def _few_rows(table: Table, min_rows: int) -> list[Problem]:
    if table.num_rows >= min_rows:
        return []
    reason = (
        "the value of so few rows would tell the party how dense everyone's data are "
        "just there; "
    )
    sentence = (
        f"expected at least {min_rows} rows of data, found {table.num_rows}; "
        f"{reason if table.num_rows else ''}add rows or leave the party out"
    )
    return [Problem(sentence, table.file)]


def _warnings(read: Sequence[_Read], facts: Sequence[ColumnFacts]) -> tuple[str, ...]:
    """On the columns that all have and that nothing is wrong with."""
    names = [party.name for party in read]
    columns = [fact.name for fact in facts]
    tables = [{name: party.cells[name] for name in columns} for party in read]
    first_rows = [party.table.first_row for party in read]
    return (
        *warning_signs(names, tables, first_rows),
        *column_signs(names, tables, facts, first_rows),
        *_half_precision(read, columns),
    )


def _half_precision(read: Sequence[_Read], columns: Sequence[str]) -> Iterator[str]:
    """Parquet files whose rewards are not of the type of the file."""
    from pyarrow import types

    for party in read:
        arrays = party.table.columns
        halves = [name for name in columns if types.is_float16(arrays[name].type)]
        if halves:
            yield (
                f"{party.name}: {list_columns(halves)}: float16, in which synthetic "
                "numbers would be rounded to others than were valued; the reward has "
                "them as double."
            )


def _aligned(
    sources: Sequence[Source],
    read: Sequence[_Read],
    label_column: str | None,
    warnings: tuple[str, ...],
) -> Parties:
    header = tuple(read[0].table.columns)
    columns = [name for name in header if name != label_column]
    labels = tuple(party.labels for party in read if party.labels is not None)
    return Parties(
        names=tuple(source.name for source in sources),
        header=header,
        tables=tuple({name: party.cells[name] for name in columns} for party in read),
        label_column=label_column,
        labels=labels if label_column is not None else None,
        files=tuple(party.file for party in read),
        formats=tuple(_format(party, label_column) for party in read),
        first_rows=tuple(party.table.first_row for party in read),
        warnings=warnings,
    )


def _format(party: _Read, label_column: str | None) -> OwnFormat:
    table = party.table
    columns: dict[str, OwnColumn] = {}
    words = Counter(
        cells.spelling.missing_word
        for cells in party.cells.values()
        if cells.is_missing.any() and not cells.is_missing.all()
    )
    missing_word = words.most_common(1)[0][0] if words else ""
    for own_name, (name, array) in zip(
        table.own_names, table.columns.items(), strict=True
    ):
        if name == label_column and party.labels is not None:
            form, spelling = label_spelling(party.labels, array)
        else:
            form, spelling = party.cells[name].form, party.cells[name].spelling
            if not party.cells[name].is_missing.any():
                spelling = replace(spelling, missing_word=missing_word)
        columns[name] = OwnColumn(
            own_name, form, spelling, name in table.grouped, _categories(array)
        )
    return OwnFormat(
        party.file.kind, columns, label_column, table.separator, table.schema
    )


def _categories(array: Any) -> Any:
    from pyarrow import compute, types

    if not types.is_dictionary(array.type):
        return None
    array = array.unify_dictionaries().combine_chunks()
    if hasattr(array, "chunks"):
        array = array.chunk(0)
    return compute.drop_null(array.dictionary)

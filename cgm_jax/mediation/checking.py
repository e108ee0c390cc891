"""The parties' files before a run: everything that is wrong with them, and kinds."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from cgm_jax.files import CheckedFiles, InputError, Problem, check_parties
from cgm_jax.files.csv_table import Decimal
from cgm_jax.files.input_errors import access_error
from cgm_jax.files.table import common_name
from cgm_jax.tables import ColumnChoice, TableCodec, read_columns


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


def check_files(
    paths: Sequence[str | Path],
    *,
    label_column: str | None = None,
    decimal: Decimal = ".",
    columns: Path | None = None,
) -> CheckedFiles:
    """All problems and warnings of all files, with those of valuing their tables.

    Args:
        paths: one file per party.
        label_column: name of the column of labels.
        decimal: as for `read_tables`.
        columns: a file of kinds, as ``describe`` prints it.
    """
    choices = read_choices(columns)
    checked = check_parties(
        paths, label_column=label_column, decimal=decimal, choices=choices
    )
    parties = checked.parties
    if parties is None:
        return checked
    try:
        TableCodec.fit(parties.tables, choices=choices)
    except ValueError as error:
        # Of the files together: the first stands for all.
        sentence = f"{str(error)[0].lower()}{str(error)[1:]}".removesuffix(".")
        problem = Problem(sentence, columns or parties.files[0].path)
        return replace(checked, problems=(problem,), parties=None)
    return checked


def check_data(checked: CheckedFiles) -> dict[str, Any]:
    """What was found, for JSON."""
    return {
        "problems": [
            {**asdict(problem), "file": str(problem.file)}
            for problem in checked.problems
        ],
        "warnings": list(checked.warnings),
        "columns": [
            {"name": column.name, "kind": column.kind} for column in checked.facts
        ],
    }

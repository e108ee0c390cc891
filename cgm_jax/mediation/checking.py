"""The parties' files before a run: everything that is wrong with them, and kinds."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from cgm_jax.files import CheckedFiles, InputError, check_parties
from cgm_jax.report.sentences import left_out_sentences

from .tables import TableOptions, fitted_codec, read_choices


def check_files(paths: Sequence[str | Path], options: TableOptions) -> CheckedFiles:
    """All problems and warnings of all files, with those of valuing their tables."""
    choices = read_choices(options.columns)
    checked = check_parties(
        paths,
        label_column=options.label_column,
        decimal=options.decimal,
        choices=choices,
    )
    left_out = left_out_sentences(checked.facts)
    checked = replace(checked, warnings=(*checked.warnings, *left_out))
    if checked.parties is None:
        return checked
    try:
        fitted_codec(checked.parties, choices, options)
    except InputError as error:
        return replace(checked, problems=error.problems, parties=None)
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

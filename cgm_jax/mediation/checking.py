"""The parties' files before a run: everything that is wrong with them, and kinds."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import jax
import numpy as np

from cgm_jax.evidence import find_evidence
from cgm_jax.files import CheckedFiles, InputError, check_parties
from cgm_jax.report.sentences import evidence_sentences, left_out_sentences

from .tables import TableOptions, fitted_codec, read_choices


def check_files(
    paths: Sequence[str | Path], options: TableOptions, *, search_rows: bool = False
) -> CheckedFiles:
    """All problems and warnings of all files, with those of valuing their tables.

    With ``search_rows`` those of what the rows say of how they were made, too.
    """
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
        codec = fitted_codec(checked.parties, choices, options)
    except InputError as error:
        return replace(checked, problems=error.problems, parties=None)
    if not search_rows:
        return checked
    tables = checked.parties.tables
    points = [codec.encode(table).astype(np.float32) for table in tables]
    evidence = find_evidence(
        jax.random.key(0), points, groups=codec.column_of_coordinate
    )
    found = evidence_sentences(evidence, checked.parties.names)
    return replace(checked, warnings=(*checked.warnings, *found))


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

"""The label column: whole numbers or text that is carried through, and not valued."""

import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Shaped

from cgm_jax.tables import Cells, Spelling, read_cells
from cgm_jax.tables.cells import Form

from .input_errors import Problem
from .table import Table

_WHOLE_NUMBER = re.compile(r"(-?(?:0|[1-9][0-9]{0,17}))(?:\.0+)?")
_MISSING_LABELS = {"", "nan", "<na>", "null", "#n/a"}
_TRUTH = {"true": "True", "false": "False"}
_FEWEST_ROWS = 20  # by which labels that are identifiers can be told

Labels = Shaped[np.ndarray, " _"]


def read_labels(table: Table, column: str) -> tuple[Labels, list[Problem]]:
    """Labels, stripped, in NFC: int64 if all are whole numbers, such as 1.0, else text.

    ``01`` is text, so that nothing of a code is lost. TRUE and true are ``True`` where
    all labels are truth values.
    """
    cells, problem = _text(table, column)
    if problem is not None:
        return np.array([], object), [problem]
    distinct, codes = np.unique(np.array(cells, object), return_inverse=True)
    words = [unicodedata.normalize("NFC", cell.strip()) for cell in distinct]
    problems = [*map(_wrong_with, words)]
    for row, code in enumerate(codes, table.first_row):
        sentence = problems[code]
        if sentence is not None:
            return np.array([], object), [Problem(sentence, table.file, column, row)]
    if all(word.casefold() in _TRUTH for word in words):
        words = [_TRUTH[word.casefold()] for word in words]
    whole = [_WHOLE_NUMBER.fullmatch(word) for word in words]
    if all(whole):
        numbers = np.array([int(match[1]) for match in whole if match], np.int64)
        return numbers[codes], []
    return np.array(words, object)[codes], []


def label_problems(
    tables: Sequence[Table], labels: Sequence[Labels], column: str
) -> list[Problem]:
    """Labels of two kinds, and labels that are identifiers.

    Real labels are handed out: one that a single row has would name that row.
    """
    words = ["whole numbers only" if x.dtype == np.int64 else "text" for x in labels]
    problems = [
        Problem(
            f"expected labels that are {words[0]} as in {tables[0].file}, found "
            f"{word}; write them the same way in every file",
            table.file,
            column,
        )
        for table, word in zip(tables, words, strict=True)
        if word != words[0]
    ]
    if problems:
        return problems
    for table, theirs in zip(tables, labels, strict=True):
        problems += _identifiers(theirs, table.file, column)
    return problems or _identifiers(np.concatenate(labels), tables[0].file, column)


def _identifiers(labels: Labels, file: Path, column: str) -> list[Problem]:
    num_distinct = len(set(labels.tolist()))
    if not 2 * num_distinct > len(labels) >= _FEWEST_ROWS:
        return []
    sentence = (
        "expected labels that many rows share, found different ones in most rows "
        f"({num_distinct} in {len(labels)} rows), which looks like an identifier or a "
        "measurement; choose another --label-column"
    )
    return [Problem(sentence, file, column)]


def _text(table: Table, column: str) -> tuple[list[str], Problem | None]:
    from pyarrow import types

    cells = table.columns[column]
    if types.is_dictionary(cells.type):
        cells = cells.cast(cells.type.value_type)
    if cells.null_count:
        row = cells.is_null().to_pylist().index(True) + table.first_row
        sentence = _wrong_with("")
        return [], Problem(str(sentence), table.file, column, row)
    if not _can_be_labels(cells.type):
        sentence = (
            "expected labels that are whole numbers or text, found another kind; "
            "convert the column"
        )
        return [], Problem(sentence, table.file, column)
    return [str(cell) for cell in cells.to_pylist()], None


def _can_be_labels(kind: Any) -> bool:
    from pyarrow import types

    checks = (
        types.is_string,
        types.is_large_string,
        types.is_string_view,
        types.is_integer,
        types.is_floating,
        types.is_boolean,
        types.is_decimal,
    )
    return any(check(kind) for check in checks)


def _wrong_with(label: str) -> str | None:
    if label.casefold() in _MISSING_LABELS:
        return "expected a label, found a missing value; fill it in or remove the row"
    if not label.isprintable():
        return (
            "expected a label of printable characters on one line; check the quotes "
            "from this row on"
        )
    return None


def label_spelling(labels: Labels, cells: Any) -> tuple[Form, Spelling]:
    """How a party writes its labels: whole numbers, truth values or text."""
    if labels.dtype == np.int64:
        return "whole", Spelling()
    if set(labels.tolist()) <= set(_TRUTH.values()):
        return "truth", read_cells(cells).spelling
    return "text", Spelling()


def label_cells(labels: Labels, form: Form) -> Cells:
    """Labels as cells of a column that a party writes in that form."""
    none = np.zeros(len(labels), bool)
    if form == "truth" and set(labels.tolist()) <= set(_TRUTH.values()):
        return Cells("truth", labels == "True", none)
    if np.issubdtype(labels.dtype, np.integer):
        return Cells("whole", labels.astype(np.int64), none)
    return Cells("text", np.array([str(label) for label in labels], object), none)

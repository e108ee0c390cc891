"""Which columns the parties' files share, and what is wrong with the others."""

import difflib
from collections.abc import Sequence

from .input_errors import Problem
from .table import Table

_MOST_NAMED = 10  # columns of one file; a file of another kind lacks them all


def column_problems(tables: Sequence[Table], label_column: str | None) -> list[Problem]:
    """All columns that are in one file and not in another, in the order of the files.

    Args:
        tables: the files, whose columns should be those of the first, in any order.
        label_column: name of the label column, which every file should have.
    """
    problems: list[Problem] = []
    unlabelled = [table for table in tables if label_column not in table.columns]
    if label_column is not None:
        for table in unlabelled:
            near = _near(label_column, list(table.columns))
            hint = f" (did you mean {near}?)" if near else ""
            sentence = (
                f"expected this label column, found no column of that name{hint}; add "
                "it or correct --label-column"
            )
            problems.append(Problem(sentence, table.file, label_column))
    first = tables[0]
    expected = {name for name in first.columns if name != label_column}
    for table in tables[1:]:
        problems += _compared(table, first, expected, label_column)
    if not expected:
        sentence = "expected a column beside the labels, found none; add one"
        problems.append(Problem(sentence, first.file))
    return problems


def _compared(
    table: Table, first: Table, expected: set[str], label_column: str | None
) -> list[Problem]:
    missing = [name for name in first.columns if name in expected - {*table.columns}]
    added = [name for name in table.columns if name not in {*expected, label_column}]
    problems: list[Problem] = []
    meant: set[str] = set()
    for name in missing[:_MOST_NAMED]:
        near = _near(name, [other for other in added if other not in meant])
        hint = f" (did you mean {near}?)" if near else ""
        meant |= {near} if near else set()
        sentence = (
            f"expected this column as in {first.file}, found none of that name{hint}; "
            "add or rename it here, or remove it there"
        )
        problems.append(Problem(sentence, table.file, name))
    added = [name for name in added if name not in meant]
    for name in added[:_MOST_NAMED]:
        sentence = (
            f"expected only the columns of {first.file}, found one more; remove it "
            "here or add it there"
        )
        problems.append(Problem(sentence, table.file, name))
    for names, word in ((missing, "missing"), (added, "additional")):
        if len(names) > _MOST_NAMED:
            sentence = (
                f"expected the columns of {first.file}, found {len(names)} {word} "
                f"ones, of which {_MOST_NAMED} are named; compare the two headers"
            )
            problems.append(Problem(sentence, table.file))
    return problems


def _near(name: str, others: Sequence[str]) -> str | None:
    """The name that was most likely meant: other capitals, or some other letters."""
    by_folded = {other.casefold(): other for other in others}
    close = difflib.get_close_matches(name.casefold(), by_folded, n=1, cutoff=0.75)
    return by_folded[close[0]] if close else None

"""What each column of all parties is, and what is wrong with its cells."""

from collections import Counter
from collections.abc import Mapping, Sequence

from cgm_jax.tables import Cells, ColumnChoice, ColumnFacts, infer

from .input_errors import Problem
from .table import Table, common_name

__all__ = ["column_facts"]


def column_facts(
    tables: Sequence[Table],
    cells: Sequence[Mapping[str, Cells]],
    choices: Sequence[ColumnChoice],
) -> tuple[list[ColumnFacts], list[Problem]]:
    """Facts of the columns that all files have and that can be read; and the problems.

    Args:
        tables: the files, all of whose columns are checked.
        cells: of each file, by the name of the column, without the labels.
        choices: what is declared of some columns.
    """
    declared = {common_name(choice.name): choice for choice in choices}
    facts: list[ColumnFacts] = []
    problems: list[Problem] = []
    for name in dict.fromkeys(name for columns in cells for name in columns):
        holders = [i for i, columns in enumerate(cells) if name in columns]
        column = [cells[i][name] for i in holders]
        choice = declared.get(name)
        try:
            fact = infer(name, column, kind=choice.kind if choice else None)
            facts += [fact] if len(holders) == len(cells) else []
        except ValueError as error:
            theirs = [tables[i] for i in holders]
            problems += _problems(name, theirs, column, str(error))
    return facts, problems


def _problems(
    name: str, tables: Sequence[Table], column: Sequence[Cells], error: str
) -> list[Problem]:
    """One of each file whose cells have any; or of those that do not fit the others."""
    problems = [
        Problem(problem.sentence, table.file, name, problem.row + table.first_row)
        for table, cells in zip(tables, column, strict=True)
        for problem in cells.problems
    ]
    if problems:
        return problems
    sentence = error.removeprefix(f"Column {name}: ").removesuffix(".")
    usual = Counter(cells.form for cells in column).most_common(1)[0][0]
    different = [
        table.file
        for table, cells in zip(tables, column, strict=True)
        if cells.form not in (usual, "empty")
    ]
    return [Problem(sentence, file, name) for file in different or [tables[0].file]]

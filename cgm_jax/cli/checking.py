"""Commands that look at the parties' files and value nothing."""

import json
import sys
from typing import Annotated

from rich.markup import escape
from rich.table import Table
from typer import Option, Typer

from cgm_jax.files import CheckedFiles
from cgm_jax.files.input_errors import one_line
from cgm_jax.mediation.checking import check_data, check_files
from cgm_jax.mediation.tables import TableOptions
from cgm_jax.tables import columns_json

from . import options, screen

commands = Typer()


@commands.command()
def check(
    files: options.PartyFiles,
    label_column: options.LabelColumn = None,
    decimal: options.DecimalMark = ".",
    columns: options.Columns = None,
    as_json: Annotated[bool, Option("--json", help="Print JSON.")] = False,
) -> None:
    """List all that is wrong with the parties' files, and what to do about it.

    Warns of rows that parties share, exactly or nearly, and of rows that look like
    noise.

    Exits with 3 if there are problems.
    """
    table_options = TableOptions(
        label_column=label_column, decimal=decimal, columns=columns
    )
    checked = check_files(files, table_options, search_rows=True)
    if as_json:
        text = json.dumps(check_data(checked), ensure_ascii=False, indent=2)
        sys.stdout.write(text + "\n")
    else:
        print_check(checked)
    _fail_if_any(checked)


@commands.command()
def describe(
    files: options.PartyFiles,
    label_column: options.LabelColumn = None,
    decimal: options.DecimalMark = ".",
    columns: options.Columns = None,
) -> None:
    """Print what kind each column is, as JSON to edit and to give to --columns.

    Exits with 3 if a file has problems; the columns without any are printed then, too.
    """
    checked = check_files(
        files, TableOptions(label_column=label_column, decimal=decimal, columns=columns)
    )
    sys.stdout.write(columns_json(checked.facts) + "\n")
    for problem in checked.problems:
        sys.stderr.write(f"{problem}\n")
    _fail_if_any(checked)


def print_check(checked: CheckedFiles) -> None:
    """Problems and warnings, one a row."""
    if not checked.problems and not checked.warnings:
        screen.say("No problems, no warnings.")
        return
    table = Table("", "file", "column", "row", "what", "what to do")
    for problem in checked.problems:
        what, _, advice = problem.sentence.partition("; ")
        column = "" if problem.column is None else str(problem.column)
        row = "" if problem.row is None else str(problem.row)
        place = problem.file.name, column, row
        cells = ("problem", *place, what, advice)
        table.add_row(*(escape(one_line(cell)) for cell in cells))
    for warning in checked.warnings:
        what, _, advice = warning.partition("; ")
        table.add_row("warning", "", "", "", escape(one_line(what)), escape(advice))
    screen.console.print(table)


def _fail_if_any(checked: CheckedFiles) -> None:
    if checked.problems:
        files = len({problem.file for problem in checked.problems})
        options.fail(f"problems: {len(checked.problems)}, in files: {files}", 3)

"""The command that compares generators on the parties' own files."""

from pathlib import Path
from typing import Annotated

import numpy as np
from typer import Option, Typer

from cgm_jax.evaluation import compare_generators
from cgm_jax.files import (
    UsageError,
    prepare_output_dir,
    write_atomically,
    write_json,
    write_text,
)
from cgm_jax.files.table import common_name
from cgm_jax.generators import CoarseTableError
from cgm_jax.mediation.choosing import contenders, least_rows
from cgm_jax.mediation.run import Keys
from cgm_jax.mediation.tables import (
    CodedTables,
    TableOptions,
    of_all_files,
    open_tables,
)
from cgm_jax.report.data import comparison_data
from cgm_jax.report.page import comparison_page
from cgm_jax.report.pictures import draw_comparison
from cgm_jax.report.sentences import comparison_sentences

from . import options, screen
from .mediator import BANDWIDTH, NUM_STEPS
from .progress_bar import progress

commands = Typer()

TITLE = "Generators compared"


@commands.command("compare-generators")
def compare(
    files: options.PartyFiles,
    out: Annotated[Path, Option(help="Folder for the table, JSON and a picture.")],
    label_column: Annotated[
        str | None,
        Option(help="Column with labels: the target, unless --target is another."),
    ] = None,
    target: Annotated[
        str | None,
        Option(
            help="Column that is predicted, to measure what synthetic rows teach of it."
        ),
    ] = None,
    columns: options.Columns = None,
    decimal: options.DecimalMark = ".",
    min_rows: options.MinRows = 5,
    num_steps: options.NumSteps = None,
    seed: options.Seed = 0,
    overwrite: options.Overwrite = False,
) -> None:
    """Compare all generators on rows of the parties' files that none of them sees."""
    if (target := target or label_column) is not None:
        target = common_name(target)
    # The target is a column of the table here: what is drawn of it is to be judged.
    is_target = label_column is not None and common_name(label_column) == target
    table_options = TableOptions(
        label_column=None if is_target else label_column,
        columns=columns,
        decimal=decimal,
        min_rows=min_rows,
    )
    categories = [label_column] if is_target and label_column else []
    tables = open_tables(files, table_options, categories=categories)
    _check_target(tables, target)
    pool, least = np.concatenate(tables.points), least_rows(tables)
    if len(pool) < least:
        raise ValueError(
            f"all files together have {len(pool)} rows, and a comparison needs at "
            f"least {least}; pool more rows"
        )
    out = prepare_output_dir(out, overwrite=overwrite)
    generators = contenders(
        tables, bandwidth=BANDWIDTH, num_steps=num_steps or NUM_STEPS
    )
    first = tables.parties.files[0].path
    with progress("Comparing") as tell:
        try:
            found = compare_generators(
                Keys.of(seed).training,
                tables.codec,
                pool,
                {**generators},
                target=target,
                progress=tell,
            )
        except CoarseTableError as error:
            raise of_all_files(error, first) from None
    page = comparison_page(
        found, TITLE, files=[file.path.name for file in tables.parties.files]
    )
    png = draw_comparison(found).png
    screen.print_comparison(found)
    for sentence in comparison_sentences(found):
        screen.say(sentence)
    write_json(out / "comparison.json", comparison_data(found))
    write_atomically(out / "comparison.png", lambda file: file.write(png))
    write_text(out / "comparison.html", page)
    screen.say_path("Comparison", out / "comparison.html")


def _check_target(tables: CodedTables, target: str | None) -> None:
    """Refuse a target that is no column, or not one that can be predicted."""
    if target is None:
        return
    named = {
        column.facts.name: column.facts.kind
        for column in tables.codec.columns
        if column.coordinates
    }
    if target not in named:
        kinds = {facts.name: facts.kind for facts in tables.codec.facts}
        found = (
            f"found one of kind {kinds[target]}" if target in kinds else "found none"
        )
        raise UsageError(
            f"--target {target}: expected a column that varies and is valued, {found}; "
            f"there are {', '.join(named)}"
        )

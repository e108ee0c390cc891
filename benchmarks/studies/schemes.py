"""Studies of schemes: what cheating gains, what is detected, what values say.

Their commands are in the list of ``python -m benchmarks.studies``.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from cgm_jax.cli.options import Seed
from cgm_jax.cli.progress_bar import progress
from cgm_jax.cli.screen import console, say, warn
from cgm_jax.files import UsageError, write_json
from cgm_jax.scoring import SCORINGS, scoring_named

from .cheating import BETA, adult_case, cases, gain_lines, measure_cheating, plain_case
from .detection import (
    detection_rows,
    line_of_rate,
    measure_detection,
    plain_rate,
)
from .distribution_values import (
    Population,
    correlation_tables,
    measure_correlations,
    plain_correlation_row,
    population_of_credit_ratings,
    population_of_digits,
    population_of_table,
)

commands = typer.Typer()


@commands.command()
def cheating(
    out: Annotated[Path, typer.Option(help="File for the numbers.")] = Path(
        "benchmarks/results/cheating.json"
    ),
    adult: Annotated[
        Path | None, typer.Option(help="CSV file of the Adult table, to try it, too.")
    ] = None,
    num_rows: Annotated[int, typer.Option(min=20, help="Rows a party, at most.")] = 300,
    num_candidates: Annotated[
        int, typer.Option(min=100, help="Synthetic rows; the paper has 100,000.")
    ] = 20_000,
    num_keys: Annotated[
        int, typer.Option(min=1, help="Trials of each manipulation.")
    ] = 3,
    schemes: Annotated[
        list[str] | None, typer.Option("--scheme", help="Instead of all, one or more.")
    ] = None,
) -> None:
    """What every manipulation gains under every scheme, on three kinds of data."""
    found = []
    scorings = [scoring_named(name) for name in schemes or SCORINGS]
    every = list(cases(num_rows, num_candidates))
    if adult is None or not adult.exists():
        warn(
            "Adult is left out: "
            + ("--adult FILE adds it." if adult is None else f"{adult} is not there.")
        )
    else:
        every.append(adult_case(adult, num_rows, num_candidates))
    for case in every:
        with progress(case.name) as tell:
            stressed = measure_cheating(
                case, num_keys=num_keys, scorings=scorings, progress=tell
            )
        found.append(plain_case(case, stressed))
        for line in gain_lines(case, stressed):
            console.print(line, highlight=False, soft_wrap=True)
        write_json(out, {"keys": num_keys, "inverse temperature": BETA, "data": found})


@commands.command()
def detection(
    out: Annotated[Path, typer.Option(help="File for the numbers.")] = Path(
        "benchmarks/results/detection.json"
    ),
    adult: Annotated[
        Path | None, typer.Option(help="CSV file of the Adult table, to use it, too.")
    ] = None,
    num_cases: Annotated[
        int, typer.Option(min=1, help="Cases of each kind in each data set.")
    ] = 40,
    seed: Seed = 0,
) -> None:
    """How often copies and noise are found, and how often in honest parties' rows."""
    rates = []
    for rate in measure_detection(adult, num_cases=num_cases, seed=seed):
        rates.append(rate)
        console.print(line_of_rate(rate), highlight=False, soft_wrap=True)
    rows = detection_rows(rates)
    for rate in rows:
        if rate.source == "all":
            console.print(line_of_rate(rate), highlight=False, soft_wrap=True)
    write_json(
        out,
        {
            "cases of each kind in each data set": num_cases,
            "seed": seed,
            "confidence of intervals (Wilson)": 0.95,
            "rates": [plain_rate(rate) for rate in rows],
        },
    )


@commands.command("distribution-values")
def values_of_distributions(
    tables: Annotated[
        list[Path] | None,
        typer.Argument(help="CSV files, also gzipped, whose last column is a class."),
    ] = None,
    out: Annotated[Path, typer.Option(help="File for the numbers.")] = Path(
        "benchmarks/results/distribution-values.json"
    ),
    num_seeds: Annotated[int, typer.Option(min=2, help="Draws of all vendors.")] = 10,
) -> None:
    """Values of contaminated vendors beside the truth; ratings and digits are here."""
    if missing := [str(path) for path in tables or () if not path.is_file()]:
        raise UsageError(
            f"Expected CSV files, got {', '.join(missing)}, which is not there; "
            "without tables the study takes the credit ratings and digits alone."
        )
    rows = []
    populations: list[Callable[[], Population]] = [
        population_of_credit_ratings,
        population_of_digits,
        *(partial(population_of_table, path) for path in tables or ()),
    ]
    for population in populations:
        made = population()
        say(f"{made.name}: {len(made.parts['real']):,} rows")
        rows += measure_correlations(made, num_seeds=num_seeds)
    for table in correlation_tables(rows):
        console.print(table)
    write_json(
        out,
        {"seeds": num_seeds, "correlations": [*map(plain_correlation_row, rows)]},
    )

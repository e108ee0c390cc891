"""Commands for a mediator, on the parties' own files."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from typer import Argument, Context, Option, Typer

from cgm_jax.files import (
    UsageError,
    check_output_dir,
    plain_format,
    prepare_output_dir,
    write_rewards,
)
from cgm_jax.mediation.choosing import ChosenName
from cgm_jax.mediation.planned import check_before_reading, plan_run
from cgm_jax.mediation.publish import publish_mediation
from cgm_jax.mediation.repeated_audit import audit_folder
from cgm_jax.mediation.row_source import FittedName, fitted_model, generator_for
from cgm_jax.mediation.run import (
    Keys,
    Settings,
    check_files_of_settings,
    mediate,
)
from cgm_jax.mediation.tables import TableOptions, open_tables
from cgm_jax.planning import Plan
from cgm_jax.report.party_statement import ShowShares
from cgm_jax.report.sentences import relaxation_warnings

from . import options, screen
from .devices import Devices, Distributed, mesh_of, output_dir
from .progress_bar import progress
from .releasing import run_releases
from .schemes import (
    IsRobust,
    Joined,
    Scheme,
    SchemeOptions,
    Stay,
    check_options,
    scoring_of,
)

commands = Typer()

BANDWIDTH, NUM_STEPS = Settings.bandwidth, Settings.num_steps


@commands.command()
def run(
    context: Context,
    files: options.PartyFiles,
    out: Annotated[Path, Option(help="Folder for rewards and report.")],
    label_column: options.LabelColumn = None,
    columns: options.Columns = None,
    decimal: options.DecimalMark = ".",
    min_rows: options.MinRows = 5,
    only_shared_categories: options.OnlyShared = False,
    generator: Annotated[
        ChosenName | None,
        Option(
            help="Where synthetic rows come from: kde, real rows plus a little noise, "
            "for parties that may see each other's data; product-mixture, a density of "
            "groups of rows, fitted in seconds; mmd-gan, a network trained for "
            "minutes; auto, the best of them on rows that none saw. By default the "
            "best of those that take seconds."
        ),
    ] = None,
    generator_model: Annotated[
        Path | None, Option(help="A file of train-generator, to use instead.")
    ] = None,
    num_steps: options.NumSteps = None,
    bandwidth: Annotated[
        float | None,
        Option(help="Noise of the kde, in the scaled columns: 0.05 by default."),
    ] = None,
    num_candidates: options.NumCandidates = 10_000,
    beta: Annotated[
        float, Option(help="Inverse temperature: larger, fewer rows.")
    ] = 1.0,
    kernel: Annotated[
        Path | None,
        Option(help="A file of save_kernel, for the columns as --scale has them."),
    ] = None,
    seed: options.Seed = 0,
    scheme: Scheme = "shapley",
    robust: IsRobust = False,
    joined: Joined = None,
    stay: Stay = None,
    scale: Annotated[
        Literal["standard", "none"],
        Option(help="Bring columns to mean 0 and deviation 1, or not."),
    ] = "standard",
    no_stability: Annotated[
        bool, Option("--no-stability", help="Drop the stability constraint (R6).")
    ] = False,
    strict: options.Strict = False,
    resamples: Annotated[
        int,
        options.whole_number(
            "Resamples of all rows, for standard errors; 0: none.", least=0, most=10**6
        ),
    ] = 50,
    stress: options.Stress = None,
    show_shares: Annotated[
        ShowShares,
        Option(
            help="Of contributions, a party's statement has: its rank, or α of all."
        ),
    ] = "ranks",
    agreement: Annotated[
        Path | None,
        Option(help="What agree wrote, where the files are releases."),
    ] = None,
    overwrite: options.Overwrite = False,
    devices: Devices = None,
    distributed: Distributed = False,
) -> None:
    """Value the parties' files, and write one reward file per party and a report.

    Files that end in .release are those that release made, and need --agreement.
    """
    how = SchemeOptions(scheme, joined, stay, robust)
    check_options(how)
    if any(file.suffix == ".release" for file in files) or agreement is not None:
        run_releases(
            context,
            files,
            out,
            agreement,
            seed=seed,
            num_candidates=num_candidates,
            beta=beta,
            how=how,
            overwrite=overwrite,
        )
        return
    _check_generator(generator, generator_model, num_steps, bandwidth)
    table_options = TableOptions(
        label_column=label_column,
        columns=columns,
        decimal=decimal,
        standardize=scale == "standard",
        min_rows=min_rows,
        only_shared_categories=only_shared_categories,
    )
    settings = Settings(
        generator=generator,
        generator_model=generator_model,
        num_steps=num_steps or NUM_STEPS,
        bandwidth=BANDWIDTH if bandwidth is None else bandwidth,
        num_candidates=num_candidates,
        inverse_temperature=options.at_least("--beta", beta, 0),
        kernel=kernel,
        seed=seed,
        stability=not no_stability,
        num_resamples=options.at_least("--resamples", resamples, 2) if resamples else 0,
        relax=not strict,
        stress_test=stress,
        overwrite=overwrite,
        command=options.command_line(context),
    )
    # Before anything computes: processes cannot be joined later.
    mesh = mesh_of(devices, distributed=distributed)
    if not distributed:  # of several processes, only the first one's folder counts
        check_output_dir(out, overwrite=overwrite)
    check_before_reading(files, num_candidates)
    tables = open_tables(files, table_options)
    settings = replace(settings, scoring=scoring_of(how, tables.parties.names))
    screen.print_columns(tables)
    check_files_of_settings(settings, tables)
    expected = plan_run(tables, settings)
    _check_memory(expected.asked)
    screen.print_plan(*expected)
    if distributed:
        out = output_dir(out, overwrite=overwrite)
    with progress("Rewards") as tell:
        mediation = mediate(tables, out, settings, mesh=mesh, progress=tell)
        report = publish_mediation(mediation, show_shares=show_shares)
    screen.print_mediation(mediation)
    screen.print_report(report)


@commands.command()
def plan(
    files: options.PartyFiles,
    label_column: options.LabelColumn = None,
    columns: options.Columns = None,
    decimal: options.DecimalMark = ".",
    num_candidates: options.NumCandidates = 10_000,
    stress: options.Stress = None,
) -> None:
    """Say what run would take: memory, and time by a trial of two seconds.

    Exits with 5 if it would not fit into memory.
    """
    check_before_reading(files, num_candidates)
    tables = open_tables(
        files, TableOptions(label_column=label_column, columns=columns, decimal=decimal)
    )
    settings = Settings(num_candidates=num_candidates, stress_test=stress)
    expected = plan_run(tables, settings, always_timed=True)
    _check_memory(expected.asked)
    screen.print_plan(*expected)


@commands.command()
def audit(
    folder: Annotated[Path, Argument(help="Output folder of run, demo or reproduce.")],
) -> None:
    """Check from a finished run's files whether its promises were kept.

    Exits with 4 if one was not.
    """
    draws = audit_folder(folder)
    for draw in draws:
        screen.console.rule(draw.title, align="left")
        for sentence in relaxation_warnings(draw.scheme):
            screen.warn(sentence)
        for file in draw.changed_files:
            screen.warn(
                f"{file} is missing, or is not the file that was valued: what follows "
                "is about the one that was."
            )
        screen.print_audit(draw.audit, draw.names)
        for name in draw.other_folders:
            screen.warn(
                f"{name}/ is not of this run: it may hold rewards of an older one."
            )
    num_broken = sum(not draw.is_kept for draw in draws)
    if num_broken:
        options.fail(
            f"{folder}: promises were broken in {num_broken} of {len(draws)} draws", 4
        )


@commands.command()
def train_generator(
    files: options.PartyFiles,
    out: Annotated[Path, Option(help="File for the model, as model.npz.")],
    label_column: options.LabelColumn = None,
    columns: options.Columns = None,
    decimal: options.DecimalMark = ".",
    generator: Annotated[
        FittedName,
        Option(
            help="mmd-gan, a network trained for minutes; or product-mixture, a "
            "density of groups of rows, fitted in seconds."
        ),
    ] = "mmd-gan",
    num_steps: options.NumSteps = None,
    seed: options.Seed = 0,
    checkpoints: Annotated[
        Path | None, Option(help="Folder to save the training in, and to go on from.")
    ] = None,
    overwrite: Annotated[
        bool, Option("--overwrite", help="Replace a model that is there.")
    ] = False,
    devices: Annotated[
        str | None, Option(help="Devices that share the training: a number, or all.")
    ] = None,
) -> None:
    """Train a generator on the parties' pooled rows, for run --generator-model.

    The file holds values of the parties' rows: it is for who may see these.
    """
    _check_training(generator, num_steps, checkpoints, devices)
    if out.is_dir() or (out.exists() and not overwrite):
        found, advice = "a file", ", or replace it with --overwrite"
        if out.is_dir():
            found, advice = "a folder", ", such as model.npz in it"
        raise UsageError(
            f"{out}: expected a file that does not exist, found {found}; choose "
            f"another --out{advice}"
        )
    mesh = mesh_of(devices, distributed=False)
    tables = open_tables(
        files, TableOptions(label_column=label_column, columns=columns, decimal=decimal)
    )
    # Before the training, not after it.
    prepare_output_dir(out.absolute().parent, overwrite=True)
    with progress("Generator") as tell:
        options_of = generator_for(
            generator,
            tables.codec,
            num_steps=num_steps or NUM_STEPS,
            mesh=mesh,
        )
        trained = fitted_model(
            Keys.of(seed).training,
            tables,
            options_of,
            checkpoint_dir=checkpoints,
            progress=tell,
        )
    trained.save(out)
    screen.print_model(trained.model.quality)
    screen.console.print(f"Model: {out}", markup=False, soft_wrap=True)


example = Typer(help="Write example files to try the package on.")
commands.add_typer(example, name="example", no_args_is_help=True)


@example.command()
def digits(
    folder: Annotated[Path, Argument(help="Folder for the five files.")],
    split: Annotated[
        options.SplitName, Option(help="How the digits are shared.")
    ] = "equal-disjoint",
    overwrite: Annotated[
        bool, Option("--overwrite", help="Replace files of the same names.")
    ] = False,
) -> None:
    """Real handwritten digits of five parties, one CSV file each."""
    import pyarrow as pa

    from cgm_jax.datasets import DIGIT_FEATURES, digits_parties
    from cgm_jax.tables import read_cells

    data = digits_parties(split)
    prepare_output_dir(folder, overwrite=overwrite)
    for i, (points, labels) in enumerate(zip(data.parties, data.labels, strict=True)):
        columns = zip(DIGIT_FEATURES, np.asarray(points).T, strict=True)
        table = {name: read_cells(pa.array(column)) for name, column in columns}
        form = plain_format(table, label_column="digit")
        write_rewards(folder / f"party_{i + 1}.csv", table, form, labels=labels)
    sizes = {len(points) for points in data.parties}
    screen.say(
        f"Wrote {len(data.parties)} files of {sizes.pop()} digits each to {folder}/"
    )


def _check_generator(
    generator: str | None,
    model: Path | None,
    num_steps: int | None,
    bandwidth: float | None,
) -> None:
    """Refuse options that would have no effect on where rows come from."""
    if bandwidth is not None:
        options.check_bandwidth(bandwidth)
    is_needless = model is not None and generator is not None
    chosen = "--generator-model"
    if model is None:
        chosen = f"--generator {generator}" if generator else "the default --generator"
    # By default and with auto, the density estimate is one of those compared.
    has_density = model is None and generator in (None, "auto", "kde")
    has_network = model is None and generator in ("auto", "mmd-gan")
    without_effect = {
        f"--generator {generator}": is_needless,
        "--bandwidth": bandwidth is not None and not has_density,
        "--num-steps": num_steps is not None and not has_network,
    }
    for option, is_given in without_effect.items():
        if is_given:
            raise UsageError(
                f"{option}: has no effect with {chosen}; leave it out, or choose "
                "another way to make rows"
            )


def _check_training(
    generator: str, num_steps: int | None, checkpoints: Path | None, devices: str | None
) -> None:
    """Refuse options of the network beside the density."""
    options_given = {
        "--num-steps": num_steps,
        "--checkpoints": checkpoints,
        "--devices": devices,
    }
    for option, value in options_given.items():
        if generator != "mmd-gan" and value is not None:
            raise UsageError(
                f"{option}: has no effect with --generator {generator}; leave it out, "
                "or choose mmd-gan"
            )


def _check_memory(plan: Plan) -> None:
    """Refuse what does not fit, and name the option where that would help."""
    try:
        plan.check()
    except MemoryError as error:
        if not plan.most_candidates:
            raise
        raise MemoryError(f"--num-candidates: {error}") from None

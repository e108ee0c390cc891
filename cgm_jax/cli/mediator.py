"""Commands for a mediator, on the parties' own files."""

from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from typer import Argument, Option, Typer

from cgm_jax.files import (
    UsageError,
    plain_format,
    prepare_output_dir,
    read_parties,
    write_rewards,
)
from cgm_jax.mediation.planned import plan_run
from cgm_jax.mediation.publish import publish_mediation
from cgm_jax.mediation.repeated_audit import audit_folder
from cgm_jax.mediation.row_source import train_rows
from cgm_jax.mediation.run import Keys, Settings, mediate
from cgm_jax.report.sentences import relaxation_warnings

from . import options, screen
from .devices import Devices, Distributed, mesh_of, output_dir

commands = Typer()


@commands.command()
def run(
    files: options.PartyFiles,
    out: Annotated[Path, Option(help="Folder for rewards and report.")],
    label_column: Annotated[
        str | None, Option(help="Column with labels, carried through.")
    ] = None,
    generator: Annotated[
        Literal["kde", "mmd-gan"], Option(help="Where synthetic rows come from.")
    ] = "kde",
    generator_model: Annotated[
        Path | None, Option(help="A model of train-generator, to use instead.")
    ] = None,
    num_steps: Annotated[int, Option(help="Training steps of the mmd-gan.")] = 6_000,
    bandwidth: Annotated[
        float, Option(help="Noise of the kde, in the scaled columns.")
    ] = 0.05,
    num_candidates: Annotated[
        int, Option(help="Synthetic rows to choose from.")
    ] = 10_000,
    beta: Annotated[
        float, Option(help="Inverse temperature: larger, fewer rows.")
    ] = 1.0,
    kernel: Annotated[
        Path | None,
        Option(help="A file of save_kernel, for the columns as --scale has them."),
    ] = None,
    seed: Annotated[int, Option(help="The same seed, the same files.")] = 0,
    scale: Annotated[
        Literal["standard", "none"],
        Option(help="Bring columns to mean 0 and deviation 1, or not."),
    ] = "standard",
    no_stability: Annotated[
        bool, Option("--no-stability", help="Drop the stability constraint (R6).")
    ] = False,
    strict: options.Strict = False,
    resamples: Annotated[
        int, Option(help="Resamples of all rows, for standard errors: 200, say.")
    ] = 0,
    no_stress: Annotated[
        bool, Option("--no-stress", help="Skip the manipulation stress test.")
    ] = False,
    overwrite: options.ReplaceFiles = False,
    devices: Devices = None,
    distributed: Distributed = False,
) -> None:
    """Value the parties' files, and write one reward file per party and a report."""
    settings = Settings(
        label_column=label_column,
        generator=generator,
        generator_model=generator_model,
        num_steps=options.at_least("--num-steps", num_steps, 1),
        bandwidth=options.positive("--bandwidth", bandwidth),
        num_candidates=options.at_least("--num-candidates", num_candidates, 1),
        inverse_temperature=options.at_least("--beta", beta, 0),
        kernel=kernel,
        seed=options.checked_seed(seed),
        scale=scale,
        stability=not no_stability,
        num_resamples=options.at_least("--resamples", resamples, 2) if resamples else 0,
        relax=not strict,
        stress_test=not no_stress,
        overwrite=overwrite,
    )
    # Before anything computes: processes cannot be joined later.
    mesh = mesh_of(devices, distributed=distributed)
    expected = plan_run(files, settings)
    expected.asked.check()
    screen.print_plan(*expected)
    if distributed:
        out = output_dir(out, overwrite=overwrite)
    with screen.progress("Rewards") as tell:
        mediation = mediate(files, out, settings, mesh=mesh, progress=tell)
        report = publish_mediation(mediation)
    screen.print_mediation(mediation)
    screen.print_report(report)


@commands.command()
def plan(
    files: options.PartyFiles,
    label_column: Annotated[
        str | None, Option(help="Column with labels, left out.")
    ] = None,
    num_candidates: Annotated[
        int, Option(help="Synthetic rows to choose from.")
    ] = 10_000,
    no_stress: Annotated[
        bool, Option("--no-stress", help="Without the manipulation stress test.")
    ] = False,
) -> None:
    """Say what run would take: memory, and time by a trial of two seconds.

    Exits with 5 if it would not fit into memory.
    """
    settings = Settings(
        label_column=label_column,
        num_candidates=options.at_least("--num-candidates", num_candidates, 1),
        stress_test=not no_stress,
    )
    expected = plan_run(files, settings, always_timed=True)
    expected.asked.check()
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
        screen.print_audit(draw.audit, draw.names, in_full=True)
        for file in draw.changed_files:
            screen.warn(f"{file} is missing, or is not the file that was valued.")
    num_broken = sum(not draw.is_kept for draw in draws)
    if num_broken:
        options.fail(
            f"{folder}: promises were broken in {num_broken} of {len(draws)} draws", 4
        )


@commands.command()
def train_generator(
    files: options.PartyFiles,
    out: Annotated[Path, Option(help="File for the model, as model.npz.")],
    label_column: Annotated[
        str | None, Option(help="Column with labels, left out.")
    ] = None,
    num_steps: Annotated[int, Option(help="Training steps.")] = 6_000,
    seed: Annotated[int, Option(help="The same seed, the same model.")] = 0,
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
    """Train an MMD-GAN on the parties' pooled rows, for run --generator-model."""
    options.at_least("--num-steps", num_steps, 1)
    options.checked_seed(seed)
    if out.is_dir() or (out.exists() and not overwrite):
        raise UsageError(
            f"{out}: expected a file that does not exist, found one; choose another "
            "--out, or replace a file with --overwrite"
        )
    mesh = mesh_of(devices, distributed=False)
    parties = read_parties(files, label_column=label_column)
    # Before the training, not after it.
    prepare_output_dir(out.absolute().parent, overwrite=True)
    with screen.progress("Generator") as tell:
        model = train_rows(
            Keys.of(seed).training,
            parties,
            num_steps=num_steps,
            checkpoint_dir=checkpoints,
            mesh=mesh,
            progress=tell,
        )
    model.save(out)
    screen.print_quality(model.quality)
    screen.console.print(f"Model: {out}", markup=False, soft_wrap=True)


example = Typer(help="Write example files to try the package on.")
commands.add_typer(example, name="example", no_args_is_help=True)


@example.command()
def digits(
    folder: Annotated[Path, Argument(help="Folder for the five files.")],
    split: Annotated[
        options.SplitName, Option(help="How the digits are shared.")
    ] = "equal-disjoint",
    overwrite: options.ReplaceFiles = False,
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

"""Studies of learned kernels, releases, schemes and plans, from the command line.

python -m benchmarks.studies power blobs
python -m benchmarks.studies kernels digits
python -m benchmarks.studies released
python -m benchmarks.studies released-table adult.csv
python -m benchmarks.studies released-images
python -m benchmarks.studies cheating --adult adult.csv.gz
python -m benchmarks.studies detection --adult adult.csv
python -m benchmarks.studies distribution-values adult.csv.gz
python -m benchmarks.studies plans
"""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import jax
import typer

from benchmarks.machine import machine_facts
from cgm_jax.cli.app import new_app, run_app
from cgm_jax.cli.options import (
    Betas,
    NumSteps,
    Overwrite,
    RealData,
    Seed,
    SplitName,
    at_least,
    different_betas,
)
from cgm_jax.cli.progress_bar import progress
from cgm_jax.cli.screen import console, print_report, say, warn
from cgm_jax.datasets import fashion_mnist
from cgm_jax.experiments import ExperimentOptions, prepare_experiments
from cgm_jax.experiments.recipes import IMAGE_RECIPES
from cgm_jax.files import UsageError, prepare_output_dir, write_json
from cgm_jax.report.sentences import collaboration_warnings

from . import schemes
from .kernel_comparison import NUM_ASSIGNMENTS, KernelComparison, compare_kernels
from .kernel_tables import kernel_tables
from .plans import CASES, line_of_case, measure_plans
from .power import POWER_PROBLEMS, PowerOptions, PowerResults, measure_power
from .power_tables import power_tables
from .publish import publish_comparison, publish_power
from .released_images import (
    NUM_STEPS,
    NUM_WAVES,
    line_of_images,
    measure_images,
    plain_image_row,
    real_image_row,
)
from .released_table import TableStudy, line_of_table, plain_table_row
from .released_values import (
    DELTA,
    line_of_errors,
    line_of_rewards,
    measure_errors,
    measure_rewards,
    plain_row,
)

__all__ = ["app", "main"]

app = new_app(
    "python -m benchmarks.studies", "Studies of kernels, releases, schemes and plans."
)
app.add_typer(schemes.commands)

if TYPE_CHECKING:
    ImagesName = StrEnum
    PowerProblemName = StrEnum
else:  # the names are those of tables elsewhere
    ImagesName = StrEnum("ImagesName", [(name, name) for name in IMAGE_RECIPES])
    PowerProblemName = StrEnum(
        "PowerProblemName", [(name, name) for name in POWER_PROBLEMS]
    )


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit with its code, as `cgm-jax` does."""
    run_app(app, arguments)


@app.command()
def kernels(
    dataset: Annotated[
        ImagesName, typer.Argument(help="Data set of images, shared by five parties.")
    ],
    split: Annotated[
        SplitName, typer.Option(help="How the data are shared.")
    ] = "unequal",
    beta: Betas = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for numbers and pictures.")
    ] = None,
    data: RealData = None,
    candidates: Annotated[
        Path | None, typer.Option(help="An .npy file of synthetic images instead.")
    ] = None,
    num_candidates: Annotated[
        int | None, typer.Option(min=2, help="Synthetic images of the mmd-gan.")
    ] = None,
    num_steps: NumSteps = None,
    party_size: Annotated[
        int | None, typer.Option(min=16, help="Real images a party.")
    ] = None,
    assignments: Annotated[
        int,
        typer.Option(
            min=1,
            help="Ways to assign the classes to the parties that α is looked at with: "
            "the paper's, and others at random.",
        ),
    ] = NUM_ASSIGNMENTS,
    seed: Seed = 0,
    overwrite: Overwrite = False,
) -> None:
    """A deep kernel of raw pixels beside the paper's kernel of UMAP features."""
    betas = different_betas(beta)
    options = ExperimentOptions(
        generator="mmd-gan",
        candidates=candidates,
        num_candidates=num_candidates,
        num_steps=num_steps,
        party_size=party_size,
        path=data,
        seed=seed,
    )
    name = dataset.value
    folder = prepare_output_dir(
        out or Path(f"study-kernels-{name}"), overwrite=overwrite
    )
    with progress(name) as tell:
        data_key, comparison_key = jax.random.split(jax.random.key(seed))
        (prepared,) = prepare_experiments(
            data_key, name, [split], options, progress=tell
        )
        comparison = compare_kernels(
            comparison_key,
            prepared,
            inverse_temperatures=betas,
            num_assignments=assignments,
            progress=tell,
        )
    say(prepared.candidates_note)
    print_comparison(comparison)
    settings = {
        "data set": name,
        "split": split,
        "inverse temperatures (beta)": list(betas),
        "seed": seed,
        "candidates from": "mmd-gan" if candidates is None else candidates.name,
        "number of candidates": len(prepared.candidates),
        "training steps of the mmd-gan, where asked for": num_steps,
        "images a party": len(prepared.parties[0]),
        "assignments of classes": len(comparison.assigned_coverage),
    }
    print_report(publish_comparison(folder, comparison, settings=settings))


@app.command()
def power(
    problem: Annotated[
        PowerProblemName, typer.Argument(help="What is to be told apart.")
    ],
    out: Annotated[
        Path | None, typer.Option(help="Folder for numbers and picture.")
    ] = None,
    num_points: Annotated[
        list[int] | None,
        typer.Option(help="Points of a sample, as in --num-points 90 180 360."),
    ] = None,
    num_kernels: Annotated[
        int, typer.Option(min=1, help="Kernels to learn for each size.")
    ] = 10,
    num_tests: Annotated[
        int, typer.Option(min=1, help="Pairs of samples to test with each kernel.")
    ] = 100,
    num_permutations: Annotated[
        int, typer.Option(min=1, help="Permutations of each test.")
    ] = 100,
    num_steps: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Steps of learning a deep kernel; by default the more, the more "
            "points, at most 1,000.",
        ),
    ] = None,
    jitter: Annotated[
        float, typer.Option(help="How far they move the points, in near length scales.")
    ] = 0.7,
    seed: Seed = 0,
    overwrite: Overwrite = False,
) -> None:
    """How often a test finds a difference: a learned deep kernel beside others."""
    options = PowerOptions(
        num_points=tuple(num_points) if num_points else None,
        num_kernels=num_kernels,
        num_tests=num_tests,
        num_permutations=num_permutations,
        num_steps=num_steps,
        jitter=at_least("--jitter", jitter, 0),
        seed=seed,
    )
    name = problem.value
    folder = prepare_output_dir(out or Path(f"study-power-{name}"), overwrite=overwrite)
    with progress(POWER_PROBLEMS[name].title) as tell:
        try:
            results = measure_power(POWER_PROBLEMS[name], options, progress=tell)
        except ValueError as error:  # there is nothing but options
            raise UsageError(str(error)) from error
    print_power(results)
    print_report(publish_power(folder, results))


@app.command()
def released(
    out: Annotated[Path, typer.Option(help="File for the numbers.")] = Path(
        "benchmarks/results/released-values.json"
    ),
    num_repeats: Annotated[
        int, typer.Option(min=1, help="Seeds of noise and features.")
    ] = 20,
) -> None:
    """Values of the credit ratings from one noisy release a bank, beside exact ones."""
    errors, rewards = [], []
    for row in measure_errors(num_repeats=num_repeats):
        errors.append(row)
        console.print(line_of_errors(row), highlight=False, soft_wrap=True)
    for row in measure_rewards(num_repeats=num_repeats):
        rewards.append(row)
        console.print(line_of_rewards(row), highlight=False, soft_wrap=True)
    write_json(
        out,
        {
            "delta": DELTA,
            "seeds": num_repeats,
            "errors of values": [plain_row(row) for row in errors],
            "errors of reward values": [plain_row(row) for row in rewards],
        },
    )


@app.command()
def released_table(
    table: Annotated[Path, typer.Argument(help="CSV file of the Adult table.")],
    out: Annotated[Path, typer.Option(help="File for the numbers.")] = Path(
        "benchmarks/results/released-adult.json"
    ),
    num_repeats: Annotated[
        int, typer.Option(min=1, help="Seeds of noise, features and network.")
    ] = 1,
) -> None:
    """Contributions and synthetic rows of a table from one noisy release a party."""
    study = TableStudy.of(table)
    real, rows = study.real_utility(), []
    say(
        f"Rows {study.sizes}; rows learn to predict {study.target}: AUC "
        f"{real.score:.3f}, accuracy {real.accuracy:.3f}"
    )
    for row in study.measure(seeds=num_repeats):
        rows.append(row)
        console.print(line_of_table(row), highlight=False, soft_wrap=True)
    write_json(
        out,
        {
            "table": table.name,
            "delta": DELTA,
            "seeds": num_repeats,
            "rows of each party": study.sizes,
            "length scale": study.agreement.length_scale,
            "features": study.agreement.num_features,
            "AUC of the parties' rows": real.score,
            "accuracy of the parties' rows": real.accuracy,
            "from releases": [plain_table_row(row) for row in rows],
        },
    )


@app.command()
def released_images(
    out: Annotated[Path, typer.Option(help="File for the numbers.")] = Path(
        "benchmarks/results/released-fashion-mnist.json"
    ),
    data: RealData = None,
    num_waves: Annotated[
        int, typer.Option(min=2, help="Random waves for each class.")
    ] = NUM_WAVES,
    num_steps: Annotated[
        int, typer.Option(min=1, help="Steps of training the generator.")
    ] = NUM_STEPS,
) -> None:
    """What images learned from one release of Fashion-MNIST teach a classifier."""
    training = fashion_mnist(data)
    test = fashion_mnist(data, part="test")
    real, rows = real_image_row(training, test), []
    console.print(f"real images: {line_of_images(real)}", highlight=False)
    for row in measure_images(training, test, num_waves=num_waves, num_steps=num_steps):
        rows.append(row)
        console.print(line_of_images(row), highlight=False)
    write_json(
        out,
        {
            "rows": len(training.points),
            "delta": DELTA,
            "waves": num_waves,
            "steps": num_steps,
            "real images": plain_image_row(real),
            "from one release": [plain_image_row(row) for row in rows],
        },
    )


def print_comparison(comparison: KernelComparison) -> None:
    """The same parties by two kernels, and what a mediator should know of either."""
    console.print()
    for table in kernel_tables(comparison):
        console.print(table, highlight=False)
    for name, experiment in comparison.experiments.items():
        names = [f"party {i + 1}" for i in range(len(experiment.promises.parties))]
        for sentence in collaboration_warnings(experiment.greediest, names):
            warn(f"{name}: {sentence}")


def print_power(results: PowerResults) -> None:
    """How often each kernel's test found a difference, and how often wrongly."""
    console.print()
    for table in power_tables(results):
        console.print(table, highlight=False)


@app.command()
def plans(
    out: Annotated[Path, typer.Option(help="File for the numbers.")] = Path(
        "benchmarks/results/plans.json"
    ),
    num_cases: Annotated[
        int,
        typer.Option(
            min=1,
            max=len(CASES),
            help="How many sizes, of the first; 11 for a million rows, too.",
        ),
    ] = 10,
) -> None:
    """Bytes and seconds that plans say, beside those of collaborations."""
    found = []
    for one in measure_plans(CASES[:num_cases]):
        found.append(one)
        console.print(line_of_case(one), highlight=False, soft_wrap=True)
    write_json(out, {"machine": machine_facts(), "cases": [x.as_json() for x in found]})


if __name__ == "__main__":
    main()

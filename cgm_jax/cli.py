"""The command line: ``cgm-jax demo``, ``run``, ``reproduce``, ``audit`` and others.

Exit codes: 0 done, 1 a package that is missing, 2 a command without meaning, 3 a
party's file, 4 promises that cannot be or were not kept, 6 a file or folder that cannot
be read or written, 130 interrupted. Errors are one line on standard error.
"""

import math
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn, TypeVar

try:
    import typer

    from .console import (
        print_audit,
        print_comparison,
        print_experiment,
        print_mediation,
        print_power,
        print_quality,
        print_report,
        progress,
        screen,
    )
except ModuleNotFoundError as error:
    sys.exit(f'error: {error.name} is missing: install "cgm-jax[run]"')

import jax

from . import datasets
from .candidates import train_rows
from .datasets.download import OPENML_IDS
from .datasets.splits import Split
from .experiments import (
    BETAS,
    POWER_PROBLEMS,
    RECIPES,
    SPLITS,
    ExperimentOptions,
    PowerOptions,
    SuppliedFeatures,
    credit_ratings_data,
    estimate_power,
    prepare_experiments,
    run_experiment,
)
from .experiments import compare_kernels as compare_on_images
from .experiments.kernel_comparison import NUM_ASSIGNMENTS
from .experiments.recipes import IMAGE_RECIPES
from .files import (
    InputError,
    UsageError,
    prepare_output_dir,
    read_parties,
    write_reward_csv,
)
from .mediation import Settings, mediate
from .reaudit import audit_folder
from .reproduction import publish_comparison, publish_experiments, publish_power
from .rewards import RewardSchemeError

__all__ = ["main"]

app = typer.Typer(
    name="cgm-jax",
    help="Fair rewards of synthetic data for parties who pool their data.",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
# What brings a package that `run` alone does not need.
EXTRAS = {"umap": "images", "orbax": "gan"}
SEVERAL_NUMBERS = "--beta", "--num-points"  # options that take them behind each other
Number = TypeVar("Number", int, float)


class Scale(StrEnum):
    """How columns are brought to one scale before points are compared."""

    standard = "standard"
    none = "none"


class GeneratorName(StrEnum):
    """Where candidates come from."""

    kde = "kde"
    mmd_gan = "mmd-gan"


class SplitName(StrEnum):
    """How the paper shares data among parties."""

    equal_disjoint = "equal-disjoint"
    unequal = "unequal"


class SplitChoice(StrEnum):
    """Which ways of sharing an experiment runs."""

    equal_disjoint = "equal-disjoint"
    unequal = "unequal"
    both = "both"


class ExperimentGenerator(StrEnum):
    """Where an experiment's candidates come from."""

    gaussian_mixture = "gaussian-mixture"
    kde = "kde"
    mmd_gan = "mmd-gan"


if TYPE_CHECKING:
    FetchedName = StrEnum
    DatasetName = StrEnum
    ImagesName = StrEnum
    PowerProblemName = StrEnum
else:  # the names are those of tables elsewhere
    FetchedName = StrEnum("FetchedName", [(name, name) for name in OPENML_IDS])
    DatasetName = StrEnum("DatasetName", [(name, name) for name in RECIPES])
    ImagesName = StrEnum("ImagesName", [(name, name) for name in IMAGE_RECIPES])
    PowerProblemName = StrEnum(
        "PowerProblemName", [(name, name) for name in POWER_PROBLEMS]
    )


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit with its code.

    Args:
        arguments: the words after ``cgm-jax``; those of the process by default.
    """
    words = sys.argv[1:] if arguments is None else list(arguments)
    try:
        code = app(_repeated(words), standalone_mode=False)
    except _Interrupted:
        _fail("interrupted; files that were already published are complete", 130)
    except typer.TyperException as error:
        _fail(f"{error.format_message()} See cgm-jax --help.", 2)
    except UsageError as error:
        _fail(str(error), 2)
    except InputError as error:
        _fail(str(error), 3)
    except RewardSchemeError as error:
        _fail(" ".join([str(error), *getattr(error, "__notes__", [])]), 4)
    except OSError as error:
        _fail(str(error), 6)
    except ModuleNotFoundError as error:
        name = str(error.name).partition(".")[0]
        if name not in EXTRAS:
            raise
        _fail(f'{name} is missing: install "cgm-jax[{EXTRAS[name]}]"', 1)
    except (ValueError, ArithmeticError) as error:
        # Files that are read without fault, but hold data that cannot be valued.
        _fail(str(error), 3)
    sys.exit(code or 0)


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="Folder for the report.")] = Path(
        "demo-report"
    ),
    seed: Annotated[int, typer.Option(min=0, help="Seed of the draws.")] = 0,
    num_candidates: Annotated[
        int, typer.Option(min=1, help="Synthetic points; the paper has 100,000.")
    ] = 100_000,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a report that is there.")
    ] = False,
) -> None:
    """The paper's five banks, end to end, beside the paper's numbers."""
    with _interruptible():
        _demo(out, seed=seed, num_candidates=num_candidates, overwrite=overwrite)


def _demo(out: Path, *, seed: int, num_candidates: int, overwrite: bool) -> None:
    folder = prepare_output_dir(out, overwrite=overwrite)
    experiments = []
    for data in credit_ratings_data(num_candidates=num_candidates):
        with progress(f"{data.split} split") as tell:
            experiment = run_experiment(data, seed=seed, evaluate=False, progress=tell)
        experiments.append(experiment)
        print_experiment(experiment)
    with progress("Report") as tell:
        report = publish_experiments(
            folder,
            experiments,
            title="Five banks share credit ratings",
            settings={"seed": seed, "number of candidates": num_candidates},
            stress_key=jax.random.key(seed),
            progress=tell,
        )
    print_report(report)


@app.command()
def reproduce(
    dataset: Annotated[
        DatasetName, typer.Argument(help="Data set of the paper, or a stand-in.")
    ],
    split: Annotated[
        SplitChoice, typer.Option(help="How the data are shared.")
    ] = SplitChoice.both,
    beta: Annotated[
        list[float] | None,
        typer.Option(help="Inverse temperatures, as in --beta 1 2 4 8."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for report, numbers and pictures.")
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="Folder or file with the real data.")
    ] = None,
    generator: Annotated[
        ExperimentGenerator | None,
        typer.Option(help="Where candidates come from, unless the data set's default."),
    ] = None,
    candidates: Annotated[
        Path | None, typer.Option(help="An .npy file of synthetic points instead.")
    ] = None,
    features: Annotated[
        Path | None,
        typer.Option(
            help="An .npy file of features to reduce instead of pixels: one row an "
            "image of the data set."
        ),
    ] = None,
    candidate_features: Annotated[
        Path | None,
        typer.Option(help="The same of --candidates: one row a synthetic image."),
    ] = None,
    num_candidates: Annotated[
        int | None,
        typer.Option(
            min=2, help="Synthetic points; 100,000 as in the paper, of digits 20,000."
        ),
    ] = None,
    num_steps: Annotated[
        int | None, typer.Option(min=1, help="Training steps of the mmd-gan.")
    ] = None,
    party_size: Annotated[
        int | None, typer.Option(min=7, help="Real points a party.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of everything random.")] = 0,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace results that are there.")
    ] = False,
) -> None:
    """An experiment of the paper from start to finish, beside the paper's numbers."""
    betas = _betas(beta)
    options = ExperimentOptions(
        generator=None if generator is None else generator.value,
        candidates=candidates,
        num_candidates=num_candidates,
        num_steps=num_steps,
        party_size=party_size,
        features=_supplied(features, candidate_features, candidates),
        path=data,
        seed=seed,
    )
    with _interruptible():
        _reproduce(
            dataset.value,
            SPLITS if split is SplitChoice.both else (split.value,),
            betas,
            options,
            folder=prepare_output_dir(
                out or Path(f"reproduce-{dataset.value}"), overwrite=overwrite
            ),
        )


@app.command()
def compare_kernels(
    dataset: Annotated[
        ImagesName, typer.Argument(help="Data set of images, shared by five parties.")
    ],
    split: Annotated[
        SplitName, typer.Option(help="How the data are shared.")
    ] = SplitName.unequal,
    beta: Annotated[
        list[float] | None,
        typer.Option(help="Inverse temperatures, as in --beta 1 2 4 8."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for numbers and pictures.")
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="Folder or file with the real data.")
    ] = None,
    candidates: Annotated[
        Path | None, typer.Option(help="An .npy file of synthetic images instead.")
    ] = None,
    num_candidates: Annotated[
        int | None, typer.Option(min=2, help="Synthetic images of the mmd-gan.")
    ] = None,
    num_steps: Annotated[
        int | None, typer.Option(min=1, help="Training steps of the mmd-gan.")
    ] = None,
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
    seed: Annotated[int, typer.Option(min=0, help="Seed of everything random.")] = 0,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace results that are there.")
    ] = False,
) -> None:
    """A deep kernel of raw pixels beside the paper's kernel of UMAP features."""
    betas = _betas(beta)
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
        out or Path(f"compare-kernels-{name}"), overwrite=overwrite
    )
    with _interruptible(), progress(name) as tell:
        (prepared,) = prepare_experiments(name, [split.value], options, progress=tell)
        comparison = compare_on_images(
            prepared,
            betas=betas,
            num_assignments=assignments,
            seed=seed,
            progress=tell,
        )
    screen.print(prepared.candidates_note, markup=False, highlight=False)
    print_comparison(comparison)
    settings = {
        "data set": name,
        "split": split.value,
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
def two_sample_power(
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
    seed: Annotated[int, typer.Option(min=0, help="Seed of everything random.")] = 0,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace results that are there.")
    ] = False,
) -> None:
    """How often a test finds a difference: a learned deep kernel beside others."""
    options = PowerOptions(
        num_points=tuple(num_points) if num_points else None,
        num_kernels=num_kernels,
        num_tests=num_tests,
        num_permutations=num_permutations,
        num_steps=num_steps,
        jitter=_at_least("--jitter", jitter, 0),
        seed=seed,
    )
    name = problem.value
    folder = prepare_output_dir(
        out or Path(f"two-sample-power-{name}"), overwrite=overwrite
    )
    with _interruptible(), progress(POWER_PROBLEMS[name].title) as tell:
        try:
            results = estimate_power(POWER_PROBLEMS[name], options, progress=tell)
        except ValueError as error:  # there is nothing but options
            raise UsageError(str(error)) from error
    print_power(results)
    print_report(publish_power(folder, results))


@app.command()
def fetch(
    dataset: Annotated[FetchedName, typer.Argument(help="Data set of OpenML.")],
    replace: Annotated[
        bool, typer.Option("--replace", help="Fetch it although it is there.")
    ] = False,
) -> None:
    """Fetch a data set of the paper into the user's cache, for reproduce."""
    with _interruptible(), progress(f"Fetching {dataset.value}"):
        path = datasets.fetch(dataset.value, replace=replace)
    screen.print(f"Data: {path}", markup=False, soft_wrap=True)


def _betas(given: Sequence[float] | None) -> tuple[float, ...]:
    betas = tuple(_at_least("--beta", each, 0) for each in given or BETAS)
    if len(set(betas)) < len(betas) or math.inf in betas:
        words = " ".join(f"{each:g}" for each in betas)
        raise UsageError(f"--beta: expected finite, different numbers, got {words}")
    return betas


def _supplied(
    real: Path | None, synthetic: Path | None, candidates: Path | None
) -> SuppliedFeatures | None:
    if real is None and synthetic is None:
        return None
    if real is None or synthetic is None or candidates is None:
        raise UsageError(
            "expected --features, --candidate-features and --candidates together: "
            "features of the real images, and the synthetic images with theirs"
        )
    return SuppliedFeatures(real, synthetic)


def _reproduce(
    dataset: str,
    splits: Sequence[Split],
    betas: Sequence[float],
    options: ExperimentOptions,
    *,
    folder: Path,
) -> None:
    with progress(dataset) as tell:
        prepared = prepare_experiments(dataset, splits, options, progress=tell)
    screen.print(prepared[0].candidates_note, markup=False, highlight=False)
    if prepared[0].model is not None:
        print_quality(prepared[0].model.quality)
    experiments = []
    for data in prepared:
        with progress(f"{data.split} split") as tell:
            experiment = run_experiment(
                data, betas=betas, seed=options.seed, progress=tell
            )
        experiments.append(experiment)
        print_experiment(experiment)
    report = publish_experiments(
        folder,
        experiments,
        title=f"{prepared[0].title}: five parties, as in the paper",
        settings={
            "data set": dataset,
            "splits": list(splits),
            "inverse temperatures (beta)": list(betas),
            "seed": options.seed,
            "number of candidates": len(prepared[0].candidates),
        },
    )
    print_report(report)


@app.command()
def run(
    files: Annotated[
        list[Path], typer.Argument(help="One CSV, Parquet or NPY file a party.")
    ],
    out: Annotated[Path, typer.Option(help="Folder for rewards and report.")],
    label_column: Annotated[
        str | None, typer.Option(help="Column with labels, carried through.")
    ] = None,
    generator: Annotated[
        GeneratorName, typer.Option(help="Where synthetic rows come from.")
    ] = GeneratorName.kde,
    generator_model: Annotated[
        Path | None, typer.Option(help="A model of train-generator, to use instead.")
    ] = None,
    num_steps: Annotated[
        int, typer.Option(help="Training steps of the mmd-gan.")
    ] = 6_000,
    bandwidth: Annotated[
        float, typer.Option(help="Noise of the kde, in the scaled columns.")
    ] = 0.05,
    num_candidates: Annotated[
        int, typer.Option(help="Synthetic rows to choose from.")
    ] = 10_000,
    beta: Annotated[
        float, typer.Option(help="Inverse temperature: larger, fewer rows.")
    ] = 1.0,
    kernel: Annotated[
        Path | None,
        typer.Option(
            help="A file of save_kernel, for the columns as --scale has them."
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed, the same files.")] = 0,
    scale: Annotated[
        Scale, typer.Option(help="Bring columns to mean 0 and deviation 1, or not.")
    ] = Scale.standard,
    no_stability: Annotated[
        bool, typer.Option("--no-stability", help="Let go of stability (R6).")
    ] = False,
    resamples: Annotated[
        int, typer.Option(help="Resamples of all rows, for standard errors: 200, say.")
    ] = 0,
    no_stress: Annotated[
        bool,
        typer.Option("--no-stress", help="Do not try out what cheating would gain."),
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace files of the same names.")
    ] = False,
) -> None:
    """Value the parties' files, and write one reward file a party and a report."""
    settings = Settings(
        label_column=label_column,
        generator=generator.value,
        generator_model=generator_model,
        num_steps=_at_least("--num-steps", num_steps, 1),
        bandwidth=_positive("--bandwidth", bandwidth),
        num_candidates=_at_least("--num-candidates", num_candidates, 1),
        beta=_at_least("--beta", beta, 0),
        kernel=kernel,
        seed=_at_least("--seed", seed, 0),
        scale=scale.value,
        stability=not no_stability,
        num_resamples=_at_least("--resamples", resamples, 2) if resamples else 0,
        stress=not no_stress,
        overwrite=overwrite,
    )
    with _interruptible(), progress("Rewards") as tell:
        mediation = mediate(files, out, settings, progress=tell)
    print_mediation(mediation)


@app.command()
def audit(
    folder: Annotated[
        Path, typer.Argument(help="Output folder of run, demo or reproduce.")
    ],
) -> None:
    """Check from a finished run's files whether its promises were kept.

    Exits with 4 if one was not.
    """
    with _interruptible():
        draws = audit_folder(folder)
    for draw in draws:
        screen.rule(draw.title, align="left")
        print_audit(draw.audit, draw.names, in_full=True)
        for file in draw.changed_files:
            screen.print(
                f"warning: {file} is missing, or is not the file that was valued.",
                markup=False,
            )
    num_broken = sum(not draw.is_kept for draw in draws)
    if num_broken:
        _fail(
            f"{folder}: promises were broken in {num_broken} of {len(draws)} draws", 4
        )


@app.command()
def train_generator(
    files: Annotated[
        list[Path], typer.Argument(help="One CSV, Parquet or NPY file a party.")
    ],
    out: Annotated[Path, typer.Option(help="File for the model, as model.npz.")],
    label_column: Annotated[
        str | None, typer.Option(help="Column with labels, left out.")
    ] = None,
    num_steps: Annotated[int, typer.Option(help="Training steps.")] = 6_000,
    seed: Annotated[int, typer.Option(help="The same seed, the same model.")] = 0,
    checkpoints: Annotated[
        Path | None,
        typer.Option(help="Folder to save the training in, and to go on from."),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a model that is there.")
    ] = False,
) -> None:
    """Train an MMD-GAN on the parties' pooled rows, for run --generator-model."""
    _at_least("--num-steps", num_steps, 1)
    _at_least("--seed", seed, 0)
    if out.is_dir() or (out.exists() and not overwrite):
        raise UsageError(
            f"{out}: expected a file that does not exist, found one; choose another "
            "--out, or replace a file with --overwrite"
        )
    parties = read_parties(files, label_column=label_column)
    # Before the training, not after it.
    prepare_output_dir(out.absolute().parent, overwrite=True)
    with _interruptible(), progress("Generator") as tell:
        model = train_rows(
            parties,
            num_steps=num_steps,
            seed=seed,
            checkpoint_dir=checkpoints,
            progress=tell,
        )
    model.save(out)
    print_quality(model.quality)
    screen.print(f"Model: {out}", markup=False, soft_wrap=True)


example = typer.Typer(help="Write example files to try the package on.")
app.add_typer(example, name="example", no_args_is_help=True)


@example.command()
def digits(
    folder: Annotated[Path, typer.Argument(help="Folder for the five files.")],
    split: Annotated[
        SplitName, typer.Option(help="How the digits are shared.")
    ] = SplitName.equal_disjoint,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace files of the same names.")
    ] = False,
) -> None:
    """Real handwritten digits of five parties, one CSV file each."""
    from .datasets import DIGIT_FEATURES, digits_parties

    data = digits_parties(split.value)
    prepare_output_dir(folder, overwrite=overwrite)
    for i, (points, labels) in enumerate(zip(data.parties, data.labels, strict=True)):
        write_reward_csv(
            folder / f"party_{i + 1}.csv",
            points,
            [*DIGIT_FEATURES, "digit"],
            labels=labels,
            label_column="digit",
            integer_columns=DIGIT_FEATURES,
        )
    sizes = {len(points) for points in data.parties}
    screen.print(
        f"Wrote {len(data.parties)} files of {sizes.pop()} digits each to {folder}/",
        markup=False,
    )


class _Interrupted(Exception):
    """The user pressed Ctrl-C; typer would answer it with an empty line."""


@contextmanager
def _interruptible() -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        raise _Interrupted from None


def _repeated(words: Sequence[str]) -> list[str]:
    """``--beta 1 2 4`` as ``--beta 1 --beta 2 --beta 4``, which typer understands."""
    result: list[str] = []
    follows: str | None = None  # the option whose numbers these are
    for word in words:
        if follows is not None and _is_number(word):
            if result[-1] != follows:
                result.append(follows)
        else:
            follows = word if word in SEVERAL_NUMBERS else None
        result.append(word)
    return result


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def _at_least(option: str, number: Number, least: int) -> Number:
    if not number >= least:
        raise UsageError(
            f"{option}: expected a number of at least {least}, got {number}"
        )
    return number


def _positive(option: str, number: float) -> float:
    if not 0 < number < math.inf:
        raise UsageError(f"{option}: expected a positive number, got {number}")
    return number


def _fail(sentence: str, code: int) -> NoReturn:
    sys.stderr.write(f"error: {' '.join(sentence.split())}\n")
    sys.exit(code)

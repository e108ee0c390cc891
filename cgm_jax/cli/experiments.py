"""Commands that repeat the paper's experiments, or go beyond them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import jax
from typer import Argument, Option, Typer

from cgm_jax import datasets
from cgm_jax.datasets.download import OPENML_IDS
from cgm_jax.experiments import (
    RECIPES,
    SPLITS,
    ExperimentOptions,
    SuppliedFeatures,
    credit_ratings_data,
    prepare_experiments,
    run_experiment,
)
from cgm_jax.files import UsageError, prepare_output_dir
from cgm_jax.rewards import RewardSchemeError

from . import screen
from .devices import Devices, Distributed, mesh_of, output_dir
from .options import (
    Betas,
    NumSteps,
    Overwrite,
    RealData,
    Seed,
    Strict,
    different_betas,
    whole_number,
)
from .progress_bar import progress
from .publish import publish_experiments

commands = Typer()

MOST_CANDIDATES = 10**8  # no experiment is planned before it computes


if TYPE_CHECKING:
    FetchedName = str
    DatasetName = str
else:  # the names are those of tables elsewhere
    FetchedName = Literal[tuple(OPENML_IDS)]
    DatasetName = Literal[tuple(RECIPES)]


@commands.command()
def demo(
    out: Annotated[Path, Option(help="Folder for the report.")] = Path("demo-report"),
    seed: Seed = 0,
    num_candidates: Annotated[
        int,
        whole_number("Synthetic points; the paper has 100,000.", most=MOST_CANDIDATES),
    ] = 100_000,
    overwrite: Annotated[
        bool, Option("--overwrite", help="Replace a report that is there.")
    ] = False,
) -> None:
    """The paper's five banks, end to end, beside the paper's numbers."""
    folder = prepare_output_dir(out, overwrite=overwrite)
    draw_key, stress_key = jax.random.split(jax.random.key(seed))
    experiments = []
    for i, data in enumerate(credit_ratings_data(num_candidates=num_candidates)):
        with progress(f"{data.split} split") as tell:
            experiment = run_experiment(
                jax.random.fold_in(draw_key, i), data, evaluate=False, progress=tell
            )
        experiments.append(experiment)
        screen.print_experiment(experiment)
    with progress("Report") as tell:
        report = publish_experiments(
            stress_key,
            folder,
            experiments,
            title="Five banks share credit ratings",
            settings={"seed": seed, "number of candidates": num_candidates},
            stress_test=True,
            progress=tell,
        )
    screen.print_report(report)


@commands.command()
def reproduce(
    dataset: Annotated[
        DatasetName, Argument(help="Data set of the paper, or a stand-in.")
    ],
    split: Annotated[
        Literal["equal-disjoint", "unequal", "both"],
        Option(help="How the data are shared."),
    ] = "both",
    beta: Betas = None,
    out: Annotated[
        Path | None, Option(help="Folder for report, numbers and pictures.")
    ] = None,
    data: RealData = None,
    generator: Annotated[
        Literal["gaussian-mixture", "kde", "mmd-gan"] | None,
        Option(help="Where candidates come from, unless the data set's default."),
    ] = None,
    candidates: Annotated[
        Path | None, Option(help="An .npy file of synthetic points instead.")
    ] = None,
    features: Annotated[
        Path | None,
        Option(
            help="An .npy file of features to reduce instead of pixels: one row per "
            "image of the data set."
        ),
    ] = None,
    candidate_features: Annotated[
        Path | None,
        Option(help="The same of --candidates: one row per synthetic image."),
    ] = None,
    num_candidates: Annotated[
        int | None,
        whole_number(
            "Synthetic points; 100,000 as in the paper, of digits 20,000.",
            least=2,
            most=MOST_CANDIDATES,
        ),
    ] = None,
    num_steps: NumSteps = None,
    party_size: Annotated[
        int | None, whole_number("Real points per party.", least=7)
    ] = None,
    seed: Seed = 0,
    strict: Strict = False,
    overwrite: Overwrite = False,
    devices: Devices = None,
    distributed: Distributed = False,
) -> None:
    """An experiment of the paper from start to finish, beside the paper's numbers."""
    betas = different_betas(beta)
    options = ExperimentOptions(
        generator=generator,
        candidates=candidates,
        num_candidates=num_candidates,
        num_steps=num_steps,
        party_size=party_size,
        features=_supplied(features, candidate_features, candidates),
        path=data,
        seed=seed,
    )
    splits = SPLITS if split == "both" else (split,)
    mesh = mesh_of(devices, distributed=distributed)
    folder = output_dir(out or Path(f"reproduce-{dataset}"), overwrite=overwrite)
    data_key, draw_key, review_key = jax.random.split(jax.random.key(seed), 3)
    with progress(dataset) as tell:
        prepared = prepare_experiments(
            data_key, dataset, splits, options, progress=tell
        )
    screen.say(prepared[0].candidates_note)
    if prepared[0].model is not None:
        screen.print_quality(prepared[0].model.quality)
    experiments, refused = [], {}
    for i, shared in enumerate(prepared):
        try:
            with progress(f"{shared.split} split") as tell:
                experiment = run_experiment(
                    jax.random.fold_in(draw_key, i),
                    shared,
                    inverse_temperatures=betas,
                    relax=not strict,
                    mesh=mesh,
                    progress=tell,
                )
        except RewardSchemeError as error:
            refused[shared.split] = error
            screen.warn(f"{shared.split} split: {error}")
            continue
        experiments.append(experiment)
        screen.print_experiment(experiment)
    if not experiments:
        raise next(iter(refused.values()))
    report = publish_experiments(
        review_key,
        folder,
        experiments,
        title=f"{prepared[0].title}: five parties, as in the paper",
        settings={
            "data set": dataset,
            "splits": list(splits),
            "inverse temperatures (beta)": list(betas),
            "seed": seed,
            "number of candidates": len(experiments[0].data.candidates),
            **{f"{split} split": str(error) for split, error in refused.items()},
        },
    )
    screen.print_report(report)
    if refused:
        raise next(iter(refused.values()))


@commands.command()
def fetch(
    dataset: Annotated[FetchedName, Argument(help="Data set of OpenML.")],
    replace: Annotated[
        bool, Option("--replace", help="Fetch it although it is there.")
    ] = False,
) -> None:
    """Fetch a data set of the paper into the user's cache, for reproduce."""
    with progress(f"Fetching {dataset}"):
        path = datasets.fetch(dataset, replace=replace)
    screen.console.print(f"Data: {path}", markup=False, soft_wrap=True)


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

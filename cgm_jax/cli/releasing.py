"""Commands of parties that hand in releases, and no rows."""

import secrets
from pathlib import Path
from typing import Annotated

import jax
import jax.numpy as jnp
import numpy as np
from rich.table import Table
from typer import Argument, Context, Option, Typer

from cgm_jax.files import UsageError
from cgm_jax.mediation.agreement import Agreement, FeatureKind, read_agreed_columns
from cgm_jax.mediation.publish_released import publish_released
from cgm_jax.mediation.releasing import (
    load_releases,
    prepared_folder,
    release_file,
    reward,
)
from cgm_jax.privacy import Neighbours
from cgm_jax.report.released import ReleasedRun
from cgm_jax.report.sentences import own_release_sentences, release_sentences

from . import options, screen
from .progress_bar import progress
from .schemes import SchemeOptions, scoring_of

commands = Typer()

_OPTIONS_OF_RELEASES = {
    "files",
    "out",
    "agreement",
    "seed",
    "num_candidates",
    "beta",
    "scheme",
    "joined",
    "stay",
    "overwrite",
}

AgreementFile = Annotated[Path, Option(help="The file that agree wrote.")]


@commands.command()
def agree(
    columns: Annotated[
        Path,
        Argument(
            help="JSON list of the columns as describe prints it, with what cells can "
            "be: low and high of numbers and days, values of categories, whether cells "
            "may be missing. None of it may come from the parties' rows."
        ),
    ],
    out: Annotated[Path, Option(help="File for the agreement.")],
    length_scale: Annotated[
        float,
        Option(help="ℓ, where a number uniform in its range has deviation 1."),
    ],
    features: Annotated[
        FeatureKind | None,
        Option(help="By default quadrature for one or two numbers, else orthogonal."),
    ] = None,
    num_features: Annotated[
        int, options.whole_number("Random features.", least=20, most=10**6)
    ] = 2_000,
    delta: Annotated[float, Option(help="δ of each party.")] = 1e-5,
    neighbours: Annotated[
        Neighbours, Option(help="Which data are not to be told apart.")
    ] = "replace one",
) -> None:
    """Write what parties agree on before each makes its release."""
    if out.exists():
        raise UsageError(
            f"{out}: expected a file that does not exist: releases of an agreement "
            "are of no use without it"
        )
    agreed = read_agreed_columns(columns)
    if not (0 < length_scale < np.inf and 0 < delta < 1):
        raise UsageError("expected --length-scale > 0 and --delta between 0 and 1")
    num_coordinates = sum(len(each.edges[0]) for each in agreed)
    is_small = num_coordinates <= 2 and all(each.values is None for each in agreed)
    agreement = Agreement(
        agreed,
        length_scale,
        features or ("quadrature" if is_small else "orthogonal"),
        num_features,
        secrets.randbits(32),  # public from now on
        delta,
        neighbours,
    )
    number = agreement.features.num_features
    agreement.save(out)
    screen.say(f"Wrote {out}: {number:,} features, digest {agreement.digest}")


@commands.command()
def release(
    file: Annotated[Path, Argument(help="The party's CSV, Parquet or NPY file.")],
    agreement: AgreementFile,
    epsilon: Annotated[
        float, Option(help="ε > 0: smaller is more private; inf: no noise.")
    ],
    out: Annotated[Path, Option(help="File to send, as bank_a.release.")],
    decimal: options.DecimalMark = ".",
) -> None:
    """Make the one release that a party sends; run it on the party's own machine."""
    agreed = Agreement.load(agreement)
    if out.exists():
        raise UsageError(
            f"{out}: expected a file that does not exist: a release that was sent "
            "counts, and another of the same rows adds its ε and δ to it"
        )
    if not epsilon > 0:
        raise UsageError(f"--epsilon: expected a number above 0, got {epsilon}")
    # From the system's entropy, and nowhere else but in this process's memory.
    words = jnp.asarray(np.frombuffer(secrets.token_bytes(8), np.uint32))
    key = jax.random.wrap_key_data(words, impl="threefry2x32")
    made = release_file(key, file, agreed, epsilon=epsilon, decimal=decimal)
    made.release.save(out)
    screen.say(f"Wrote {out}, by the agreement with digest {agreed.digest}")
    told = own_release_sentences(made.release, made.left_out, made.num_beyond)
    for sentence in told:
        screen.say(sentence)


def run_releases(
    context: Context,
    files: list[Path],
    out: Path,
    agreement: Path | None,
    *,
    seed: int,
    num_candidates: int,
    beta: float,
    how: SchemeOptions,
    overwrite: bool,
) -> None:
    """The command `run` where releases stand in the place of files."""
    if agreement is None:
        raise UsageError("expected --agreement with releases: the file agree wrote")
    given = [
        f"--{name.replace('_', '-')}"
        for name in sorted(set(context.params) - _OPTIONS_OF_RELEASES)
        if getattr(context.get_parameter_source(name), "name", "") == "COMMANDLINE"
    ]
    if given:
        raise UsageError(f"{given[0]}: expected with rows only, found with releases")
    agreed = Agreement.load(agreement)
    names, releases = load_releases(files, agreed)
    scoring = scoring_of(how, names)
    if scoring.needs_rows:
        raise UsageError(
            f"--scheme {how[0]}: expected with rows only, found with releases"
        )
    folder = prepared_folder(out, names, overwrite=overwrite)
    with progress("Rewards") as tell:
        done = reward(
            names,
            releases,
            agreed,
            seed=seed,
            num_candidates=num_candidates,
            inverse_temperature=options.at_least("--beta", beta, 0),
            scoring=scoring,
            progress=tell,
        )
        report = publish_released(
            folder,
            done,
            agreed,
            files=sorted(files, key=lambda path: path.stem),
            command=options.command_line(context),
            seed=seed,
        )
    _print_run(done)
    screen.say(f"Wrote {report}")


def _print_run(run: ReleasedRun) -> None:
    scheme, errors = run.collaboration.promises.scheme, run.uncertainty
    table = Table("party", "α", "reward value", "rows handed out")
    for i, name in enumerate(run.names):
        table.add_row(
            name,
            f"{scheme.normalized_shapley[i]:.3f} ± "
            f"{errors.normalized_shapley_errors[i]:.3f}",
            f"{scheme.reward_values[i]:.5f} ± {errors.reward_value_errors[i]:.5f}",
            f"{len(run.collaboration.draw.rewards[i].indices):,}",
        )
    screen.console.print(table)
    for sentence in release_sentences(run.releases, run.uncertainty, run.names):
        screen.say(sentence)

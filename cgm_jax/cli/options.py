"""What commands of both kinds share: options, how they are checked, how errors end."""

import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal, NoReturn, TypeVar

from typer import Argument, Option

from cgm_jax.experiments import BETAS
from cgm_jax.files import UsageError

Number = TypeVar("Number", int, float)

SplitName = Literal["equal-disjoint", "unequal"]  # how the paper shares data

# Options of several commands.
PartyFiles = Annotated[
    list[Path],
    Argument(
        help="One CSV, Parquet or NPY file per party. Parties are sorted by name: the "
        "order of the files changes nothing."
    ),
]
Betas = Annotated[
    list[float] | None, Option(help="Inverse temperatures, as in --beta 1 2 4 8.")
]
RealData = Annotated[Path | None, Option(help="Folder or file with the real data.")]
NumSteps = Annotated[int | None, Option(min=1, help="Training steps of the mmd-gan.")]
LAST_SEED = 2**32 - 1  # of a larger one, keys would take 32 bits only
Seed = Annotated[int, Option(min=0, max=LAST_SEED, help="Seed of everything random.")]
Overwrite = Annotated[
    bool, Option("--overwrite", help="Replace results that are there.")
]
ReplaceFiles = Annotated[
    bool, Option("--overwrite", help="Replace files of the same names.")
]
Strict = Annotated[
    bool,
    Option("--strict", help="Refuse promises that cannot all be kept; relax none."),
]


def at_least(option: str, number: Number, least: int) -> Number:
    """The number of an option, or an error that names the option."""
    if not number >= least:
        raise UsageError(
            f"{option}: expected a number of at least {least}, got {number}"
        )
    return number


def checked_seed(seed: int) -> int:
    """The seed, if keys can take all of it."""
    if at_least("--seed", seed, 0) > LAST_SEED:
        raise UsageError(f"--seed: expected a number up to {LAST_SEED}, got {seed}")
    return seed


def different_betas(given: Sequence[float] | None) -> tuple[float, ...]:
    """The inverse temperatures of an experiment, finite and all different."""
    betas = tuple(at_least("--beta", each, 0) for each in given or BETAS)
    if len(set(betas)) < len(betas) or math.inf in betas:
        words = " ".join(f"{each:g}" for each in betas)
        raise UsageError(f"--beta: expected finite, different numbers, got {words}")
    return betas


def positive(option: str, number: float) -> float:
    """As `at_least`, of numbers > 0 that are finite."""
    if not 0 < number < math.inf:
        raise UsageError(f"{option}: expected a positive number, got {number}")
    return number


def fail(sentence: str, code: int) -> NoReturn:
    """End the process with a line on standard error."""
    sys.stderr.write(f"error: {' '.join(sentence.split())}\n")
    sys.exit(code)

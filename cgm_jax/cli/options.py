"""What commands of both kinds share: options, how they are checked, how errors end."""

import math
import shlex
import sys
from collections.abc import Sequence
from contextlib import suppress
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn, TypeVar

from typer import Argument, BadParameter, Context, Option

from cgm_jax.experiments import BETAS
from cgm_jax.files import UsageError

MOST_PROBLEMS = 30  # that are printed
MOST = 10**18  # of what an option counts: any memory ends before
LAST_SEED = 2**32 - 1  # of a larger one, keys would take 32 bits only
LARGEST_BANDWIDTH = 1e3  # of noise beyond the length scales that are searched


def whole_number(words: str, *, least: int = 1, most: int = MOST) -> Any:
    """An option for a whole number, also written as ``1e5``, within bounds."""

    def parsed(text: str | int) -> int:  # a default is a number already
        with suppress(InvalidOperation):  # of text, and of NaN when it is compared
            number = Decimal(text)
            # Compared first: 1e999999999 has more digits than there is room for.
            if least <= number <= most and number == int(number):
                return int(number)
        raise BadParameter(
            f"expected a whole number from {least} to {most:,}, got {text}"
        )

    return Option(parser=parsed, metavar="INTEGER", help=words)


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
LabelColumn = Annotated[
    str | None, Option(help="Column with labels, carried through and not valued.")
]
Columns = Annotated[
    Path | None, Option(help="File of the columns' kinds, as describe prints it.")
]
DecimalMark = Annotated[
    Literal[".", ","],
    Option(help="A comma: files have semicolons between cells, and 1.234,5 in them."),
]
Stress = Annotated[
    bool | None,
    Option(
        "--stress/--no-stress",
        help="Try out cheating: by default where there are few enough rows.",
    ),
]
MinRows = Annotated[
    int,
    whole_number(
        "Rows that must have a category or label, or be as extreme as a number, "
        "before it is handed out.",
        least=1,
    ),
]
OnlyShared = Annotated[
    bool,
    Option(
        "--only-shared-categories",
        help="Hand out no category that a single party has.",
    ),
]
Betas = Annotated[
    list[float] | None, Option(help="Inverse temperatures, as in --beta 1 2 4 8.")
]
RealData = Annotated[Path | None, Option(help="Folder or file with the real data.")]
NumSteps = Annotated[int | None, whole_number("Training steps of the mmd-gan.")]
Seed = Annotated[
    int, whole_number("The same seed, the same files.", least=0, most=LAST_SEED)
]
NumCandidates = Annotated[int, whole_number("Synthetic rows to choose from.")]
Overwrite = Annotated[
    bool, Option("--overwrite", help="Replace results that are there.")
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


def different_betas(given: Sequence[float] | None) -> tuple[float, ...]:
    """The inverse temperatures of an experiment, finite and all different."""
    betas = tuple(at_least("--beta", each, 0) for each in given or BETAS)
    if len(set(betas)) < len(betas) or math.inf in betas:
        words = " ".join(f"{each:g}" for each in betas)
        raise UsageError(f"--beta: expected finite, different numbers, got {words}")
    return betas


def check_bandwidth(bandwidth: float) -> None:
    """Refuse noise in which the data would be lost, or that overflows."""
    if not 0 < bandwidth <= LARGEST_BANDWIDTH:
        raise UsageError(
            f"--bandwidth: expected a positive number up to {LARGEST_BANDWIDTH:,.0f}, "
            f"got {bandwidth:g}: it is that of noise in the scaled columns"
        )


def command_line(context: Context) -> str:
    """The command as it was typed, for a shell."""
    return shlex.join(["cgm-jax", *context.obj])


def fail_with_problems(sentences: Sequence[str]) -> NoReturn:
    """End the process with all that is wrong with the parties' files, a line each."""
    *others, last = sentences[:MOST_PROBLEMS]
    if len(sentences) > MOST_PROBLEMS:
        others.append(last)
        last = f"{len(sentences) - MOST_PROBLEMS} more: `cgm-jax check` lists all"
    for sentence in others:
        sys.stderr.write(f"error: {' '.join(sentence.split())}\n")
    fail(last, 3)


def fail(sentence: str, code: int) -> NoReturn:
    """End the process with a line on standard error."""
    sys.stderr.write(f"error: {' '.join(sentence.split())}\n")
    sys.exit(code)

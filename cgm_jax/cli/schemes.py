"""Options that choose how contributions are scored, and what some schemes must know."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

from typer import Option

from cgm_jax.files import UsageError
from cgm_jax.scoring import SCORINGS, Scoring, TimeAware, scoring_named

__all__ = ["Joined", "Scheme", "scheme_named", "with_joining_times"]

Scheme = Annotated[
    str,
    Option(
        metavar="NAME",
        help=f"How contributions are scored: {', '.join(SCORINGS)}.",
    ),
]
Joined = Annotated[
    str | None,
    Option(
        metavar="TIMES",
        help="When each party joined, earlier ones score longer: whole numbers, as "
        "0,0,1 by the parties' names in order, or a JSON file, from name to number.",
    ),
]


def scheme_named(name: str) -> Scoring:
    """The scoring of ``--scheme``."""
    try:
        return scoring_named(name)
    except ValueError as error:
        message = str(error)
        raise UsageError(f"--scheme: {message[0].lower()}{message[1:]}") from error


def with_joining_times(
    scoring: Scoring, joined: str | None, names: Sequence[str]
) -> Scoring:
    """The scoring with the times of ``--joined``, where these are given."""
    if joined is None:
        return scoring
    times = _numbers("--joined", joined, names)
    try:
        return TimeAware(times, scoring)
    except ValueError as error:
        raise UsageError(
            f"--joined: expected whole numbers >= 0, got {joined}"
        ) from error


def _numbers(option: str, text: str, names: Sequence[str]) -> tuple[Any, ...]:
    """One number a party, of a list in the order of their names or a JSON file."""
    if Path(text).is_file():
        found = _read(option, Path(text))
        if set(found) != set(names):
            different = sorted(set(found) ^ set(names))
            raise UsageError(
                f"{option}: expected a number for each of {', '.join(names)} in "
                f"{text}, got more or fewer: {', '.join(map(str, different))}"
            )
        return tuple(found[name] for name in names)
    try:
        numbers = tuple(int(word) for word in text.split(","))
    except ValueError:
        numbers = ()
    if len(numbers) != len(names):
        raise UsageError(
            f"{option}: expected a file, or {len(names)} whole numbers with commas "
            f"between them, for {', '.join(names)}; got {text}"
        )
    return numbers


def _read(option: str, path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text("utf-8"))
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise UsageError(
            f'{option}: expected a JSON object, as {{"north": 0}}, in {path}'
        )
    return found

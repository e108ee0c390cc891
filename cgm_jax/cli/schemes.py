"""Options that choose how contributions are scored, and what some schemes must know."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple

from typer import Option

from cgm_jax.files import UsageError
from cgm_jax.scoring import Robust, Scoring, scoring_named
from cgm_jax.scoring.named import NAMES, check_scheme

__all__ = [
    "IsRobust",
    "Joined",
    "Scheme",
    "SchemeOptions",
    "Stay",
    "check_options",
    "scoring_of",
]

_HOW = "by the parties' names in order, or a JSON file from name to number"
Scheme = Annotated[
    str,
    Option(metavar="NAME", help=f"How contributions are scored: {', '.join(NAMES)}."),
]
IsRobust = Annotated[
    bool,
    Option(
        "--robust",
        help="Bring rewards of contributors within 4 % of each other, so that no party "
        "gains much by handing in other rows than its own.",
    ),
]
Joined = Annotated[
    str | None,
    Option(
        metavar="TIMES",
        help="When each party joined; earlier ones score for longer (for precedence, "
        f"come first): whole numbers as 0,0,1 {_HOW}.",
    ),
]
Stay = Annotated[
    str | None,
    Option(
        metavar="P",
        help="For departures, the probability that a party stays: one for all, or as "
        f"0.9,1,0.8 {_HOW}.",
    ),
]


class SchemeOptions(NamedTuple):
    """The options as they were typed."""

    name: str
    joined: str | None = None
    stay: str | None = None
    robust: bool = False


def check_options(options: SchemeOptions) -> None:
    """Refuse a name that is none, and what a scheme has no use for, before a run."""
    name, joined, stay, _ = options
    try:
        check_scheme(name, has_joined=joined is not None, has_stay=stay is not None)
    except ValueError as error:
        raise _usage_error("--scheme", error) from error


def scoring_of(options: SchemeOptions, names: Sequence[str]) -> Scoring:
    """The scoring of the options, for parties of these names."""
    name, joined, stay, robust = options
    times = None if joined is None else _numbers("--joined", joined, names, int)
    chances: Any = None if stay is None else _numbers("--stay", stay, names, float)
    if stay is not None and len(chances) == 1:
        chances = chances[0]
    try:
        scoring = scoring_named(name, joined=times, stay=chances)
    except ValueError as error:
        option = "--joined" if chances is None else "--stay"
        raise _usage_error(option, error) from error
    is_bare = robust and not isinstance(scoring, Robust)
    return Robust(scoring) if is_bare else scoring


def _usage_error(option: str, error: ValueError) -> UsageError:
    message = str(error)
    return UsageError(f"{option}: {message[0].lower()}{message[1:]}")


def _numbers(
    option: str, text: str, names: Sequence[str], kind: type
) -> tuple[Any, ...]:
    """One number a party, of a list in the order of their names or a JSON file."""
    if Path(text).is_file():
        return _in_file(option, Path(text), names)
    if text.endswith(".json"):
        raise UsageError(f"{option}: there is no file {text}")
    try:
        numbers = tuple(kind(word) for word in text.split(","))
    except ValueError:
        numbers = ()
    words = "numbers" if kind is float else "whole numbers"
    allowed = {len(names)} | ({1} if kind is float else set())
    if len(numbers) not in allowed:
        raise UsageError(
            f"{option}: expected a file, or {len(names)} {words} with commas between "
            f"them, for {', '.join(names)}; got {text}"
        )
    return numbers


def _in_file(option: str, path: Path, names: Sequence[str]) -> tuple[Any, ...]:
    try:
        found: Any = json.loads(path.read_text("utf-8"))
    except ValueError:
        found = {}
    has_all = isinstance(found, dict) and set(found) == set(names)
    if not (has_all and all(map(_is_number, found.values()))):
        raise UsageError(
            f"{option}: expected in {path} a JSON object with a number for each of "
            f"{', '.join(names)}, and nobody else"
        )
    return tuple(found[name] for name in names)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)

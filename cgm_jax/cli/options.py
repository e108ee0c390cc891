"""What commands of both kinds share: how options are checked and errors end."""

import math
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import NoReturn, TypeVar

from cgm_jax.files import UsageError

__all__ = [
    "Interrupted",
    "SplitName",
    "at_least",
    "fail",
    "interruptible",
    "positive",
]

Number = TypeVar("Number", int, float)


class SplitName(StrEnum):
    """How the paper shares data among parties."""

    equal_disjoint = "equal-disjoint"
    unequal = "unequal"


class Interrupted(Exception):
    """The user pressed Ctrl-C; typer would answer it with an empty line."""


@contextmanager
def interruptible() -> Iterator[None]:
    """Ctrl-C as an exception that `main` has a sentence for."""
    try:
        yield
    except KeyboardInterrupt:
        raise Interrupted from None


def at_least(option: str, number: Number, least: int) -> Number:
    """The number of an option, or an error that names the option."""
    if not number >= least:
        raise UsageError(
            f"{option}: expected a number of at least {least}, got {number}"
        )
    return number


def positive(option: str, number: float) -> float:
    """As `at_least`, of numbers > 0 that are finite."""
    if not 0 < number < math.inf:
        raise UsageError(f"{option}: expected a positive number, got {number}")
    return number


def fail(sentence: str, code: int) -> NoReturn:
    """End the process with a line on standard error."""
    sys.stderr.write(f"error: {' '.join(sentence.split())}\n")
    sys.exit(code)

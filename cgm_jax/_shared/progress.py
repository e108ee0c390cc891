"""Progress is reported to a function, as a stage and the share of it that is done."""

from collections.abc import Callable

__all__ = ["Progress", "silent", "within"]

Progress = Callable[[str, float], None]


def silent(stage: str, share: float) -> None:
    """Report nothing."""


def within(progress: Progress, name: str) -> Progress:
    """The progress of a part of the work: "drawing" is told as "drawing, NAME"."""
    return lambda stage, share: progress(f"{stage}, {name}", share)

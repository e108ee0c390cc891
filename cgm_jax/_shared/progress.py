"""How far a long computation is, told to whoever asked for it."""

from collections.abc import Callable

__all__ = ["Progress", "silent", "within"]

Progress = Callable[[str, float], None]
"""Called with the name of the stage and the share of it that is done, 0 to 1."""


def silent(stage: str, share: float) -> None:
    """Tell nobody."""
    del stage, share


def within(progress: Progress, place: str) -> Progress:
    """The same progress, with a place behind the name of every stage."""
    return lambda stage, share: progress(f"{stage}, {place}", share)

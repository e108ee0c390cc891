"""Progress is reported to a function, as a stage and the share of it that is done."""

from collections.abc import Callable

__all__ = ["Progress", "silent"]

Progress = Callable[[str, float], None]


def silent(stage: str, share: float) -> None:
    """Report nothing."""

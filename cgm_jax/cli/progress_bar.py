"""The progress bar of a command, on standard error where that is a terminal."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
)

__all__ = ["progress"]

errors = Console(stderr=True)


@contextmanager
def progress(title: str) -> Iterator:
    """A line that says what is under way, on a terminal."""
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        console=errors,
        transient=True,
        disable=not errors.is_terminal,
    ) as bar:
        task = bar.add_task(escape(title), total=1.0)

        def tell(stage: str, share: float) -> None:
            bar.update(task, description=escape(f"{title}: {stage}"), completed=share)

        yield tell

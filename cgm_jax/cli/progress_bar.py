"""What is under way while a command runs: a bar, or a line for each stage."""

from collections.abc import Iterator
from contextlib import contextmanager

import rich.progress
from rich.console import Console
from rich.markup import escape

from cgm_jax._shared.progress import Progress

errors = Console(stderr=True)


@contextmanager
def progress(title: str) -> Iterator:
    """A line that says what is under way; where there is no terminal, one a stage."""
    if not errors.is_terminal:
        yield _stage_by_stage(title)
        return
    with rich.progress.Progress(
        rich.progress.TextColumn("{task.description}"),
        rich.progress.BarColumn(),
        rich.progress.TaskProgressColumn(),
        rich.progress.TimeElapsedColumn(),
        console=errors,
        transient=True,
    ) as bar:
        task = bar.add_task(escape(title), total=1.0)

        def tell(stage: str, share: float) -> None:
            bar.update(task, description=escape(f"{title}: {stage}"), completed=share)

        yield tell


def _stage_by_stage(title: str) -> Progress:
    """A line for each stage as it begins, without its figures: for a log."""
    begun = ""

    def tell(stage: str, share: float) -> None:
        nonlocal begun
        if stage.partition(",")[0] != begun:
            begun = stage.partition(",")[0]
            line = f"{title}: {begun}"
            errors.print(line, markup=False, highlight=False, soft_wrap=True)

    return tell

"""What the study of power prints: how often each test finds a difference."""

from collections.abc import Iterator

import numpy as np
from rich.table import Table

from .power import KERNELS, PowerResults

__all__ = ["mean_words", "power_tables"]


def power_tables(results: PowerResults) -> Iterator[Table | str]:
    """Tables and sentences for the screen, in order.

    Args:
        results: of `measure_power`.

    Returns:
        What `rich` can print: power, level, J, and what the sentences under them say.
    """
    options, title = results.options, results.problem.title
    tests = (
        f"{options.num_kernels} kernels, {options.num_tests} tests each; mean ± "
        "standard error"
    )
    yield _table(results, f"{title}: power, {tests}", results.power)
    yield _ahead(results)
    yield _table(
        results, f"{title}: rejected where P = Q, {tests}", results.level, overall=True
    )
    deviations = np.abs(results.level_deviations)
    yield (
        f"{int((deviations <= 2).sum())} of these {deviations.size} shares are within "
        f"two standard errors of {options.significance:g}, the largest distance is "
        f"{deviations.max():.1f}; by chance 95 % are."
    )
    yield _criteria(
        results, f"{title}: J of the points learned from, and of fresh ones"
    )
    yield (
        f"Near ℓ is the distance that 1 % of all pairs are within. Learning took "
        f"{results.training_seconds.sum():.0f} s, of which the deep kernels "
        f"{results.training_seconds[0].sum():.0f} s."
    )


def _ahead(results: PowerResults) -> str:
    """The deep kernel beside the learned length scale, on the same samples."""
    difference = results.power[0] - results.power[1]
    words = (
        f"{size:,}: {mean_words(of_size, '+.3f')}"
        for size, of_size in zip(results.num_points, difference, strict=True)
    )
    return (
        "Deep kernel less learned ℓ, by points of a sample, on the same "
        f"samples: {'; '.join(words)}."
    )


def _table(
    results: PowerResults, title: str, shares: np.ndarray, *, overall: bool = False
) -> Table:
    table = _new_table(title)
    for i, size in enumerate(results.num_points):
        table.add_row(f"{size:,}", *(mean_words(of_kind[i]) for of_kind in shares))
    if overall:
        table.add_section()
        table.add_row("all", *(mean_words(of_kind.reshape(-1)) for of_kind in shares))
    return table


def _criteria(results: PowerResults, title: str) -> Table:
    table = _new_table(title)
    for i, size in enumerate(results.num_points):
        fitted, fresh = (
            criterion[:, i].mean(1)
            for criterion in (results.fitted_criterion, results.fresh_criterion)
        )
        pairs = zip(fitted, fresh, strict=True)
        table.add_row(f"{size:,}", *(f"{a:.3f}, {b:.3f}" for a, b in pairs))
    return table


def _new_table(title: str) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column("points", justify="right")
    for kind in KERNELS:
        table.add_column(kind, justify="right")
    return table


def mean_words(values: np.ndarray, form: str = ".3f") -> str:
    """A mean, with its standard error where there are several values."""
    if len(values) < 2:
        return f"{values.mean():{form}}"
    error = values.std(ddof=1) / np.sqrt(len(values))
    return f"{values.mean():{form}} ± {error:.3f}"

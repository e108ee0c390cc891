"""The results for people: a table of each kind of work, and the goals."""

from collections.abc import Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from .goals import GOALS
from .roofline import Roofline
from .rows import Row

__all__ = ["duration", "figures", "grid", "in_letters", "print_results"]

_UNITS = (
    ("years", 365.25 * 86_400),
    ("days", 86_400.0),
    ("h", 3_600.0),
    ("min", 60.0),
    ("s", 1.0),
    ("ms", 1e-3),
    ("µs", 1e-6),
)
_COLORS = {"met": "green", "missed": "red", "not run": "dim"}
_LEGEND = (
    "time: median of warm runs; compile: what the first call takes longer (of whole "
    "runs: a part of the time, summed over threads); error: relative, against float64; "
    "plain: the paper's algorithm in plain NumPy on one core, or what the note says; "
    "ratio: plain / time; ~: extrapolated; of peak: the least work there is, of what "
    "this device was measured to do.\n"
    "n parties, t points in all, g of them candidates, d dimensions; of images h, w, c."
)


def print_results(
    console: Console,
    machine: dict[str, Any],
    rows: Sequence[Row],
    roofline: Roofline,
) -> None:
    """Print the tables, how to read them, and the goals.

    Args:
        console: where to.
        machine: facts about the machine.
        rows: the results.
        roofline: what the device does at most.
    """
    console.print(
        f"\n[bold]cgm-jax {machine['cgm_jax']}[/] with jax {machine['jax']} on "
        f"{machine['device_kind']} ({machine['processor']}, {machine['num_cores']} "
        f"cores, load {machine['load_average'][0]:.1f} at the start)",
        highlight=False,
    )
    console.print(
        f"At most, a second: {figures(roofline.num_bytes / 1e9)} GB copied, "
        f"{figures(roofline.operations / 1e9)} billion operations of products, "
        f"{figures(roofline.exponentials / 1e9)} billion exponentials.",
        highlight=False,
    )
    chosen = ", ".join(f"{name} {x}" for name, x in machine["settings"].items())
    console.print(f"Settings: {chosen}.", style="dim", highlight=False)
    for name in dict.fromkeys(row.name for row in rows):
        same = [row for row in rows if row.name == name]
        console.print(f"\n[bold]{name}[/]")
        console.print(_table(same, roofline))
        for note in dict.fromkeys(map(_note, same)):
            console.print(note, style="dim", highlight=False)
    console.print(f"\n{_LEGEND}", highlight=False)
    # Kernels are beside another kernel: their goals say which are slow.
    others = [row for row in rows if row.kernel is None]
    slower = [f"{row.name}, {_size(row)}" for row in others if row.ratio < 1]
    if slower:
        console.print(f"Slower than plain: {'; '.join(slower)}.", highlight=False)
    console.print("\n[bold]Goals[/] for two free CPU cores")
    console.print(_goals(rows))


def duration(seconds: float) -> str:
    """A time, in the unit that people would use."""
    for unit, size in _UNITS:
        if seconds >= size:
            return f"{figures(seconds / size)} {unit}"
    return f"{figures(seconds / 1e-6)} µs"


def figures(number: float) -> str:
    """Three figures."""
    if 1 <= number < 1e6:
        return f"{number:,.{max(0, 3 - len(str(int(number))))}f}"
    return f"{number:.3g}"


def _table(rows: Sequence[Row], roofline: Roofline) -> Table:
    table = grid()
    of_kernels = any(row.kernel for row in rows)
    with_temporaries = any(row.temporaries for row in rows)
    with_share = any(row.work for row in rows)
    if of_kernels:
        table.add_column("kernel", no_wrap=True)
    table.add_column("size", min_width=12)
    unit = rows[0].unit
    for heading in ("time", "compile", unit, "error", "plain", "ratio"):
        table.add_column(heading, justify="right")
    if with_share:
        table.add_column("of peak", justify="right")
    if with_temporaries:
        table.add_column("memory", justify="right")
    for row in rows:
        mark = "~" if row.baseline.extrapolated_from else ""
        peak = row.peak_bytes
        memory = row.temporaries
        table.add_row(
            *([row.kernel] if of_kernels else []),
            _size(row) + (f", peak {peak / 2**30:.2f} GiB" if peak else ""),
            duration(row.seconds),
            duration(row.compile_seconds),
            figures(row.throughput),
            f"{row.error:.0e}" if row.error else "0",
            mark + duration(row.baseline.seconds),
            mark + figures(row.ratio),
            *([f"{row.share(roofline):.0%}"] if row.work else []),
            *([f"{figures(memory.num_bytes / 2**20)} MiB"] if memory else []),
        )
    return table


def grid() -> Table:
    """A table without lines between its rows."""
    return Table(
        box=box.SIMPLE_HEAD, padding=(0, 1), collapse_padding=True, pad_edge=False
    )


def _size(row: Row) -> str:
    return in_letters(row.size)


def in_letters(sizes: dict[str, int]) -> str:
    """Sizes in the paper's letters."""
    return ", ".join(f"{letter} = {size:,}" for letter, size in sizes.items())


def _note(row: Row) -> str:
    """How the error and the baseline were found."""
    note = f"error: against {row.error_against}; plain: {row.baseline.name}"
    if row.baseline.extrapolated_from:
        note += f", extrapolated from {row.baseline.extrapolated_from}"
    if row.temporaries:
        note += (
            "; memory: besides arguments and result, of the program compiled for "
            + in_letters(row.temporaries.size)
        )
    return f"{note}."


def _goals(rows: Sequence[Row]) -> Table:
    table = grid()
    table.add_column("")
    table.add_column("goal")
    table.add_column("at most", justify="right")
    table.add_column("reached", justify="right")
    for goal in GOALS:
        reached, verdict = goal.reached(rows), goal.verdict(rows)
        table.add_row(
            f"[{_COLORS[verdict]}]{verdict}[/]",
            goal.says,
            f"{figures(goal.limit)} {goal.unit}",
            "" if reached is None else f"{figures(reached)} {goal.unit}",
        )
    return table

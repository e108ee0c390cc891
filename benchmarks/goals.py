"""What two CPU cores are to reach, and whether this run did."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from .kernel_table import KERNELS, REFERENCE
from .rows import Row

__all__ = ["GOALS", "Goal"]

_GIB = 2**30
_MIB = 2**20
_PAIRS_PER_SECOND = 5e9
_TIMES_SQUARED_EXPONENTIAL = 2.5  # what a pass of another kernel may take


@dataclass(frozen=True)
class Goal:
    """The largest number of some rows, which is to stay at or below a limit."""

    says: str
    row: str
    size: dict[str, int]
    """The goal is about the rows with these numbers among their own."""

    measure: Callable[[Row], float]
    limit: float
    unit: str
    kernel: str | None = None
    """The kernel of the rows; None for any."""

    def reached(self, rows: Sequence[Row]) -> float | None:
        """The largest number in these rows; None if no such row is among them."""
        numbers = [self.measure(row) for row in rows if self._is_about(row)]
        return max(numbers, default=None)

    def verdict(self, rows: Sequence[Row]) -> Literal["met", "missed", "not run"]:
        """Whether the goal was met."""
        reached = self.reached(rows)
        if reached is None:
            return "not run"
        return "met" if reached <= self.limit else "missed"

    def as_json(self, rows: Sequence[Row]) -> dict[str, Any]:
        """The goal, the number, and whether it was met."""
        return {
            "goal": self.says,
            "limit": self.limit,
            "unit": self.unit,
            "reached": self.reached(rows),
            "verdict": self.verdict(rows),
        }

    def _is_about(self, row: Row) -> bool:
        return (
            row.name == self.row
            and self.size.items() <= row.size.items()
            and self.kernel in (None, row.kernel)
        )


def _loop_goal(row: str, size: dict[str, int]) -> Goal:
    sizes = ", ".join(f"{name} = {number:,}" for name, number in size.items())
    return Goal(f"{row}, {sizes}", row, size, lambda row: 1 / row.ratio, 1.0, "×")


def _kernel_goal(kernel: str) -> Goal:
    num_kernels = KERNELS[kernel].num_kernels
    return Goal(
        f"Gram pass, {kernel}, d <= 64, beside the squared exponential's",
        "Gram pass of a kernel",
        {"t": 24_000},
        lambda row: 1 / row.ratio,
        _TIMES_SQUARED_EXPONENTIAL * num_kernels,
        "×",
        kernel,
    )


_PASS = {"t": 105_000, "d": 2}
GOALS = (
    Goal(
        "Gram pass, t = 105,000, d = 2: the time of 5e9 pairs/s",
        "Gram pass",
        _PASS,
        lambda row: row.seconds,
        _PASS["t"] ** 2 / _PAIRS_PER_SECOND,
        "s",
    ),
    Goal(
        "its memory, the program's own included",
        "Gram pass",
        _PASS,
        lambda row: row.peak_bytes / _GIB,
        1.5,
        "GiB",
    ),
    *(
        _loop_goal(f"{name} beside a loop in C", _PASS)
        for name in ("Gram pass", "Gram pass by tiles")
    ),
    *(
        _loop_goal("picks of five parties beside a loop in C", {"g": 100_000, "d": d})
        for d in (2, 8)
    ),
    Goal(
        "2^20 coalition values",
        "coalition values",
        {"n": 20},
        lambda row: row.seconds,
        2.0,
        "s",
    ),
    *(
        Goal(
            f"Shapley values of {n:,} parties of 3 to 4,000 points",
            "Shapley values without a table",
            {"n": n},
            lambda row: row.seconds,
            limit,
            "s",
        )
        for n, limit in ((1_000, 2.0), (5_000, 60.0))
    ),
    Goal(
        "eight whole credit-ratings runs, compilation included",
        "eight whole runs",
        {"g": 100_000},
        lambda row: row.seconds,
        90.0,
        "s",
    ),
    Goal(
        "eight whole credit-ratings runs once more, all compiled",
        "eight whole runs once more",
        {"g": 100_000},
        lambda row: row.seconds,
        12.0,
        "s",
    ),
    *(_kernel_goal(kernel) for kernel in KERNELS if kernel != REFERENCE),
    Goal(
        "temporaries of a gradient by the length scale, t = 20,000, d = 784, of any "
        "kernel",
        "gradient of a kernel by its length scale",
        {"t": 2_000, "d": 784},
        lambda row: row.temporaries.num_bytes / _MIB,
        100.0,
        "MiB",
    ),
)

"""What two CPU cores are to reach, and whether this run did."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from .rows import Row

__all__ = ["GOALS", "Goal"]

_GIB = 2**30
_PAIRS_PER_SECOND = 5e9
# What a hand-vectorised loop in C needs for a pick, in µs, by d.
_C_PICK = {2: 85.0, 8: 145.0}


@dataclass(frozen=True)
class Goal:
    """A number of one row that is to stay at or below a limit."""

    says: str
    row: str
    size: dict[str, int]
    """The goal is about a row with these numbers among its own."""

    measure: Callable[[Row], float]
    limit: float
    unit: str

    def reached(self, rows: Sequence[Row]) -> float | None:
        """The number in these rows; None if the row is not among them."""
        for row in rows:
            if row.name == self.row and self.size.items() <= row.size.items():
                return self.measure(row)
        return None

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


def _pick_goal(num_dims: int, name: str) -> Goal:
    needed = _C_PICK[num_dims]
    return Goal(
        f"{name}, g = 100,000, d = {num_dims}: 1.5 times a hand-vectorised loop "
        f"({needed:.0f} µs)",
        name,
        {"g": 100_000, "d": num_dims},
        lambda row: 1e6 * row.seconds,
        1.5 * needed,
        "µs",
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
        _pick_goal(num_dims, name)
        for num_dims in (2, 8)
        for name in ("one pick, one party alone", "one pick, five parties at once")
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
)

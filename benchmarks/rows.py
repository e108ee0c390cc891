"""What a benchmark says: one row of the table, and of the JSON file."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from .roofline import Roofline, Work

__all__ = ["Baseline", "Row", "Temporaries", "relative_error"]


@dataclass(frozen=True)
class Baseline:
    """Another way to the same answer: mostly the paper's algorithm, plainly."""

    name: str
    seconds: float
    extrapolated_from: str | None
    """The size at which it ran, and the law; None if it ran at the row's own size."""


@dataclass(frozen=True)
class Temporaries:
    """Memory that a compiled program takes besides its arguments and its result."""

    num_bytes: int
    size: dict[str, int]
    """The size that it was compiled for, which may be larger than the one it ran at."""


@dataclass(frozen=True)
class Row:
    """One piece of work: its time, its answer's error, and its baseline."""

    name: str
    size: dict[str, int]
    """Numbers in the paper's letters: n parties, t points, g of them candidates; of
    images h, w and c."""

    seconds: float
    """Median of warm runs, each of them blocked until the answer is there."""

    compile_seconds: float
    """First call minus a warm one; of a whole run, a part of ``seconds``."""

    runs: int
    """Number of warm runs."""

    throughput: float
    unit: str
    error: float
    error_against: str
    """What the answer was compared with; in float64 unless it says otherwise."""

    baseline: Baseline
    peak_bytes: int | None = None
    """Most memory held, where that was measured (in a process of its own)."""

    kernel: str | None = None
    """The kernel, where rows of one kind of work differ in it."""

    temporaries: Temporaries | None = None
    work: Work | None = None
    """What it takes at the least, where that is known."""

    @property
    def ratio(self) -> float:
        """How many times the baseline's seconds are ours."""
        return self.baseline.seconds / self.seconds

    def share(self, roofline: Roofline) -> float | None:
        """The share of what the device can do; None where the work is not known."""
        return self.work and roofline.share(self.work, self.seconds)

    def as_json(self, roofline: Roofline) -> dict[str, Any]:
        """The fields, the ratio and the share."""
        return {
            **asdict(self),
            "ratio": self.ratio,
            "share": self.share(roofline),
        }


def relative_error(found: np.ndarray | float, reference: np.ndarray | float) -> float:
    """max |found − reference| / max |reference|."""
    difference = np.abs(np.asarray(found, float) - np.asarray(reference, float))
    return float(difference.max() / np.abs(reference).max())

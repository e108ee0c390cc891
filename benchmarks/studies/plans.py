"""What plans say beside what collaborations take: bytes and seconds at eleven sizes.

Each size is planned in a process of its own, with speeds measured there, and done in
another: kernel, sums, promises and one draw of every party, compilation included. A
plan does not know how many points will be picked, so its seconds of sampling are those
of as many picks as there were. The last size, a million rows, alone takes as long as
all others, and has its length scale given; it is done where it is asked for.

    python -m benchmarks.studies plans --num-cases 11
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from time import perf_counter
from typing import Any, NamedTuple

import jax
import numpy as np

from benchmarks.data import clusters
from benchmarks.timing import in_fresh_process, peak_memory
from cgm_jax import promise
from cgm_jax.kernels import SquaredExponential
from cgm_jax.planning import measured_rates, plan
from cgm_jax.planning.plans import PICKS

__all__ = ["CASES", "Case", "PlannedCase", "line_of_case", "measure_plans"]


class Case(NamedTuple):
    """Sizes of a collaboration."""

    num_parties: int
    num_rows: int  # of each party
    num_columns: int
    num_candidates: int
    dtype: str = "float32"
    search_length_scale: bool = True

    @property
    def sizes(self) -> list[int]:
        """Rows of each party."""
        return [self.num_rows] * self.num_parties


CASES = (
    Case(3, 200, 2, 10_000),
    Case(5, 1_000, 2, 100_000),
    Case(5, 1_000, 2, 100_000, "float64"),
    Case(4, 500, 8, 10_000),
    Case(4, 5_000, 8, 50_000),
    Case(10, 2_000, 30, 30_000),
    Case(20, 500, 784, 5_000),
    Case(4, 50_000, 8, 10_000),
    Case(2_000, 20, 8, 20_000),
    Case(20, 2_000, 14, 40_000),
    Case(10, 100_000, 8, 100_000, "float32", search_length_scale=False),
)


@dataclass(frozen=True)
class PlannedCase:
    """What was said of a size, and what it took."""

    case: Case
    num_picks: int
    said_bytes: int
    bytes: int
    said_seconds: float
    seconds: float

    @property
    def ratio_of_bytes(self) -> float:
        """Said to held."""
        return self.said_bytes / self.bytes

    @property
    def ratio_of_seconds(self) -> float:
        """Said to taken."""
        return self.said_seconds / self.seconds

    def as_json(self) -> dict[str, Any]:
        """The fields, and the ratios of what was said to what it took."""
        return {
            **asdict(self),
            "case": self.case._asdict(),
            "said bytes / bytes": self.ratio_of_bytes,
            "said seconds / seconds": self.ratio_of_seconds,
        }


def measure_plans(cases: tuple[Case, ...] = CASES) -> Iterator[PlannedCase]:
    """Plan each size, and do it."""
    for case in cases:
        i = CASES.index(case)
        said, _ = in_fresh_process(__name__, "planned", i)
        done, _ = in_fresh_process(__name__, "collaborated", i)
        share = done["num_picks"] / (PICKS * case.num_parties)
        yield PlannedCase(
            case,
            done["num_picks"],
            said["bytes"],
            done["bytes"],
            said["other_seconds"] + share * said["sampling_seconds"],
            done["seconds"],
        )


def planned(case: int) -> dict[str, Any]:
    """The bytes of a size's plan, and its seconds with and without sampling."""
    sizes, d, g, dtype, search = _task(CASES[case])
    rates = measured_rates(sizes, d, g, dtype=dtype)
    found = plan(sizes, d, g, rates=rates, dtype=dtype, search_length_scale=search)
    (sampling,) = (part.seconds for part in found.parts if part.name == "sampling")
    return {
        "bytes": found.host_bytes,
        "other_seconds": found.seconds - sampling,
        "sampling_seconds": sampling,
    }


def collaborated(case: int) -> dict[str, Any]:
    """The seconds of a size, its points apart, the most bytes held, and the picks."""
    sizes, d, g, dtype, search = _task(CASES[case])
    data = clusters(d, len(sizes), sizes[0], g).astype(dtype)
    kernel = None if search else SquaredExponential(data.length_scale)
    start = perf_counter()
    promises = promise(data.parties, data.candidates, kernel=kernel, relax=True)
    rewards = promises.draw(jax.random.key(0), inverse_temperature=1.0).rewards
    return {
        "seconds": perf_counter() - start,
        "bytes": peak_memory(),
        "num_picks": sum(len(reward.indices) for reward in rewards),
    }


def _task(case: Case) -> tuple[list[int], int, int, np.dtype, bool]:
    *_, d, g, dtype, search = case
    return case.sizes, d, g, np.dtype(dtype), search


def line_of_case(one: PlannedCase) -> str:
    """What was said, and what it took."""
    n, num_rows, d, g, dtype, _ = one.case
    return (
        f"{n:,} parties of {num_rows:,} rows, {d} columns ({dtype}), {g:,} candidates, "
        f"{one.num_picks:,} picks: said {one.said_bytes / 1e9:.3f} GB, held "
        f"{one.bytes / 1e9:.3f} ({one.ratio_of_bytes:.2f}); said "
        f"{one.said_seconds:.1f} s, took {one.seconds:.1f} "
        f"({one.ratio_of_seconds:.2f})"
    )

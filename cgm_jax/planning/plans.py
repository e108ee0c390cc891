"""A plan before a run: bytes and seconds of every step, from sizes alone.

A step keeps some bytes for those after it and needs others while it runs; the peak is
that of the step where both are most. Picks are not known beforehand: seconds are those
of 1,000 of every party.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import DTypeLike

from cgm_jax._shared.checks import as_whole, check_flag, check_kind
from cgm_jax._shared.platforms import platform
from cgm_jax._shared.results import Result
from cgm_jax._shared.workers import num_workers
from cgm_jax.gram.gram_sums import default_tile_size
from cgm_jax.sampling.pick_many import FEW
from cgm_jax.valuation.coalitions import MAX_TABLE_PARTIES

from . import run_stages, stages
from .memory import device_capacity, host_capacity
from .rates import Rates
from .stages import Task, Work

__all__ = ["Part", "Plan", "plan"]

PICKS = 1_000  # of every party
PROGRAMS = 10  # of the size of one that sums tiles, that a collaboration compiles
# Bytes of what is imported and compiled, and stays: at first and by steps; and those
# of the command, which has imported more and used JAX before.
PROGRAMS_OF_CALL = 190e6, 140e6, 60e6, 80e6
PROGRAMS_OF_COMMAND = 281e6, 45e6, 35e6, 35e6
# What compiling the program that picks among many candidates on a CPU takes: bytes more
# than another, and the time of so many.
OLD_WEIGHTS, PROGRAMS_OF_OLD_WEIGHTS = 150e6, 8
MOST = 10**24  # candidates or rows


class Part(NamedTuple):
    """What one step of a collaboration needs.

    Attributes:
        name: of the step.
        kept_bytes: of host memory that stay when the step is done.
        host_bytes: of host memory that the step itself needs, those included.
        device_bytes: of the device's memory, if that is another one.
        seconds: the time it takes; NaN without rates.
    """

    name: str
    kept_bytes: int
    host_bytes: int
    device_bytes: int
    seconds: float


@dataclass(frozen=True, eq=False, repr=False)
class Plan(Result):
    """What a collaboration of some sizes would take.

    Attributes:
        task: the sizes, and what is to be done.
        parts: what the steps need, in their order.
        most_sampling_seconds: of giving every candidate to every party.
        host_capacity: bytes of host memory that this process may hold.
        device_capacity: the same of the device's own memory; infinite if unknown.
    """

    task: Task
    parts: tuple[Part, ...]
    most_sampling_seconds: float
    host_capacity: float
    device_capacity: float

    def __repr__(self) -> str:
        task = self.task
        return (
            f"Plan({task.num_parties} parties, rows={task.num_rows}, "
            f"candidates={task.num_candidates}, {gigabytes(self.host_bytes)}, "
            f"{self.seconds:.3g} s)"
        )

    @property
    def host_bytes(self) -> int:
        """Most bytes of host memory that are held at a time."""
        return _peak(self.parts)

    @property
    def device_bytes(self) -> int:
        """Most bytes of the device's own memory; 0 for a CPU."""
        return max(part.device_bytes for part in self.parts)

    @property
    def seconds(self) -> float:
        """Time of all steps, with 1,000 picks of every party; NaN without rates."""
        return math.fsum(part.seconds for part in self.parts)

    @property
    def fits(self) -> bool:
        """Whether the memories of the host and the device are large enough."""
        return self._has_room(self.parts)

    @property
    def most_candidates(self) -> int:
        """The most candidates that would fit; 0 if not even one would."""
        return self._largest("num_candidates", 1)

    @property
    def most_rows(self) -> int:
        """The most rows of all parties that would fit; 0 if not one a party would."""
        return self._largest("num_rows", self.task.num_parties)

    def check(self) -> None:
        """Raise unless it fits.

        Raises:
            MemoryError: it says what would fit.
        """
        if self.fits:
            return
        task, is_host = self.task, self.host_bytes > self.host_capacity
        most = self.host_capacity if is_host else self.device_capacity
        need = self.host_bytes if is_host else self.device_bytes
        raise MemoryError(
            f"Expected a collaboration that fits into {gigabytes(most)} of "
            f"{'' if is_host else 'device '}memory, got one of about "
            f"{gigabytes(need)}: {task.num_parties:,} parties with "
            f"{task.num_rows:,} rows of {task.num_columns:,} columns, and "
            f"{task.num_candidates:,} candidates. {self._advice()}"
        )

    def _advice(self) -> str:
        candidates, rows = self.most_candidates, self.most_rows
        fitting = []
        if candidates:
            fitting.append(f"{candidates:,} candidates")
        if rows:
            fitting.append(f"{rows:,} rows in all")
        if not fitting:
            return "Fewer candidates or rows would not do either: pool fewer parties."
        return f"What would fit: {', or '.join(fitting)}."

    def _has_room(self, parts: Sequence[Part]) -> bool:
        on_device = max(part.device_bytes for part in parts)
        is_enough = _peak(parts) <= self.host_capacity
        return is_enough and on_device <= self.device_capacity

    def _largest(self, size: str, fewest: int) -> int:
        """The largest of a size with which it would fit, or 0."""

        def fits(number: int) -> bool:
            task = self.task._replace(**{size: number})
            equal = -(-task.num_rows // task.num_parties)
            return self._has_room(_parts(task._replace(largest=equal), None))

        if not fits(fewest):
            return 0
        low, high = fewest, 2 * fewest
        while fits(high):
            low, high = high, 2 * high
            if high > MOST:
                return low
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if fits(middle) else (low, middle)
        return low


def plan(
    sizes: Sequence[int],
    num_columns: int,
    num_candidates: int,
    *,
    rates: Rates | None = None,
    dtype: DTypeLike = np.float32,
    search_length_scale: bool = True,
    from_files: bool = False,
    stress_test: bool = False,
    num_resamples: int = 0,
    num_two_valued: int = 0,
    file_bytes: int = 0,
    fits_generators: bool = False,
) -> Plan:
    """What a collaboration would take, before anything is allocated.

    Args:
        sizes: how many points every party has.
        num_columns: d, the number of columns of the points.
        num_candidates: g, the number of candidates.
        rates: the speed of this device, from `measured_rates`; without them only bytes
            are known.
        dtype: that of the points, float32 or float64.
        search_length_scale: whether it is searched, as by default.
        from_files: whether rows are read from files, promises audited, and rewards
            judged, as by ``cgm-jax run``; seconds of generators, labels and pictures
            are not counted.
        stress_test: whether cheating is tried out, too.
        num_resamples: for standard errors; 0: without.
        num_two_valued: how many of the columns have two values each, such as those of
            categories: a draw reads them as bits.
        file_bytes: how large the files are.
        fits_generators: whether generators of rows are fitted before.

    Returns:
        The plan, of this machine's memory and default device.

    Raises:
        ValueError: for a size that is no whole number >= 1, fewer than two parties, or
            another dtype.

    Example:
        >>> found = plan([50_000] * 4, 8, 10_000)
        >>> found.fits, [part.name for part in found.parts][2:4]
        (True, ['length scale', 'kernel sums'])
        >>> plan([300] * 20_000, 8, 10_000_000).fits
        False
    """
    if not isinstance(sizes, Iterable):
        raise TypeError(f"Expected a sequence of sizes, got {type(sizes).__name__}.")
    num_rows = [_as_size(size, f"sizes[{i}]", 1) for i, size in enumerate(sizes)]
    if len(num_rows) < 2:
        raise ValueError(f"Expected sizes of at least two parties, got {num_rows}.")
    found = getattr(dtype, "__name__", None) or str(dtype)  # of np.float32, or a dtype
    if found not in ("float32", "float64"):
        raise ValueError(f"Expected float32 or float64 points, got {found}.")
    dtype = np.dtype(found)
    for name, flag in {
        "search_length_scale": search_length_scale,
        "from_files": from_files,
        "stress_test": stress_test,
        "fits_generators": fits_generators,
    }.items():
        check_flag(flag, name)
    if rates is not None:
        check_kind(rates, Rates)
    task = Task(
        len(num_rows),
        sum(num_rows),
        _as_size(num_columns, "num_columns", 1),
        _as_size(num_candidates, "num_candidates", 0),
        str(np.dtype(dtype)),
        platform(),
        num_workers(),
        default_tile_size(),
        search_length_scale,
        from_files,
        stress_test and len(num_rows) <= MAX_TABLE_PARTIES,
        _as_size(num_resamples, "num_resamples", 0),
        _as_size(num_two_valued, "num_two_valued", 0),
        _as_size(file_bytes, "file_bytes", 0),
        fits_generators,
        max(num_rows),
    )
    everything = stages.drawing(task, task.num_candidates)
    return Plan(
        task,
        _parts(task, rates),
        _seconds(everything, task, rates),
        host_capacity(),
        device_capacity(),
    )


def _as_size(number: Any, name: str, smallest: int) -> int:
    size = as_whole(number, name, smallest=smallest)
    if size > MOST:
        raise ValueError(f"Expected {name} of at most 10^24, got a larger number.")
    return size


def _parts(task: Task, rates: Rates | None) -> tuple[Part, ...]:
    search, sums = stages.length_scale(task), stages.kernel_sums(task)
    imported, summing, solving, drawing = (
        PROGRAMS_OF_COMMAND if task.from_files else PROGRAMS_OF_CALL
    )
    summing += stages.allocator(task)
    has_old_weights = task.is_on_host and task.num_candidates >= FEW
    drawing += OLD_WEIGHTS * has_old_weights
    work = {"Python and JAX": Work(imported, imported)}
    if task.from_files:
        work["files"] = run_stages.files(task)
    work["points"] = stages.points(task)
    if task.fits_generators:
        work["generators"] = run_stages.generators(task)
    work |= {
        "length scale": search.with_programs(summing),
        "kernel sums": sums,
        "reward scheme": stages.reward_scheme(task).with_programs(solving),
        "sampling": stages.drawing(task, PICKS).with_programs(drawing),
    }
    if not task.search_length_scale:
        del work["length scale"]
        work["kernel sums"] = sums.with_programs(summing)
    if task.num_resamples:
        work["standard errors"] = stages.standard_errors(task)
    if task.from_files:
        work["audit"] = run_stages.audit(task)
    if task.stress_test:
        work["what cheating would gain"] = run_stages.cheating(task, PICKS)
    if task.from_files:
        work["evidence"] = run_stages.evidence(task)
        work["nearest rows"] = run_stages.nearest_rows(task, PICKS)
        work["quality"] = run_stages.quality(task, PICKS)
        work["report"] = run_stages.report(task)
    parts = [
        Part(
            name,
            math.ceil(each.kept),
            math.ceil(each.host),
            math.ceil(each.device),
            _seconds(each, task, rates),
        )
        for name, each in work.items()
    ]
    if rates is not None:
        programs = PROGRAMS + PROGRAMS_OF_OLD_WEIGHTS * has_old_weights
        parts[0] = parts[0]._replace(seconds=programs * rates.compilation)
    return tuple(parts)


def _seconds(work: Work, task: Task, rates: Rates | None) -> float:
    if rates is None:
        return math.nan
    pick = task.num_candidates / rates.num_candidates / rates.picks
    return (
        work.pairs / rates.pairs
        + work.cross / rates.cross
        + work.starts / rates.starts
        + work.picks * pick
        + work.flops / rates.flops
        + work.seconds
    )


def gigabytes(size: float) -> str:
    """A number of bytes, as a person reads it."""
    return f"{size / 1e9:,.0f} GB" if size >= 1e12 else f"{size / 1e9:.3g} GB"


def _peak(parts: Sequence[Part]) -> int:
    kept = most = 0
    for part in parts:
        most = max(most, kept + part.host_bytes)
        kept += part.kept_bytes
    return most

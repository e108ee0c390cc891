"""What a run would take, from the parties' files and what the device can do."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from cgm_jax.files import InputError
from cgm_jax.kernels.saving import read_kernel_file
from cgm_jax.planning import Plan, measured_rates, plan
from cgm_jax.planning.plans import gigabytes

from .choosing import least_rows
from .run import Settings
from .tables import CodedTables

WORTH_TIMING = 1e9  # pairs of points: with fewer, a run is over in some seconds


class RunPlan(NamedTuple):
    """With the candidates asked for, and with the most that may be drawn."""

    asked: Plan
    most: Plan


def check_before_reading(paths: Sequence[Path], num_candidates: int) -> None:
    """Refuse at once what cannot fit, whatever the rows of the files are.

    Raises:
        MemoryError: if so many candidates cannot, of a single column.
        InputError: if a file's bytes cannot, of which nothing has been made yet.
    """
    if len(paths) < 2:  # which is another error
        return
    least = plan([1] * len(paths), 1, num_candidates, from_files=True)
    most = least.host_capacity
    if not least.fits:
        raise MemoryError(
            f"--num-candidates: Expected candidates that fit into {gigabytes(most)} "
            f"of memory, got {num_candidates:,}, which take at least "
            f"{gigabytes(least.host_bytes)} with {len(paths):,} parties, whatever "
            f"their rows are. What would fit: fewer than {least.most_candidates:,} "
            "candidates; with fewer, the files are read to say how many."
        )
    for path in paths:
        size = path.stat().st_size if path.is_file() else 0
        if size > most:
            raise InputError(
                f"expected a table that fits into {gigabytes(most)} of memory, found "
                f"a file of {gigabytes(size)}; give a sample of its rows",
                file=path,
            )


def plan_run(
    tables: CodedTables, settings: Settings, *, always_timed: bool = False
) -> RunPlan:
    """Plan a run; this device is timed where that is worth it, or always.

    The kernel that is timed is the squared exponential, whatever the mediator's own.
    """
    sizes = [len(rows) for rows in tables.points]
    num_columns, num = tables.codec.num_dimensions, settings.num_candidates
    path = settings.kernel
    is_searched = path is None or read_kernel_file(path).has_length_scale
    is_named = settings.generator == "kde" or settings.generator_model is not None
    is_fitted = not is_named and sum(sizes) >= least_rows(tables)

    def planned(num_candidates: int, *, is_timed: bool) -> Plan:
        rates = None
        if is_timed:
            rates = measured_rates(sizes, num_columns, num, like=tables.points[0])
        return plan(
            sizes,
            num_columns,
            num_candidates,
            rates=rates,
            search_length_scale=is_searched,
            from_files=True,
            stress_test=settings.tries_cheating(sum(sizes) + num_candidates),
            num_resamples=settings.num_resamples,
            num_two_valued=int(tables.codec.is_category_coordinate.sum()),
            file_bytes=sum(file.num_bytes for file in tables.parties.files),
            fits_generators=is_fitted,
        )

    # What does not fit is refused without timing.
    at_most = settings.most_candidates(sum(sizes))
    asked, most = (planned(each, is_timed=False) for each in (num, at_most))
    many = always_timed or (sum(sizes) + num) ** 2 / 2 >= WORTH_TIMING
    return RunPlan(planned(num, is_timed=True) if many and asked.fits else asked, most)

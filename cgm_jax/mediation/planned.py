"""What a run would take, from the parties' files and what the device can do."""

from typing import NamedTuple

from cgm_jax.kernels.saving import read_kernel_file
from cgm_jax.planning import Plan, measured_rates, plan

from .run import Settings
from .tables import CodedTables

WORTH_TIMING = 1e9  # pairs of points: with fewer, a run is over in some seconds


class RunPlan(NamedTuple):
    """With the candidates asked for, and with the most that may be drawn."""

    asked: Plan
    most: Plan


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

    def planned(num_candidates: int, *, is_timed: bool) -> Plan:
        rates = measured_rates(sizes, num_columns, num) if is_timed else None
        return plan(
            sizes,
            num_columns,
            num_candidates,
            rates=rates,
            search_length_scale=is_searched,
            from_files=True,
            stress_test=settings.tries_cheating(sum(sizes) + num_candidates),
            num_resamples=settings.num_resamples,
        )

    # What does not fit is refused without timing.
    at_most = settings.most_candidates(sum(sizes))
    asked, most = (planned(each, is_timed=False) for each in (num, at_most))
    many = always_timed or (sum(sizes) + num) ** 2 / 2 >= WORTH_TIMING
    return RunPlan(planned(num, is_timed=True) if many and asked.fits else asked, most)

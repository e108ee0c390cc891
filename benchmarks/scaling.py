"""How times grow with t, n, g, d and the number of devices: a file and a picture."""

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
from jax.sharding import AxisType, Mesh
from jax.sharding import PartitionSpec as P
from rich.console import Console

from cgm_jax.gram import gram_sums
from cgm_jax.kernels import SquaredExponential
from cgm_jax.sampling import lanes, pick_many

from .data import Problem, clusters
from .machine import machine_facts, machine_name
from .table import duration, grid
from .timing import measure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Point", "draw_points", "measure_scaling", "points"]

_NUM_PARTIES = 8  # for as many devices
_NUM_PICKS, _RUNS = 16, 3
_PASS, _PICK = "Gram pass", "a pick of eight parties"


@dataclass(frozen=True)
class Point:
    """The time of some work at one size."""

    work: str
    along: str
    """What grows: a letter of the paper, or "devices"."""

    at: int
    seconds: float
    compile_seconds: float


def measure_scaling(console: Console, out: Path, *, small: bool) -> None:
    """Measure, print, and write a JSON file, and a picture beside it.

    Args:
        console: where to print.
        out: the JSON file.
        small: whether to run at sizes that only show that all works.
    """
    machine, found, table = machine_facts(), [], grid()
    for heading in ("work", "size", "time", "compile"):
        table.add_column(heading)
    with console.status("") as status:
        for point in points(small=small):
            found.append(point)
            size = f"{point.along} = {point.at:,}"
            status.update(f"{point.work}, {size}")
            times = map(duration, (point.seconds, point.compile_seconds))
            table.add_row(point.work, size, *times)
    console.print(table)
    result = {"machine": machine, "points": [asdict(point) for point in found]}
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(result, indent=2) + "\n", "utf-8")
    draw_points(found, machine_name(machine)).savefig(out.with_suffix(".png"))
    console.print(f"Written to {out} and .png", highlight=False, soft_wrap=True)


def points(*, small: bool) -> Iterator[Point]:
    """Times of Gram passes and picks, one size growing at a time.

    Args:
        small: whether to run at sizes that only show that all works.

    Yields:
        One after the other.
    """
    # More than the few points for which a mesh takes one device.
    size, g = (20, 5_000) if small else (500, 20_000)
    factors = (1, 2) if small else (1, 2, 4, 8)
    for factor in factors:
        problem = clusters(2, _NUM_PARTIES, size, g * factor)
        yield _point(_PASS, "t", len(problem.reference), _pass(problem))
    for factor in factors:
        n = _NUM_PARTIES * factor
        yield _point(_PASS, "n", n, _pass(clusters(2, n, size // factor, g)))
    for factor in factors:
        problem = clusters(2 * factor**2, _NUM_PARTIES, size, g)
        yield _point(_PASS, "d", 2 * factor**2, _pass(problem))
    for factor in factors:
        problem = clusters(2, _NUM_PARTIES, size, g * factor)
        yield _point(_PICK, "g", g * factor, _picks(problem, 1), _NUM_PICKS)
    problem, most = clusters(2, _NUM_PARTIES, size, g), jax.device_count()
    for num in (factor for factor in factors if factor <= most):
        yield _point(_PASS, "devices", num, _pass(problem, _mesh(num)))
        yield _point(_PICK, "devices", num, _picks(problem, num), _NUM_PICKS)


def draw_points(points: list[Point], title: str) -> "Figure":
    """A panel for each size that grows, on logarithmic axes.

    Args:
        points: what `points` yields.
        title: the device.

    Returns:
        The figure.
    """
    from matplotlib.figure import Figure

    along = list(dict.fromkeys(point.along for point in points))
    figure = Figure(figsize=(3 * len(along), 3), layout="constrained")
    panels = figure.subplots(1, len(along), sharey=True, squeeze=False)[0]
    for panel, letter in zip(panels, along, strict=True):
        some = [point for point in points if point.along == letter]
        for work in dict.fromkeys(point.work for point in some):
            same = [point for point in some if point.work == work]
            sizes = [point.at for point in same]
            panel.plot(sizes, [point.seconds for point in same], "o-", label=work)
        panel.set(xscale="log", yscale="log", xlabel=letter)
        sizes = sorted({point.at for point in some})
        panel.set_xticks(sizes, [f"{size:,}" for size in sizes])
        panel.minorticks_off()
        panel.legend(fontsize="small")
    panels[0].set_ylabel("seconds")
    figure.suptitle(title)
    return figure


def _point(
    work: str, along: str, at: int, run: Callable[[], Any], times: int = 1
) -> Point:
    timing = measure(run, runs=_RUNS)
    return Point(work, along, at, timing.seconds / times, timing.compile_seconds)


def _pass(problem: Problem, mesh: Mesh | None = None) -> Callable[[], Any]:
    kernel, parties = SquaredExponential(problem.length_scale), problem.parties
    return lambda: gram_sums(kernel, parties, problem.candidates, mesh=mesh)


def _mesh(num_devices: int) -> Mesh:
    devices = jax.devices()[:num_devices]
    shape, axes = (num_devices,), ("device",)
    return jax.make_mesh(shape, axes, axis_types=(AxisType.Auto,), devices=devices)


def _picks(problem: Problem, num_devices: int) -> Callable[[], Any]:
    """Some picks of all parties, of which each device has a share."""
    kernel = SquaredExponential(problem.length_scale)
    sums = gram_sums(kernel, problem.parties, problem.candidates)
    drawn_from, all_lanes = lanes(kernel, problem.candidates, sums)
    keys = jax.random.split(jax.random.key(0), _NUM_PARTIES)

    def draw(drawn_from, keys, all_lanes):
        def one(key, lane):
            start, beta = jnp.int32(0), jnp.float32(4)
            return pick_many(
                key, kernel, drawn_from, lane, beta, start, num_picks=_NUM_PICKS
            )

        return jax.vmap(one)(keys, all_lanes)

    of_lanes = P("device")
    program = jax.jit(
        jax.shard_map(
            draw,
            mesh=_mesh(num_devices),
            in_specs=(P(), of_lanes, of_lanes),
            out_specs=of_lanes,
        )
    )
    return lambda: program(drawn_from, keys, all_lanes)

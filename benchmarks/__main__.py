"""Run the benchmarks: a table on the terminal, and a JSON file."""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import jax
from rich.console import Console

from . import (
    deep,
    features,
    generator,
    gram,
    kernels,
    loops,
    mixture,
    packages,
    sampling,
    valuation,
    whole_run,
)
from .compare import compare
from .goals import GOALS
from .machine import machine_facts, machine_name
from .roofline import Roofline, measure_roofline
from .rows import Row
from .scaling import measure_scaling
from .table import print_results

__all__ = ["main"]

RESULTS = Path(__file__).parent / "results"
TOPICS = {
    "gram": gram.rows,
    "features": features.rows,
    "kernels": kernels.rows,
    "valuation": valuation.rows,
    "sampling": sampling.rows,
    "whole-run": whole_run.rows,
    "generator": generator.rows,
    "mixture": mixture.rows,
    "deep": deep.rows,
    "loops": loops.rows,
    "packages": packages.rows,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmarks.

    Args:
        arguments: of the command line.

    Returns:
        The exit code.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given[:1] == ["compare"]:
        return _compare(given[1:])
    options = _parser().parse_args(given)
    # Some of the work runs in processes of its own: leave them room on an accelerator.
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    console = Console()
    if options.scaling:
        # A CPU stands for several devices; of an accelerator there are what there are.
        jax.config.update("jax_num_cpu_devices", 8)
        name = f"{machine_name(machine_facts())}-scaling.json"
        measure_scaling(console, options.out or RESULTS / name, small=options.small)
        return 0
    machine, roofline = machine_facts(), measure_roofline(small=options.small)
    rows = []
    with console.status("") as status:
        for topic in options.only or TOPICS:
            status.update(f"{topic}: {len(rows)} rows done so far")
            for row in TOPICS[topic](small=options.small):
                rows.append(row)
                status.update(f"{topic}: {len(rows)} rows done so far")
    out = options.out
    if out is None and not options.only and not options.small:
        out = RESULTS / f"{machine_name(machine)}.json"
    if out is not None:
        _write(out, {"machine": machine, "small": options.small}, rows, roofline)
    print_results(console, machine, rows, roofline)
    if out is not None:
        console.print(f"\nWritten to {out}", highlight=False, soft_wrap=True)
    return 0


def _compare(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks compare",
        description="Ratios between two files of results.",
    )
    for name in ("A", "B"):
        parser.add_argument(name, type=Path, help="a JSON file of results")
    files = parser.parse_args(arguments)
    try:
        compare(files.A, files.B, Console())
    except ValueError as error:
        parser.error(str(error))
    return 0


def _write(
    out: Path, facts: dict[str, Any], rows: Sequence[Row], roofline: Roofline
) -> None:
    result = {
        **facts,
        "roofline": asdict(roofline),
        "rows": [row.as_json(roofline) for row in rows],
        "goals": [goal.as_json(rows) for goal in GOALS],
    }
    text = json.dumps(result, indent=2, ensure_ascii=False, allow_nan=False)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(text + "\n", "utf-8")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Throughput on this machine, beside the paper's algorithm in "
        "plain NumPy. `compare A.json B.json` instead prints the ratios of two files.",
    )
    parser.add_argument(
        "--only",
        choices=TOPICS,
        action="append",
        help="run one topic; may be given more than once",
    )
    parser.add_argument(
        "--small",
        action="store_true",
        help="tiny sizes: shows that all works, its times mean nothing",
    )
    parser.add_argument(
        "--scaling",
        action="store_true",
        help="how times grow with t, n, g, d and the number of devices, and a picture",
    )
    parser.add_argument(
        "--out",
        type=Path,
        help="the JSON file (default: for a run of everything at full size, "
        "benchmarks/results/DEVICE.json; otherwise none)",
    )
    return parser


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("error: interrupted, nothing was written", file=sys.stderr)
        sys.exit(130)

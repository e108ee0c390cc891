"""Run the benchmarks: a table on the terminal, and a JSON file."""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from . import deep, generator, gram, kernels, sampling, valuation, whole_run
from .goals import GOALS
from .machine import machine_facts, machine_name
from .rows import Row
from .table import print_results

__all__ = ["main"]

RESULTS = Path(__file__).parent / "results"
TOPICS = {
    "gram": gram.rows,
    "kernels": kernels.rows,
    "valuation": valuation.rows,
    "sampling": sampling.rows,
    "whole-run": whole_run.rows,
    "generator": generator.rows,
    "deep": deep.rows,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmarks.

    Args:
        arguments: of the command line.

    Returns:
        The exit code.
    """
    options = _parser().parse_args(arguments)
    # Some of the work runs in processes of its own: leave them room on an accelerator.
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    console = Console()
    machine = machine_facts()
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
        _write(out, {"machine": machine, "small": options.small}, rows)
    print_results(console, machine, rows)
    if out is not None:
        console.print(f"\nWritten to {out}", highlight=False, soft_wrap=True)
    return 0


def _write(out: Path, facts: dict[str, Any], rows: Sequence[Row]) -> None:
    result = {
        **facts,
        "rows": [row.as_json() for row in rows],
        "goals": [goal.as_json(rows) for goal in GOALS],
    }
    text = json.dumps(result, indent=2, ensure_ascii=False, allow_nan=False)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(text + "\n", "utf-8")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Throughput on this machine, beside the paper's algorithm in "
        "plain NumPy.",
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

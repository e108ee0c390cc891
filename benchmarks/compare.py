"""Two files of results side by side: how many times faster the second is."""

import json
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from .table import duration, figures, grid, in_letters

__all__ = ["compare"]


def compare(first: Path, second: Path, console: Console) -> None:
    """Print the ratios of the work that both files have.

    Args:
        first: a file that ``python -m benchmarks`` wrote.
        second: another, of another device or version.
        console: where to.

    Raises:
        ValueError: if a file is none of these.
    """
    results = [_read(path) for path in (first, second)]
    for name, result in zip("AB", results, strict=True):
        machine = result["machine"]
        console.print(
            f"[bold]{name}[/]: {machine['device_kind']}, {machine['processor']}, "
            f"{machine['num_cores']} cores, jax {machine['jax']}, "
            f"cgm-jax {machine['cgm_jax']}",
            highlight=False,
        )
    rooflines = [result["roofline"] for result in results if "roofline" in result]
    if len(rooflines) == 2:
        console.print(_roofline_table(*rooflines))
    a, b = ({_key(row): row for row in result["rows"]} for result in results)
    table = grid()
    table.add_column("work")
    table.add_column("size")
    for heading in ("A", "B", "A / B", "compile A / B", "error A", "error B"):
        table.add_column(heading, justify="right")
    for key in a:
        if key in b:
            x, y = a[key], b[key]
            table.add_row(
                ", ".join(filter(None, (x["name"], x.get("kernel")))),
                in_letters(x["size"]),
                duration(x["seconds"]),
                duration(y["seconds"]),
                figures(x["seconds"] / y["seconds"]),
                _ratio(x["compile_seconds"], y["compile_seconds"]),
                f"{x['error']:.0e}",
                f"{y['error']:.0e}",
            )
    console.print(table)
    for name, some, others in (("A", a, b), ("B", b, a)):
        if alone := len(some.keys() - others.keys()):
            console.print(f"Rows only in {name}: {alone}.", highlight=False)


def _read(path: Path) -> dict[str, Any]:
    try:
        result = json.loads(path.read_text("utf-8"))
        result["machine"], result["rows"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"{path}: expected a file that `python -m benchmarks` wrote ({error})."
        ) from error
    return result


def _key(row: dict[str, Any]) -> tuple[Any, ...]:
    return row["name"], row.get("kernel"), *row["size"].items()


def _ratio(a: float, b: float) -> str:
    return figures(a / b) if a and b else ""


def _roofline_table(a: dict[str, float], b: dict[str, float]) -> Table:
    table = grid()
    table.add_column("at most, a second")
    for heading in ("A", "B", "B / A"):
        table.add_column(heading, justify="right")
    for of in a:
        table.add_row(of, figures(a[of]), figures(b[of]), figures(b[of] / a[of]))
    return table

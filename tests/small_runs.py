"""One run of the command on three small files, and what the tests of commands share."""

import contextlib
import csv
import io
import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cgm_jax import cli, plots
from cgm_jax.cli import mediator
from cgm_jax.mediation.run import Mediation
from cgm_jax.mediation.tables import CodedTables, TableOptions, open_tables
from cgm_jax.report import Picture

NAMES = ("north", "south", "west")
COLUMNS = ("age", "income", "sex")
# One number of each party that nobody could come upon by chance.
CANARIES = (941.2345678, 962.3456781, 887.7654321)


def cgm_jax(*words: object) -> int:
    """The exit code of a command."""
    with pytest.raises(SystemExit) as stopped:
        cli.main([str(word) for word in words])
    return stopped.value.code or 0


def one_line_error(capsys) -> str:
    """What a command that was refused wrote: one line, and no traceback.

    Before it may be what was under way.
    """
    *stages, line = capsys.readouterr().err.splitlines(keepends=True)
    assert all(re.fullmatch(r"[\w -]+: [\w ]+\n", stage) for stage in stages), stages
    assert line.startswith("error: ") and line.endswith("\n"), line
    return line


def report_of(out: Path) -> dict[str, Any]:
    """The numbers of a run."""
    return json.loads((out / "mediator" / "report.json").read_text("utf-8"))


def use_few_trees(patch: pytest.MonkeyPatch) -> None:
    """Label candidates, and tell rewards from real rows, by a tenth of the trees."""
    patch.setattr("cgm_jax.features.labels.NUM_TREES", 20)
    patch.setattr("cgm_jax.metrics.detection.NUM_TREES", 10)


def make_quick(patch: pytest.MonkeyPatch) -> None:
    """Figures are made, but not drawn, forests are small, and a mixture of products has
    at most eight components and is judged by hundreds of points."""
    drawn = Picture(b"", width=1, height=1)
    for module in ("cgm_jax.report.pictures", "cgm_jax.cli.publish"):
        patch.setattr(f"{module}.render", lambda figure: drawn)
    use_few_trees(patch)
    patch.setattr("cgm_jax.generators.product_mixture.SIZES", (1, 8))
    patch.setattr("cgm_jax.generators.product_mixture.MOST_JUDGED", (300, 300))


def make_no_figures(patch: pytest.MonkeyPatch) -> None:
    """As ``make_quick``; pictures are counted, but their figures are not even made."""
    make_quick(patch)
    for name in plots.__all__:
        if name.startswith("plot_"):
            patch.setattr(plots, name, lambda *arguments, **options: None)


def opened(files: list[Path], **options: object) -> CodedTables:
    """The tables of parties' files."""
    return open_tables(files, TableOptions(**options))


def write_parties(folder: Path) -> tuple[list[Path], dict[str, np.ndarray]]:
    """Three files of unequal sizes with their columns in three orders, and the ages and
    incomes in them."""
    rng = np.random.default_rng(0)
    paths, tables = [], {}
    for i, (name, center) in enumerate(
        zip(NAMES, ((0, 0), (1, 0), (0, 1.5)), strict=True)
    ):
        rows = rng.normal(center, 0.5, (50 + 10 * i, 2)) * (10, 100) + (40, 900)
        rows[:, 0] = rows[:, 0].round()
        rows[7, 1] = CANARIES[i]
        order = np.roll(np.arange(3), i)
        paths.append(folder / f"{name}.csv")
        with paths[-1].open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow([COLUMNS[k] for k in order])
            for j, (age, income) in enumerate(rows.tolist()):
                cells = int(age), income, "f" if j % 2 else "m"
                writer.writerow([cells[k] for k in order])
        tables[name] = rows
    return paths, tables


@dataclass(frozen=True, eq=False)
class SmallRun:
    """What ``cgm-jax run`` read, computed, printed and wrote."""

    files: list[Path]
    tables: dict[str, np.ndarray]
    """The ages and incomes of every party."""
    options: tuple[object, ...]
    out: Path
    mediation: Mediation
    printed: str

    def copy(self, folder: Path) -> Path:
        """The output in another folder, where a test may spoil it."""
        return Path(shutil.copytree(self.out, folder / "out"))


def run_small_files(folder: Path) -> SmallRun:
    """Run the command with all that it does but many trees, with a kde at a β of 4."""
    files, tables = write_parties(folder)
    out = folder / "out"
    options = ("--label-column", "sex", "--beta", 4, "--bandwidth", 0.2)
    options = *options, "--num-candidates", 500, "--generator", "kde"
    mediations = []

    def mediate(*arguments, **more) -> Mediation:
        mediations.append(compute(*arguments, **more))
        return mediations[-1]

    compute = mediator.mediate
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mediator, "mediate", mediate)
        use_few_trees(patch)
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            code = cgm_jax("run", *files, "--out", out, *options)
    assert code == 0
    return SmallRun(files, tables, options, out, mediations[0], printed.getvalue())

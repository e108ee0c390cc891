"""What the commands print: tables for people on the screen, progress on the side."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table

from cgm_jax.audit import Audit, audit_sentences
from cgm_jax.collaboration.collaboration import Collaboration
from cgm_jax.collaboration.uncertainty import Uncertainty
from cgm_jax.experiments import Experiment
from cgm_jax.generators.quality import SampleQuality
from cgm_jax.mediation.row_source import quality_sentences
from cgm_jax.mediation.run import Mediation

from .experiment_tables import experiment_tables

__all__ = [
    "print_audit",
    "print_experiment",
    "print_mediation",
    "print_quality",
    "print_report",
    "progress",
    "screen",
]

_METHODS = {
    "all coalitions": "all coalitions",
    "polynomial time": "an integral, without all coalitions",
}
MAX_ROWS = 30  # of more parties, this many are printed
screen = Console()
errors = Console(stderr=True)


def print_experiment(experiment: Experiment) -> None:
    """What each party is promised and handed out, beside what the paper prints."""
    screen.print()
    for table in experiment_tables(experiment):
        screen.print(table)
    _print_warnings(
        experiment.promised,
        [f"party {i + 1}" for i in range(len(experiment.promised.parties))],
    )


def print_mediation(mediation: Mediation) -> None:
    """What each party is promised and handed out, and where the files are."""
    result = mediation.collaboration
    table = Table(
        title="Value of the own data, promised, and reached with the rows given",
        title_justify="left",
    )
    table.add_column("party")
    for column in ("rows", "α", "own value", "promised", "given", "reached"):
        table.add_column(column, justify="right")
    table.add_column("draw")
    found = mediation.uncertainty
    parties = list(zip(mediation.parties.names, result.rewards, strict=True))
    for i, (name, reward) in enumerate(parties[:MAX_ROWS]):
        table.add_row(
            escape(name),
            f"{len(result.parties[i]):,}",
            f"{result.normalized_shapley[i]:.3f}" + _error(found, i),
            f"{reward.initial_value:.5f}",
            f"{reward.reward_value:.5f}",
            f"{len(reward.indices):,}",
            f"{reward.final_value:.5f}",
            reward.stop_reason,
        )
    screen.print(table)
    if len(parties) > MAX_ROWS:
        screen.print(f"… and {len(parties) - MAX_ROWS:,} more parties: see the report")
    if found is not None:
        screen.print(f"± one standard error, of {found.num_resamples:,} resamples")
    scale = result.length_scale
    screen.print(
        ("" if math.isnan(scale) else f"length scale {scale:.5g}, ")
        + f"v* {result.scheme.max_reward_value:.5g}, ρ {result.scheme.rho:.4g}, "
        f"{len(result.candidates):,} candidates; "
        f"exact Shapley values by {_METHODS[result.shapley_method]}"
    )
    if mediation.learned is not None:
        found = (f"{k} {v:.4g}" for k, v in mediation.learned.powers().items())
        screen.print(
            f"Kernel: {', '.join([type(result.kernel).__name__, *found])}",
            markup=False,
            highlight=False,
        )
    if mediation.labels is not None and not math.isnan(mediation.labels.accuracy):
        screen.print(
            f"Labels of synthetic rows: by a random forest, right for "
            f"{mediation.labels.accuracy:.1%} of held-out real rows"
        )
    print_quality(mediation.quality)
    scrutiny, names = mediation.scrutiny, mediation.parties.names
    print_audit(scrutiny.audit, names)
    if scrutiny.stress is not None:
        screen.print(scrutiny.stress.sentence(names), markup=False, highlight=False)
    for sentence in [*mediation.warnings, *scrutiny.warnings(names)]:
        screen.print(f"warning: {sentence}", markup=False)
    _print_warnings(result, mediation.parties.names)
    folder = mediation.rewards[0].parent.parent
    screen.print(f"One reward file a party: {folder}/<party>/reward.csv", markup=False)
    print_report(mediation.report)


def _error(found: Uncertainty | None, party: int) -> str:
    if found is None:
        return ""
    return f" ± {found.normalized_shapley_errors[party]:.3f}"


def print_quality(quality: SampleQuality | None) -> None:
    """How a trained generator's rows compare with real ones that were held out."""
    *sentences, last = quality_sentences(quality) or [""]
    for sentence in sentences:
        screen.print(sentence, markup=False, highlight=False)
    if last:
        is_warning = quality is not None and quality.is_worse_than_kernel_density
        mark = "warning: " if is_warning else ""
        screen.print(f"{mark}{last}", markup=False, highlight=False)


def print_audit(audit: Audit, names: Sequence[str], *, in_full: bool = False) -> None:
    """Whether the promises were kept, and which were not; or all that was found."""
    summary, *sentences = audit_sentences(audit, names)
    mark = "" if audit.is_kept else "warning: "
    screen.print(f"{mark}{summary}", markup=False, highlight=False)
    for i, sentence in enumerate(sentences):
        if i < len(audit.broken):
            screen.print(f"warning: {sentence}", markup=False, highlight=False)
        elif in_full:
            screen.print(f"- {sentence}", markup=False, highlight=False)


def _print_warnings(collaboration: Collaboration, names: Sequence[str]) -> None:
    for sentence in collaboration.warnings_for(names):
        screen.print(f"warning: {sentence}", markup=False)


def print_report(report: Path) -> None:
    """Where the report is, on a line of its own, however long."""
    screen.print(f"Report: {report}", markup=False, soft_wrap=True)


@contextmanager
def progress(title: str) -> Iterator:
    """A line that says what is under way, on a terminal."""
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        console=errors,
        transient=True,
        disable=not errors.is_terminal,
    ) as bar:
        task = bar.add_task(escape(title), total=1.0)

        def tell(stage: str, share: float) -> None:
            bar.update(task, description=escape(f"{title}: {stage}"), completed=share)

        yield tell

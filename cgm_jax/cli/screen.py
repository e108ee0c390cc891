"""What the commands print: tables and sentences for people on the screen."""

import math
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from cgm_jax.audit import Audit
from cgm_jax.collaboration import Collaboration, Uncertainty
from cgm_jax.experiments import Experiment
from cgm_jax.generators.quality import SampleQuality
from cgm_jax.mediation.run import Mediation
from cgm_jax.report.sentences import (
    audit_sentences,
    collaboration_warnings,
    quality_sentences,
    shared_rows_sentences,
    stress_sentence,
)

from .experiment_tables import experiment_tables

__all__ = [
    "print_audit",
    "print_experiment",
    "print_mediation",
    "print_quality",
    "print_report",
    "screen",
]

_METHODS = {
    "all coalitions": "all coalitions",
    "polynomial time": "an integral, without all coalitions",
}
MAX_ROWS = 30  # of more parties, this many are printed
screen = Console()


def print_experiment(experiment: Experiment) -> None:
    """What each party is promised and handed out, beside what the paper prints."""
    screen.print()
    names = [f"party {i + 1}" for i in range(len(experiment.promises.parties))]
    _print_warnings(experiment.greediest, names)
    for table in experiment_tables(experiment):
        screen.print(table)


def print_mediation(mediation: Mediation) -> None:
    """What each party is promised and handed out, and where the files are."""
    promises, rewards = (
        mediation.collaboration.promises,
        mediation.collaboration.draw.rewards,
    )
    scheme, names = promises.scheme, mediation.parties.names
    table = Table(
        title="Value of the own data, promised, and reached with the rows given",
        title_justify="left",
    )
    table.add_column("party")
    for column in ("rows", "α", "own value", "promised", "given", "reached"):
        table.add_column(column, justify="right")
    table.add_column("draw")
    uncertainty = mediation.uncertainty
    parties = list(zip(names, rewards, strict=True))
    for i, (name, reward) in enumerate(parties[:MAX_ROWS]):
        table.add_row(
            escape(name),
            f"{len(promises.parties[i]):,}",
            f"{scheme.normalized_shapley[i]:.3f}" + _error(uncertainty, i),
            f"{reward.initial_value:.5f}",
            f"{reward.reward_value:.5f}",
            f"{len(reward.indices):,}",
            f"{reward.final_value:.5f}",
            reward.stop_reason,
        )
    screen.print(table)
    if len(parties) > MAX_ROWS:
        screen.print(f"… and {len(parties) - MAX_ROWS:,} more parties: see the report")
    if uncertainty is not None:
        screen.print(
            f"± one standard error, of {uncertainty.num_resamples:,} resamples"
        )
    scale = promises.length_scale
    screen.print(
        ("" if math.isnan(scale) else f"length scale {scale:.5g}, ")
        + f"v* {scheme.max_reward_value:.5g}, ρ {scheme.rho:.4g}, "
        f"{len(promises.candidates):,} candidates; "
        f"exact Shapley values by {_METHODS[promises.shapley_method]}"
    )
    if mediation.learned is not None:
        powers = (f"{k} {v:.4g}" for k, v in mediation.learned.powers().items())
        screen.print(
            f"Kernel: {', '.join([type(promises.kernel).__name__, *powers])}",
            markup=False,
            highlight=False,
        )
    if mediation.labels is not None and not math.isnan(mediation.labels.accuracy):
        screen.print(
            f"Labels of synthetic rows: by a random forest, right for "
            f"{mediation.labels.accuracy:.1%} of held-out real rows"
        )
    print_quality(mediation.quality)
    _print_warnings(mediation.collaboration, names)
    review = mediation.review
    print_audit(review.audit, names)
    if review.stress is not None:
        sentence = stress_sentence(review.stress, names)
        screen.print(sentence, markup=False, highlight=False)
    shared = shared_rows_sentences(review.shared, names)
    for sentence in [*mediation.warnings, *shared]:
        screen.print(f"warning: {sentence}", markup=False)
    screen.print(
        f"One reward file per party: {mediation.folder}/<party>/reward.csv",
        markup=False,
    )


def _error(uncertainty: Uncertainty | None, party: int) -> str:
    if uncertainty is None:
        return ""
    return f" ± {uncertainty.normalized_shapley_errors[party]:.3f}"


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
    for sentence in collaboration_warnings(collaboration, names):
        screen.print(f"warning: {sentence}", markup=False)


def print_report(report: Path) -> None:
    """Where the report is, on a line of its own, however long."""
    screen.print(f"Report: {report}", markup=False, soft_wrap=True)

"""What the commands show people: tables, sentences, and a bar of progress."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import rich.progress
from rich.console import Console
from rich.markup import escape
from rich.measure import Measurement
from rich.table import Table

from cgm_jax.audit import Audit
from cgm_jax.experiments import Experiment
from cgm_jax.generators.quality import SampleQuality
from cgm_jax.mediation.run import Mediation
from cgm_jax.planning import Plan
from cgm_jax.report.sentences import (
    audit_sentences,
    collaboration_warnings,
    plan_sentences,
    quality_sentences,
    shared_rows_sentences,
    stress_sentence,
)

from .experiment_tables import experiment_tables

MAX_WIDTH = 1_000  # characters of a table
MAX_ROWS = 30  # of more parties, this many are printed
console = Console()
errors = Console(stderr=True)


@contextmanager
def progress(title: str) -> Iterator:
    """A line that says what is under way, on a terminal."""
    with rich.progress.Progress(
        rich.progress.TextColumn("{task.description}"),
        rich.progress.BarColumn(),
        rich.progress.TaskProgressColumn(),
        rich.progress.TimeElapsedColumn(),
        console=errors,
        transient=True,
        disable=not errors.is_terminal,
    ) as bar:
        task = bar.add_task(escape(title), total=1.0)

        def tell(stage: str, share: float) -> None:
            bar.update(task, description=escape(f"{title}: {stage}"), completed=share)

        yield tell


def say(sentence: str) -> None:
    """A sentence as it is, without markup and colours."""
    console.print(sentence, markup=False, highlight=False)


def warn(sentence: str) -> None:
    """A sentence that a mediator should not miss."""
    say(f"warning: {sentence}")


def print_whole(table: Table) -> None:
    """A table with no name and number broken, though it be wider than the terminal."""
    room = console.options.update(max_width=MAX_WIDTH)
    table.width = Measurement.get(console, room, table).maximum
    console.print(table, crop=False)


def print_plan(plan: Plan, most: Plan | None = None) -> None:
    """What a run would take."""
    for sentence in plan_sentences(plan, most):
        say(sentence)


def print_experiment(experiment: Experiment) -> None:
    """What each party is promised and handed out, beside what the paper prints."""
    console.print()
    names = [f"party {i + 1}" for i in range(len(experiment.promises.parties))]
    for sentence in collaboration_warnings(experiment.greediest, names):
        warn(sentence)
    for table in experiment_tables(experiment):
        console.print(table)


def print_mediation(mediation: Mediation) -> None:
    """What each party is promised and handed out, and where the files are."""
    collaboration = mediation.collaboration
    promises, rewards = collaboration.promises, collaboration.draw.rewards
    scheme, names = promises.scheme, mediation.parties.names
    table = Table(
        title="Value of the own data, promised, and reached with the rows given",
        title_justify="left",
    )
    table.add_column("party")
    for column in ("rows", "α", "own value", "promised", "given", "reached"):
        table.add_column(column, justify="right")
    table.add_column("draw")
    uncertainty, errors = mediation.uncertainty, [""] * len(names)
    if uncertainty is not None:
        errors = [f" ± {error:.3f}" for error in uncertainty.normalized_shapley_errors]
    parties = list(zip(names, rewards, strict=True))
    for i, (name, reward) in enumerate(parties[:MAX_ROWS]):
        table.add_row(
            escape(name),
            f"{len(promises.parties[i]):,}",
            f"{scheme.normalized_shapley[i]:.3f}{errors[i]}",
            f"{reward.initial_value:.5f}",
            f"{reward.reward_value:.5f}",
            f"{len(reward.indices):,}",
            f"{reward.final_value:.5f}",
            reward.stop_reason,
        )
    print_whole(table)
    if len(parties) > MAX_ROWS:
        console.print(f"… and {len(parties) - MAX_ROWS:,} more parties: see the report")
    if uncertainty is not None:
        console.print(
            f"± one standard error, of {uncertainty.num_resamples:,} resamples"
        )
    scale, method = promises.length_scale, promises.shapley_method
    if method == "polynomial time":
        method = "an integral, without all coalitions"
    console.print(
        ("" if math.isnan(scale) else f"length scale {scale:.5g}, ")
        + f"v* {scheme.max_reward_value:.5g}, ρ {scheme.rho:.4g}, "
        f"{len(promises.candidates):,} candidates; "
        f"exact Shapley values by {method}"
    )
    if mediation.learned is not None:
        powers = (f"{k} {v:.4g}" for k, v in mediation.learned.powers().items())
        say(f"Kernel: {', '.join([type(promises.kernel).__name__, *powers])}")
    if mediation.labels is not None and not math.isnan(mediation.labels.accuracy):
        console.print(
            f"Labels of synthetic rows: by a random forest, right for "
            f"{mediation.labels.accuracy:.1%} of held-out real rows"
        )
    if mediation.source.model is not None:
        print_quality(mediation.source.model.quality)
    for sentence in collaboration_warnings(collaboration, names):
        warn(sentence)
    review = mediation.review
    print_audit(review.audit, names)
    if review.stress is not None:
        say(stress_sentence(review.stress, names))
    shared = shared_rows_sentences(review.shared, names)
    for sentence in [*mediation.warnings, *shared]:
        warn(sentence)
    endings = sorted({party.extension for party in mediation.parties.formats})
    files = " or ".join(f"reward{ending}" for ending in endings)
    say(f"One reward file per party: {mediation.folder}/<party>/{files}")


def print_quality(quality: SampleQuality | None) -> None:
    """How a trained generator's rows compare with real ones that were held out."""
    for i, sentence in enumerate(quality_sentences(quality)):
        (say if i < 2 else warn)(sentence)  # the third is a warning


def print_audit(audit: Audit, names: Sequence[str], *, in_full: bool = False) -> None:
    """Whether the promises were kept, and which were not; or all that was found."""
    summary, *sentences = audit_sentences(audit, names)
    (say if audit.is_kept else warn)(summary)
    for i, sentence in enumerate(sentences):
        if i < len(audit.broken):
            warn(sentence)
        elif in_full:
            say(f"- {sentence}")


def print_report(report: Path) -> None:
    """Where the report is, on a line of its own, however long."""
    console.print(f"Report: {report}", markup=False, soft_wrap=True)

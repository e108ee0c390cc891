"""What the commands print for people: tables and sentences."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.measure import Measurement
from rich.table import Table

from cgm_jax.audit import Audit
from cgm_jax.evaluation import GeneratorComparison
from cgm_jax.evaluation.generators import YARDSTICKS
from cgm_jax.experiments import Experiment
from cgm_jax.generators.quality import SampleQuality
from cgm_jax.mediation.run import Mediation
from cgm_jax.mediation.sections import candidate_origin, mediation_section
from cgm_jax.mediation.tables import CodedTables
from cgm_jax.planning import Plan
from cgm_jax.report import ReportSection, before_handing_out
from cgm_jax.report.data import quality_rows, stakes_rows
from cgm_jax.report.sentences import (
    audit_remarks,
    audit_summary,
    choice_sentences,
    collaboration_warnings,
    column_rows,
    generator_warnings,
    outcome,
    plan_sentences,
    promise_rows,
    quality_sentences,
    scheme_sentence,
    stress_sentence,
    yardstick_sentences,
)
from cgm_jax.report.sentences.audit import Verdict
from cgm_jax.valuation.coalitions import MAX_TABLE_PARTIES

from .experiment_tables import experiment_tables

MAX_WIDTH = 1_000  # characters of a table
MAX_ROWS = 30  # of more parties, this many are printed
console = Console()


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


def print_columns(tables: CodedTables) -> None:
    """How the columns are read, and doubts, before anything is computed of them."""
    table = Table(title="Columns", title_justify="left")
    headings = {
        "column": "column",
        "kind": "kind",
        "distance": "distance",
        "missing": "missing",
        "missing_counts_as": "missing counts as",
        "handed_out": "handed out",
    }
    for heading in headings.values():
        table.add_column(heading)
    rows = column_rows(tables.codec)
    for row in rows[:MAX_ROWS]:
        table.add_row(*(escape(row[key]) for key in headings))
    print_whole(table)
    if len(rows) > MAX_ROWS:
        say(f"… and {len(rows) - MAX_ROWS:,} more columns: see the report")
    for sentence in tables.parties.warnings:
        warn(sentence)


def print_experiment(experiment: Experiment) -> None:
    """What each party is promised and handed out, beside what the paper prints."""
    console.print()
    names = [f"party {i + 1}" for i in range(len(experiment.promises.parties))]
    for sentence in collaboration_warnings(experiment.greediest, names):
        warn(sentence)
    for table in experiment_tables(experiment):
        console.print(table)


def print_mediation(mediation: Mediation) -> None:
    """What to know before handing out rewards; then what each party gets, and where."""
    section = mediation_section(mediation)
    before = before_handing_out(section, candidate_origin(mediation))
    if before:
        console.rule("Before handing out the rewards", align="left")
    for about, sentences in before.items():
        say(f"{about}:")
        for sentence in sentences:
            warn(sentence)
    console.print()
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
            f"{promises.num_points[i]:,}",
            f"{scheme.normalized_shapley[i]:.3f}{errors[i]}",
            f"{reward.initial_value:.5f}",
            f"{reward.reward_value:.5f}",
            f"{len(reward.indices):,}",
            f"{reward.final_value:.5f}",
            outcome(reward.stop_reason, len(reward.indices)),
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
        f"{len(promises.candidates):,} candidates"
        + (f"; exact Shapley values by {method}" if scheme.scoring == "shapley" else "")
    )
    if scheme.scoring != "shapley":
        say(scheme_sentence(scheme.scoring))
        if uncertainty is None and promises.scoring.needs_rows:
            say("It has no standard errors: these would need the rows of resamples.")
    if mediation.learned is not None:
        powers = (f"{k} {v:.4g}" for k, v in mediation.learned.powers().items())
        say(f"Kernel: {', '.join([type(promises.kernel).__name__, *powers])}")
    if mediation.labels is not None and not math.isnan(mediation.labels.accuracy):
        console.print(
            f"Labels of synthetic rows: by a random forest, right for "
            f"{mediation.labels.accuracy:.1%} of held-out real rows"
        )
    choice = mediation.source.choice
    if choice is not None:
        if choice.comparison is not None:
            print_comparison(choice.comparison)
        for sentence in choice_sentences(choice):
            say(sentence)
    if mediation.source.model is not None:
        print_quality(mediation.source.model.quality)
    print_likeness(section)
    review = mediation.review
    print_stakes(stakes_rows(review, names))
    say(audit_summary(review.audit))
    if review.stress is not None:
        if not review.stress.profitable:  # what pays was said before
            say(stress_sentence(review.stress, names))
    elif mediation.settings.stress_test is None and len(names) <= MAX_TABLE_PARTIES:
        say(
            "Cheating was not tried out: with so many rows that takes many minutes. "
            "--stress tries it."
        )
    say(f"One reward and statement per party: {mediation.folder}/<party>/")


def print_stakes(rows: list[dict[str, Any]]) -> None:
    """What bounded stakes cost the honest, if there are any."""
    if not rows:
        return
    table = Table(
        title="What bounded stakes cost: reward values without and with them",
        title_justify="left",
    )
    table.add_column("party")
    for column in ("without", "promised", "change"):
        table.add_column(column, justify="right")
    for row in rows[:MAX_ROWS]:
        table.add_row(
            escape(row["party"]),
            f"{row['without']:.5f}",
            f"{row['reward_value']:.5f}",
            f"{row['change']:+.1%}",
        )
    print_whole(table)


def print_likeness(section: ReportSection) -> None:
    """How like the parties' rows are the candidates, and every reward."""
    table = Table(title="How like the parties' rows they are", title_justify="left")
    table.add_column("rows")
    for column in ("columns", "pairs", "rows, logistic", "rows, trees"):
        table.add_column(column, justify="right")
    rows = quality_rows(section)
    for row in rows[: MAX_ROWS + 1]:
        scores = [row[name] for name in ("shape", "trend", "logistic", "boosted")]
        words = ("–" if score is None else f"{score:.1%}" for score in scores)
        table.add_row(escape(row["rows"]), *words)
    print_whole(table)


def print_comparison(comparison: GeneratorComparison) -> None:
    """Generators side by side, and what they are compared with."""
    table = Table(
        title=f"Generators, on {len(comparison.held_out):,} rows that none of them saw",
        title_justify="left",
    )
    headings = ["columns", "pairs", "rows, trees", "copied", "nearer", "MMD² at ℓ"]
    headings += ["at ℓ/4", "s to fit", "to draw"]
    if comparison.target is not None:
        headings.insert(3, f"{comparison.measure} of {comparison.target}")
    table.add_column("rows of")
    for heading in headings:
        table.add_column(escape(heading), justify="right")
    for row in comparison.rows():
        if row["name"] == YARDSTICKS[0]:
            table.add_section()
        shares = (row[name] for name in ("shape", "trend", "detection"))
        cells = ["–" if math.isnan(share) else f"{share:.1%}" for share in shares]
        if comparison.target is not None:
            cells.append(_score(row["utility"]))
        copied, error = row["copied_share"], row["copied_share_error"]
        cells += [f"{copied:.0%} ± {error:.0%}", f"{row['nearer_share']:.1%}"]
        cells += [f"{row[name]:.2g}" for name in ("mmd2", "mmd2_at_quarter")]
        cells += [f"{row[name]:.1f}" for name in ("fit_seconds", "draw_seconds")]
        table.add_row(escape(row["name"]), *cells)
    print_whole(table)
    for sentence in yardstick_sentences(comparison):
        say(sentence)


def print_quality(quality: SampleQuality | None) -> None:
    """How a trained generator's rows compare with real ones that were held out."""
    for sentence in quality_sentences(quality):
        say(sentence)


def print_model(quality: SampleQuality | None) -> None:
    """The same of a model that was just trained, and what is dangerous about it."""
    print_quality(quality)
    for sentence in generator_warnings(quality=quality):
        warn(sentence)


def print_audit(audit: Audit, names: Sequence[str]) -> None:
    """Whether each promise was kept, and for whom it was tightest."""
    (say if audit.is_kept else warn)(audit_summary(audit))
    table = Table()
    table.add_column("promise")
    for column in ("as assigned", "as handed out"):
        table.add_column(column)
    for row in promise_rows(audit, names):
        verdicts = (row.assigned, row.realised)
        table.add_row(escape(row.promise), *map(_verdict, verdicts))
    print_whole(table)
    for sentence in audit_remarks(audit):
        say(sentence)


def _score(score: float) -> str:
    return "–" if math.isnan(score) else f"{score:.3f}"


def _verdict(verdict: Verdict | None) -> str:
    if verdict is None:
        return "–"
    margin = "" if verdict.margin is None else f", {verdict.margin:+.3g}"
    tightest = f": {verdict.tightest}" if verdict.tightest else ""
    return escape(f"{verdict.words}{margin}{tightest}")


def print_report(report: Path) -> None:
    """Where the report is."""
    say_path("Report", report)


def say_path(what: str, path: Path) -> None:
    """Where something is, on a line of its own, however long."""
    console.print(f"{what}: {path}", markup=False, soft_wrap=True)

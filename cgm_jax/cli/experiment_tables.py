"""What ``demo`` and ``reproduce`` print: our numbers beside the paper's, as tables.

Beside a stand-in, the paper's numbers are for other data: they are shown where the
order of the parties can be compared, without differences and marks.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from rich.table import Table

from cgm_jax.evaluation import Evaluation
from cgm_jax.experiments import Experiment
from cgm_jax.metrics import CorrelationSummary

METRIC_NAMES = {
    "mmd2_unbiased": "−MMD²_u",
    "reverse_kl": "−reverse KL",
    "wasserstein2": "−Wasserstein-2",
    "class_imbalance": "−class imbalance",
    "num_points": "|G_i|",
    "svm_accuracy": "accuracy of an SVM",
}
_AT_LIMIT = (
    "* r is within 0.1 % of the most this party can be given, v(D ∪ G): the value is "
    "flat there, and |G_i| varies by a factor of two between seeds."
)


def experiment_tables(experiment: Experiment) -> Iterator[Table | str]:
    """Tables and sentences for the screen, in order."""
    data, paper = experiment.data, experiment.data.paper
    yield _scheme(experiment)
    yield _promises(experiment)
    beside = "" if data.is_stand_in else ", ours and below them the paper's"
    counts = [
        [len(reward.indices) for reward in draw.rewards]
        for draw in experiment.draws.values()
    ]
    title = f"synthetic points |G_i|{beside}"
    yield _by_beta(experiment, title, counts, paper.num_points, _count)
    if experiment.promises.scheme.is_at_limit.any():
        yield _AT_LIMIT
    if experiment.evaluation is None:
        return
    title, ours = f"MMD²_u(D_i ∪ G_i, T){beside}", experiment.evaluation.after
    mmd2 = ours.mmd2_unbiased.tolist()
    yield _by_beta(experiment, title, mmd2, paper.mmd2_unbiased, _discrepancy)
    yield _with_alpha(experiment, experiment.evaluation)
    yield _with_beta(experiment, experiment.evaluation)


def _scheme(experiment: Experiment) -> Table:
    scheme, paper = experiment.promises.scheme, experiment.data.paper
    table = _new_table(experiment, "the scheme", "", "ours", *_headings(experiment))
    for name, value, printed in (
        ("length scale ℓ", experiment.promises.length_scale, paper.length_scale),
        ("largest reward value v*", scheme.max_reward_value, paper.max_reward_value),
        ("exponent ρ", scheme.rho, paper.rho),
    ):
        table.add_row(name, f"{value:.6g}", *_beside(experiment, value, printed))
    return table


def _promises(experiment: Experiment) -> Table:
    ours, paper = experiment.promises, experiment.data.paper
    parties = (f"party {i + 1}" for i in range(len(ours.parties)))
    table = _new_table(experiment, "what each party is promised", "", *parties)
    for name, values, printed in (
        ("α, share", ours.scheme.normalized_shapley, paper.normalized_shapley),
        ("r, reward value", ours.scheme.reward_values, paper.reward_values),
    ):
        table.add_row(name, *(f"{x:.5f}" for x in values))
        pairs = zip(values, printed, strict=True)
        lines = zip(*(_beside(experiment, x, p) for x, p in pairs), strict=True)
        for heading, line in zip(_headings(experiment), lines, strict=True):
            table.add_row(f"  {heading}", *line)
        table.add_section()
    return table


def _headings(experiment: Experiment) -> tuple[str, ...]:
    if not experiment.data.is_stand_in:
        return "printed", "difference"
    name = "MNIST" if experiment.data.num_classes == 10 else "credit card"
    return (f"{name}, printed",)


def _beside(experiment: Experiment, ours: float, printed: float) -> tuple[str, ...]:
    """What the paper prints, whether ours has its three digits, and the difference."""
    if experiment.data.is_stand_in:
        return (f"{printed:g}",)
    if math.isnan(ours):
        return f"{printed:g}", "–"
    mark = "✓" if float(f"{ours:.3g}") == printed else "✗"
    return f"{printed:g} {mark}", f"{ours - printed:+.2g}"


def _by_beta(
    experiment: Experiment,
    title: str,
    ours: Sequence[Sequence[Any]],
    printed: Mapping[float, Any],
    cell: Callable[[Any, Any], str],
) -> Table:
    """One row per β, one column per party."""
    at_limit = experiment.promises.scheme.is_at_limit
    parties = (f"party {i + 1}{' *' if x else ''}" for i, x in enumerate(at_limit))
    table = _new_table(experiment, title, "β", *parties)
    table.show_lines = True
    for beta, values in zip(experiment.draws, ours, strict=True):
        nothing = [None] * len(values)
        theirs = nothing if experiment.data.is_stand_in else printed.get(beta, nothing)
        pairs = zip(values, theirs, strict=True)
        table.add_row(f"{beta:g}", *(cell(x, p) for x, p in pairs))
    return table


def _count(ours: int, printed: int | None) -> str:
    if printed is None:
        return f"{ours:,}"
    return f"{ours:,}\n{printed:,} ({round(100 * (ours / printed - 1)):+d}%)"


def _discrepancy(ours: float, printed: float | None) -> str:
    if printed is None:
        return f"{ours:.3g}"
    return f"{ours:.3g}\n{printed:.3g}\n({ours - printed:+.1g})"


def _with_alpha(experiment: Experiment, evaluation: Evaluation) -> Table:
    """Figure 2, and the accuracies of Section 6."""
    data = experiment.data
    title = "correlation over the parties with α, mean ± standard error over β"
    table = _new_table(experiment, title, "", "ours", *_headings(experiment))
    # Figure 2 has no numbers; all of its bars for the credit ratings are positive.
    drawn = "drawn positive" if data.title == "Credit ratings" else "–"
    known = data.paper.accuracy_correlation
    for name, summary in evaluation.alpha_correlations.items():
        printed, difference = drawn, []
        if name == "svm_accuracy":
            printed = "–" if known is None else f"{known:g}"
            if known is not None:
                _, *difference = _beside(experiment, summary.mean, known)
        table.add_row(METRIC_NAMES[name], summary_words(summary), printed, *difference)
    return table


def _with_beta(experiment: Experiment, evaluation: Evaluation) -> Table:
    """Tables 7 and 8."""
    title = "correlation over β with β, mean ± standard error over the parties"
    table = _new_table(experiment, title, "", "ours", *_headings(experiment))
    for name, summary in evaluation.beta_correlations.items():
        printed = experiment.data.paper.beta_correlations[name]
        _, *difference = _beside(experiment, summary.mean, printed.mean)
        table.add_row(
            METRIC_NAMES[name].removeprefix("−"),
            summary_words(summary),
            f"{printed.mean:g} ± {printed.standard_error:g}",
            *difference,
        )
    return table


def summary_words(summary: CorrelationSummary) -> str:
    """A mean with its standard error, as far as they exist."""
    if math.isnan(summary.mean):
        return "–"
    if math.isnan(summary.standard_error):
        return f"{summary.mean:.3f}"
    return f"{summary.mean:.3f} ± {summary.standard_error:.2g}"


def _new_table(experiment: Experiment, title: str, *columns: str) -> Table:
    data = experiment.data
    table = Table(
        title=f"{data.title}, {data.split} split: {title}", title_justify="left"
    )
    for i, column in enumerate(columns):
        table.add_column(column, justify="right" if i else "left")
    return table

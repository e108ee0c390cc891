"""What the study of kernels prints: the same parties by two kernels, side by side."""

import math
from collections.abc import Iterator

import numpy as np
from rich.table import Table

from cgm_jax.cli.experiment_tables import METRIC_NAMES, summary_words

from .kernel_comparison import COMPARED, KernelComparison
from .power_tables import mean_words

__all__ = ["kernel_tables"]

_HEADINGS = "UMAP, sq. exponential", "pixels, deep kernel"
_ASSIGNED = "mean τ, all assignments", "mean correlation", "mean gap"  # as Sharpness


def kernel_tables(comparison: KernelComparison) -> Iterator[Table | str]:
    """Tables and sentences for the screen, in order.

    Args:
        comparison: of `compare_kernels`.

    Returns:
        What `rich` can print: contributions, all figures in one table, and sentences.
    """
    first = comparison.experiments[COMPARED[0]]
    title = f"{first.data.title}, {first.data.split} split"
    yield _contributions(comparison, title)
    yield _figures(comparison, title)
    yield _order(comparison)
    if len(comparison.assigned_coverage) > 1:
        yield _assigned(comparison)
    fitted = comparison.fitted
    yield (
        f"The deep kernel was learned without labels from "
        f"{sum(map(len, fitted.fitted_rows)):,} rows of the parties, and is used on "
        f"the other {sum(map(len, fitted.held_out_rows)):,}: mean J between a party "
        f"and all others {fitted.fitted_power:.3f} on the former, "
        f"{fitted.held_out_power:.3f} on the latter. Reverse KL, Wasserstein-2 and the "
        "SVM are measured on the UMAP features for both kernels, MMD²_u by each kernel "
        "itself."
    )


def _contributions(comparison: KernelComparison, title: str) -> Table:
    table = Table(title=f"{title}: contribution α", title_justify="left")
    table.add_column("party")
    for heading in ("coverage of classes", *_HEADINGS):
        table.add_column(heading, justify="right")
    alphas = [
        comparison.experiments[name].promises.scheme.normalized_shapley
        for name in COMPARED
    ]
    for i, covered in enumerate(comparison.coverage):
        cells = (f"{alpha[i]:.3f}" for alpha in alphas)
        table.add_row(f"{i + 1}", f"{covered:.3f}", *cells)
    return table


def _figures(comparison: KernelComparison, title: str) -> Table:
    """One column a kernel."""
    table = Table(title=f"{title}: both kernels", title_justify="left")
    table.add_column("")
    for heading in _HEADINGS:
        table.add_column(heading, justify="right")
    both = [comparison.experiments[name] for name in COMPARED]
    sharp = [comparison.sharpness(name) for name in COMPARED]
    table.add_row("Kendall's τ of α, coverage", *(f"{s.tau:.3f}" for s in sharp))
    table.add_row(
        "correlation of α, coverage", *(f"{s.correlation:.3f}" for s in sharp)
    )
    table.add_row("gap of α, best to others", *(f"{s.gap:+.3f}" for s in sharp))
    table.add_section()
    if len(comparison.assigned_coverage) > 1:
        assigned = [comparison.assigned_sharpness(name).T for name in COMPARED]
        for words, *found in zip(_ASSIGNED, *assigned, strict=True):
            table.add_row(words, *map(mean_words, found))
        table.add_section()
    shares = [comparison.negative_shares(name) for name in COMPARED]
    for beta in shares[0]:
        table.add_row(
            f"picks with Δ < 0, β = {beta:g}", *(f"{of[beta]:.1%}" for of in shares)
        )
    mean = (np.mean(list(of.values())) for of in shares)
    table.add_row("picks with Δ < 0, mean", *(f"{share:.1%}" for share in mean))
    table.add_section()
    evaluations = [of.evaluation for of in both if of.evaluation is not None]
    for name, words in METRIC_NAMES.items():
        table.add_row(
            f"α and {words}",
            *(summary_words(of.alpha_correlations[name]) for of in evaluations),
        )
    table.add_section()
    for words, values in (
        ("length scale ℓ", [of.promises.length_scale for of in both]),
        (
            "largest reward value v*",
            [of.promises.scheme.max_reward_value for of in both],
        ),
        ("exponent ρ", [of.promises.scheme.rho for of in both]),
    ):
        table.add_row(words, *(f"{value:.4g}" for value in values))
    reached = (
        [
            reward.stop_reason == "reached"
            for draw in of.draws.values()
            for reward in draw.rewards
        ]
        for of in both
    )
    table.add_row("promises reached", *(f"{sum(of)} of {len(of)}" for of in reached))
    return table


def _order(comparison: KernelComparison) -> str:
    """Which kernel orders the parties more sharply, in words."""
    umap, deep = (comparison.sharpness(name) for name in COMPARED)

    def word(ours: float, other: float) -> str:
        if math.isnan(ours) or math.isnan(other):
            return "not to be said, as all parties cover the same"
        if abs(ours - other) < 5e-4:
            return "the same"
        return "better" if ours > other else "worse"

    return (
        "The deep kernel beside the UMAP features, by the order of the parties (τ): "
        f"{word(deep.tau, umap.tau)}; by the correlation: "
        f"{word(deep.correlation, umap.correlation)}; by the gap between the parties "
        f"with the largest coverage and the others: {word(deep.gap, umap.gap)}."
    )


def _assigned(comparison: KernelComparison) -> str:
    """What other assignments of the classes say, in words."""
    umap, deep = (comparison.assigned_sharpness(name) for name in COMPARED)
    tau, correlation, gap = (mean_words(by, "+.3f") for by in (deep - umap).T)
    return (
        f"With {len(deep)} assignments of classes to parties, the one above among them "
        "and a kernel learned for each, the deep kernel less the UMAP features, mean "
        f"and standard error: τ {tau}, correlation {correlation}, gap {gap}."
    )

"""What ε costs: the error of contributions that releases would have."""

from typing import TYPE_CHECKING

import numpy as np

from cgm_jax.privacy import PrivacyPlan

from .drawing import BLUE, INK, PALE, TEXT, heading, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["plot_privacy_plan"]


def plot_privacy_plan(plan: PrivacyPlan) -> "Figure":
    """The largest error of α against ε, on logarithmic axes.

    Args:
        plan: of `plan_privacy`.

    Returns:
        The figure: a grey point a simulation, a blue line through their means, and a
        dashed line where there is no noise, which only other features would lower.

    Example:
        >>> errors = np.array([[0.2, 0.3], [0.02, 0.04], [0.01, 0.01]])
        >>> epsilons = np.array([0.2, 1.0, np.inf])
        >>> plan = PrivacyPlan(epsilons, errors, errors, np.ones((3, 2)))
        >>> plot_privacy_plan(plan).axes[0].get_xscale()
        'log'
    """
    figure = new_figure(5.0, 3.4)
    axes = figure.subplots()
    order = np.argsort(plan.epsilons)
    epsilons, errors = plan.epsilons[order], plan.alpha_errors[order]
    means = errors.mean(axis=1)
    is_finite = np.isfinite(epsilons)
    shown = np.flatnonzero(is_finite)
    for row in shown:
        at = np.full(errors.shape[1], epsilons[row])
        axes.plot(at, errors[row], "o", color=PALE, ms=4, mew=0)
    axes.plot(epsilons[shown], means[shown], "o-", color=BLUE, ms=5)
    for row in np.flatnonzero(~is_finite):
        axes.axhline(means[row], color=INK, lw=1, ls="--")
        axes.annotate(
            "no noise",
            (1.0, means[row]),
            xycoords=axes.get_yaxis_transform(),
            ha="right",
            va="bottom",
            fontsize=TEXT,
        )
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xticks(epsilons[shown], [f"{each:g}" for each in epsilons[shown]])
    axes.set_xticks([], minor=True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=TEXT - 1)
    axes.set_title("largest error of a contribution α", **heading())
    axes.set_xlabel("ε of each party (smaller: more private)", fontsize=TEXT)
    return figure

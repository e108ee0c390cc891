"""The reward values that keep every promise, and why these were chosen."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from cgm_jax.rewards import RewardScheme

from .drawing import BLUE, GREEN, INK, PALE, RED, TEXT, WIDTH, labels_of, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["plot_feasible_region"]


def plot_feasible_region(
    scheme: RewardScheme, names: Sequence[str] | None = None
) -> "Figure":
    r"""The pairs (ρ, v*) of r_i = α_i^ρ v* that keep every promise, and the chosen one.
    Args:
        scheme: reward values that were found.
        names: the parties' names.

    Returns:
        The figure, zoomed to the region; v* is on a logarithmic scale, on which every
        bound is a straight line. The two bounds that limit the choice are labelled.

    Raises:
        ValueError: if the scheme has no optimum.

    Example:
        >>> from cgm_jax.rewards import solve_reward_scheme
        >>> phi, own, upper = np.array([[0.1, 0.2], [0.3, 0.4], [0.8, 0.9]])
        >>> scheme = solve_reward_scheme(phi, own, upper)
        >>> figure = plot_feasible_region(scheme)
        >>> [text.get_text() for text in figure.axes[0].texts]
        ['ρ = 1\nv* = 0.9', 'party 1\ncan get 0.9 at most', 'ρ is 1 at most']

    Reference: Tay et al. 2022, Sec. 4.1.
    """
    labels = labels_of(names, len(scheme.shapley_values), "party")
    upper, lower = scheme.limiting_upper_party, scheme.limiting_lower_party
    if upper is None:
        raise ValueError(
            "Expected a reward scheme with an optimum, got one that ended with "
            f"{scheme.status!s}: there is no region to draw."
        )
    region, corners = scheme.region, scheme.feasible_vertices
    low, high = corners.min(axis=0), corners.max(axis=0)
    size = np.maximum(high - low, 1e-6)  # the region may be a single point
    # Room for words above and beside.
    window = np.stack([low - size * [0.05, 0.1], high + size * [0.6, 0.3]])
    figure = new_figure(0.8 * WIDTH, 4.2)
    axes = figure.subplots()
    axes.set_yscale("log")
    axes.fill(corners[:, 0], np.exp(corners[:, 1]), color=BLUE, alpha=0.2, lw=0)
    axes.axvline(0, color=PALE, lw=1)
    axes.axvline(1, color=PALE if lower is not None else GREEN, lw=1)
    for heights, limiting, color in (
        (region.log_upper, upper, RED),
        (region.log_lower, lower, GREEN),
    ):
        rho = np.clip(window[:, 0], 0, 1)
        ends = np.exp(heights[:, None] + np.outer(region.slopes, rho))
        for party, end in zip(region.parties, ends, strict=True):
            style = (color, 2) if party == limiting else (PALE, 1)
            axes.plot(rho, end, color=style[0], lw=style[1], zorder=style[1])
    optimum = scheme.rho, scheme.max_reward_value
    axes.plot(*optimum, "o", color=INK, ms=7, zorder=3)
    chosen = f"ρ = {scheme.rho:.3g}\nv* = {scheme.max_reward_value:.4g}"
    most = f"{labels[upper]}\ncan get {scheme.upper_values[upper]:.4g} at most"
    least = "ρ is 1 at most"
    if lower is not None:
        least = f"{labels[lower]}\nmust get {scheme.lower_values[lower]:.4g} at least"
    # All bounds rise with ρ, so the region is below and left of the optimum.
    for text, offset, ha, va, color in (
        (chosen, (-32, -7), "right", "top", INK),
        (most, (-9, 7), "right", "bottom", RED),
        (least, (9, -7), "left", "top", GREEN),
    ):
        style = {"ha": ha, "va": va, "color": color, "fontsize": TEXT}
        axes.annotate(text, optimum, offset, textcoords="offset points", **style)
    axes.set_xlim(*window[:, 0])
    axes.set_ylim(*np.exp(window[:, 1]))
    axes.set_xlabel("ρ: 0 pays all the same, 1 pays in proportion to α", fontsize=TEXT)
    axes.set_ylabel("largest reward value v*", fontsize=TEXT)
    _set_ticks(axes)
    return figure


def _set_ticks(axes: "Axes") -> None:
    """Ticks of ρ in [0, 1] only; plain numbers where powers of ten are too coarse."""
    from matplotlib.ticker import MaxNLocator, NullLocator, ScalarFormatter

    left, right = np.clip(axes.get_xlim(), 0, 1)
    ticks = MaxNLocator(5).tick_values(left, right)
    axes.set_xticks(ticks[(ticks >= left) & (ticks <= right)])
    bottom, top = axes.get_ylim()
    if top < 20 * bottom:
        axes.yaxis.set_major_locator(MaxNLocator(5))
        axes.yaxis.set_major_formatter(ScalarFormatter(useOffset=False))
        axes.yaxis.set_minor_locator(NullLocator())
    axes.tick_params(labelsize=TEXT)
    axes.spines[["top", "right"]].set_visible(False)

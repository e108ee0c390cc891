"""Power of the two-sample test against the number of points, by kernel.

Reference: Liu et al. 2020, Figure 3.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import ArrayLike, Float, Int

from cgm_jax.plots.drawing import INK, PALE, SERIES, TEXT, WIDTH, heading, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["plot_power"]

_MARKERS = "os^D"


def plot_power(
    num_points: Int[ArrayLike, " sizes"],
    power: Mapping[str, Float[ArrayLike, "sizes kernels"]],
    level: Mapping[str, Float[ArrayLike, "sizes kernels"]],
    *,
    significance: float,
) -> Figure:
    """Shares of tests that rejected P = Q, where P ≠ Q and where P = Q.

    Args:
        num_points: of a sample, one per size.
        power: where P ≠ Q, of every learned kernel, by kind of kernel; at most four.
        level: the same where P = Q.
        significance: the share at which P = Q should be rejected.

    Returns:
        The figure: means over the learned kernels, with standard errors.

    Raises:
        ValueError: if there are no kinds, or more than four.

    Example:
        >>> shares = {"deep": np.array([[0.4, 0.6]]), "median": np.zeros((1, 2))}
        >>> figure = plot_power(np.array([180]), shares, shares, significance=0.05)
        >>> [axes.get_title(loc="left") for axes in figure.axes]
        ['P ≠ Q: power', 'P = Q: level']
    """
    if not 1 <= len(power) <= len(SERIES):
        raise ValueError(f"Expected one to {len(SERIES)} kernels, got {len(power)}.")
    sizes = np.asarray(num_points)
    figure = new_figure(WIDTH, 3.8)
    panels = figure.subplots(1, 2, width_ratios=(3, 2))
    for axes, shares, title in zip(
        panels, (power, level), ("P ≠ Q: power", "P = Q: level"), strict=True
    ):
        axes.set_title(title, **heading())
        axes.axhline(significance, color=PALE, lw=1, zorder=0)
        for kind, color, marker in zip(power, SERIES, _MARKERS, strict=False):
            found = np.asarray(shares[kind], float)
            count = found.shape[1]
            errors = found.std(1, ddof=1) / count**0.5 if count > 1 else None
            axes.errorbar(
                sizes,
                found.mean(1),
                errors,
                color=color,
                marker=marker,
                markersize=4,
                capsize=2,
                lw=1.2,
                label=kind,
            )
        axes.set_xlabel("points of each sample", fontsize=TEXT, color=INK)
        axes.set_xticks(sizes, [f"{size:,}" for size in sizes])
        axes.tick_params(labelsize=TEXT)
        axes.spines[["top", "right"]].set_visible(False)
    panels[0].set_ylim(0, 1.02)
    panels[0].set_ylabel("share of tests that reject P = Q", fontsize=TEXT)
    panels[1].set_ylim(0, max(4 * significance, panels[1].get_ylim()[1]))
    figure.legend(
        *panels[0].get_legend_handles_labels(),
        loc="outside upper right",
        ncols=len(power),
        frameon=False,
        fontsize=TEXT,
    )
    return figure

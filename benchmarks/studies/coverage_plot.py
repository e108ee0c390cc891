"""Whether contributions follow how much of the classes a party covers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import ArrayLike, Float

from cgm_jax.plots.drawing import INK, SERIES, TEXT, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["plot_coverage"]


def plot_coverage(
    coverage: Float[ArrayLike, " n"], alpha: Mapping[str, Float[ArrayLike, " n"]]
) -> Figure:
    """Contributions α over the coverage of the classes, by kernel.

    Args:
        coverage: of the parties, in [0, 1].
        alpha: normalised Shapley values by the name of the kernel; at most four.

    Returns:
        The figure: one dot per party and kernel, with the number of the party, from 1,
        at the dots of the first.

    Raises:
        ValueError: if there is no kernel, or more than four.

    Example:
        >>> alpha = {"deep": np.array([0.3, 1.0])}
        >>> figure = plot_coverage(np.array([0.4, 1.0]), alpha)
        >>> [text.get_text() for text in figure.axes[0].texts]
        ['1', '2']
    """
    if not 1 <= len(alpha) <= len(SERIES):
        raise ValueError(f"Expected one to {len(SERIES)} kernels, got {len(alpha)}.")
    figure = new_figure(5.5, 3.8)
    axes = figure.subplots()
    places = np.asarray(coverage)
    for (name, values), color, marker in zip(
        alpha.items(), SERIES, "osD^", strict=False
    ):
        axes.plot(  # rings, since one dot would hide another
            places, values, marker, color=color, mfc="none", mew=1.6, ms=7, label=name
        )
    for i, (x, y) in enumerate(
        zip(places, np.asarray(next(iter(alpha.values()))), strict=True)
    ):
        axes.annotate(
            f"{i + 1}",
            (x, y),
            xytext=(-9 if i % 2 else 6, -3),
            textcoords="offset points",
            fontsize=TEXT,
            color=INK,
        )
    axes.set_xlabel("share of the pool's classes that a party covers", fontsize=TEXT)
    axes.set_ylabel("contribution α", fontsize=TEXT)
    axes.set_ylim(min(0, axes.get_ylim()[0]), 1.08)
    axes.tick_params(labelsize=TEXT)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=TEXT, loc="lower right")
    return figure

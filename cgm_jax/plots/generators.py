"""Generators side by side, a panel for each figure."""

from typing import TYPE_CHECKING

import numpy as np

from cgm_jax.evaluation import GeneratorComparison

from .drawing import BLUE, GREEN, INK, PALE, TEXT, WIDTH, heading, labels_of, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["plot_generators"]


def plot_generators(comparison: GeneratorComparison) -> "Figure":
    """How good each generator's rows are, a row a generator and a panel a figure.

    Args:
        comparison: of generators.

    Returns:
        The figure: filled what was compared, green the best, and hollow the yardsticks.
        Dashed is what is best, or what is expected of rows that copy nothing.

    Example:
        >>> import jax, pyarrow as pa
        >>> from cgm_jax.evaluation import compare_generators
        >>> from cgm_jax.generators import KernelDensity
        >>> from cgm_jax.tables import encode_frames
        >>> rng = np.random.default_rng(0)
        >>> table = pa.table({"x": rng.normal(size=200), "y": rng.normal(size=200)})
        >>> (points,), codec = encode_frames([table])
        >>> found = compare_generators(
        ...     jax.random.key(0), codec, points, {"kde": KernelDensity(0.05)}
        ... )
        >>> len(plot_generators(found).axes)
        5
    """
    rows = comparison.rows()
    panels = {
        "shape": ("columns", 1.0),
        "trend": ("pairs", 1.0),
        "detection": ("rows", 1.0),
        "utility": (f"{comparison.measure} of target", comparison.real_utility),
        "copied_share": ("copied", 0.0),
        "mmd2_at_quarter": ("MMD² at ℓ/4", 0.0),
    }
    if comparison.target is None:
        del panels["utility"]
    figure = new_figure(WIDTH, 1.1 + 0.32 * len(rows))
    axes = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    names = labels_of([row["name"] for row in rows], len(rows), "generator")
    places = np.arange(len(rows))
    best = comparison.best.name
    for panel, (name, (title, expected)) in zip(axes, panels.items(), strict=True):
        if np.isfinite(expected):
            panel.axvline(expected, color=PALE, lw=1, ls="--", zorder=0)
        for place, row in zip(places, rows, strict=True):
            if np.isnan(row[name]):
                continue
            is_hollow = row["is_yardstick"]
            color = GREEN if row["name"] == best and not is_hollow else BLUE
            color = INK if is_hollow else color
            face = "none" if is_hollow else color
            panel.plot(row[name], place, "o", color=color, mfc=face, ms=6)
        panel.set_title(title, **heading())
        panel.tick_params(labelsize=TEXT - 1)
        panel.spines[["top", "right"]].set_visible(False)
        panel.locator_params("x", nbins=2)
        panel.margins(x=0.15)
        panel.xaxis.set_major_formatter("{x:.3g}")
    axes[0].set_yticks(places, names)
    axes[0].set_ylim(len(rows) - 0.5, -0.5)
    return figure

"""Whether what parties end up with follows what they contributed, as Figure 2."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from cgm_jax.metrics import CorrelationSummary

from .drawing import INK, LEGEND, SERIES, TEXT, WIDTH, heading, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["plot_correlations"]

_NAMES = {
    "mmd2_unbiased": "−MMD²",
    "reverse_kl": "−reverse\nKL",
    "wasserstein2": "−Wasser-\nstein",
    "class_imbalance": "−class\nimbalance",
    "num_points": "number\nof points",
}
_ROOM = 0.8  # of the space of a metric that its bars take


def plot_correlations(
    correlations: Mapping[str, Mapping[str, Mapping[str, CorrelationSummary]]],
) -> "Figure":
    """Bars of the correlation of each metric with α, with standard errors over β.

    Args:
        correlations: `Evaluation.alpha_correlations` by split and data set; at most
            four data sets, and not all have to be in every split.

    Returns:
        The figure: a panel a split, in it the negatives of the four metrics and |G_i|,
        and a bar a data set, or "n/a" where a correlation does not exist.

    Raises:
        ValueError: if there is no split or no data set, or more than four data sets.

    Example:
        >>> metrics = "mmd2_unbiased reverse_kl wasserstein2 class_imbalance num_points"
        >>> ours = dict.fromkeys(metrics.split(), CorrelationSummary(0.9, 0.05, 4))
        >>> figure = plot_correlations({"unequal": {"credit-ratings": ours}})
        >>> figure.axes[0].get_title(loc="left")
        'unequal'

    Reference: Tay et al. 2022, Figure 2.
    """
    datasets = list(dict.fromkeys(name for of in correlations.values() for name in of))
    if not 1 <= len(datasets) <= len(SERIES):
        raise ValueError(
            f"Expected one to {len(SERIES)} data sets, got {len(datasets)}: {datasets}."
        )
    figure = new_figure(WIDTH, 3.6)
    panels = figure.subplots(1, len(correlations), sharey=True, squeeze=False)[0]
    width = _ROOM / len(datasets)
    handles, is_negative = {}, False
    for axes, (split, of_split) in zip(panels, correlations.items(), strict=True):
        axes.set_title(split, **heading())
        axes.axhline(0, color=INK, lw=0.8)
        for k, (dataset, color) in enumerate(zip(datasets, SERIES, strict=False)):
            if dataset not in of_split:
                continue
            summaries = [of_split[dataset][name] for name in _NAMES]
            places = np.arange(len(_NAMES)) + (k + 0.5) * width - _ROOM / 2
            means = [summary.mean for summary in summaries]
            is_negative = is_negative or any(mean < 0 for mean in means)
            handles[dataset] = axes.bar(
                places,
                means,
                0.9 * width,
                yerr=[summary.standard_error for summary in summaries],
                color=color,
                ecolor=INK,
                capsize=2,
            )
            for place, mean in zip(places, means, strict=True):
                if math.isnan(mean):
                    axes.annotate(
                        "n/a", (place, 0.02), rotation=90, ha="center", fontsize=TEXT
                    )
        axes.set_xticks(range(len(_NAMES)), _NAMES.values(), fontsize=TEXT)
        axes.tick_params(bottom=False, labelsize=TEXT)
        axes.spines[["top", "right", "bottom"]].set_visible(False)
    panels[0].set_ylim(-1.05 if is_negative else 0, 1.05)  # of all: the axis is shared
    panels[0].set_ylabel("correlation with the contribution α", fontsize=TEXT)
    in_order = [handles[dataset] for dataset in datasets]
    figure.legend(in_order, datasets, ncols=len(datasets), **LEGEND)
    return figure

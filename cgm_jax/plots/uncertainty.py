"""How sure it is what each party contributed, and what it was promised.

Notation: α the normalised Shapley values, r the reward values.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from cgm_jax.collaboration import Uncertainty

from .drawing import BLUE, INK, RED, TEXT, WIDTH, heading, labels_of, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["plot_uncertainty"]

_NORMAL_95 = 1.96  # standard errors to each side
_MOST_DIGITS = 6


def plot_uncertainty(
    uncertainty: Uncertainty,
    names: Sequence[str] | None = None,
    *,
    parties: Sequence[int] | None = None,
) -> Figure:
    """Contributions α and reward values r, with error bars of 95 %.

    Args:
        uncertainty: promises for the data and for resamples of them.
        names: the parties' names.
        parties: which parties to show, and in which order; all by default.

    Returns:
        The figure: α on the left, r on the right; a bar is 1.96 standard errors long to
        each side, and is left out where there is no standard error.

    Raises:
        ValueError: if ``len(names)`` differs from the number of parties.

    Example:
        >>> import jax
        >>> from cgm_jax.collaboration import estimate_uncertainty, promise
        >>> rng = np.random.default_rng(0)
        >>> parties = [rng.normal(size=(n, 1)) for n in (20, 60)]
        >>> promises = promise(parties, np.linspace(-3, 3, 50)[:, None])
        >>> uncertainty = estimate_uncertainty(jax.random.key(1), promises, 10)
        >>> figure = plot_uncertainty(uncertainty, ["bank A", "bank B"])
        >>> [axes.get_title(loc="left") for axes in figure.axes]
        ['contribution α (the largest is 1)', 'reward value r']

    Reference: Efron, Tibshirani 1993.
    """
    scheme = uncertainty.scheme
    labels = labels_of(names, len(scheme.shapley_values), "party")
    shown = list(range(len(labels)) if parties is None else parties)
    rows = np.arange(len(shown))
    figure = new_figure(WIDTH, 1.3 + 0.3 * len(shown))
    left, right = figure.subplots(1, 2, sharey=True)
    left.set_title("contribution α (the largest is 1)", **heading())
    right.set_title("reward value r", **heading())
    alpha = scheme.normalized_shapley, uncertainty.normalized_shapley_errors
    reward = scheme.reward_values, uncertainty.reward_value_errors
    for axes, (values, errors), color in ((left, alpha, BLUE), (right, reward, RED)):
        values, errors = values[shown], errors[shown]
        axes.errorbar(
            values,
            rows,
            xerr=_NORMAL_95 * np.nan_to_num(errors),
            fmt="o",
            color=color,
            ms=5,
            elinewidth=1.4,
            capsize=3,
        )
        axes.axvline(0, color=INK, lw=0.8)
        axes.tick_params(left=False, labelsize=TEXT)
        axes.locator_params("x", nbins=5)
        axes.spines[["left", "top", "right"]].set_visible(False)
        for row, value, error in zip(rows, values, errors, strict=True):
            axes.annotate(
                _with_error(value, error),
                (1.01, row),
                xycoords=axes.get_yaxis_transform(),
                va="center",
                fontsize=TEXT,
            )
    left.set_yticks(rows, [labels[i] for i in shown])
    left.set_ylim(len(rows) - 0.5, -0.5)
    figure.supxlabel(
        f"± one standard error over {uncertainty.num_resamples} resamples; bars: 95 %",
        fontsize=TEXT,
    )
    return figure


def _with_error(value: float, error: float) -> str:
    """A number and its error, to the second digit of the error."""
    if not error > 0:  # none known, or none at all
        return f"{value:.3g}"
    digits = min(max(1 - math.floor(math.log10(error)), 0), _MOST_DIGITS)
    return f"{value:.{digits}f} ± {error:.{digits}f}"

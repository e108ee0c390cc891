"""What each party contributed, and what it was promised.

Notation: α the normalised Shapley values, r the reward values, D_i the data of party i,
G the candidates. Reference: Tay et al. 2022, Sec. 3 and 4.1.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from cgm_jax.collaboration import Promises

from .drawing import BLUE, INK, PALE, RED, TEXT, WIDTH, heading, labels_of, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["plot_contributions"]


def plot_contributions(
    promises: Promises,
    names: Sequence[str] | None = None,
    *,
    parties: Sequence[int] | None = None,
) -> Figure:
    """Bars of α, what each party contributed, and of r, what it was promised.

    Args:
        promises: what was valued and promised.
        names: the parties' names.
        parties: which parties to show, and in which order; all by default.

    Returns:
        The figure: α on the left; on the right r, with marks at the value of the
        party's own data and at v(D_i ∪ G), the most that it can be given.

    Raises:
        ValueError: if ``len(names)`` differs from the number of parties.

    Example:
        >>> import cgm_jax
        >>> parties = [np.zeros((2, 1)), np.ones((3, 1))]
        >>> promises = cgm_jax.promise(parties, np.linspace(-1, 2, 50)[:, None])
        >>> figure = plot_contributions(promises, ["bank A", "bank B"])
        >>> [axes.get_title(loc="left") for axes in figure.axes]
        ['contribution α (the largest is 1)', 'reward value r']

    Reference: Tay et al. 2022, Eq. 5 and 6.
    """
    scheme = promises.scheme
    labels = labels_of(names, len(scheme.shapley_values), "party")
    shown = list(range(len(labels)) if parties is None else parties)
    rows = np.arange(len(shown))
    figure = new_figure(WIDTH, 1.3 + 0.3 * len(shown))
    left, right = figure.subplots(1, 2, sharey=True)
    left.set_title("contribution α (the largest is 1)", **heading())
    right.set_title("reward value r", **heading())
    alphas, rewards = scheme.normalized_shapley[shown], scheme.reward_values[shown]
    left.barh(rows, alphas, height=0.6, color=BLUE)
    right.barh(rows, rewards, height=0.6, color=PALE)
    for values, color, words in (
        (scheme.own_values, INK, "value of own data"),
        (scheme.upper_values, RED, "most that the party can be given"),
    ):
        right.plot(values[shown], rows, "|", color=color, ms=15, mew=2, label=words)
    for axes, numbers, form in (
        (left, alphas, ".2f"),
        (right, rewards, ".3g"),
    ):
        axes.axvline(0, color=INK, lw=0.8)
        axes.tick_params(left=False, labelsize=TEXT)
        axes.locator_params("x", nbins=5)
        axes.spines[["left", "top", "right"]].set_visible(False)
        for row, number in zip(rows, numbers, strict=True):
            # In the margin: at the end of its bar, a number would meet the marks.
            axes.annotate(
                format(number, form),
                (1.01, row),
                xycoords=axes.get_yaxis_transform(),
                va="center",
                fontsize=TEXT,
            )
    left.set_yticks(rows, [labels[i] for i in shown])
    left.invert_yaxis()
    figure.legend(loc="outside lower right", ncols=2, frameon=False, fontsize=TEXT)
    return figure

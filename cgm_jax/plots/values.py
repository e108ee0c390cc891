"""How the value of each party's data rose to what it was promised."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Int

from cgm_jax.collaboration import Draw

from .drawing import BLUE, RED, TEXT, count_of_points, heading, labels_of, new_panels

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["plot_values"]

_LINE_POINTS = 500
_POWERS_OF_TEN = ("1", "10", "100", "1k", "10k", "100k", "1M", "10M", "100M", "1G")


def plot_values(
    draw: Draw,
    names: Sequence[str] | None = None,
    *,
    parties: Sequence[int] | None = None,
) -> "Figure":
    """The value of each party's data as synthetic points join it, one panel per party.

    Args:
        draw: what was handed out.
        names: the parties' names.
        parties: which to show, and in which order; all by default.

    Returns:
        The figure: v(D_i ∪ G_i) over the number of points, from 0 on and logarithmic,
        thinned to at most 500 points per line; dashed, the reward value.

    Example:
        >>> import jax, cgm_jax
        >>> parties = [np.zeros((2, 1)), np.ones((3, 1))]
        >>> grid = np.linspace(-1, 2, 50)[:, None]
        >>> result = cgm_jax.collaborate(jax.random.key(0), parties, grid)
        >>> line, *_ = plot_values(result.draw).axes[0].lines
        >>> bool(line.get_ydata()[-1] == result.draw.rewards[0].final_value)
        True

    Reference: Tay et al. 2022, Algorithm 1.
    """
    labels = labels_of(names, len(draw.rewards), "party")
    shown = list(range(len(labels)) if parties is None else parties)
    figure, panels = new_panels(len(shown), height=2.0)
    most = max(1, *(len(draw.rewards[i].indices) for i in shown))
    powers = len(str(most))
    for axes, i in zip(panels, shown, strict=True):
        reward = draw.rewards[i]
        values = np.append(reward.initial_value, reward.values)
        counts = _evenly_in_factors(len(values))
        axes.plot(counts, values[counts], color=BLUE, lw=1.6)
        axes.plot(counts[-1:], values[-1:], "o", color=BLUE, ms=4)
        axes.axhline(reward.reward_value, color=RED, lw=1.2, ls="--")
        axes.annotate(
            f"r = {reward.reward_value:.3g}",
            (0.04, reward.reward_value),
            (0, 3),
            xycoords=axes.get_yaxis_transform(),
            textcoords="offset points",
            fontsize=TEXT,
            color=RED,
        )
        count = count_of_points(len(reward.indices))
        axes.set_title(f"{labels[i]}\n{count}", **heading())
        axes.set_xscale("symlog", linthresh=1, linscale=0.5)
        axes.set_xticks(
            [0, *(10**k for k in range(powers))], ["0", *_POWERS_OF_TEN[:powers]]
        )
        axes.minorticks_off()
        axes.margins(y=0.15)
    panels[0].set_xlim(-0.2, 1.3 * most)
    figure.supxlabel("number of synthetic points added", fontsize=TEXT)
    figure.supylabel("value of the party's data with them", fontsize=TEXT)
    return figure


def _evenly_in_factors(length: int) -> Int[np.ndarray, " k"]:
    """Positions from the first to the last, as a logarithmic axis shows them best."""
    steps = np.geomspace(1, max(1, length - 1), _LINE_POINTS - 1).round()
    return np.unique(np.append(0, steps).astype(np.int64))[:length]

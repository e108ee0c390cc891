"""What each party contributed and was promised, and how sure that is."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from cgm_jax.collaboration import Promises, Uncertainty

from .drawing import BLUE, INK, PALE, RED, TEXT, new_rows, write_beside_rows

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["plot_contributions", "plot_uncertainty"]

_NORMAL_95 = 1.96  # standard errors to each side
_MOST_DIGITS = 6


def plot_contributions(
    promises: Promises,
    names: Sequence[str] | None = None,
    *,
    parties: Sequence[int] | None = None,
) -> "Figure":
    """Bars of normalised Shapley values α and of reward values r.

    Args:
        promises: what was valued and promised.
        names: the parties' names.
        parties: which parties to show, and in which order; all by default.

    Returns:
        The figure: α on the left; on the right r, with marks at the value of the
        party's own data and at v(D_i ∪ G), the most that it can be given.

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
    figure, left, right, shown = new_rows(names, len(scheme.shapley_values), parties)
    rows = range(len(shown))
    alphas, rewards = scheme.normalized_shapley[shown], scheme.reward_values[shown]
    left.barh(rows, alphas, height=0.6, color=BLUE)
    right.barh(rows, rewards, height=0.6, color=PALE)
    for values, color, words in (
        (scheme.own_values, INK, "value of own data"),
        (scheme.upper_values, RED, "most that the party can be given"),
    ):
        right.plot(values[shown], rows, "|", color=color, ms=15, mew=2, label=words)
    # In the margin: at the end of its bar, a number would meet the marks.
    write_beside_rows(left, [f"{number:.2f}" for number in alphas])
    write_beside_rows(right, [f"{number:.3g}" for number in rewards])
    for axes in (left, right):
        axes.axvline(0, color=INK, lw=0.8)
    left.invert_yaxis()
    figure.legend(loc="outside lower right", ncols=2, frameon=False, fontsize=TEXT)
    return figure


def plot_uncertainty(
    uncertainty: Uncertainty,
    names: Sequence[str] | None = None,
    *,
    parties: Sequence[int] | None = None,
) -> "Figure":
    """Normalised Shapley values α and reward values r, with error bars of 95 %.

    Args:
        uncertainty: promises for the data and for resamples of them.
        names, parties: as in `plot_contributions`.

    Returns:
        The figure: α on the left, r on the right; a bar is 1.96 standard errors long to
        each side, and left out where there is no standard error.

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
    figure, left, right, shown = new_rows(names, len(scheme.shapley_values), parties)
    alpha = scheme.normalized_shapley, uncertainty.normalized_shapley_errors
    reward = scheme.reward_values, uncertainty.reward_value_errors
    for axes, (values, errors), color in ((left, alpha, BLUE), (right, reward, RED)):
        values, errors = values[shown], errors[shown]
        axes.errorbar(
            values,
            range(len(shown)),
            xerr=_NORMAL_95 * np.nan_to_num(errors),
            fmt="o",
            color=color,
            ms=5,
            elinewidth=1.4,
            capsize=3,
        )
        axes.axvline(0, color=INK, lw=0.8)
        write_beside_rows(axes, list(map(_with_error, values, errors)))
    left.set_ylim(len(shown) - 0.5, -0.5)
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

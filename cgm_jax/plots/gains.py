"""What every manipulation gains under every scheme, as a map of colours."""

from typing import TYPE_CHECKING

import numpy as np

from cgm_jax._shared.checks import check_kind
from cgm_jax.audit import GainTable

from .drawing import INK, TEXT, heading, labels_of, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["plot_gains"]

_MOST = 0.5  # of what is held: larger gains and losses have the same colour
_DARK = 0.6  # share of the way to the strongest colour from which words are white
_NAMES = 32  # characters of a manipulation


def plot_gains(table: GainTable) -> "Figure":
    """The most that a party gains, by manipulation and scheme.

    Args:
        table: of the trials, `audit.Stress.table`.

    Returns:
        The figure: a row a manipulation and a column a scheme, the one in use first; in
        a cell the most that a party gains in per cent of what it holds when honest,
        with its standard error where there are several keys. Red: it pays; blue: it
        does not; a dash: it could not be tried. Below each scheme is the worst of it.

    Raises:
        ValueError: if nothing was tried.

    Example:
        >>> import jax, cgm_jax
        >>> from cgm_jax import audit
        >>> rng = np.random.default_rng(0)
        >>> parties = [rng.normal(i, 0.5, size=(20, 1)) for i in range(2)]
        >>> promises = cgm_jax.promise(parties, np.linspace(-1, 2, 60)[:, None])
        >>> found = audit.stress(
        ...     jax.random.key(0), promises, manipulations=audit.MANIPULATIONS[:2]
        ... )
        >>> len(plot_gains(found.table()).axes[0].texts)  # and three outliers
        6
    """
    check_kind(table, GainTable, "`Stress.table`")
    if not table.manipulations:
        raise ValueError("Expected a table of some manipulations, got none.")
    gains = np.vstack([table.most.T, table.worst[None]])
    errors = np.vstack([table.most_error.T, np.full_like(table.worst[None], np.nan)])
    names = [*table.manipulations, "the worst of these"]
    rows, columns = gains.shape
    figure = new_figure(2.9 + 0.85 * max(columns, 3), 1.3 + 0.26 * rows)
    axes = figure.subplots()
    largest = min(max(float(np.nanmax(abs(gains), initial=0.0)), 1e-3), _MOST)
    axes.imshow(gains, cmap="RdBu_r", vmin=-largest, vmax=largest, aspect="auto")
    for (row, column), gain in np.ndenumerate(gains):
        is_strong = abs(gain) > _DARK * largest
        axes.annotate(
            _words(float(gain), float(errors[row, column])),
            (column, row),
            ha="center",
            va="center",
            fontsize=TEXT - 1,
            color="white" if is_strong else INK,
            weight="bold" if row == rows - 1 else "normal",
        )
    axes.axhline(rows - 1.5, color=INK, lw=0.8)
    axes.set_yticks(range(rows), labels_of(names, rows, "manipulation", length=_NAMES))
    schemes = labels_of(table.schemes, columns, "scheme")
    axes.set_xticks(range(columns), schemes, rotation=30, ha="left")
    axes.tick_params(
        length=0, labelsize=TEXT, bottom=False, labelbottom=False, labeltop=True
    )
    axes.spines[:].set_visible(False)
    axes.set_title("most gain of a party, % of what it holds when honest", **heading())
    return figure


def _words(gain: float, error: float) -> str:
    """A gain in per cent, with its standard error if there is one."""
    if np.isnan(gain):
        return "–"
    percent = 100 * gain
    words = f"{percent:+.1f}" if abs(percent) < 10 else f"{percent:+.0f}"
    words = "0" if float(words) == 0 else words.replace("-", "−")
    if np.isnan(error):
        return words
    return f"{words} ± {100 * error:.1f}"

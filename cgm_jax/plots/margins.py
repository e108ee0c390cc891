"""Margins of an audit: by how much every promise was kept or broken."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from cgm_jax.audit import Audit

from .drawing import (
    BLUE,
    INK,
    PALE,
    RED,
    TEXT,
    WIDTH,
    labels_of,
    new_figure,
    write_beside_rows,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["plot_margins"]

_TITLES = {
    "R1": "nobody below nothing (R1)",
    "R2": "within reach (R2)",
    "R3": "somebody gets the most (R3)",
    "R4": "nobody worse off (R4)",
    "R6": "no group does better alone (R6)",
    "F1": "nothing for nothing (F1)",
    "F2": "equals get equal (F2)",
    "F3": "more for more (F3)",
    "F4": "more for a better game (F4)",
    "F6": "no less for joining early (F6)",
    "F7": "more for joining early (F7)",
    "F8": "together, time is nothing (F8)",
    "delivery": "handed out as promised",
}


def plot_margins(audit: Audit, names: Sequence[str] | None = None) -> "Figure":
    """How much is left of every promise at its tightest, and for whom.

    Args:
        audit: the audit.
        names: the parties' names.

    Returns:
        The figure: a row a condition, with its margin as assigned and as handed out;
        to the right of the grey band (the tolerance) there is room, to the left it is
        broken. The axis is linear within the band and logarithmic beyond.

    Example:
        >>> import jax, cgm_jax
        >>> parties = [np.zeros((2, 1)), np.ones((3, 1))]
        >>> grid = np.linspace(-1, 2, 50)[:, None]
        >>> result = cgm_jax.collaborate(jax.random.key(0), parties, grid)
        >>> figure = plot_margins(cgm_jax.audit.audit(result))
        >>> [label.get_text() for label in figure.axes[0].get_yticklabels()][3]
        'nobody worse off (R4)'

    Reference: Tay et al. 2022, Sec. 4 and App. D.
    """
    labels = labels_of(names, audit.num_parties, "party")
    found = audit.assigned | audit.realised
    shown = [name for name in _TITLES if name in found]
    figure = new_figure(WIDTH, 1.1 + 0.34 * len(shown))
    axes = figure.subplots()
    axes.axvspan(-audit.tolerance, audit.tolerance, color=PALE, lw=0)
    axes.axvline(0, color=INK, lw=0.8)
    for row, name in enumerate(shown):
        for checks, color, shift, form in (
            (audit.assigned, BLUE, -0.16, "o"),
            (audit.realised, RED, 0.16, "D"),
        ):
            check = checks.get(name)
            if check is not None and np.isfinite(check.margin):
                face = color if check.holds else "none"
                axes.plot(check.margin, row + shift, form, color=color, mfc=face, ms=6)
    words = [
        ", ".join(labels[i] for i in found[name].parties[:2])
        if found[name].num_cases
        else "nothing to keep"
        for name in shown
    ]
    write_beside_rows(axes, words)
    axes.set_xscale("symlog", linthresh=audit.tolerance)
    _set_few_ticks(axes, audit)
    axes.set_yticks(range(len(shown)), [_TITLES[name] for name in shown])
    axes.set_ylim(len(shown) - 0.5, -0.5)
    figure.supxlabel(
        "margin in units of the value: ● as assigned, ◆ as handed out, hollow: broken",
        fontsize=TEXT,
    )
    return figure


def _set_few_ticks(axes, audit: Audit) -> None:
    """Ticks at 0 and at every other power of ten on the sides that are used."""
    from matplotlib.ticker import FixedLocator

    margins = [
        check.margin
        for checks in (audit.assigned, audit.realised)
        for name, check in checks.items()
        if name in _TITLES and np.isfinite(check.margin)
    ]
    first = int(np.ceil(np.log10(audit.tolerance)))
    ticks = [0.0]
    for sign in (-1, 1):
        most = max((sign * margin for margin in margins), default=0.0)
        last = int(np.ceil(np.log10(max(most, audit.tolerance))))
        ticks += [sign * 10.0**k for k in range(first, last + 1, 2)]
    axes.set_xlim(2 * min([*ticks, *margins]), 2 * max([*ticks, *margins]))
    axes.xaxis.set_major_locator(FixedLocator(sorted(ticks)))

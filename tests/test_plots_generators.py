"""The picture of a comparison: all figures, the best in green, yardsticks hollow."""

import io

import numpy as np
import pytest
from figures import check_words
from small_comparisons import comparison, figures

from cgm_jax.plots import plot_generators
from cgm_jax.plots.drawing import BLUE, GREEN


def dots(axes) -> list:
    """The markers of a panel, from the first row to the last."""
    lines = [line for line in axes.lines if line.get_marker() == "o"]
    return sorted(lines, key=lambda line: line.get_ydata()[0])


@pytest.mark.parametrize("target", ["job", None])
@pytest.mark.medium
def test_words_fit(target):
    figure = plot_generators(comparison(target=target))
    assert len(figure.axes) == (5 if target is None else 6)
    check_words(figure)
    figure.savefig(io.BytesIO(), format="png", dpi=20)  # warnings are errors
    assert figure.canvas.manager is None


def test_every_figure_is_drawn_at_its_place_and_what_is_unknown_is_not():
    found = comparison()
    shape, _, detection, utility, copied, mmd2 = plot_generators(found).axes
    rows = found.rows()
    for axes, name in (
        (shape, "shape"),
        (utility, "utility"),
        (copied, "copied_share"),
        (mmd2, "mmd2_at_quarter"),
    ):
        drawn = [line.get_xdata()[0] for line in dots(axes)]
        np.testing.assert_array_equal(drawn, [row[name] for row in rows])
    places = [line.get_ydata()[0] for line in dots(detection)]
    assert places == [0, 1, 2, 3]  # the fresh rows are too few
    names = [label.get_text() for label in shape.get_yticklabels()]
    assert names == [row["name"] for row in rows]


def test_the_best_is_green_and_yardsticks_are_hollow():
    found = comparison(figures("kde"), figures("mmd-gan", detection=0.2))
    colors = [
        line.get_markerfacecolor() for line in dots(plot_generators(found).axes[0])
    ]
    assert colors == [GREEN, BLUE, "none", "none", "none"]

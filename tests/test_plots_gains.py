"""The map of what manipulations gain."""

import numpy as np
import pytest

from cgm_jax.audit import GainTable
from cgm_jax.plots import plot_gains


def table(most: np.ndarray, errors: np.ndarray | None = None) -> GainTable:
    most = np.asarray(most, float)
    errors = np.full(most.shape, np.nan) if errors is None else errors
    schemes = tuple(f"scheme {i}" for i in range(len(most)))
    names = tuple(f"way {j}" for j in range(most.shape[1]))
    party = np.zeros(most.shape, int)
    return GainTable(schemes, names, most, errors, party, most, errors)


def test_a_cell_has_the_gain_in_per_cent():
    figure = plot_gains(table([[0.123, -0.02, 0.00001], [2.31, np.nan, -0.4]]))
    (axes,) = figure.axes
    words = [text.get_text() for text in axes.texts]
    assert words == ["+12", "+231", "−2.0", "–", "0", "−40", "+12", "+231"]
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert labels == ["way 0", "way 1", "way 2", "the worst of these"]
    assert [label.get_text() for label in axes.get_xticklabels()] == [
        "scheme 0",
        "scheme 1",
    ]


def test_a_standard_error_stands_beside_it():
    figure = plot_gains(table([[0.123, 0.05]], np.array([[0.011, 0.002]])))
    words = [text.get_text() for text in figure.axes[0].texts]
    assert words == ["+12 ± 1.1", "+5.0 ± 0.2", "+12"]


def test_red_pays_and_blue_does_not():
    image = plot_gains(table([[0.2, -0.1, 0.0]])).axes[0].images[0]
    low, high = image.get_clim()
    assert low == -high == -0.2
    red, blue, white = image.cmap(image.norm(np.array([0.2, -0.2, 0.0])))[:, :3]
    assert red[0] > red[2] and blue[2] > blue[0] and (white > 0.95).all()
    # Of large gains the others would be pale.
    assert plot_gains(table([[7.0, 0.1]])).axes[0].images[0].get_clim() == (-0.5, 0.5)


def test_nothing_was_tried():
    with pytest.raises(ValueError, match="got none"):
        plot_gains(table(np.zeros((2, 0))))


@pytest.mark.medium
def test_twenty_by_eight_fit_on_it():
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    rng = np.random.default_rng(0)
    gains, errors = rng.normal(size=(8, 20)), rng.uniform(0.01, 0.2, size=(8, 20))
    figure = plot_gains(table(gains, errors))
    FigureCanvasAgg(figure).draw()
    axes = figure.axes[0]
    width = axes.get_window_extent().width / 8
    height = axes.get_window_extent().height / 21
    for text in axes.texts:
        box = text.get_window_extent()
        assert box.width < width and box.height < height

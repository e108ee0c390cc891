"""The picture of power shows the numbers that it is given."""

import numpy as np
import pytest

from benchmarks.studies.power_plot import plot_power

POWER = {"deep": np.array([[0.2, 0.4], [0.9, 1.0]]), "median": np.full((2, 2), 0.1)}
LEVEL = {"deep": np.array([[0.0, 0.1], [0.05, 0.05]]), "median": np.full((2, 2), 0.06)}


def test_power_shows_means_errors_and_the_level():
    figure = plot_power([90, 180], POWER, LEVEL, significance=0.05)
    power, level = figure.axes
    for axes, shares in ((power, POWER), (level, LEVEL)):
        for drawn, values in zip(axes.containers, shares.values(), strict=True):
            line, _, (bars,) = drawn.lines
            np.testing.assert_array_equal(line.get_xdata(), [90, 180])
            np.testing.assert_allclose(line.get_ydata(), values.mean(1))
            low, high = np.array([s[:, 1] for s in bars.get_segments()]).T
            error = np.abs(values[:, 0] - values[:, 1]) / 2
            np.testing.assert_allclose(high - low, 2 * error, atol=1e-12)
        assert 0.05 in [line.get_ydata()[0] for line in axes.lines]
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["deep", "median"]


def test_a_single_kernel_has_no_error():
    one = {name: values[:, :1] for name, values in POWER.items()}
    figure = plot_power([90, 180], one, one, significance=0.05)
    assert all(not drawn.has_yerr for drawn in figure.axes[0].containers)


@pytest.mark.parametrize("count", [0, 5])
def test_other_numbers_of_kernels_are_refused(count: int):
    shares = {str(i): np.zeros((1, 2)) for i in range(count)}
    with pytest.raises(ValueError, match=f"one to 4 kernels, got {count}"):
        plot_power([90], shares, shares, significance=0.05)

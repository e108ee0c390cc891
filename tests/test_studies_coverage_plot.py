"""The picture of contributions over coverage shows the numbers that it is given."""

import numpy as np
import pytest

from benchmarks.studies.coverage_plot import plot_coverage


def test_dots_are_where_the_numbers_are():
    coverage = [0.4, 1.0, 0.6]
    alpha = {"UMAP": [0.3, 1.0, 0.2], "deep": [0.1, 0.9, -0.2]}
    (axes,) = plot_coverage(coverage, alpha).axes
    for line, (name, values) in zip(axes.lines, alpha.items(), strict=True):
        assert line.get_label() == name
        np.testing.assert_array_equal(line.get_xdata(), coverage)
        np.testing.assert_array_equal(line.get_ydata(), values)
    assert [text.get_text() for text in axes.texts] == ["1", "2", "3"]
    assert [text.xy for text in axes.texts] == list(
        zip(coverage, alpha["UMAP"], strict=True)
    )
    low, high = axes.get_ylim()
    assert low <= -0.2
    assert high >= 1


@pytest.mark.parametrize("count", [0, 5])
def test_other_numbers_of_kernels_are_refused(count: int):
    with pytest.raises(ValueError, match=f"one to 4 kernels, got {count}"):
        plot_coverage([1.0], {str(i): [1.0] for i in range(count)})

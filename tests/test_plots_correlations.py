"""The picture of correlations: bars with their errors, as in Figure 2."""

import numpy as np
import pytest
from figures import check_words

from cgm_jax.metrics import CorrelationSummary
from cgm_jax.plots import plot_correlations

FIGURE_2 = [
    "mmd2_unbiased",
    "reverse_kl",
    "wasserstein2",
    "class_imbalance",
    "num_points",
]


def summaries(start, metrics=FIGURE_2):
    return {
        name: CorrelationSummary(start - 0.3 * k, 0.01 * (k + 1), 4)
        for k, name in enumerate(metrics)
    }


@pytest.mark.medium
def test_bars_are_correlations_with_their_errors():
    ours = {
        "equal-disjoint": {"credit-ratings": summaries(0.9), "digits": summaries(0.5)},
        "unequal": {"digits": summaries(0.7) | {"svm_accuracy": None}},
    }
    figure = plot_correlations(ours)
    left, right = figure.axes
    assert [axes.get_title(loc="left") for axes in (left, right)] == list(ours)
    for axes, split in ((left, "equal-disjoint"), (right, "unequal")):
        for bars, found in zip(
            [c for c in axes.containers if hasattr(c, "patches")],
            ours[split].values(),
            strict=True,
        ):
            expected = [found[name] for name in FIGURE_2]
            heights = [bar.get_height() for bar in bars.patches]
            assert heights == [summary.mean for summary in expected]
            (lines,) = bars.errorbar[2]
            for (low, high), summary in zip(
                (segment[:, 1] for segment in lines.get_segments()),
                expected,
                strict=True,
            ):
                error = summary.standard_error
                assert (low, high) == pytest.approx(
                    (summary.mean - error, summary.mean + error)
                )
    # A data set has one colour in every panel.
    assert right.patches[0].get_facecolor() == left.patches[5].get_facecolor()
    (legend,) = figure.legends
    words = [text.get_text() for text in legend.get_texts()]
    assert words == ["credit-ratings", "digits"]


@pytest.mark.medium
def test_words_of_correlations_do_not_overlap():
    four = {
        name: summaries(0.9) for name in ("credit-ratings", "credit-card", "a", "b")
    }
    nothing = CorrelationSummary(np.nan, np.nan, 0)
    four["a"] = four["a"] | {"class_imbalance": nothing}
    figure = plot_correlations({"equal-disjoint": four, "unequal": four})
    assert [text.get_text() for text in figure.axes[0].texts] == ["n/a"]
    check_words(figure)
    assert figure.axes[0].get_ylim()[0] < -1


def test_positive_correlations_fill_the_picture():
    figure = plot_correlations({"unequal": {"digits": summaries(1.25)}})
    bottom, top = figure.axes[0].get_ylim()
    assert (bottom, top) == pytest.approx((0, 1.05))


@pytest.mark.parametrize("count", [0, 5])
def test_as_many_data_sets_as_there_are_colours(count):
    with pytest.raises(ValueError, match=f"one to 4 data sets, got {count}"):
        plot_correlations({"unequal": {str(i): summaries(0.9) for i in range(count)}})

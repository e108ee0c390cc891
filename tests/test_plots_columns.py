"""Pictures of columns: what is drawn is what the cells are."""

import io

import jax
import numpy as np
import pyarrow as pa
import pytest
from figures import check_words, texts_of
from matplotlib.colors import to_hex
from table_cells import cells

from cgm_jax.metrics import table_quality
from cgm_jax.plots import plot_columns, plot_pairs
from cgm_jax.plots.drawing import BLUE, PALE, RED
from cgm_jax.tables import read_cells

KEY = jax.random.key(0)


def table(seed=0, num=300):
    """A column of each form, some cells of which are missing."""
    rng = np.random.default_rng(seed)
    jobs = rng.choice(["clerk", "nurse", "smith", None], num).tolist()
    days = (np.datetime64("2020-01-01") + rng.integers(0, 400, num)).astype(str)
    return {
        "amount in Swiss francs a month": cells(
            "number", np.exp(rng.normal(8, 2, num)).tolist()
        ),
        "children": cells("whole", rng.integers(0, 5, num).tolist()),
        "job": cells("text", jobs),
        "town": cells("text", rng.integers(0, 40, num).astype(str).tolist()),
        "day": read_cells(pa.array(days.tolist())),
        "sample_no": cells("whole", (2**60 + rng.integers(0, 9**9, num)).tolist()),
        "same": cells("number", [2.5] * num),
        "gone": cells("number", [None] * (num - 1) + [1.0]),
    }


def panel(figure, name):
    (axes,) = (a for a in figure.axes if a.get_title(loc="left") == name)
    return axes


def outlines(axes):
    """Colours, shares and edges of the two outlines."""
    return {
        to_hex(patch.get_edgecolor()): patch.get_data()
        for patch in axes.patches
        if not patch.get_fill()
    }


def test_outlines_are_shares_of_the_cells():
    real, synthetic = table(0), table(1, 200)
    figure = plot_columns([real], synthetic)
    drawn = outlines(panel(figure, "children"))
    for color, rows in ((BLUE, real), (RED, synthetic)):
        heights, edges, _ = drawn[color]
        np.testing.assert_allclose(edges, np.arange(6) - 0.5)  # a bin a value
        shares = np.bincount(rows["children"].values) / len(rows["children"])
        np.testing.assert_allclose(heights, shares)
    for name in ("day", "sample_no"):
        for heights, edges, _ in outlines(panel(figure, name)).values():
            assert len(heights) == 30
            assert (heights * np.diff(edges)).sum() == pytest.approx(1)
    ends = [label.get_text() for label in panel(figure, "day").get_xticklabels()]
    assert ends == ["2020-01-01", "2021-02-02"]


def test_what_is_beyond_the_real_range_is_in_the_last_bin():
    real = {"x": cells("number", np.linspace(0, 1, 100).tolist())}
    synthetic = {"x": cells("number", np.linspace(0.5, 9, 100).tolist())}
    heights, edges, _ = outlines(plot_columns([real], synthetic).axes[0])[RED]
    assert edges[-1] <= 1 and heights[-1] == heights.max()
    assert (heights * np.diff(edges)).sum() == pytest.approx(1)


@pytest.mark.medium
def test_bars_are_shares_of_the_categories_and_of_all_others():
    real, synthetic = table(0), table(1, 200)
    axes = panel(plot_columns([real], synthetic), "town")
    words = [label.get_text() for label in axes.get_yticklabels()]
    assert len(words) == 8 and words[-1] == "33 others"
    for bars, rows in zip(axes.containers, (real, synthetic), strict=True):
        present = rows["town"].present
        shares = [float(np.mean(present == word)) for word in words[:-1]]
        widths = [bar.get_width() for bar in bars]
        np.testing.assert_allclose(widths, [*shares, 1 - sum(shares)])


@pytest.mark.medium
def test_distance_and_missing_cells_are_written_below():
    real, synthetic = table(0), table(1, 200)
    figure = plot_columns([real], synthetic)
    found = table_quality(KEY, [real], synthetic)
    for name, shape, missing in zip(
        found.columns, found.shapes, found.missing.T, strict=True
    ):
        title = name if len(name) <= 24 else f"{name[:12]}…{name[-12:]}"
        words = panel(figure, title).get_xlabel().splitlines()
        assert words[0] == f"distance {1 - shape:.3f}"
        expected = "missing {:.0f} % | {:.0f} %".format(*(100 * missing))
        assert words[1:] == ([expected] if missing.any() else [])


@pytest.mark.medium
def test_words_neither_overlap_nor_leave_the_picture():
    real, synthetic = table(0), table(1, 200)
    figure = plot_columns([real], synthetic)
    assert figure.canvas.manager is None
    check_words(figure)
    check_words(plot_pairs(table_quality(KEY, [real], synthetic)))


def test_columns_without_cells_and_hostile_names_are_drawn():
    real = {
        r"$\frac{1}{$ & <b>": cells("number", [None, None]),
        "銀行": cells("text", ["$x", "<i>"]),
    }
    figure = plot_columns([real], real)
    figure.savefig(io.BytesIO(), format="png", dpi=20)  # warnings are errors
    words = [text for text, _ in texts_of(figure)]
    assert "no cells\nmissing 100 % | 100 %" in words and "column 2" in words
    empty = {"a": read_cells(pa.array(["", ""]))}
    with pytest.raises(ValueError, match="got none"):
        plot_columns([empty], empty)


@pytest.mark.medium
def test_of_very_many_columns_the_least_alike_are_drawn_in_their_order():
    rng = np.random.default_rng(0)
    real = {f"c{i}": cells("number", rng.normal(size=50).tolist()) for i in range(44)}
    synthetic = {
        name: cells("number", (cell.values + 9 * (i >= 4)).tolist())
        for i, (name, cell) in enumerate(real.items())
    }
    figure = plot_columns([real], synthetic)
    assert [a.get_title(loc="left") for a in figure.axes] == list(real)[4:]
    (legend,) = figure.legends
    assert "the 40 of 44 columns" in legend.get_title().get_text()
    check_words(figure)
    synthetic = {
        name: cells("number", rng.permutation(cell.values).tolist()) if i < 43 else cell
        for i, (name, cell) in enumerate(real.items())
    }
    figure = plot_pairs(table_quality(KEY, [real], synthetic))
    check_words(figure)
    axes = figure.axes[0]
    assert "the 40 of 44 columns" in axes.get_title(loc="left")


@pytest.mark.medium
def test_the_matrix_is_one_minus_the_trend():
    real, synthetic = table(0), table(1, 200)
    found = table_quality(KEY, [real], synthetic)
    axes, bar = plot_pairs(found).axes
    (image,) = axes.images
    np.testing.assert_allclose(image.get_array().filled(np.nan), 1 - found.trends)
    assert to_hex(image.cmap(np.ma.masked)) == PALE
    assert to_hex(image.cmap(1.0)) == RED and to_hex(image.cmap(0.0)) == "#ffffff"
    assert "one minus the trend" in bar.get_ylabel()
    one = {"x": cells("number", [1.0, 2.0])}
    with pytest.raises(ValueError, match="at least two columns, got 1"):
        plot_pairs(table_quality(KEY, [one], one))

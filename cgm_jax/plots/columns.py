"""How like synthetic columns are to real ones: each by itself, and pair by pair."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from cgm_jax.metrics import TableQuality
from cgm_jax.metrics.table_columns import ColumnBeside, columns_beside
from cgm_jax.metrics.table_quality import column_shape
from cgm_jax.tables import Cells
from cgm_jax.tables.times import time_text

from .drawing import (
    BLUE,
    INK,
    LEGEND,
    PALE,
    RED,
    TEXT,
    WIDTH,
    heading,
    labels_of,
    new_figure,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["plot_columns", "plot_pairs"]

MAX_COLUMNS = 40
_IN_A_ROW = 4
_NUM_BINS = 30
_MOST_BARS = 7  # of a category, and one for all others
_KINDS = (("real", BLUE), ("synthetic", RED))
_TAIL = 0.001  # of the real cells at each end, drawn in the outermost bins


def plot_columns(
    real: Sequence[Mapping[str, Cells]],
    synthetic: Mapping[str, Cells],
    *,
    kinds: Mapping[str, str] | None = None,
) -> "Figure":
    """Each column of a synthetic table beside the real one, with their distance.

    Args:
        real: the parties' tables, `Cells` by column name; rows are taken together.
        synthetic: one table of the same columns.
        kinds: as in `table_quality`.

    Returns:
        The figure: a panel a column, outlines of histograms for numbers and dates and
        bars for the most frequent categories; below it the distance, which is one minus
        the shape, and the shares of missing cells. Of more than 40 columns, those of
        the largest distance, in the order of the table.

    Raises:
        ValueError: as `table_quality`, or if there is no column to compare.

    Example:
        >>> import pyarrow as pa
        >>> from cgm_jax.tables import read_cells
        >>> real = {"age": read_cells(pa.array(["20", "30"] * 3))}
        >>> synthetic = {"age": read_cells(pa.array(["20", "30", ""]))}
        >>> (axes,) = plot_columns([real], synthetic).axes
        >>> axes.get_xlabel().splitlines()
        ['distance 0.000', 'missing 0 % | 33 %']
    """
    columns = columns_beside(real, synthetic, kinds)
    if not columns:
        raise ValueError("Expected a column of numbers, dates or categories, got none.")
    distances = np.array([1 - column_shape(column) for column in columns])
    shown = _worst(distances)
    names = labels_of([columns[i].name for i in shown], len(shown), "column")
    num_rows = -(-len(shown) // _IN_A_ROW)
    figure = new_figure(WIDTH, 0.5 + 1.6 * num_rows)
    grid = figure.subplots(num_rows, min(_IN_A_ROW, len(shown)), squeeze=False)
    for spare in grid.flat[len(shown) :]:
        spare.remove()
    for axes, i, name in zip(grid.flat, shown, names, strict=False):
        column = columns[i]
        (_outlines if column.is_number else _bars)(axes, column)
        axes.set_title(name, **heading())
        axes.spines[["top", "right", "left"]].set_visible(False)
        axes.tick_params(labelsize=TEXT - 2)
        axes.set_xlabel(_words(column, distances[i]), fontsize=TEXT - 2)
    from matplotlib.patches import Patch

    patches = [Patch(color=color, label=word) for word, color in _KINDS]
    figure.legend(handles=patches, ncols=2, title=_left_out(columns, shown), **LEGEND)
    return figure


def plot_pairs(quality: TableQuality) -> "Figure":
    """How much each pair of columns differs from the real one: a matrix.

    Args:
        quality: what `table_quality` found.

    Returns:
        The figure: one minus the trend of each pair, white where nothing differs, grey
        where there is none. Of more than 40 columns, those whose pairs differ the most
        on average, in the order of the table.

    Raises:
        ValueError: for fewer than two columns.

    Example:
        >>> import jax, pyarrow as pa
        >>> from cgm_jax.metrics import table_quality
        >>> from cgm_jax.tables import read_cells
        >>> numbers = read_cells(pa.array(["1", "2", "4"]))
        >>> table = {"a": numbers, "b": numbers}
        >>> figure = plot_pairs(table_quality(jax.random.key(0), [table], table))
        >>> [label.get_text() for label in figure.axes[0].get_yticklabels()]
        ['a', 'b']
    """
    from matplotlib.colors import LinearSegmentedColormap

    if len(quality.columns) < 2:
        raise ValueError(
            f"Expected at least two columns, got {len(quality.columns)}: "
            f"{list(quality.columns)}."
        )
    differences = 1 - quality.trends
    exists = ~np.isnan(differences)
    totals = np.where(exists, differences, 0).sum(axis=1)
    shown = _worst(totals / np.maximum(exists.sum(axis=1), 1))
    names = labels_of([quality.columns[i] for i in shown], len(shown), "column")
    part = differences[np.ix_(shown, shown)]
    side = min(WIDTH, 2.6 + 0.2 * len(shown))
    figure = new_figure(side + 1, side)
    axes = figure.subplots()
    colors = LinearSegmentedColormap.from_list("", ["white", RED])
    colors = colors.with_extremes(bad=PALE)
    largest = np.nanmax(np.append(part, 0.1))
    image = axes.imshow(np.ma.masked_invalid(part), cmap=colors, vmin=0, vmax=largest)
    size = TEXT - 1 if len(shown) <= MAX_COLUMNS // 2 else TEXT - 3
    axes.set_xticks(range(len(shown)), names, rotation=90, fontsize=size)
    axes.set_yticks(range(len(shown)), names, fontsize=size)
    axes.set_title(_left_out(quality.columns, shown) or "", **heading())
    bar = figure.colorbar(image, shrink=0.6)
    bar.set_label("difference: one minus the trend", fontsize=TEXT, color=INK)
    bar.ax.tick_params(labelsize=TEXT - 1)
    return figure


def _worst(distances: Float[np.ndarray, " c"]) -> list[int]:
    """All columns, or those of the largest distances, in their order."""
    order = np.argsort(-np.nan_to_num(distances, nan=-1.0), kind="stable")
    return np.sort(order[:MAX_COLUMNS]).tolist()


def _left_out(columns: Sequence, shown: Sequence[int]) -> str | None:
    if len(shown) == len(columns):
        return None
    return f"the {len(shown)} of {len(columns)} columns that differ the most"


def _words(column: ColumnBeside, distance: float) -> str:
    words = "no cells" if np.isnan(distance) else f"distance {distance:.3f}"
    missing = [mask.mean() for mask in column.is_missing]
    if any(missing):
        words += "\nmissing {:.0f} % | {:.0f} %".format(*(100 * x for x in missing))
    return words


def _outlines(axes: "Axes", column: ColumnBeside) -> None:
    """Shares of the cells in bins of the real range; what is beyond, in the last."""
    present = column.present
    axes.set_yticks([])
    cells = present[0] if len(present[0]) else present[1]
    if not len(cells):
        axes.set_xticks([])
        return
    distinct = np.unique(np.concatenate(present))
    if len(distinct) <= _NUM_BINS:  # a bin for each value
        gap = np.diff(distinct).min() if len(distinct) > 1 else 1.0
        middles = (distinct[1:] + distinct[:-1]) / 2
        low, high = distinct[0], distinct[-1]
        edges = np.array([low - gap / 2, *middles, high + gap / 2])
    else:
        low, high = np.quantile(cells, [_TAIL, 1 - _TAIL])
        low, high = (low, high) if low < high else (distinct[0], distinct[-1])
        edges = np.linspace(low, high, _NUM_BINS + 1)
    for x, (_, color) in zip(present, _KINDS, strict=True):
        counts = np.histogram(np.clip(x, edges[0], edges[-1]), edges)[0]
        shares = counts / np.diff(edges) / max(1, len(x))
        axes.stairs(shares, edges, color=color, lw=1.2)
        if color == BLUE:  # under the other outline, where both are one
            axes.stairs(shares, edges, color=color, alpha=0.2, fill=True)
    axes.set_ylim(bottom=0)
    axes.set_xlim(edges[0], edges[-1])
    _set_ends(axes, column, low, high)


def _set_ends(axes: "Axes", column: ColumnBeside, low: float, high: float) -> None:
    """Two numbers at the ends of the axis, inside: panels stand side by side."""
    if column.form == "date":
        ticks = [column.origin + round(x) for x in (low, high)]
        words = [time_text(tick, column.resolution) for tick in ticks]
        if words[0][:10] != words[1][:10]:  # days; of one day, its times
            words = [word[:10] for word in words]
    else:
        words = [_number(column.origin + x) for x in (low, high)]
    if low == high:
        axes.set_xticks([low], words[:1])
        return
    axes.set_xticks([low, high], words)
    for label, side in zip(axes.get_xticklabels(), ("left", "right"), strict=True):
        label.set_horizontalalignment(side)


def _number(x: float) -> str:
    return f"{x:,.0f}" if 1e4 <= abs(x) < 1e9 else f"{x:.4g}"


def _bars(axes: "Axes", column: ColumnBeside) -> None:
    """Shares of the most frequent categories, all others together as one."""
    num = len(column.categories)
    shares = np.array(
        [np.bincount(x, minlength=num) / max(1, len(x)) for x in column.present]
    )
    order = np.argsort(-shares.sum(axis=0), kind="stable")
    most = num if num <= _MOST_BARS + 1 else _MOST_BARS
    bars = shares[:, order[:most]]
    names = [column.categories[i] for i in order[:most]]
    names = labels_of(names, len(names), "value", length=16)
    if num > most:
        rest = shares[:, order[most:]].sum(axis=1, keepdims=True)
        bars = np.concatenate([bars, rest], axis=1)
        names.append(f"{num - most:,} others")
    places = np.arange(len(names))
    for heights, shift, (_, color) in zip(bars, (-0.2, 0.2), _KINDS, strict=True):
        axes.barh(places + shift, heights, 0.38, color=color)
    axes.set_yticks(places, names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.tick_params(left=False)
    axes.set_xticks([])

"""How generated points look beside real ones, and how a generator's training went."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from cgm_jax._shared.arrays import ArrayLike

from .drawing import (
    BLUE,
    GREEN,
    INK,
    LEGEND,
    PALE,
    RED,
    TEXT,
    WIDTH,
    count_of_points,
    heading,
    new_figure,
    new_panels,
)
from .plane import plane_of
from .rewards import MAX_DOTS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from cgm_jax.generators import MMDGANModel  # Flax is slow to import

__all__ = ["plot_samples", "plot_training"]

_DOT = 4.0  # area in square points; smaller where there are more than so many
_FEW_DOTS = 2_000
_NUM_BINS = 50
_NUM_IMAGES = 64
_IMAGES_A_ROW = 16
_KINDS = (("real", BLUE), ("generated", RED))

_Pair = tuple[Float[np.ndarray, "k d"], Float[np.ndarray, "k d"]]  # real, generated


def plot_samples(
    real: Float[ArrayLike, "n d"],
    generated: Float[ArrayLike, "m _"],
    *,
    shape: tuple[int, int, int] | None = None,
    columns: Sequence[str] | None = None,
    seed: int = 0,
) -> "Figure":
    """Real points beside as many generated ones: dots, or images that are rows.

    Args:
        real: shape ``(n, d)``, n >= 1.
        generated: shape ``(m, d)``, m >= 1.
        shape: height, width and channels, where points are images; else a table's rows.
        columns: names of the columns of a table.
        seed: which points are drawn, where they are too many.

    Returns:
        The figure. Of a table, at most `MAX_DOTS` of each, on the axes of `plane_of`
        the real points; one column is drawn as two histograms. Of images, up to 64 real
        ones above as many generated ones, black at the highest number of a real image
        and white at the lowest; three channels are colours, else their mean is drawn.

    Raises:
        ValueError: if there is no point, the columns differ, or ``shape`` does not fit.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> real, generated = rng.normal(size=(2, 50, 2))
        >>> figure = plot_samples(real, generated[:30])
        >>> [axes.get_title(loc="left") for axes in figure.axes]
        ['real: 30 points', 'generated: 30 points']
        >>> figure = plot_samples(rng.uniform(size=(9, 64)), np.ones((9, 64)),
        ...     shape=(8, 8, 1))
        >>> [axes.get_title(loc="left") for axes in figure.axes]
        ['9 real images', '9 generated images']
    """
    real, generated = (np.asarray(x, np.float64) for x in (real, generated))
    if real.ndim != 2 or generated.shape[1:] != real.shape[1:] or not real.size:
        raise ValueError(
            "Expected real and generated points of the same columns, got shapes "
            f"{real.shape} and {generated.shape}."
        )
    if len(generated) == 0:
        raise ValueError("Expected at least one generated point, got none.")
    if shape is not None and math.prod(shape) != real.shape[1]:
        raise ValueError(
            f"Expected images of shape {shape} as rows of {math.prod(shape)} numbers, "
            f"got {real.shape[1]} columns."
        )
    most = MAX_DOTS if shape is None else _NUM_IMAGES
    count = min(len(real), len(generated), most)
    rng = np.random.default_rng(seed)
    some_real, some_generated = (
        x[np.sort(rng.choice(len(x), count, replace=False))] for x in (real, generated)
    )
    if shape is not None:
        return _grids((some_real, some_generated), shape)
    plane = plane_of(real, columns)
    pair = plane.place(some_real), plane.place(some_generated)
    return (_histograms if len(plane.axes) == 1 else _scatters)(pair, plane.axes)


def plot_training(model: "MMDGANModel") -> "Figure":
    """MMD² of generated to held-out points over a training, at ℓ and at ℓ/4.

    Args:
        model: a trained generator; ℓ is the median distance of its training points.

    Returns:
        The figure: one panel a length scale, the training as a line; dashed, a kernel
        density estimate and real points, where the model knows them. The vertical axis
        is linear near 0, as the estimate may be negative.
    Example:
        >>> from cgm_jax.generators import MMDGAN, MMDGANModel
        >>> history = np.array([[250, 0.9, 0.5, 0.7, 1e-3], [500, 0.8, 0.1, 0.2, 1e-3]])
        >>> numbers = {}, np.zeros(2), np.ones(2), history
        >>> figure = plot_training(MMDGANModel(MMDGAN().facts(), *numbers, "all-steps"))
        >>> figure.axes[0].lines[0].get_ydata()
        array([0.5, 0.1])
    """
    figure, panels = new_panels(2, height=2.4)
    steps, quality = model.history[:, 0], model.quality
    drawn = []
    for i, (axes, scale) in enumerate(zip(panels, ("ℓ", "ℓ/4"), strict=True)):
        lines = [("generated points", RED, model.history[:, 2 + i])]
        if quality is not None:
            for words, color, pair in (
                ("kernel density estimate", INK, quality.kernel_density),
                ("real points", GREEN, quality.real),
            ):
                lines.append((words, color, np.full(len(steps), pair[i])))
        for k, (words, color, values) in enumerate(lines):
            style = "--" if k else "o-"
            axes.plot(steps, values, style, color=color, lw=1.4, ms=3, label=words)
            drawn.extend(np.abs(values))
        axes.axhline(0, color=PALE, lw=0.8, zorder=0)
        axes.set_title(f"at {scale}", **heading())
    if any(drawn):
        decade = 10.0 ** np.floor(np.log10(np.median([y for y in drawn if y])))
        panels[0].set_yscale("symlog", linthresh=decade)
    figure.supxlabel("generator steps", fontsize=TEXT)
    figure.supylabel("MMD² to held-out points", fontsize=TEXT)
    handles, _ = panels[0].get_legend_handles_labels()
    figure.legend(handles=handles, ncols=3, **LEGEND)
    return figure


def _scatters(pair: _Pair, labels: Sequence[str]) -> "Figure":
    figure, panels = new_panels(2, height=3.6)
    for axes, places, (words, color) in zip(panels, pair, _KINDS, strict=True):
        area = _DOT * min(1.0, _FEW_DOTS / len(places))
        axes.scatter(*places.T, s=area, color=color, lw=0, rasterized=True)
        axes.set_title(f"{words}: {count_of_points(len(places))}", **heading())
    figure.supxlabel(labels[0], fontsize=TEXT)
    figure.supylabel(labels[1], fontsize=TEXT)
    return figure


def _histograms(pair: _Pair, labels: Sequence[str]) -> "Figure":
    figure, (axes,) = new_panels(1, height=3.0)
    bins = np.histogram_bin_edges(np.concatenate(pair), _NUM_BINS).tolist()
    for places, (words, color) in zip(pair, _KINDS, strict=True):
        label = f"{words}: {count_of_points(len(places))}"
        axes.hist(places[:, 0], bins, histtype="step", color=color, label=label)
    figure.supxlabel(labels[0], fontsize=TEXT)
    figure.supylabel("number of points", fontsize=TEXT)
    figure.legend(ncols=2, **LEGEND)
    return figure


def _grids(pair: _Pair, shape: tuple[int, int, int]) -> "Figure":
    real, _ = pair
    low, high = real.min(), real.max()
    blank = high if shape[2] == 3 else low  # white
    mosaics = [_mosaic(images, shape, blank) for images in pair]
    height, width = mosaics[0].shape[:2]
    figure = new_figure(WIDTH, 0.6 + 2 * WIDTH * height / width)
    panels = figure.subplots(2, 1)
    for axes, mosaic, (words, _) in zip(panels, mosaics, _KINDS, strict=True):
        if mosaic.shape[2] == 3:
            ink = np.clip((mosaic - low) / (high - low or 1.0), 0, 1)
            axes.imshow(ink, interpolation="nearest")
        else:
            style = {"cmap": "gray_r", "vmin": low, "vmax": high}
            axes.imshow(mosaic.mean(axis=2), interpolation="nearest", **style)
        axes.set_title(f"{len(real):,} {words} images", **heading())
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_visible(False)
    return figure


def _mosaic(
    images: Float[np.ndarray, "k d"], shape: tuple[int, int, int], blank: float
) -> Float[np.ndarray, "y x c"]:
    """Images in rows of 16, with a line of pixels between them."""
    rows = -(-len(images) // _IMAGES_A_ROW)
    height, width, channels = shape
    cells = np.full(
        (rows * _IMAGES_A_ROW, height + 1, width + 1, channels), blank, images.dtype
    )
    cells[: len(images), :height, :width] = images.reshape(-1, *shape)
    grid = cells.reshape(rows, _IMAGES_A_ROW, height + 1, width + 1, channels)
    joined = grid.transpose(0, 2, 1, 3, 4)
    return joined.reshape(rows * (height + 1), _IMAGES_A_ROW * (width + 1), channels)

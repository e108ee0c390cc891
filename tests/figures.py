"""What is drawn in a figure: its words, with their places, and its points."""

from itertools import combinations

import numpy as np
from matplotlib.text import Text


def texts_of(figure):
    """What is written in a figure, with where: boxes in pixels."""
    figure.draw_without_rendering()
    hidden = set()
    for axes in figure.axes:  # beside those of the ticks that are drawn, there are more
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            for tick in [*axis.get_major_ticks(), *axis.get_minor_ticks()]:
                if not low <= tick.get_loc() <= high:
                    hidden.add(tick.label1)
    return [
        (text.get_text(), text.get_window_extent())
        for text in figure.findobj(Text)
        if text not in hidden and text.get_visible() and text.get_text().strip()
    ]


def check_words(figure):
    page = figure.bbox.padded(1)  # the layout is right up to a pixel
    texts = texts_of(figure)
    for text, box in texts:
        assert page.x0 <= box.x0 and box.x1 <= page.x1, text
        assert page.y0 <= box.y0 and box.y1 <= page.y1, text
    for (one, box), (other, other_box) in combinations(texts, 2):
        overlap = box.overlaps(other_box)
        assert not overlap, f"{one!r} and {other!r} overlap"


def scatters_of(axes):
    """Places and colours of the layers of points."""
    return [
        (np.asarray(layer.get_offsets()), layer.get_facecolors(), layer)
        for layer in axes.collections
    ]

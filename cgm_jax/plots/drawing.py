"""What all pictures have in common: colours, sizes, grids of panels, labels.

The colours are from Okabe and Ito's palette, which colour-blind people can tell apart:
blue is a party's own, red an upper limit or a reward, green a lower limit.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, RED, GREEN = "#0072b2", "#d55e00", "#009e73"
INK, PALE, YELLOW = "#222222", "#c4c4c4", "#f0e442"
SERIES = (BLUE, "#e69f00", GREEN, "#cc79a7")  # for what stands side by side
WIDTH = 9.0  # inches
TEXT = 9  # points
LEGEND: dict = {"loc": "outside upper right", "frameon": False, "fontsize": TEXT}
_LABEL_LENGTH = 24  # characters: longer names would push the pictures aside


def new_figure(width: float, height: float) -> "Figure":
    """An empty figure that pyplot knows nothing of; width and height in inches."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def new_panels(count: int, *, height: float) -> "tuple[Figure, list[Axes]]":
    """A figure of so many panels in rows, on shared axes."""
    columns = 2 if count in (2, 4) else min(count, 3 if count <= 9 else 4)
    rows = -(-count // columns)
    figure = new_figure(WIDTH, 0.7 + height * rows)
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    panels = list(grid.flat)
    for spare in panels[count:]:
        spare.remove()
    for i, axes in enumerate(panels[:count]):
        axes.tick_params(labelsize=TEXT - 1, labelbottom=i + columns >= count)
        axes.spines[["top", "right"]].set_visible(False)
    return figure, panels[:count]


def new_rows(
    names: Sequence[str] | None, count: int, parties: Sequence[int] | None
) -> "tuple[Figure, Axes, Axes, list[int]]":
    """A figure of a row a party: α on the left, r on the right; and who is shown."""
    labels = labels_of(names, count, "party")
    shown = list(range(count) if parties is None else parties)
    figure = new_figure(WIDTH, 1.3 + 0.3 * len(shown))
    left, right = figure.subplots(1, 2, sharey=True)
    left.set_title("contribution α (the largest is 1)", **heading())
    right.set_title("reward value r", **heading())
    left.set_yticks(range(len(shown)), [labels[i] for i in shown])
    for axes in (left, right):
        axes.locator_params("x", nbins=5)
    return figure, left, right, shown


def write_beside_rows(axes: "Axes", words: Sequence[str]) -> None:
    """Words in the margin, beside the rows 0, 1, …, and no ticks and frame there."""
    axes.tick_params(left=False, labelsize=TEXT)
    axes.spines[["left", "top", "right"]].set_visible(False)
    beside = axes.get_yaxis_transform()
    for row, text in enumerate(words):
        place = (1.01, row)
        axes.annotate(text, place, xycoords=beside, va="center", fontsize=TEXT)


def heading() -> dict[str, Any]:
    """How the title of a panel is set."""
    return {"loc": "left", "fontsize": TEXT, "color": INK}


def count_of_points(count: int) -> str:
    """A number of points in words, such as ``1 point`` or ``1,510 points``."""
    return f"{count:,} point" if count == 1 else f"{count:,} points"


def labels_of(
    names: Sequence[str] | None, count: int, kind: str, *, length: int = _LABEL_LENGTH
) -> list[str]:
    """Names as they can be drawn: short, different, in letters that the font has.

    Others are told by their place, counted from 1 as in the tables of a report.

    Example:
        >>> labels_of(["bank A", "銀行", "hospital_of_the_far_north_2"], 3, "party")
        ['bank A', 'party 2', 'hospital_of_…_far_north_2']
    """
    from matplotlib.font_manager import FontProperties, findfont, get_font

    if names is None:
        return [f"{kind} {i}" for i in range(count)]
    if len(names) != count:
        raise ValueError(
            f"Expected {count} names, one per {kind}, got {len(names)}: {list(names)}."
        )
    font = get_font(findfont(FontProperties()))
    half = length // 2
    labels = []
    for i, name in enumerate(names):
        if not all(font.get_char_index(ord(letter)) for letter in name):
            name = f"{kind} {i + 1}"
        if len(name) > length:  # names often differ at their ends
            name = f"{name[:half]}…{name[-half:]}"
        labels.append(name.replace("$", r"\$"))  # no formula
    return [
        label if labels.count(label) == 1 else f"{kind} {i + 1}"
        for i, label in enumerate(labels)
    ]

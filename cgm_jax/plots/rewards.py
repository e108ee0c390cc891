"""Each party's data, the candidates and its reward, in the manner of Figure 1."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float, Shaped

from cgm_jax._shared.arrays import ArrayLike
from cgm_jax.collaboration import Collaboration, Draw, Promises

from .drawing import (
    BLUE,
    INK,
    LEGEND,
    PALE,
    RED,
    TEXT,
    YELLOW,
    count_of_points,
    heading,
    labels_of,
    new_panels,
)
from .plane import Embedding, Plane, plane_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "MAX_DOTS",
    "plot_own_and_reward",
    "plot_reward",
    "plot_reward_over_temperatures",
    "plot_rewards",
]

MAX_DOTS = 5_000
"""More candidates, or own points of a party, are thinned to this number of dots."""

_DOT = 4.0  # area of a dot in square points; smaller where there are very many
_FAINTEST = 0.15  # opacity of the point that was drawn last
_MOST_SPREAD = 5  # standard deviations of the own data
_BINS = 10  # a side, to find where a class is densest
_GOLDEN = (5**0.5 - 1) / 2  # its multiples, modulo 1, are spread evenly

_CANDIDATES = f"candidates (at most {MAX_DOTS:,} shown)", PALE
_OWN = f"own data (at most {MAX_DOTS:,} shown)", BLUE
_REWARD = "reward (strong: drawn early, faint: late)", RED
_Panel = tuple[Draw, int, str]  # whose party, which one, and what to call it


def plot_reward(
    collaboration: Collaboration,
    party: int,
    *,
    names: Sequence[str] | None = None,
    plane: Plane | Embedding | None = None,
) -> "Figure":
    r"""One party's data, the candidates, and the party's reward, as a flat picture.

    Args:
        collaboration: what was handed out.
        party: which party, counted from 0.
        names: the parties' names.
        plane: where the points stand; by default `plane_of` all parties' data.

    Returns:
        The figure: own data blue, candidates grey (at most `MAX_DOTS` of each shown),
        the reward red, the more opaque the earlier a point was drawn. One dimension is
        drawn as three strips, in which height means nothing. A title has the party's
        normalised Shapley value α.

    Example:
        >>> import jax, cgm_jax
        >>> parties = [np.zeros((2, 1)), np.ones((3, 1))]
        >>> grid = np.linspace(-1, 2, 50)[:, None]
        >>> result = cgm_jax.collaborate(jax.random.key(0), parties, grid)
        >>> figure = plot_reward(result, 0, names=["bank A", "bank B"])
        >>> figure.axes[0].get_title(loc="left")
        'bank A\nα = 0.87: 3 points'

    Reference: Tay et al. 2022, Figure 1.
    """
    return plot_rewards(collaboration, names, parties=[party], plane=plane)


def plot_rewards(
    collaboration: Collaboration,
    names: Sequence[str] | None = None,
    *,
    parties: Sequence[int] | None = None,
    plane: Plane | Embedding | None = None,
) -> "Figure":
    """What `plot_reward` shows, of all parties: one panel per party, on the same axes.

    Args:
        collaboration, names, plane: as in `plot_reward`.
        parties: which parties to show, and in which order; all by default.

    Returns:
        The figure.

    Example:
        >>> import jax, cgm_jax
        >>> parties = [np.zeros((2, 1)), np.ones((3, 1))]
        >>> grid = np.linspace(-1, 2, 50)[:, None]
        >>> result = cgm_jax.collaborate(jax.random.key(0), parties, grid)
        >>> len(plot_rewards(result).axes)
        2
    """
    draw, alphas = collaboration.draw, collaboration.promises.scheme.normalized_shapley
    labels = labels_of(names, len(draw.rewards), "party")
    shown = range(len(labels)) if parties is None else parties
    panels = [(draw, i, f"{labels[i]}\nα = {alphas[i]:.2f}") for i in shown]
    return _plot_panels(collaboration.promises, panels, plane)


def plot_own_and_reward(
    own: Float[ArrayLike, "n d"],
    reward: Float[ArrayLike, "m d"],
    columns: Sequence[str] | None = None,
) -> "Figure":
    """One party's data and its reward alone: nothing else decides what is drawn where.

    Args:
        own: the party's points, in scaled columns.
        reward: its synthetic points, in the order they were drawn; perhaps none.
        columns: names of the d columns.

    Returns:
        The figure: as in `plot_reward`, without candidates, on axes of the own data. A
        column of which the own data hardly vary beside the reward (both together have a
        standard deviation above 5) is brought to one of 1: it would hide the others.

    Example:
        >>> figure = plot_own_and_reward(np.zeros((2, 1)), np.ones((3, 1)), ["age"])
        >>> figure.get_supxlabel()
        'age'
    """
    own, reward = np.asarray(own, np.float64), np.asarray(reward, np.float64)
    spread = np.concatenate([own, reward]).std(axis=0, keepdims=True)
    scale = np.where(spread > _MOST_SPREAD, spread, 1)
    own, reward = own / scale, reward / scale
    plane = plane_of(own, columns)
    in_strips = len(plane.axes) == 1
    figure, (axes,) = new_panels(1, height=4.0)
    drawn = plane.place(reward)[::-1]
    layers = [
        (_thinned(plane.place(own)), BLUE),
        (drawn, _in_drawing_order(len(drawn))),
    ]
    _scatter(axes, layers, in_strips=in_strips)
    if in_strips:
        axes.set_yticks([0.4, 1.4], ["own data", "reward"])
    figure.supxlabel(plane.axes[0], fontsize=TEXT)
    figure.supylabel("" if in_strips else plane.axes[1], fontsize=TEXT)
    _add_legend(figure, (_OWN, _REWARD))
    return figure


def plot_reward_over_temperatures(
    promises: Promises,
    draws: Sequence[Draw],
    party: int,
    *,
    names: Sequence[str] | None = None,
    plane: Plane | Embedding | None = None,
    candidate_labels: Shaped[ArrayLike, " g"] | None = None,
) -> "Figure":
    r"""What `plot_reward` shows, of draws of several β: one panel per draw.

    Args:
        promises: what was promised.
        draws: several draws that keep it.
        party, names, plane: as in `plot_reward`.
        candidate_labels: the class of every candidate, shape ``(g,)``: its name is
            written in yellow where most of its candidates are.

    Returns:
        The figure.

    Raises:
        ValueError: if names or candidate labels are too many or too few.

    Example:
        >>> import jax, cgm_jax
        >>> parties = [np.zeros((2, 1)), np.ones((3, 1))]
        >>> grid = np.linspace(-1, 2, 50)[:, None]
        >>> result = cgm_jax.collaborate(jax.random.key(0), parties, grid)
        >>> promises, key = result.promises, jax.random.key(1)
        >>> draws = [result.draw, promises.draw(key, inverse_temperature=np.inf)]
        >>> figure = plot_reward_over_temperatures(promises, draws, 0)
        >>> [axes.get_title(loc="left") for axes in figure.axes]
        ['party 0\nβ = 1: 3 points', 'party 0\nβ = inf: 2 points']
    """
    label = labels_of(names, len(promises.parties), "party")[party]
    panels = [
        (draw, party, f"{label}\nβ = {draw.inverse_temperature:g}") for draw in draws
    ]
    classes = None if candidate_labels is None else np.asarray(candidate_labels)
    return _plot_panels(promises, panels, plane, classes)


def _plot_panels(
    promises: Promises,
    panels: Sequence[_Panel],
    plane: Plane | Embedding | None,
    candidate_labels: Shaped[np.ndarray, " g"] | None = None,
) -> "Figure":
    plane = plane or plane_of(np.concatenate(promises.points_for("a picture of them")))
    in_strips = len(plane.axes) == 1
    figure, grid = new_panels(len(panels), height=2.6)
    for axes, (draw, party, title) in zip(grid, panels, strict=True):
        indices = draw.rewards[party].indices
        candidates, own = _places(promises, party, plane)
        layers = (
            (_thinned(candidates), PALE),
            (_thinned(own), BLUE),
            (candidates[indices[::-1]], _in_drawing_order(len(indices))),
        )
        _scatter(axes, layers, in_strips=in_strips)
        axes.set_title(f"{title}: {count_of_points(len(indices))}", **heading())
        if in_strips:
            axes.set_yticks([0.4, 1.4, 2.4], ["candidates", "own data", "reward"])
        elif candidate_labels is not None:
            _write_classes(axes, candidates, candidate_labels)
    figure.supxlabel(plane.axes[0], fontsize=TEXT)
    figure.supylabel("" if in_strips else plane.axes[1], fontsize=TEXT)
    _add_legend(figure, (_CANDIDATES, _OWN, _REWARD))
    return figure


def _add_legend(figure: "Figure", layers: Sequence[tuple[str, str]]) -> None:
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], marker="o", ls="none", ms=5, color=color, label=words)
        for words, color in layers
    ]
    figure.legend(handles=handles, ncols=3, **LEGEND)


def _scatter(
    axes: "Axes", layers: Sequence[tuple[np.ndarray, Any]], *, in_strips: bool
) -> None:
    """Layers of places and their colours; of one dimension, a strip each."""
    for level, (places, color) in enumerate(layers):
        if len(places) == 0:  # an empty reward
            continue
        if in_strips:
            heights = level + np.arange(1, len(places) + 1) * _GOLDEN % 1 * 0.8
            places = np.column_stack([places, heights])
        area = _DOT * min(1.0, MAX_DOTS / len(places))
        axes.scatter(*places.T, s=area, color=color, lw=0, rasterized=True)


def _in_drawing_order(count: int) -> Any:
    """Red, backwards: early points are more opaque, and not hidden by late ones."""
    from matplotlib.colors import to_rgba_array

    return to_rgba_array(RED, np.linspace(_FAINTEST, 1, count))


def _places(
    promises: Promises, party: int, plane: Plane | Embedding
) -> tuple[Float[np.ndarray, "g k"], Float[np.ndarray, "m k"]]:
    """Where the candidates and one party's points stand."""
    candidates = promises.candidates
    own = promises.points_for("a picture of them")[party]
    if isinstance(plane, Plane):
        return plane.place(candidates), plane.place(own)
    given = np.asarray(plane.candidates), np.asarray(plane.parties[party])
    if any(len(a) != len(b) for a, b in zip(given, (candidates, own), strict=True)):
        raise ValueError(
            f"Expected the places of {len(candidates)} candidates and of {len(own)} "
            f"points of party {party}, got {len(given[0])} and {len(given[1])}."
        )
    return given


def _write_classes(
    axes: "Axes", places: Float[np.ndarray, "g 2"], labels: Shaped[np.ndarray, " g"]
) -> None:
    """The name of every class where its candidates are densest."""
    from matplotlib.patheffects import withStroke

    if labels.shape != (len(places),):
        raise ValueError(
            f"Expected one label of each of {len(places)} candidates, got shape "
            f"{labels.shape}."
        )
    edges = [np.linspace(c.min(), c.max(), _BINS + 1)[1:-1] for c in places.T]
    bins = np.stack(
        [np.digitize(c, e) for c, e in zip(places.T, edges, strict=True)], axis=1
    )
    for name in np.unique(labels):
        of_class = np.flatnonzero(labels == name)
        _, bin_of, counts = np.unique(
            bins[of_class], axis=0, return_inverse=True, return_counts=True
        )
        densest = of_class[bin_of.reshape(-1) == counts.argmax()]
        axes.annotate(
            str(name),
            tuple(np.median(places[densest], axis=0)),
            ha="center",
            va="center",
            color=YELLOW,
            fontsize=TEXT + 3,
            fontweight="bold",
            path_effects=[withStroke(linewidth=2.5, foreground=INK)],
        )


def _thinned(points: Float[np.ndarray, "m d"]) -> Float[np.ndarray, "k d"]:
    if len(points) <= MAX_DOTS:
        return points
    return points[np.linspace(0, len(points) - 1, MAX_DOTS).astype(np.int64)]

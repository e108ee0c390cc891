"""From d dimensions to the two of a picture: principal axes where there are too many.

A map that is fitted elsewhere, such as UMAP, comes in as the places of all points.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from cgm_jax._shared.arrays import ArrayLike

from .drawing import labels_of

__all__ = ["Embedding", "Plane", "plane_of"]


@dataclass(frozen=True)
class Plane:
    """Where points of d dimensions stand in a picture.

    Attributes:
        place: from points, shape ``(m, d)``, to places, shape ``(m, 2)`` or ``(m, 1)``.
        axes: what each coordinate is.
    """

    place: Callable[[Float[ArrayLike, "m d"]], Float[np.ndarray, "m k"]]
    axes: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Embedding:
    """Where every point stands in a picture, by its row.

    Attributes:
        parties: places of each party's points, arrays of shape ``(n_i, 2)``.
        candidates: places of the candidates, shape ``(g, 2)``.
        axes: what each coordinate is.
    """

    parties: Sequence[Float[np.ndarray, "_ 2"]]
    candidates: Float[np.ndarray, "g 2"]
    axes: tuple[str, str]


def plane_of(
    pool: Float[ArrayLike, "m d"], columns: Sequence[str] | None = None
) -> Plane:
    r"""The columns themselves if there are one or two, otherwise two principal axes.

    .. math:: x \mapsto (u_1^\top (x - \bar x),\ u_2^\top (x - \bar x))

    with :math:`u_1, u_2` the unit eigenvectors of the covariance of the largest two
    eigenvalues, of each of them the largest entry positive.

    Args:
        pool: points, in scaled columns, that the axes are fitted to, shape ``(m, d)``.
        columns: names of the d columns.

    Returns:
        The plane, the same on every machine.

    Raises:
        ValueError: if names and columns are not as many.

    Example:
        >>> line = np.outer([-1.0, 0.0, 1.0], [3.0, 0.0, -4.0])
        >>> plane = plane_of(line)
        >>> plane.axes[0]
        'principal axis 1 (100 % of the variance)'
        >>> plane.place(line)[:, 0]
        array([ 5.,  0., -5.])

    Reference: I. T. Jolliffe, *Principal Component Analysis*, 2002.
    """
    points = np.asarray(pool, np.float64)
    dimension = points.shape[1]
    labels = labels_of(columns, dimension, "column")
    if dimension <= 2:
        return Plane(lambda x: np.asarray(x, np.float64), tuple(labels))
    center = points.mean(axis=0, keepdims=True)
    spread, vectors = np.linalg.eigh(np.cov(points, rowvar=False, bias=True))
    directions = vectors[:, [-1, -2]]
    # Rounded, so that entries of equal size are equal on every machine.
    largest = np.abs(directions).round(6).argmax(axis=0)
    directions *= np.sign(directions[largest, [0, 1]])[None]
    shares = 100 * spread / max(spread.sum(), np.finfo(np.float64).tiny)
    axes = (f"principal axis {k} ({shares[-k]:.0f} % of the variance)" for k in (1, 2))
    return Plane(lambda x: (np.asarray(x, float) - center) @ directions, tuple(axes))

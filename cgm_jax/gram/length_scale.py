"""The length scale: the smallest that gives every party a value, and rules of thumb.

A small length scale makes the value close to monotone, a large one non-negative. The
paper takes the middle: the smallest ℓ with v(D_i) ≥ 0 for every party, by bisection.
"""

from collections.abc import Callable, Sequence
from math import sqrt
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh
from jaxtyping import Array, Float, Int

from cgm_jax._shared.arrays import ArrayLike, Points, as_points, is_traced
from cgm_jax._shared.checks import as_number, as_whole
from cgm_jax._shared.precision import at_once, on_numbers
from cgm_jax._shared.sharded import corners, is_sharded, rows_at
from cgm_jax.kernels.base import Kernel, check_kernel
from cgm_jax.kernels.distances import squared_distances
from cgm_jax.kernels.stationary import Stationary

from .bisection import first_non_negative
from .embedding import kernel_diagonal
from .gram_sums import as_blocks, sums_with_parties
from .mesh import agreed, as_mesh, on_device_of

__all__ = ["median_length_scale", "quantile_length_scale", "smallest_length_scale"]

MAX_POINTS = 2_000  # whose distances are looked at
MIN_POINTS = 20  # of a party
WORTH_IT = 25  # times the pairs of an estimate: it saves more than it costs


@on_numbers(", and pass the length scale in")
def smallest_length_scale(
    kernel: Kernel,
    parties: Sequence[Float[ArrayLike, "_ d"]],
    candidates: Float[ArrayLike, "g d"],
    *,
    low: float = 0.01,
    high: float = 1000.0,
    num_halvings: int = 20,
    mesh: Mesh | None = None,
) -> float:
    r"""The smallest length scale at which no party's data have a negative value.

    Bisection on :math:`\ell` for

    .. math:: \min_i v(D_i) = \min_i \left( \frac{2 b_i}{s_i t}
              - \frac{B_{ii}}{s_i^2} \right) \ge 0

    that keeps the upper end, as in the paper's tables: with the default bounds at most
    9.5e-4 above the threshold. Of many points most of the way goes by a sample, and
    a few passes over all of them certify the end.

    Args:
        kernel: the kernel; only its ``with_length_scale`` is used.
        parties: the parties' points, arrays of shape ``(n_i, d)``.
        candidates: synthetic points, shape ``(g, d)``.
        low: lower end of the search, > 0, in the units of the points.
        high: upper end of the search.
        num_halvings: number of halvings, >= 1.
        mesh: devices that share the passes over all points, as in `gram_sums`.

    Returns:
        The length scale, in the units of the points.

    Raises:
        ValueError: if some party's value is negative even at ``high``, or the bounds
            are not ``0 < low < high``.

    Example:
        >>> from cgm_jax.kernels import SquaredExponential
        >>> parties = [np.zeros((2, 1)), np.ones((2, 1))]
        >>> kernel = SquaredExponential(1.0)
        >>> round(smallest_length_scale(kernel, parties, np.ones((2, 1))), 3)
        0.601

    Reference:
        Tay et al. 2022, Sec. 5 and App. I.5.
    """
    check_kernel(kernel)
    return smallest_scale(
        kernel.with_length_scale,
        parties,
        candidates,
        low=low,
        high=high,
        num_halvings=num_halvings,
        mesh=mesh,
    )


def smallest_scale(
    kernel_at: Callable[[float], Kernel],
    parties: Sequence[Float[ArrayLike, "_ d"]],
    candidates: Float[ArrayLike, "g d"],
    *,
    low: float = 0.01,
    high: float = 1000.0,
    num_halvings: int = 20,
    mesh: Mesh | None = None,
) -> float:
    """As `smallest_length_scale`, for any family of kernels with one parameter."""
    num_halvings = as_whole(num_halvings, "num_halvings", smallest=1)
    low, high = as_number(low, "as the low end"), as_number(high, "as the high end")
    if not 0 < low < high < np.inf:
        raise ValueError(f"Expected 0 < low < high, got low={low}, high={high}.")
    points, drawn = as_blocks(parties, candidates, sharded=True)
    mesh = as_mesh(mesh, *points, drawn)
    diameter = _bounding_diameter([*points, drawn])

    def values_of(
        evaluate: Callable[[Kernel], Float[np.ndarray, " n"]],
    ) -> Callable[[float], Float[np.ndarray, " n"]]:
        def values(scale: float) -> Float[np.ndarray, " n"]:
            trial = kernel_at(scale)
            if isinstance(trial, Stationary) and _is_flat(trial, diameter):
                return np.ones(len(points))
            return agreed(mesh, evaluate(trial))

        return values

    exact = values_of(lambda kernel: party_values(kernel, points, drawn, mesh))
    some = [evenly_spaced(x, _share(len(x), sum(map(len, points)))) for x in points]
    few = evenly_spaced(drawn, MAX_POINTS)
    estimate = None
    if _num_pairs(points, drawn) > WORTH_IT * _num_pairs(some, few):
        sizes = [*map(len, points), len(drawn)]
        estimate = values_of(lambda kernel: _estimated(kernel, some, few, sizes))
    upper = first_non_negative(exact, estimate, low, high, num_halvings)
    if upper == high and exact(high).min() < 0:
        worst = int(exact(high).argmin())
        raise ValueError(
            f"Expected a length scale in [{low}, {high}] at which every party's value "
            f"is non-negative; parties[{worst}] has a negative one even at {high}. "
            "Bring the columns to a common scale, look for rows far from all others, "
            "or raise `high`."
        )
    return upper


def party_values(
    kernel: Kernel, parties: list[Points], candidates: Points, mesh: Mesh | None = None
) -> Float[np.ndarray, " n"]:
    """v(D_i) of every party, without the pass over the candidates among themselves."""
    with at_once(kernel, parties, candidates), on_device_of(mesh):
        between, rows = sums_with_parties(
            kernel, parties, candidates, in_total=True, mesh=mesh
        )
    sizes = np.array([len(x) for x in parties], float)
    total = sizes.sum() + len(candidates)
    sums = between.sum(1) + rows.sum(0)
    return 2 * sums / (sizes * total) - np.diag(between) / sizes**2


def _estimated(
    kernel: Kernel, parties: list[Points], candidates: Points, sizes: list[int]
) -> Float[np.ndarray, " n"]:
    """v(D_i) of parties of some sizes, of which these points are a sample."""
    with at_once(kernel, parties, candidates):
        sums = sums_with_parties(kernel, parties, candidates, in_total=True)
        between, rows = map(np.asarray, sums)
        first = np.cumsum([0, *map(len, parties[:-1])])
        own = kernel_diagonal(kernel, np.concatenate(parties)).astype(float)
        own = np.add.reduceat(own, first)
    m, s = np.array([*map(len, parties)], float), np.array(sizes[:-1], float)
    # Means over pairs of different points; a point with itself is no such pair.
    within = (np.diag(between) - own) / np.maximum(m * (m - 1), 1)
    within = within * (s - 1) / s + own / m / s
    means = between / np.outer(m, m)
    means[np.diag_indices(len(m))] = within
    with_reference = means @ s
    if sizes[-1]:
        with_reference += rows.sum(0) / m * (sizes[-1] / len(candidates))
    return 2 * with_reference / sum(sizes) - within


def _share(size: int, total: int) -> int:
    """How many of a party's points are looked at for an estimate."""
    return min(size, max(MIN_POINTS, MAX_POINTS * size // total))


def _num_pairs(parties: list[Points], candidates: Points) -> float:
    pool = float(sum(map(len, parties)))
    return pool * (pool + len(candidates))


def median_length_scale(
    points: Float[ArrayLike, "n d"],
) -> float | Float[Array, ""]:
    r"""The median distance between two points, a common rule of thumb.

    .. math:: \ell = \operatorname{median}_{i < j} \lVert x_i - x_j \rVert

    Args:
        points: shape ``(n, d)``, n >= 2; of more than 2,000, 2,000 evenly spaced ones.

    Returns:
        The median, in the units of the points.

    Raises:
        ValueError: if there are fewer than two points.

    Example:
        >>> median_length_scale(np.array([[0.0], [1.0], [3.0]]))
        2.0

    Reference:
        Gretton et al. 2012, Sec. 8.
    """
    return quantile_length_scale(points, 0.5)


def quantile_length_scale(
    points: Float[ArrayLike, "n d"], quantile: float
) -> float | Float[Array, ""]:
    r"""The distance that a share of all pairs of points is within.

    In data of several modes the median is the distance between modes, a small quantile
    one within a mode.

    Args:
        points: as in `median_length_scale`.
        quantile: the share, in (0, 1).

    Returns:
        The distance, in the units of the points.

    Raises:
        ValueError: if there are fewer than two points, or the share is none.

    Example:
        >>> modes = np.array([[0.0], [0.1], [5.0], [5.1], [9.0], [9.1]])
        >>> [round(quantile_length_scale(modes, q), 3) for q in (0.1, 0.5)]
        [0.1, 4.9]
    """
    from scipy.spatial.distance import pdist

    if not 0 < as_number(quantile, "as the quantile") < 1:
        raise ValueError(f"Expected a quantile in (0, 1), got {quantile}.")
    array = as_points(points, "points", sharded=True)
    if len(array) < 2:
        raise ValueError(f"Expected at least two points, got {len(array)}.")
    if is_traced(array):
        few = evenly_spaced(array)
        squares = squared_distances(few, few, exact=True)[np.triu_indices(len(few), 1)]
        distances = jnp.where(
            squares > 0, jnp.sqrt(jnp.where(squares > 0, squares, 1)), 0
        )
        return jnp.quantile(distances, quantile)
    few = np.asarray(evenly_spaced(array), float)
    return float(np.quantile(pdist(few), quantile))


def evenly_spaced(points: Any, most: int = MAX_POINTS) -> Any:
    """So many of the points at most, evenly spaced in the order given."""
    rows = _evenly_spaced_rows(len(points), most)
    if is_sharded(points):
        return rows_at(points, rows)
    return points if len(points) <= most else points[rows]


def evenly_spaced_in_pool(parties: list[Points]) -> Float[np.ndarray, "_ d"]:
    """The same of all parties' points, one after the other."""
    ends = np.cumsum([*map(len, parties)])
    rows = _evenly_spaced_rows(int(ends[-1]), MAX_POINTS)
    parts = np.split(rows, np.searchsorted(rows, ends[:-1]))
    return np.concatenate(
        [
            rows_at(x, part - (end - len(x)))
            for x, part, end in zip(parties, parts, ends, strict=True)
        ]
    )


def _evenly_spaced_rows(num_points: int, most: int) -> Int[np.ndarray, " _"]:
    return np.linspace(0, num_points - 1, min(num_points, most)).round().astype(int)


def _bounding_diameter(blocks: list[Points]) -> float:
    blocks = [corners(x) if is_sharded(x) else x for x in blocks]
    lowest = np.min([np.min(x, axis=0) for x in blocks if len(x)], axis=0)
    highest = np.max([np.max(x, axis=0) for x in blocks if len(x)], axis=0)
    return sqrt(np.sum((highest.astype(float) - lowest) ** 2))


def _is_flat(kernel: Stationary, diameter: float) -> bool:
    """Whether k > 1/2 for all pairs, which gives v(S) ≥ 2 min k − max k > 0 unseen."""
    scale = float(np.min(kernel.length_scale))  # of all dimensions
    r2 = np.minimum((diameter / scale) ** 2, 1e30)  # no overflow in float32
    farthest = np.full((1, 1), r2, np.float32)
    return float(np.asarray(_of_squared_distance(kernel, farthest))[0, 0]) > 0.501


@jax.jit
def _of_squared_distance(
    kernel: Stationary, r2: Float[Array, "m n"]
) -> Float[Array, "m n"]:
    return kernel.of_squared_distance(r2)

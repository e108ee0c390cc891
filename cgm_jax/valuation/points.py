r"""Exact Shapley values of single points: every point of the pool is a player.

Players of one point have one size: it is the closed form of `equal_sizes`, O(1) per
point x after one pass over the kernel for c_x = Σ_{y∈T} k(x, y), over the reference T,
and R_x = Σ_{y≠x} k(x, y), over the pool.

**Points that lower a value.** More data may be worse (Assumption C of Sec. 3 does not
hold in general): the pool D is worth more without x if v(D) − v(D∖x) < 0. That φ_x is
negative says more and is rare, as almost any point improves small sets. Against the
pool itself, T = D, no point lowers v(D), as v(S) = mean k(T, T) − MMD²(S, T) is largest
at S = T: there the question needs a reference with other points.

Reference: L. Shapley 1953; A. Ghorbani and J. Zou, *Data Shapley*, ICML 2019, for
points as players; Tay et al. 2022, Eq. 2 and Sec. 3.
"""

from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from jaxtyping import Bool, Float

from cgm_jax._shared.arrays import (
    AnyArray,
    ArrayLike,
    Points,
    array_module,
    as_point_sets,
    is_traced,
    to_host,
)
from cgm_jax._shared.precision import at_once
from cgm_jax._shared.results import Result
from cgm_jax.gram.embedding import kernel_diagonal
from cgm_jax.gram.gram_sums import default_tile_size
from cgm_jax.gram.tiles import (
    Blocks,
    sums_of_rows,
    sums_of_symmetric_rows,
)
from cgm_jax.kernels import Kernel
from cgm_jax.kernels.base import centred

from .semivalues.equal_sizes import equal_size_semivalues
from .semivalues.weighting import SHAPLEY, size_probabilities

__all__ = ["PointValues", "point_shapley_values"]


@jax.tree_util.register_dataclass
@dataclass(frozen=True, eq=False, repr=False)
class PointValues(Result):
    """What every point of a pool adds to its value."""

    shapley_values: Float[AnyArray, " N"]
    """φ_x, the mean of v(S ∪ x) − v(S), shape ``(N,)``; they sum to v(D)."""

    leave_one_out: Float[AnyArray, " N"]
    """v(D) − v(D∖x), shape ``(N,)``."""

    @property
    def lowers_pool(self) -> Bool[AnyArray, " N"]:
        """Whether the pool is worth more without x: v(D) < v(D∖x)."""
        return self.leave_one_out < 0


def point_shapley_values(
    kernel: Kernel,
    points: Float[ArrayLike, "N d"],
    reference: Float[ArrayLike, "t d"] | None = None,
) -> PointValues:
    r"""Shapley value of every single point, exactly.

    .. math:: \phi_x = \frac{1}{N} \sum_{S \subseteq D \setminus x}
              \binom{N-1}{|S|}^{-1} [v(S \cup x) - v(S)]

    Args:
        kernel: the kernel.
        points: the pool D, shape ``(N, d)``, N >= 1.
        reference: T, shape ``(t, d)``, t >= 1; by default the pool. If it starts with
            the points of the pool in their order, they are compared only once.

    Returns:
        The Shapley values and the last marginal contributions, in the units of the
        kernel, float64 (or as in `value`).

    Raises:
        ValueError: if a set is empty, shapes do not fit or an entry is not finite.

    Example:
        The third point is far from the others:

        >>> from cgm_jax.kernels import SquaredExponential
        >>> points = np.array([[0.0], [0.5], [3.0]])
        >>> found = point_shapley_values(SquaredExponential(1.0), points)
        >>> found.shapley_values.round(4)
        array([0.2477, 0.2559, 0.0381])
        >>> found.lowers_pool.any()
        np.False_

    Reference:
        Tay et al. 2022, Eq. 2 and 5; the closed form is in ``equal_sizes``.
    """
    against = points if reference is None else reference
    pool, against = as_point_sets(points=points, reference=against)
    for name, x in (("points", pool), ("reference", against)):
        if len(x) == 0:
            raise ValueError(f"Expected at least one point in {name}, got none.")
    with at_once(kernel, pool, against):
        across, diagonal, others = _sums(kernel, pool, against)
        shapley, last = (
            equal_size_semivalues(
                across,
                diagonal,
                others,
                size_probabilities(weighting, len(pool)),
                size=1.0,
                reference_size=float(len(against)),
            )
            for weighting in (SHAPLEY, "leave-one-out")
        )
    return PointValues(to_host(shapley), to_host(last))


def _sums(kernel: Kernel, pool: Points, reference: Points) -> tuple[Any, Any, Any]:
    """c_x, k(x, x) and R_x of every point."""
    pool, reference = centred(kernel, pool, reference)
    tile_size = default_tile_size()
    x = Blocks.cut(kernel, pool, [len(pool)], tile_size)
    rows = sums_of_symmetric_rows(x)
    diagonal = kernel_diagonal(kernel, pool).astype(rows.dtype)
    across = array_module(rows).zeros_like(rows)
    # Two traced arrays cannot be compared.
    known = not is_traced(reference, pool)
    if known and np.array_equal(reference[: len(pool)], pool):
        across, reference = rows, reference[len(pool) :]
    if len(reference):
        y = Blocks.cut(kernel, reference, [len(reference)], tile_size)
        across = across + sums_of_rows(x, y)[:, 0]
    return across, diagonal, rows - diagonal

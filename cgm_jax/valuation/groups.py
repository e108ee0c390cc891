r"""Values of groups that splitting does not change: sums of exact values of points.

Every point of the pool is a player of its own, and a party is worth what its points are
worth together (faithful group Shapley value):

    Φ_i = Σ_{x ∈ D_i} φ_x,      φ_x the Shapley value of point x in the game of points.

How points are dealt out to parties does not enter φ_x. So a party gains nothing by
handing in its points under several names, and Σ Φ_i = v(D).

φ_x is linear in k(x, x) and in what sums of the kernel belong to x (`equal_sizes`). The
sum over a party therefore takes its rows of B, the sum Σ_{x ∈ D_i} k(x, x), and nothing
more: O(n) after the Gram pass, while single values of points are another O(t²).

Reference: K. Lee et al., *Faithful Group Shapley Value*, 2025, arXiv:2505.19013.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from cgm_jax._shared.arrays import AnyArray, ArrayLike, array_module, to_host
from cgm_jax._shared.precision import at_once
from cgm_jax.gram import GramSums, gram_sums
from cgm_jax.gram.embedding import kernel_diagonal
from cgm_jax.gram.gram_sums import as_blocks
from cgm_jax.kernels import Kernel
from cgm_jax.kernels.base import centred

from .coalitions import checked_sums
from .semivalues.equal_sizes import equal_size_semivalues
from .semivalues.weighting import SHAPLEY, Weighting, as_weighting, size_probabilities

__all__ = ["group_values"]


def group_values(
    kernel: Kernel,
    parties: Sequence[Float[ArrayLike, "_ d"]],
    candidates: Float[ArrayLike, "g d"],
    *,
    sums: GramSums | None = None,
    weighting: Weighting = SHAPLEY,
) -> Float[AnyArray, " n"]:
    r"""Sum of the exact Shapley values of every party's points.

    .. math:: \Phi_i = \sum_{x \in D_i} \phi_x

    Args:
        kernel: the kernel.
        parties: the parties' points, arrays of shape ``(n_i, d)``.
        candidates: synthetic points, shape ``(g, d)``; g may be 0.
        sums: what `gram_sums` gives for the same; by default that is computed.
        weighting: another semivalue than the Shapley value in the game of points.

    Returns:
        Φ, shape ``(n,)``, in the units of the kernel, float64 (or as in `gram_sums`).
        They share out the value of the pool, however a party splits.

    Raises:
        ValueError: as `gram_sums`, or if ``sums`` are of other sizes.

    Example:
        >>> from cgm_jax.kernels import SquaredExponential
        >>> kernel, candidates = SquaredExponential(1.0), np.array([[1.0]])
        >>> parties = [np.array([[0.0], [1.0]]), np.array([[3.0]])]
        >>> group_values(kernel, parties, candidates).round(4)
        array([ 0.5719, -0.0312])

        The first party under two names:

        >>> parties = [np.array([[0.0]]), np.array([[1.0]]), np.array([[3.0]])]
        >>> group_values(kernel, parties, candidates).round(4)
        array([ 0.2044,  0.3675, -0.0312])

    Reference:
        Lee et al. 2025; the values of points are those of `point_shapley_values`.
    """
    as_weighting(weighting)
    points, drawn = as_blocks(parties, candidates)
    sizes = np.array([len(x) for x in points], float)
    if sums is None:
        sums = gram_sums(kernel, points, drawn)
    between, _ = checked_sums(sums)
    if not np.array_equal(sums.sizes, [*sizes, len(drawn)]):
        raise ValueError(
            f"Expected sums of blocks of sizes {[*map(len, points), len(drawn)]}, got "
            f"sums of {sums.sizes}."
        )
    probabilities = size_probabilities(weighting, int(sizes.sum()))
    with at_once(kernel, *points, between):
        xp = array_module(kernel, points, between)
        pool = xp.concatenate(points)
        diagonal = kernel_diagonal(kernel, *centred(kernel, pool))
        edges = np.cumsum(sizes[:-1]).astype(int)
        own = xp.stack([part.sum() for part in xp.split(diagonal, edges)])
        values = equal_size_semivalues(
            between[:-1].sum(1),
            own,
            between[:-1, :-1].sum(1) - own,
            probabilities,
            size=1.0,
            reference_size=float(sizes.sum() + len(drawn)),
            counts=sizes,
        )
    return to_host(values)

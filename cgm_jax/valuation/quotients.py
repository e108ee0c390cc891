r"""Semivalues of clusters of parties, as a defence against false names.

Parties that evidence says are one, or hold the same data, are one player: their blocks
of the sums are added up. The semivalue Φ_K of a cluster K in this quotient game does
not depend on how many names share its points.

Inside a cluster Φ_K is shared by the number of points,

    ψ_i = Φ_K s_i / s_K.

A share must be neutral to false names: the names of one party together get the same
however it splits. Only a share that is additive in the data is so; equal shares reward
names, and so does a Shapley value inside of the cluster. Of the additive shares, that
by points needs no further choice. It counts a point as often as it is handed in: count
duplicates once before, where a cluster may hold parties of several owners.

Reference: F. Burnat, B. Davidson, *Quotient Semivalues for False-Name-Resistant Data
Attribution*, 2026, arXiv:2605.07663; G. Owen, *Values of Games with a priori Unions*,
1977, for the quotient game.
"""

import numpy as np
from jaxtyping import Float, Int

from cgm_jax._shared.arrays import AnyArray, ArrayLike
from cgm_jax._shared.precision import in_float64, matmul
from cgm_jax.gram import GramSums

from .semivalues.block_semivalues import TOLERANCE, block_semivalues
from .semivalues.mmd_semivalues import blocks_of
from .semivalues.precedence import as_labels
from .semivalues.weighting import SHAPLEY, Weighting

__all__ = ["quotient_semivalues"]


def quotient_semivalues(
    sums: GramSums,
    clusters: Int[ArrayLike, " n"],
    *,
    weighting: Weighting = SHAPLEY,
    tolerance: float = TOLERANCE,
) -> Float[AnyArray, " n"]:
    r"""Semivalues of clusters as players, shared by points inside each.

    .. math:: \psi_i = \frac{s_i}{s_K} \Phi_K, \qquad i \in K

    Args:
        sums: as in `mmd_shapley_values`.
        clusters: the cluster of every party, shape ``(n,)``, whole numbers, not traced.
        weighting: which semivalue Φ is, by default the Shapley value.
        tolerance: as in `mmd_shapley_values`.

    Returns:
        The values, shape ``(n,)``, in the units of the kernel, float64 (or as in
        `mmd_shapley_values`). Those of `mmd_semivalues` if every party is a cluster of
        its own; with all in one cluster v(N), by points.

    Raises:
        ValueError: as `mmd_semivalues`, or if there is not one whole number per party.
        TypeError: if the sizes are traced.

    Example:
        >>> from cgm_jax.gram import gram_sums
        >>> from cgm_jax.kernels import SquaredExponential
        >>> kernel, candidates = SquaredExponential(1.0), np.array([[1.0]])
        >>> parties = [np.array([[0.0], [1.0]]), np.array([[3.0]])]
        >>> sums = gram_sums(kernel, parties, candidates)
        >>> quotient_semivalues(sums, np.array([0, 1])).round(4)
        array([ 0.669 , -0.1284])

        The first party under two names, that are known to be one:

        >>> names = [np.array([[0.0]]), np.array([[1.0]]), np.array([[3.0]])]
        >>> split = gram_sums(kernel, names, candidates)
        >>> quotient_semivalues(split, np.array([0, 0, 1])).round(4)
        array([ 0.3345,  0.3345, -0.1284])

    Reference:
        Burnat and Davidson 2026.
    """
    between, across, sizes, total = blocks_of(sums)
    label = as_labels(clusters, len(sizes), "clusters")
    member = (np.arange(label.max() + 1)[:, None] == label[None]).astype(float)
    merged = member @ sizes

    def values(
        b: Float[AnyArray, "n n"], a: Float[AnyArray, " n"]
    ) -> Float[AnyArray, " n"]:
        z = member.astype(b.dtype)
        of_clusters = block_semivalues(
            matmul(matmul(z, b), z.T),
            matmul(z, a),
            merged,
            total,
            weighting=weighting,
            tolerance=tolerance,
        )
        share = sizes / np.where(merged > 0, merged, 1)[label]
        return of_clusters[label] * share.astype(b.dtype)

    return in_float64(values, between, across)

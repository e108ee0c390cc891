r"""Asymmetric Shapley values: groups of parties come one after the other.

The Shapley value is the mean marginal contribution over all orders of the parties. Here
only those orders count in which every group comes after all earlier groups: originals
before copies, founders before later members. The coalition that party i joins then
holds all earlier groups and, as in the Shapley value, each other party of its own group
with probability q. All earlier groups are one party that is there for sure, and
`block_semivalues` of it and a group is O(k²) for a group of k. A group of one has the
marginal contribution v(C ∪ i) − v(C) to all before it.

Reference: C. Frye, C. Rowat, I. Feige, *Asymmetric Shapley Values*, NeurIPS 2020;
X. Zheng et al., *Asymmetric Data Shapley*, 2025, arXiv:2511.12863.
"""

from itertools import pairwise

import numpy as np
from jaxtyping import Float, Int

from cgm_jax._shared.arrays import AnyArray, ArrayLike, array_module
from cgm_jax.gram import GramSums
from cgm_jax.valuation.coalitions import value_from_sums

from .block_semivalues import TOLERANCE, block_semivalues
from .mmd_semivalues import blocks_of

__all__ = ["as_labels", "asymmetric_shapley"]


def asymmetric_shapley(
    sums: GramSums,
    precedence: Int[ArrayLike, " n"],
    *,
    tolerance: float = TOLERANCE,
) -> Float[AnyArray, " n"]:
    r"""Mean marginal contribution over the orders that keep the order of groups.

    Args:
        sums: as in `mmd_shapley_values`.
        precedence: the group of every party, shape ``(n,)``, whole numbers, not traced:
            parties of a smaller number come before those of a larger one.
        tolerance: as in `mmd_shapley_values`, for each group.

    Returns:
        The values, shape ``(n,)``, in the units of the kernel, float64 (or as in
        `mmd_shapley_values`); they share out v(N). In one group they are the Shapley
        values, and in groups of one the marginal contributions along the order.

    Raises:
        ValueError: as `mmd_semivalues`, or if there is not one whole number per party.
        TypeError: if the sizes are traced.

    Example:
        >>> from cgm_jax.gram import gram_sums
        >>> from cgm_jax.kernels import SquaredExponential
        >>> parties = [np.array([[0.0]]), np.array([[1.0]]), np.array([[0.0]])]
        >>> sums = gram_sums(SquaredExponential(1.0), parties, np.array([[1.0]]))

        The third party has the first one's point, and is known to have copied it:

        >>> asymmetric_shapley(sums, np.array([0, 0, 0])).round(4)
        array([0.2277, 0.326 , 0.2277])
        >>> asymmetric_shapley(sums, np.array([0, 0, 1])).round(4)
        array([ 0.4016,  0.4016, -0.0219])

    Reference:
        Frye, Rowat, Feige 2020; Zheng et al. 2025.
    """
    between, across, sizes, total = blocks_of(sums)
    group = as_labels(precedence, len(sizes), "precedence")
    order = np.argsort(group, kind="stable")
    ends = np.append(0, np.cumsum(np.bincount(group)))

    def in_order(
        b: Float[AnyArray, "n n"], a: Float[AnyArray, " n"]
    ) -> Float[AnyArray, " n"]:
        xp = array_module(b, a)
        # Row k: the sums of party k with the first 0, 1, …, n parties of the order.
        b, a, s = b[np.ix_(order, order)], a[order], sizes[order]
        to_first = xp.pad(xp.cumsum(b, axis=1), ((0, 0), (1, 0)))
        b_before = xp.pad(xp.cumsum(a), (1, 0))
        s_before = np.append(0, np.cumsum(s))
        k = np.arange(len(s))
        own = 2 * to_first[k, k] + xp.diag(b)
        within = xp.pad(xp.cumsum(own), (1, 0))
        of_first = value_from_sums(b_before, within, s_before, total)
        parts = []
        for start, stop in pairwise(ends.tolist()):
            if stop - start == 1:
                parts.append(of_first[stop:][:1] - of_first[start:][:1])
                continue
            edge, inner = to_first[start:stop, start], b[start:stop, start:stop]
            corner = within[start : start + 1]
            blocks = xp.block([[corner[None], edge[None]], [edge[:, None], inner]])
            is_first = (np.arange(1 + stop - start) == 0).astype(float)
            values = block_semivalues(
                blocks,
                xp.concatenate([b_before[start : start + 1], a[start:stop]]),
                np.append(s_before[start], s[start:stop]),
                total,
                inclusion=(is_first, 1 - is_first) if start else None,
                tolerance=tolerance,
            )
            parts.append(values[1:])
        return xp.concatenate(parts)[np.argsort(order)]

    return in_order(between, across)


def as_labels(labels: Int[ArrayLike, " n"], n: int, name: str) -> Int[np.ndarray, " n"]:
    """One whole number per party, as 0, 1, … in the order of the numbers."""
    array = np.asarray(labels)
    if array.shape != (n,) or array.dtype.kind not in "iu":
        raise ValueError(
            f"Expected {name} of shape ({n},), one whole number per party, got "
            f"{array.dtype} of shape {array.shape}."
        )
    return np.unique(array, return_inverse=True)[1]

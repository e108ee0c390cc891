r"""Reverse Kullback–Leibler divergence from a part to the whole, by distances.

With S a part of the reference T, s and t their sizes, and r_k(x) and q_k(x) the
distances of x to its k-th nearest *other* point in S and in T,

    KL_k(S‖T) = 1/s Σ_{x ∈ S} d log(q_k(x) / r_k(x)) + log((t − 1) / (s − 1)).

It is called reverse because the mean is taken over what a party holds, not over the
reference. x itself is left out of both sets, so that S = T gives exactly 0.

Where x has k exact copies or more in T, its distances are 0 and there is no density: x
is an atom, and the ratio of its shares of S and T stands for that of densities, which
is what the divergence of discrete distributions is made of (Gao et al. 2017 treat such
mixtures the same way). So the estimate is finite whatever the data.

Reference: F. Pérez-Cruz, *Kullback–Leibler divergence estimation of continuous
distributions*, ISIT 2008; Tay et al. 2022, Sec. 6 and App. I.7; W. Gao et al.,
*Estimating mutual information for discrete-continuous mixtures*, NeurIPS 2017.
"""

from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from cgm_jax._shared.arrays import (
    AnyArray,
    ArrayLike,
    Points,
    Scalar,
    as_point_sets,
    is_traced,
)
from cgm_jax._shared.checks import as_list, as_whole
from cgm_jax.kernels.distances import squared_distances

from .neighbors import nearest_distances

__all__ = ["reverse_kl_divergence", "reverse_kl_divergences"]


def reverse_kl_divergence(
    subset: Float[ArrayLike, "s d"],
    reference: Float[ArrayLike, "t d"],
    *,
    neighbors: Sequence[int] = (2, 3, 4, 5, 6),
) -> Scalar:
    r"""Estimate of KL(S‖T) by nearest neighbours, averaged over several k.

    .. math:: \frac{1}{s} \sum_{x \in S} d \log \frac{q_k(x)}{r_k(x)}
              + \log \frac{t - 1}{s - 1}

    averaged over k, where a point with k or more copies in T contributes
    :math:`\log \frac{c_S / s}{c_T / t}` instead, c its number of occurrences.

    Args:
        subset: S, shape ``(s, d)``, s > k; every point is one of the reference.
        reference: T, shape ``(t, d)``.
        neighbors: the numbers k >= 1 to average over, by default the paper's.

    Returns:
        The estimate in nats, a float64 number; it may be slightly negative.

    Raises:
        ValueError: for too few points for the largest k, a point that is not in the
            reference, shapes that do not fit, or entries that are not finite.

    Example:
        >>> reference = np.linspace(0, 1, 101)[:, None]
        >>> round(float(reverse_kl_divergence(reference[:51], reference)), 2)
        0.68

    Reference: Pérez-Cruz 2008; Tay et al. 2022, Sec. 6.
    """
    (divergence,) = reverse_kl_divergences([subset], reference, neighbors=neighbors)
    return divergence


def reverse_kl_divergences(
    subsets: Sequence[Float[ArrayLike, "_ d"]],
    reference: Float[ArrayLike, "t d"],
    *,
    neighbors: Sequence[int] = (2, 3, 4, 5, 6),
) -> Float[AnyArray, " n"]:
    """What `reverse_kl_divergence` is for several parts of one reference, in one pass.

    Args:
        subsets: parts of the reference, arrays of shape ``(s_i, d)``; they may overlap.
        reference: as in `reverse_kl_divergence`, and so are the errors.
        neighbors: as there.

    Returns:
        The estimates in nats, shape ``(n,)``, float64. Inside the user's transformation
        it is not checked that the subsets are parts of the reference.

    Example:
        >>> reference = np.linspace(0, 1, 101)[:, None]
        >>> reverse_kl_divergences([reference, reference[:51]], reference)
        array([0.  , 0.68])
    """
    named = {f"subsets[{i}]": x for i, x in enumerate(subsets)}
    named["reference"] = reference
    *parts, whole = as_point_sets(**named)
    neighbors = [
        as_whole(k, "number of neighbours", smallest=0)
        for k in as_list(neighbors, "numbers of neighbours")
    ]
    ks = np.asarray(neighbors)
    for i, part in enumerate(parts):
        if not (ks.size and ks.min() >= 1 and ks.max() < len(part)):
            raise ValueError(
                "Expected numbers of neighbours between 1 and the number of other "
                f"points, {len(part) - 1} in subsets[{i}], got {list(neighbors)}."
            )
    if is_traced(parts):
        return jnp.stack([_of_traced(part, whole, ks) for part in parts])
    parts, whole = [np.asarray(part) for part in parts], np.asarray(whole)
    # The first neighbour is the point itself.
    to_whole = nearest_distances(
        np.concatenate(parts), whole, num_neighbors=int(ks.max()) + 1
    )
    ends = np.cumsum([len(part) for part in parts])
    return np.array(
        [
            _divergence(part, whole, distances, ks, name=f"subsets[{i}]")
            for i, (part, distances) in enumerate(
                zip(parts, np.split(to_whole, ends[:-1]), strict=True)
            )
        ]
    )


def _of_traced(subset: Points, reference: Points, ks: np.ndarray) -> Float[Array, ""]:
    """Inside the user's transformation, where points cannot be looked up by value."""
    (size, dimension), num = subset.shape, int(ks.max()) + 1
    to_subset, to_reference = (
        nearest_distances(subset, x, num_neighbors=num) for x in (subset, reference)
    )
    here, there = (
        jnp.mean(squared_distances(subset, x, exact=True) == 0, 1, to_subset.dtype)
        for x in (subset, reference)
    )
    is_atom = to_reference == 0
    ratios = jnp.where(is_atom, 1, to_reference) / jnp.where(is_atom, 1, to_subset)
    logs = dimension * jnp.log(ratios) + np.log((len(reference) - 1) / (size - 1))
    return jnp.mean(jnp.where(is_atom, jnp.log(here / there)[:, None], logs)[:, ks])


def _divergence(
    subset: Points,
    reference: Points,
    to_reference: Float[np.ndarray, "s k"],
    ks: Int[np.ndarray, " m"],
    *,
    name: str,
) -> np.floating:
    if to_reference[:, 0].any():
        row = int(np.argmax(to_reference[:, 0] > 0))
        raise ValueError(
            f"Expected every point of {name} to be one of the reference; row {row} is "
            "not. Join both sets to make the reference."
        )
    size, dimension = subset.shape
    to_subset = nearest_distances(subset, subset, num_neighbors=to_reference.shape[1])
    is_atom = to_reference == 0
    ratios = np.divide(
        to_reference, to_subset, out=np.ones_like(to_reference), where=~is_atom
    )
    logs = dimension * np.log(ratios) + np.log((len(reference) - 1) / (size - 1))
    atoms = is_atom[:, ks.min()]
    if atoms.any():
        shares = np.zeros(size)
        shares[atoms] = _log_ratios_of_shares(subset, reference, atoms)
        logs = np.where(is_atom, shares[:, None], logs)
    return logs[:, ks].mean()


def _log_ratios_of_shares(
    subset: Points, reference: Points, chosen: Bool[np.ndarray, " s"]
) -> Float[np.ndarray, " chosen"]:
    """log of the share of S over that of T that copies of chosen points make up."""
    joined = np.concatenate([subset, reference])
    _, kind = np.unique(joined, axis=0, return_inverse=True)
    kind = kind.reshape(-1)
    of_subset, of_reference = kind[: len(subset)], kind[len(subset) :]
    here, there = (
        np.bincount(kinds, minlength=kind.max() + 1) / len(kinds)
        for kinds in (of_subset, of_reference)
    )
    atoms = of_subset[chosen]
    return np.log(here[atoms] / there[atoms])

"""Parties that may be one: those whose rows are each other's beyond chance."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int

from cgm_jax._shared.arrays import ArrayLike
from cgm_jax._shared.checks import as_real, check_kind

from .near_duplicates import NearDuplicates, near_duplicates

__all__ = ["clusters_by_evidence"]


def clusters_by_evidence(
    parties: Sequence[Float[ArrayLike, "_ d"]],
    *,
    found: NearDuplicates | None = None,
    min_share: int | float = 0.05,
) -> Int[np.ndarray, " n"]:
    r"""Number the clusters of parties whose rows are shared or near-duplicates.

    Two parties are in one cluster if a chain of pairs links them, each with near rows
    beyond chance, about so many that they are at least ``min_share`` of one's rows:

    .. math:: \max(c_{ij} / n_i, c_{ji} / n_j) \ge s

    Args:
        parties: the parties' points, arrays of shape ``(n_i, d)``.
        found: their near-duplicates, if they are known.
        min_share: s in [0, 1]: a customer of two banks merges no banks.

    Returns:
        The number of each party's cluster, from 0, in the order of their first parties;
        ``arange(n)`` where nobody's rows are another's.

    Raises:
        ValueError: as for `near_duplicates`, for near-duplicates found in parties of
            other sizes, or for a negative share.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> first, second, third = rng.normal(size=(3, 60, 3))
        >>> copied = np.concatenate([third, first])
        >>> clusters_by_evidence([first, second, copied])
        array([0, 1, 0])

    Reference: Burnat, Davidson, *Quotient Semivalues*, 2026 (clusters by evidence).
    """
    from scipy.sparse.csgraph import connected_components  # slow to import

    share = as_real(min_share, "min_share", smallest=0.0)
    if found is None:
        found = near_duplicates(parties)
    check_kind(found, NearDuplicates)
    sizes = [np.shape(x)[0] for x in parties]
    if found.sizes.tolist() != sizes:
        raise ValueError(
            f"Expected near-duplicates found in parties of {sizes} rows, got those of "
            f"{found.sizes.tolist()}."
        )
    shares = found.num_copied / found.sizes[:, None]
    is_linked = found.is_beyond_chance & (np.maximum(shares, shares.T) >= share)
    labels = connected_components(is_linked, directed=False)[1]
    # In the order of their first parties.
    firsts, numbers = np.unique(labels, return_index=True)
    ranks = np.empty(len(firsts), int)
    ranks[np.argsort(numbers)] = np.arange(len(firsts))
    return ranks[labels]

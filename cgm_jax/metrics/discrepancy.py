r"""MMD²_u between what each party ends up with and the reference, from known sums.

For S = D_i ∪ G_i and the reference T, s and t their sizes, let A and C be the sums of
the kernel within S and between S and T. C is in the Gram sums, and the value of S,
v(S) = 2C/(st) − A/s², gives A. So with ΣB the sum within T,

    MMD²_u = (A − Σ_S k(x, x)) / (s(s − 1)) − 2C/(st) + (ΣB − Σ_T k(x, x)) / (t(t − 1)),

where the definition, `valuation.mmd2_unbiased`, would compare T with itself every time.
"""

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

from cgm_jax._shared.arrays import ArrayLike
from cgm_jax._shared.checks import as_vectors, one_each
from cgm_jax._shared.precision import at_once, on_numbers
from cgm_jax.gram import GramSums
from cgm_jax.gram.gram_sums import as_blocks
from cgm_jax.kernels import Kernel
from cgm_jax.kernels.base import check_kernel
from cgm_jax.valuation.coalitions import checked_sums

__all__ = ["mmd2_to_reference"]


@on_numbers(", or use `mmd2_unbiased` there")
def mmd2_to_reference(
    kernel: Kernel,
    parties: Sequence[Float[ArrayLike, "_ d"]],
    candidates: Float[ArrayLike, "g d"],
    sums: GramSums,
    picks: Sequence[Int[np.ndarray, " _"]],
    values: Float[ArrayLike, " n"],
) -> Float[np.ndarray, " n"]:
    r"""MMD²_u(D_i ∪ G_i, T) of every party, signed.

    Args:
        kernel: the kernel of the sums.
        parties: the parties' points, arrays of shape ``(n_i, d)``.
        candidates: the synthetic points G, shape ``(g, d)``.
        sums: the sums of the kernel between parties and candidates.
        picks: G_i of every party, as indices into the candidates, each at most once.
        values: v(D_i ∪ G_i), shape ``(n,)``, such as a draw ends with.

    Returns:
        The estimates, shape ``(n,)``, float64; NaN for a party with a single point.

    Raises:
        ValueError: if there are not as many picks and values as parties.

    Example:
        >>> from cgm_jax.gram import gram_sums
        >>> from cgm_jax.kernels import SquaredExponential
        >>> from cgm_jax.valuation import coalition_values
        >>> pooled = SquaredExponential(1.0), [np.zeros((2, 1))], np.ones((2, 1))
        >>> sums, nothing = gram_sums(*pooled), np.array([], int)
        >>> mmd2_to_reference(*pooled, sums, [nothing], coalition_values(sums)[1:])
        array([0.1311])

    Reference: Tay et al. 2022, Eq. 1 and 2; Gretton et al. 2012, Eq. 3.
    """
    points, drawn = as_blocks(parties, candidates)
    check_kernel(kernel)
    checked_sums(sums)
    (values,), picks = as_vectors(values=values), one_each(picks, "picks")
    if not len(picks) == len(values) == len(points) == sums.num_parties:
        raise ValueError(
            f"Expected picks and a value of each of {sums.num_parties} parties, got "
            f"{len(points)} parties, {len(picks)} picks and {len(values)} values."
        )
    with at_once():
        *own_diagonals, diagonal = (
            np.asarray(kernel.diagonal(jnp.asarray(x)), np.float64)
            for x in (*points, drawn)
        )
    picks = [_as_indices(indices, len(drawn)) for indices in picks]
    # Row sums: C of a candidate alone, and of each party.
    of_candidates = np.asarray(sums.candidate_rows, np.float64).sum(axis=1)
    of_parties = np.asarray(sums.between, np.float64).sum(axis=1)
    t = float(sums.reference_size)
    own_diagonal = np.array([x.sum() for x in own_diagonals])
    reference = (of_parties.sum() - own_diagonal.sum() - diagonal.sum()) / (t * (t - 1))
    s = sums.sizes[:-1] + np.array([len(indices) for indices in picks])
    c = of_parties[:-1] + np.array([of_candidates[indices].sum() for indices in picks])
    a = s**2 * (2 * c / (s * t) - values)
    same = own_diagonal + np.array([diagonal[indices].sum() for indices in picks])
    within = np.divide(a - same, s * (s - 1), out=np.full(len(s), np.nan), where=s > 1)
    return within - 2 * c / (s * t) + reference


def _as_indices(picks: Any, num: int) -> Int[np.ndarray, " picks"]:
    """Indices into so many candidates."""
    array = np.asarray(picks)
    if array.size == 0:
        return np.zeros(0, np.int64)
    is_index = array.ndim == 1 and array.dtype.kind in "iu"
    if not is_index or not ((array >= 0) & (array < num)).all():
        raise ValueError(
            f"Expected picks as indices into {num} candidates, got {array.dtype} of "
            f"shape {array.shape}."
        )
    return array.astype(np.int64)

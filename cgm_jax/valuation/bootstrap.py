r"""What sums of the kernel would be, had the parties drawn their points once more.

In a resample, party i has n_i points drawn from its own with replacement. With w_x how
often point x was drawn, K_ij the kernel between parties i and j and R[x, G] the sum of
k(x, ·) over the candidates G, which stay as they are,

    B_ij = w_iᵀ K_ij w_j,     B_iG = Σ_{x ∈ D_i} w_x R[x, G]

The multiplicities of all resamples are the rows of one matrix, so that one pass over
the pairs of the pool gives every B_ij, and one over the pool and the candidates every
B_iG. Copies of a point are nearer to each other than other points of the same data are,
so B_ii is larger in a resample, on average over all:

    E[B_ii] = B_ii + Σ_{x ∈ D_i} k(x, x) − B_ii / n_i
"""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key

from cgm_jax._shared.arrays import AnyArray, ArrayLike
from cgm_jax._shared.checks import as_key, as_whole
from cgm_jax._shared.precision import at_once, compiled, on_numbers
from cgm_jax.gram import GramSums
from cgm_jax.gram.embedding import kernel_diagonal
from cgm_jax.gram.gram_sums import as_blocks, default_tile_size
from cgm_jax.gram.tiles import Blocks, sums_of_rows
from cgm_jax.gram.weighted import weighted_sums_between_blocks
from cgm_jax.kernels import Kernel
from cgm_jax.kernels.base import centred

from .coalitions import checked_sums

__all__ = ["bootstrap_sums", "multiplicities"]


@on_numbers()
def bootstrap_sums(
    key: Key[Array, ""],
    kernel: Kernel,
    parties: Sequence[Float[ArrayLike, "_ d"]],
    candidates: Float[ArrayLike, "g d"],
    sums: GramSums,
    *,
    num_resamples: int,
    centered: bool = True,
) -> Float[np.ndarray, "resamples blocks blocks"]:
    r"""Sums between parties and candidates in resamples of the parties' points.

    .. math:: B^r_{ij} = \sum_{x \in D_i} \sum_{x' \in D_j} w^r_x w^r_{x'} k(x, x')

    Args:
        key: a typed key. Resample r uses ``fold_in(key, r)``.
        kernel: the kernel that ``sums`` were computed with.
        parties: the parties' points, arrays of shape ``(n_i, d)``.
        candidates: G, shape ``(g, d)``; they are not resampled.
        sums: sums between the n parties and the candidates.
        num_resamples: number of resamples, at least 1.
        centered: whether to take off what B_ii has too much on average: the mean over
            all resamples is then B.

    Returns:
        ``between`` of every resample, shape ``(num_resamples, n+1, n+1)``, float64; the
        sizes stay those of ``sums``.

    Raises:
        ValueError: if shapes do not fit, an entry is not finite, ``sums`` are of other
            sizes, or ``num_resamples < 1``.

    Example:
        >>> from cgm_jax.gram import gram_sums
        >>> from cgm_jax.kernels import SquaredExponential
        >>> kernel = SquaredExponential(1.0)
        >>> parties = [np.zeros((2, 1)), np.array([[0.0], [1.0]])]
        >>> sums = gram_sums(kernel, parties, np.ones((3, 1)))
        >>> key = jax.random.key(0)
        >>> resampled = bootstrap_sums(
        ...     key, kernel, parties, np.ones((3, 1)), sums, num_resamples=400
        ... )
        >>> float(resampled[:, 0, 0].std())  # its points are all the same
        0.0
        >>> bool(abs(resampled[:, 0, 1].mean() / sums.between[0, 1] - 1) < 0.1)
        True

    Reference:
        Efron, Tibshirani: An Introduction to the Bootstrap, 1993.
    """
    as_key(key)
    num_resamples = as_whole(num_resamples, "num_resamples", smallest=1)
    points, drawn = as_blocks(parties, candidates)
    sizes = [len(x) for x in points]
    checked_sums(sums)
    if not np.array_equal(sums.sizes, [*sizes, len(drawn)]):
        raise ValueError(
            f"Expected sums of blocks of sizes {[*sizes, len(drawn)]}, got sums of "
            f"{sums.sizes}."
        )
    weights = multiplicities(key, sizes, num_resamples)
    with at_once():
        pool, tile = np.concatenate(points), default_tile_size()
        within = weighted_sums_between_blocks(kernel, pool, sizes, weights, tile)
        pool, drawn = centred(kernel, pool, drawn)
        across = np.zeros(len(pool))  # R[x, G] of every point x
        if len(drawn):
            x = Blocks.cut(kernel, pool, sizes, tile)
            y = Blocks.cut(kernel, drawn, [len(drawn)], tile)
            across = np.asarray(sums_of_rows(x, y), np.float64)[:, 0]
        first = np.cumsum([0, *sizes[:-1]])
        diagonal = np.add.reduceat(kernel_diagonal(kernel, pool), first)
    result = np.empty((num_resamples, len(sizes) + 1, len(sizes) + 1))
    result[:, :-1, :-1] = np.moveaxis(within, 2, 0)
    result[:, -1, :-1] = np.add.reduceat(weights * across[None], first, axis=1)
    result[:, :-1, -1] = result[:, -1, :-1]
    result[:, -1, -1] = sums.between[-1, -1]
    if centered:
        own = np.arange(len(sizes))
        excess = diagonal - np.diag(sums.between)[:-1] / np.array(sizes)
        result[:, own, own] -= excess[None]
    return result


def multiplicities(
    key: Key[Array, ""], sizes: Sequence[int], num_resamples: int
) -> Int[np.ndarray, "resamples num_points"]:
    """How often every point is drawn, in resamples that keep the parties' sizes."""
    first = np.repeat(np.cumsum([0, *sizes[:-1]]), sizes).astype(np.int32)
    size = np.repeat(sizes, sizes).astype(np.int32)
    return np.asarray(_multiplicities(key, first, size, num_resamples))


@compiled(static_argnames="num_resamples")
def _multiplicities(
    key: Key[Array, ""],
    first: Int[AnyArray, " num_points"],
    size: Int[AnyArray, " num_points"],
    num_resamples: int,
) -> Int[Array, "resamples num_points"]:
    def counts(resample: Int[Array, ""]) -> Int[Array, " num_points"]:
        # One draw per point of the pool, from the points of its own party.
        one = jax.random.fold_in(key, resample)
        drawn = jax.random.randint(one, first.shape, first, first + size, np.int32)
        return jnp.zeros_like(first).at[drawn].add(1)

    return jax.vmap(counts)(jnp.arange(num_resamples, dtype=np.int32))

"""Where a draw starts: every party's set as the sums that `pick_many` updates."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from cgm_jax._shared.arrays import AnyArray, ArrayLike, Points, array_module, as_points
from cgm_jax._shared.checks import check_kind
from cgm_jax._shared.precision import at_once
from cgm_jax.gram import GramSums
from cgm_jax.kernels.base import Embedding, Kernel, centred

from .picking import CandidateSet, Lane, grid

__all__ = ["check_candidates", "first_witness", "lanes", "placed"]


def lanes(
    kernel: Kernel, candidates: Float[ArrayLike, "g d"], sums: GramSums
) -> tuple[CandidateSet, Lane]:
    r"""The candidates, and every party's set before its first pick: for `pick_many`.

    A pure function of its arrays: it may be traced, mapped and differentiated. What
    `pick_many` then picks are indices into the candidates.

    Args:
        kernel: the kernel that ``sums`` were computed with.
        candidates: G, shape ``(g, d)``, at least one.
        sums: sums between the n parties and the candidates.

    Returns:
        The candidates, which all parties share, and a `Lane` whose leaves have a first
        axis of n. Sums are float64 where 64-bit types are on, else float32.

    Raises:
        ValueError: if there are no candidates, or not as many as in the sums.

    Example:
        Five picks of every party for four values of β, as one program:

        >>> from cgm_jax.gram import gram_sums
        >>> from cgm_jax.kernels import SquaredExponential
        >>> from cgm_jax.sampling import pick_many
        >>> kernel = SquaredExponential(1.0)
        >>> parties = [np.zeros((2, 1)), np.ones((1, 1))]
        >>> drawn_from = np.linspace(-1, 2, 20)[:, None]
        >>> candidates, lane = lanes(
        ...     kernel, drawn_from, gram_sums(kernel, parties, drawn_from)
        ... )
        >>> draw = lambda key, lane, beta: pick_many(
        ...     key, kernel, candidates, lane, beta, jnp.array(0), num_picks=5
        ... )
        >>> of_parties = jax.vmap(draw, in_axes=(0, 0, None))
        >>> of_betas = jax.jit(jax.vmap(of_parties, in_axes=(None, None, 0)))
        >>> keys = jax.random.split(jax.random.key(0), 2)
        >>> betas = jnp.array([0.0, 1.0, 8.0, jnp.inf])
        >>> _, picks, values = of_betas(keys, lane, betas)
        >>> picks.shape, values.shape  # β, parties, picks
        ((4, 2, 5), (4, 2, 5))

    Reference:
        Tay et al. 2022, App. H.
    """
    points = as_points(candidates, "candidates")
    check_candidates(points, sums)
    (points,) = centred(kernel, points)
    num = len(points)
    shape = grid(num)
    filling = (0, shape[0] * shape[1] - num)
    with at_once(kernel, points, sums, x64=None):
        xp = array_module(kernel, points, sums)
        padded = array_module(points).pad(points, (filling, (0, 0)), mode="edge")
        embedded, diagonal = placed(kernel, padded)
        reference_sums = xp.sum(xp.asarray(sums.candidate_rows), axis=1)
        diagonal = xp.asarray(diagonal[:num])
        w = first_witness(sums, reference_sums, diagonal, slice(None))
        w = xp.pad(w, ((0, 0), filling), constant_values=-np.inf)
        between = xp.asarray(sums.between)[:-1]
        lane = Lane(
            w.reshape(-1, *shape).astype(points.dtype),
            xp.diagonal(between),
            between.sum(1),
            xp.asarray(sums.sizes)[:-1],
        )
        padded_sums = xp.pad(reference_sums, filling)
        t = xp.asarray(sums.reference_size)
        rates = (padded_sums / t).astype(points.dtype)
        largest = diagonal.max().astype(points.dtype)
        drawn_from = CandidateSet(embedded, padded_sums, rates, t, largest)
        return jax.tree.map(jnp.asarray, (drawn_from, lane))


def check_candidates(points: Points, sums: GramSums) -> None:
    """Raise where the sums are of other candidates, or of none."""
    check_kind(sums, GramSums, "`gram_sums`")
    expected = np.shape(sums.candidate_rows)[0]
    if len(points) == 0 or expected != len(points):
        raise ValueError(
            f"Expected the candidates that the sums were computed with ({expected}, at "
            f"least 1), got {len(points)}."
        )


@jax.jit
def placed(
    kernel: Kernel, points: Float[Array, "g d"]
) -> tuple[Embedding, Float[Array, " g"]]:
    """Embedded candidates, the last axis the candidate, and k(x, x) of each."""
    embedded = kernel.embed(points)
    columns = jax.tree.map(lambda leaf: jnp.moveaxis(leaf, 0, -1), embedded)
    return columns, kernel.diagonal(points)


def first_witness(
    sums: GramSums,
    reference_sums: Float[AnyArray, " g"],
    diagonal: Float[AnyArray, " g"],
    parties: slice,
) -> Float[AnyArray, "parties g"]:
    """w of every candidate (`picking`) and some parties, for their own data."""
    slope = (sums.sizes[:-1][parties] + 1) / sums.reference_size
    own = sums.candidate_rows[:, :-1][:, parties].T
    half = diagonal.astype(own.dtype) / 2
    return slope[:, None] * reference_sums[None] - own - half[None]

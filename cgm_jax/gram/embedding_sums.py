r"""Sums of a kernel by features: one pass over points in place of one over pairs.

With φ(x)·φ(x') ≈ k(x, x') and M_j the sum of φ over the points of block j,

    B_ij = M_i · M_j,        R[g, j] = φ(g) · M_j,

in time O(t D) and memory O(n D), for D features. Of features in G groups that were
drawn independently, each group by itself, times G, gives such sums, and those above are
their mean. All values are linear in B, so that their means over the groups are the
values themselves, and the spread over groups their standard errors.

Reference: A. Rahimi and B. Recht, *Random Features for Large-Scale Kernel Machines*,
2007; A. Smola et al., *A Hilbert Space Embedding for Distributions*, 2007.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import jax
import numpy as np
from jax.sharding import Mesh
from jaxtyping import Float

from cgm_jax._shared.arrays import AnyArray, ArrayLike, is_traced, to_host
from cgm_jax._shared.precision import at_once, matmul
from cgm_jax._shared.results import Result
from cgm_jax.embeddings import FeatureMap
from cgm_jax.kernels import Kernel

from .feature_sums import check_features, embeddings
from .gram_sums import (
    GramSums,
    as_weighted_blocks,
    block_sizes,
    checked_tile_size,
    gram_sums,
)
from .mesh import as_mesh, on_device_of

__all__ = ["PartyEmbeddings", "embedding_sums", "party_embeddings"]


@jax.tree_util.register_dataclass
@dataclass(frozen=True, eq=False, repr=False)
class PartyEmbeddings(Result):
    """Sums of features of the n parties and, last, of the candidates."""

    totals: Float[AnyArray, "blocks features"]
    """M, shape ``(n+1, D)``, float64."""

    sizes: Float[np.ndarray, " blocks"]
    """Number of points in every block, or their total weight, shape ``(n+1,)``."""

    num_groups: int = field(metadata={"static": True})
    """Groups of features that were drawn independently of each other."""

    @property
    def sums(self) -> GramSums:
        """Sums between blocks, all that values need; no rows of candidates."""
        between = matmul(self.totals, self.totals.T)
        return GramSums(between, between[:0], self.sizes)

    @property
    def sums_of_groups(self) -> list[GramSums]:
        """The same of every group of features alone; their mean is that of all."""
        width = self.totals.shape[1] // self.num_groups
        parts = [
            self.totals[:, i * width : (i + 1) * width] for i in range(self.num_groups)
        ]
        between = [self.num_groups * matmul(part, part.T) for part in parts]
        return [GramSums(each, each[:0], self.sizes) for each in between]


def embedding_sums(
    kernel: Kernel,
    features: FeatureMap,
    parties: Sequence[Float[ArrayLike, "_ d"]],
    candidates: Float[ArrayLike, "g d"],
    *,
    weights: Sequence[Float[ArrayLike, " _"]] | None = None,
    tile_size: int | None = None,
    mesh: Mesh | None = None,
) -> GramSums:
    r"""Approximate sums of the kernel in time O(t·D), from features of every point.

    .. math:: B_{ij} = M_i \cdot M_j, \qquad M_i = \sum_{x \in D_i} w_x \phi(x)

    It is ``gram_sums(kernel, parties, candidates, features=features)``.

    Args:
        kernel: the kernel that the features were made for.
        features: φ, from `cgm_jax.embeddings`.
        parties: the parties' points, arrays of shape ``(n_i, d)``.
        candidates: synthetic points, shape ``(g, d)``; g may be 0.
        weights: as in `gram_sums`.
        tile_size: points whose features exist at a time, on every core.
        mesh: as in `gram_sums`: each device sums the features of its points.

    Returns:
        The sums, as of `gram_sums`. Those of random features are right on average over
        keys; `valuation.embedding_uncertainty` has their standard errors.

    Raises:
        ValueError: as `gram_sums`, and for features of another kernel or of points of
            another number of columns.

    Example:
        >>> from cgm_jax.embeddings import hermite_features
        >>> from cgm_jax.kernels import SquaredExponential
        >>> kernel = SquaredExponential(1.0)
        >>> features = hermite_features(kernel, np.zeros(1), np.ones(1))
        >>> parties = [np.zeros((2, 1)), np.ones((1, 1))]
        >>> sums = embedding_sums(kernel, features, parties, np.ones((3, 1)))
        >>> sums.between[:, 2]
        array([3.6391839, 3.       , 9.       ])

    Reference:
        Rahimi and Recht 2007.
    """
    return gram_sums(
        kernel,
        parties,
        candidates,
        weights=weights,
        features=features,
        tile_size=tile_size,
        mesh=mesh,
    )


def party_embeddings(
    features: FeatureMap,
    parties: Sequence[Float[ArrayLike, "_ d"]],
    candidates: Float[ArrayLike, "g d"],
    *,
    weights: Sequence[Float[ArrayLike, " _"]] | None = None,
    tile_size: int | None = None,
    mesh: Mesh | None = None,
) -> PartyEmbeddings:
    r"""The sum of the features of every party's points, and of the candidates'.

    .. math:: M_i = \sum_{x \in D_i} w_x \phi(x)

    Values, Shapley values and their standard errors follow from them: hand them to
    `valuation.embedding_uncertainty`.

    Args:
        features: φ, from `cgm_jax.embeddings`.
        parties: the parties' points, arrays of shape ``(n_i, d)``.
        candidates: synthetic points, shape ``(g, d)``; g may be 0.
        weights: as in `gram_sums`.
        tile_size: points whose features exist at a time, on every core.
        mesh: as in `gram_sums`.

    Returns:
        The sums of features, float64; inside the user's own ``jit`` in the dtype of the
        points.

    Raises:
        ValueError: as `embedding_sums`.

    Example:
        >>> from cgm_jax.embeddings import random_fourier_features
        >>> from cgm_jax.kernels import SquaredExponential
        >>> kernel = SquaredExponential(1.0)
        >>> features = random_fourier_features(jax.random.key(0), kernel, 1, 200)
        >>> made = party_embeddings(features, [np.zeros((2, 1))], np.ones((3, 1)))
        >>> made.totals.shape, made.num_groups
        ((2, 200), 10)
        >>> made.sums.between[0, 0].round(4)  # exact: both points are the same
        np.float64(4.0)

    Reference:
        Smola et al. 2007.
    """
    points, drawn, of_points = as_weighted_blocks(parties, candidates, weights)
    check_features(features, None, points[0])
    traced = is_traced(features, points, drawn, of_points)
    mesh = as_mesh(mesh, *points, drawn, traced=traced)
    side = checked_tile_size(tile_size)
    with at_once(features, points, drawn, of_points), on_device_of(mesh):
        totals = embeddings(features, [*points, drawn], side, of_points, mesh)
    sizes = block_sizes(points, drawn, of_points)
    return PartyEmbeddings(to_host(totals), sizes, features.num_groups)

r"""Sums of the kernel from releases: what the mediator has in place of the rows.

With S̃_i = S_i + N(0, σ_i² I) of D numbers, independent of each other,

    E[S̃_i · S̃_j] = S_i · S_j  for i ≠ j,      E‖S̃_i‖² = ‖S_i‖² + D σ_i²,

so that D σ_i², which is known, is taken off the diagonal of B, and B is right on
average over the noise. Candidates are public: their features have no noise.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import ArrayLike, Float

from cgm_jax._shared.arrays import as_points
from cgm_jax._shared.precision import at_once, on_numbers
from cgm_jax.embeddings import FeatureMap
from cgm_jax.gram import GramSums
from cgm_jax.gram.feature_sums import check_features, embeddings, rows_of_embeddings
from cgm_jax.gram.gram_sums import default_tile_size

from .release import Release, features_digest

__all__ = ["sums_from_releases"]


@on_numbers()
def sums_from_releases(
    features: FeatureMap,
    releases: Sequence[Release],
    candidates: Float[ArrayLike, "g d"],
) -> GramSums:
    r"""Sums of the kernel between the parties and the candidates, from releases alone.

    .. math:: \tilde B_{ij} = \tilde S_i \cdot \tilde S_j - [i = j]\, D \sigma_i^2

    Args:
        features: the features that all releases were made with.
        releases: one of each party.
        candidates: public synthetic points, shape ``(g, d)``; g may be 0.

    Returns:
        The sums, right on average over the noise: values, Shapley values and promises
        of them are as private as the releases are.

    Raises:
        ValueError: if there is no release, or one was made with other features.

    Example:
        >>> from cgm_jax.embeddings import hermite_features
        >>> from cgm_jax.kernels import SquaredExponential
        >>> kernel = SquaredExponential(0.3)
        >>> features = hermite_features(kernel, np.zeros(1), np.ones(1))
        >>> by_hand = Release(
        ...     np.asarray(features(np.zeros((1, 1)))[0], float), 1.0, 0.0, 1.0, 1e-5,
        ...     "replace one", features_digest(features),
        ... )
        >>> sums = sums_from_releases(features, [by_hand], np.zeros((2, 1)))
        >>> sums.between.round(3)
        array([[1., 2.],
               [2., 4.]])
    """
    if not releases:
        raise ValueError("Expected at least one release, got none.")
    agreed = features_digest(features)
    for i, each in enumerate(releases):
        if each.features != agreed:
            raise ValueError(
                f"Expected releases made with these features, got other ones in "
                f"releases[{i}]: parties and mediator must agree on kernel, range and "
                "key."
            )
    drawn, side = as_points(candidates, "candidates"), default_tile_size()
    check_features(features, features.kernel, drawn)
    with at_once(features, drawn):
        own = np.zeros((1, features.num_features))
        if len(drawn):
            own = np.asarray(embeddings(features, [drawn], side, move=False))
        totals = np.concatenate([[each.total for each in releases], own])
        rows = rows_of_embeddings(features, [], drawn, totals, side, move=False)
    between = totals @ totals.T
    noise = [features.num_features * each.noise_scale**2 for each in releases]
    between[np.diag_indices(len(releases))] -= noise
    sizes = np.array([*(each.size for each in releases), len(drawn)], float)
    return GramSums(between, np.asarray(rows, float), sizes)

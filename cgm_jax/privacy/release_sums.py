r"""Sums of the kernel from releases, and what they would be with other noise.

Notation: S̃_i = n_i μ̃_i and s_i = n_i σ_i, so that S̃_i = S_i + s_i ξ_i; c = Σ φ(g) over
the candidates; D features.

    B̃_ij = ⟨S̃_i, S̃_j⟩ − [i = j] D s_i²,   R̃[g, i] = ⟨φ(g), S̃_i⟩,   B̃_iG = ⟨S̃_i, c⟩

are sums over features. Where G groups of these were drawn independently of each other,
what groups give is independent, too, noise and all, and of one mean: with T_g the part
of group g in B̃ and normal numbers e_g, the numbers

    B̃ + √(G / (G − 1)) Σ_g (e_g − ē) T_g

have the mean B̃ and an unbiased estimate of the covariance of B̃, without a model of
features or noise. Of features that are one group, the noise alone is drawn anew, around
vectors with the inner products B̃ (of the nearest positive semi-definite matrix): S̃
itself would not do, it is longer by D s_i². Deterministic features make no other error.
"""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from cgm_jax._shared.arrays import AnyArray, ArrayLike, Points, as_points, as_sequence
from cgm_jax._shared.checks import as_key, as_whole, check_kind
from cgm_jax._shared.precision import at_once, compiled, on_numbers
from cgm_jax.embeddings import FeatureMap
from cgm_jax.gram import GramSums, gram_sums
from cgm_jax.valuation.coalitions import checked_sums

from .release import Release
from .shortened import in_chunks, shortened_features, sum_of_features

__all__ = ["as_releases", "between_of_totals", "resampled_sums", "sums_from_releases"]


@on_numbers()
def sums_from_releases(
    releases: Sequence[Release],
    features: FeatureMap,
    candidates: Float[ArrayLike, "g d"],
    *,
    agreement: str = "",
) -> GramSums:
    r"""Unbiased estimates of the sums that `gram.gram_sums` takes of the rows.

    .. math:: \tilde B_{ij} = n_i n_j \langle\tilde\mu_i, \tilde\mu_j\rangle
              - [i = j] n_i^2 D \sigma_i^2

    They are unbiased for what the features make of the kernel; sums of candidates with
    candidates, of which nothing is hidden, are exact. B̃_ii can be negative if the noise
    is large.

    Args:
        releases: one of each party, verified here.
        features: the features that they were released with.
        candidates: G, shape ``(g, d)``.
        agreement: the digest of what else the parties agreed on.

    Returns:
        The sums, float64.

    Raises:
        TypeError: if one is no release.
        ValueError: if a release is of other features, or shapes do not fit.

    Example:
        >>> from cgm_jax.embeddings import random_fourier_features
        >>> from cgm_jax.kernels import SquaredExponential
        >>> from cgm_jax.privacy import release
        >>> features_key, *keys = jax.random.split(jax.random.key(0), 3)
        >>> kernel = SquaredExponential(1.0)
        >>> features = random_fourier_features(features_key, kernel, 1, 50)
        >>> sets = [np.zeros((200, 1)), np.ones((300, 1))]
        >>> sent = [
        ...     release(key, features, points, epsilon=np.inf, delta=1e-5)
        ...     for key, points in zip(keys, sets, strict=True)
        ... ]
        >>> sums = sums_from_releases(sent, features, np.ones((3, 1)))
        >>> round(float(sums.between[0, 0]))
        40000
    """
    sent = as_releases(releases)
    for party, each in enumerate(sent):
        try:
            each.verify(features, agreement=agreement)
        except ValueError as error:
            error.add_note(f"In releases[{party}].")
            raise
    drawn = as_points(candidates, "candidates")
    totals, noise = _totals(sent)
    within = between_of_totals(totals, noise)
    rows = np.zeros((len(drawn), len(sent) + 1))
    rows[:, :-1] = _rows(features, drawn, totals)
    if len(drawn):
        own = gram_sums(features.kernel, [drawn[:1]], drawn)
        rows[:, -1] = own.candidate_rows[:, -1]
    edge = rows.sum(axis=0)
    between = np.block([[within, edge[:-1, None]], [edge[None]]])
    sizes = np.array([*(each.size for each in sent), float(len(drawn))])
    return GramSums(between, rows, sizes)


@on_numbers()
def resampled_sums(
    key: Key[Array, ""],
    releases: Sequence[Release],
    features: FeatureMap,
    candidates: Float[ArrayLike, "g d"],
    sums: GramSums,
    *,
    num_resamples: int,
) -> list[GramSums]:
    """Sums with other noise, and of other features where these are in several groups.

    What is computed from them spreads as what is computed from ``sums`` does over the
    noise and the features (only the noise, where features are one group); their mean is
    ``sums``. It is as sure as the number of groups is large.

    Args:
        key: a typed key.
        releases, features, candidates: those of ``sums``.
        sums: the result of `sums_from_releases`.
        num_resamples: number of resamples, at least 1.

    Returns:
        One per resample, without the candidates' rows.

    Raises:
        ValueError: if ``num_resamples < 1``.

    Example:
        >>> from cgm_jax.embeddings import random_fourier_features
        >>> from cgm_jax.kernels import SquaredExponential
        >>> from cgm_jax.privacy import release
        >>> one, secret, other = jax.random.split(jax.random.key(0), 3)
        >>> features = random_fourier_features(one, SquaredExponential(1.0), 1, 50)
        >>> sent = [release(secret, features, np.ones((9, 1)), epsilon=9, delta=0.1)]
        >>> grid = np.ones((3, 1))
        >>> sums = sums_from_releases(sent, features, grid)
        >>> again = resampled_sums(other, sent, features, grid, sums, num_resamples=2)
        >>> len(again), again[0].between.shape
        (2, (2, 2))
    """
    num = as_whole(num_resamples, "num_resamples", smallest=1)
    sent = as_releases(releases)
    check_kind(features, FeatureMap, "`random_fourier_features`")
    checked_sums(sums)
    totals, noise = _totals(sent)
    edge = sum_of_features(features, as_points(candidates, "candidates"))
    vectors = np.concatenate([totals, edge[None]])
    center = np.asarray(sums.between)
    errors = np.array([each.size_error for each in sent])
    result = []
    for one in jax.random.split(as_key(key), num):
        size_key, sums_key = jax.random.split(one)
        if features.num_groups == 1:
            between = _with_other_noise(sums_key, center, len(edge), noise)
        else:
            between = _with_other_groups(sums_key, vectors, noise, features.num_groups)
        between[-1, -1] = sums.between[-1, -1]
        sizes = sums.sizes.copy()
        moved = sizes[:-1] + errors * _normal(size_key, len(errors))
        sizes[:-1] = np.where(errors > 0, np.maximum(moved, 1.0), sizes[:-1])
        result.append(GramSums(between, sums.candidate_rows[:0], sizes))
    return result


def as_releases(releases: Any) -> list[Release]:
    """One release of each party, at least one."""
    sent = as_sequence(releases)
    for each in sent:
        check_kind(each, Release)
    return sent


def _totals(
    releases: list[Release],
) -> tuple[Float[np.ndarray, "n D"], Float[np.ndarray, " n"]]:
    """S̃_i = n_i μ̃_i of every party, and s_i = n_i σ_i."""
    sizes = np.array([each.size for each in releases])
    totals = np.stack([each.embedding for each in releases]) * sizes[:, None]
    return totals, sizes * np.array([each.sigma for each in releases])


def between_of_totals(
    totals: Float[np.ndarray, "n D"], noise: Float[np.ndarray, " n"]
) -> Float[np.ndarray, "n n"]:
    """B̃ between the parties, from S̃ and s."""
    return _without_noise(totals @ totals.T, noise, totals.shape[1])


def _without_noise(
    products: Float[np.ndarray, "n n"], noise: Float[np.ndarray, " n"], number: int
) -> Float[np.ndarray, "n n"]:
    """Inner products of noisy vectors of so many features, less those of the noise."""
    return products - number * np.diag(noise**2)


@compiled()
def _chunk_rows(
    features: FeatureMap, points: Float[AnyArray, "n d"], totals: Float[AnyArray, "m D"]
) -> Float[Array, "n m"]:
    rows = shortened_features(features, points)
    return jnp.matmul(rows, totals.T, precision=jax.lax.Precision.HIGHEST)


def _rows(
    features: FeatureMap, points: Points, totals: Float[np.ndarray, "m D"]
) -> Float[np.ndarray, "n m"]:
    """⟨φ(x), S⟩ of every point with every vector."""
    with at_once(features, points):
        chunks = [
            np.asarray(_chunk_rows(features, chunk, totals))[:number]
            for chunk, number in in_chunks(points)
        ]
    return np.concatenate([np.zeros((0, len(totals))), *chunks])


def _with_other_groups(
    key: Key[Array, ""],
    vectors: Float[np.ndarray, "blocks D"],
    noise: Float[np.ndarray, " n"],
    num_groups: int,
) -> Float[np.ndarray, "blocks blocks"]:
    """B̃, moved by the differences between groups of features."""
    weights = _normal(key, num_groups)
    weights = 1 + np.sqrt(num_groups / (num_groups - 1)) * (weights - weights.mean())
    num_features = vectors.shape[1]
    of_features = np.repeat(weights, num_features // num_groups)
    products = (vectors * of_features[None]) @ vectors.T
    return _without_noise(products, np.append(noise, 0.0), num_features)


def _with_other_noise(
    key: Key[Array, ""],
    between: Float[np.ndarray, "blocks blocks"],
    num_features: int,
    noise: Float[np.ndarray, " n"],
) -> Float[np.ndarray, "blocks blocks"]:
    """B̃ of new noise around vectors whose inner products are nearest to B̃."""
    values, axes = np.linalg.eigh(between)
    rank = min(len(values), num_features)
    scales = np.sqrt(np.maximum(values[-rank:], 0.0))
    vectors = np.zeros((len(values), num_features))
    vectors[:, :rank] = axes[:, -rank:] * scales[None]
    moved = vectors.copy()
    moved[:-1] += noise[:, None] * _normal(key, len(noise), num_features)
    excess = moved @ moved.T - vectors @ vectors.T
    return between + _without_noise(excess, np.append(noise, 0.0), num_features)


def _normal(key: Key[Array, ""], *shape: int) -> np.ndarray:
    with at_once():
        return np.asarray(jax.random.normal(key, shape, jnp.float64))

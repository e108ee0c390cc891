"""Sums from releases are unbiased, and their resamples spread as they do."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from small_releases import Coordinates, releases_of, small_features, small_parties

from cgm_jax.gram import GramSums, gram_sums
from cgm_jax.kernels import Linear
from cgm_jax.privacy import resampled_sums, sums_from_releases
from cgm_jax.rewards import scheme_from_sums

BOTH = "replace one", "add or remove one"
CANDIDATES = np.random.default_rng(5).normal(0.5, 1, size=(60, 2))


def plain_sums(releases, features, candidates) -> tuple[np.ndarray, np.ndarray]:
    """B̃ between parties and R̃ of candidates, entry by entry."""
    rows = np.asarray(features(jnp.asarray(candidates)), np.float64)
    between = np.zeros((len(releases), len(releases)))
    for i, one in enumerate(releases):
        for j, other in enumerate(releases):
            product = float(one.embedding @ other.embedding)
            if i == j:
                product -= len(one.embedding) * one.sigma**2
            between[i, j] = one.size * other.size * product
    of_candidates = [rows @ each.embedding * each.size for each in releases]
    return between, np.stack(of_candidates, axis=1)


@pytest.mark.parametrize("neighbours", BOTH)
@pytest.mark.medium
def test_sums_are_those_of_the_definition(neighbours):
    features = small_features()
    sent = releases_of(small_parties(), features, neighbours=neighbours)
    sums = sums_from_releases(sent, features, CANDIDATES)
    between, rows = plain_sums(sent, features, CANDIDATES)
    np.testing.assert_allclose(sums.between[:3, :3], between, rtol=1e-10)
    np.testing.assert_allclose(sums.candidate_rows[:, :3], rows, rtol=1e-5, atol=1e-4)
    np.testing.assert_allclose(sums.between[3], sums.candidate_rows.sum(0), rtol=1e-12)
    np.testing.assert_allclose(sums.between[:, 3], sums.between[3])
    assert sums.sizes.tolist() == [*(each.size for each in sent), 60]


def test_sums_of_candidates_with_candidates_are_exact():
    features = small_features()
    sent = releases_of(small_parties(), features)
    sums = sums_from_releases(sent, features, CANDIDATES)
    exact = gram_sums(features.kernel, small_parties(), CANDIDATES)
    np.testing.assert_allclose(sums.candidate_rows[:, 3], exact.candidate_rows[:, 3])
    without = sums_from_releases(sent, features, CANDIDATES[:0])
    assert without.candidate_rows.shape == (0, 4)
    np.testing.assert_array_equal(without.between[:3, :3], sums.between[:3, :3])


@pytest.mark.medium
def test_without_noise_features_of_a_kernel_give_the_kernels_sums():
    parties = [x / 9 for x in small_parties()]
    features = Coordinates.of(2)
    sent = releases_of(parties, features, epsilon=np.inf)
    sums = sums_from_releases(sent, features, CANDIDATES / 9)
    exact = gram_sums(Linear(1.0), parties, CANDIDATES / 9)
    np.testing.assert_allclose(sums.between, exact.between, rtol=1e-10, atol=1e-9)


@pytest.mark.medium
def test_noise_is_taken_off_on_average():
    parties, features = [x / 9 for x in small_parties()], Coordinates.of(2)
    drawn = [
        sums_from_releases(
            releases_of(parties, features, seed=seed), features, CANDIDATES[:0]
        ).between[:3, :3]
        for seed in range(300)
    ]
    exact = gram_sums(Linear(1.0), parties, CANDIDATES[:0]).between[:3, :3]
    error = np.std(drawn, axis=0) / np.sqrt(len(drawn))
    assert np.all(np.abs(np.mean(drawn, axis=0) - exact) < 4 * error)


def test_releases_of_other_features_and_other_things_are_refused():
    sent = releases_of(small_parties(), small_features())
    with pytest.raises(ValueError, match="features") as caught:
        sums_from_releases(sent, small_features(seed=4), CANDIDATES)
    assert "releases[0]" in caught.value.__notes__[0]
    with pytest.raises(TypeError, match="Expected a Release"):
        sums_from_releases(small_parties(), small_features(), CANDIDATES)


def figures(sums: GramSums) -> np.ndarray:
    """v, φ and r of every party, one after the other."""
    scheme = scheme_from_sums(sums, throw=False, relax=True, solver="closed form")
    return np.concatenate(
        [scheme.own_values, scheme.shapley_values, scheme.reward_values]
    )


@pytest.mark.parametrize(
    ("is_random", "neighbours", "epsilon"),
    [
        (True, "replace one", 3.0),
        (True, "add or remove one", 1.0),
        (False, "replace one", 2.0),
    ],
)
@pytest.mark.slow
def test_errors_over_standard_errors_have_variance_1(is_random, neighbours, epsilon):
    parties = small_parties()
    fixed = small_features(400)
    if not is_random:  # one group of features that always are the same
        fixed = one_group(fixed)
    scores = []
    exact = figures(gram_sums(fixed.kernel, parties, CANDIDATES))
    if not is_random:
        sent = releases_of(parties, fixed, epsilon=np.inf)
        exact = figures(sums_from_releases(sent, fixed, CANDIDATES))
    for seed in range(200):
        features = small_features(400, seed=seed) if is_random else fixed
        sent = releases_of(
            parties, features, seed=1000 + seed, epsilon=epsilon, neighbours=neighbours
        )
        sums = sums_from_releases(sent, features, CANDIDATES)
        again = resampled_sums(
            jax.random.key(seed), sent, features, CANDIDATES, sums, num_resamples=40
        )
        errors = np.std([figures(each) for each in again], axis=0, ddof=1)
        scores.append((figures(sums) - exact) / errors)
    # The variance of 200 normal numbers is known to 10 %; that of 40 resamples, by
    # which they are divided, makes it 5 % larger.
    variances = np.var(scores, axis=0)
    assert np.all((variances > 0.65) & (variances < 1.45)), variances
    assert np.all(np.abs(np.mean(scores, axis=0)) < 0.4), np.mean(scores, axis=0)


def one_group(features):
    """The same features as if they had not been drawn at random."""
    return replace(features, num_groups=1)


@pytest.mark.parametrize("is_random", [True, False])
@pytest.mark.medium
def test_resamples_have_the_sums_as_their_mean(is_random):
    features = small_features() if is_random else one_group(small_features())
    sent = releases_of(small_parties(), features, neighbours="add or remove one")
    sums = sums_from_releases(sent, features, CANDIDATES)
    again = resampled_sums(
        jax.random.key(0), sent, features, CANDIDATES, sums, num_resamples=400
    )
    for name, expected in (("between", sums.between), ("sizes", sums.sizes)):
        drawn = np.array([getattr(each, name) for each in again])
        error = drawn.std(axis=0) / np.sqrt(len(drawn)) + 1e-9
        # Edges of B̃ use float32 features, as sums do, in another order.
        gap = np.abs(drawn.mean(axis=0) - expected) - 1e-5 * np.abs(expected)
        assert np.all(gap < 4 * error)
    assert {len(each.candidate_rows) for each in again} == {0}

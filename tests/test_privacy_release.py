"""What a party hands out: noise of the stated size, and of nothing but the noise."""

import importlib.util

import jax
import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.stats import norm

from cgm_jax.embeddings import hermite_features, random_fourier_features
from cgm_jax.gram import gram_sums
from cgm_jax.kernels import SquaredExponential
from cgm_jax.privacy import Release, release, sums_from_releases
from cgm_jax.privacy.release import features_digest, noise_multiplier

needs_dp_accounting = pytest.mark.skipif(
    importlib.util.find_spec("dp_accounting") is None, reason="needs dp-accounting"
)
KERNEL = 2.0 * SquaredExponential(0.4)
FEATURES = hermite_features(KERNEL, np.zeros(2), np.ones(2), tolerance=1e-6)
RNG = np.random.default_rng(0)
PARTIES = [RNG.uniform(size=(n, 2)) for n in (300, 500)]
CANDIDATES = RNG.uniform(size=(50, 2))


def sum_of_features(points: np.ndarray) -> np.ndarray:
    with jax.enable_x64(True):
        return np.asarray(FEATURES(points)).sum(axis=0)


def without_noise(points: np.ndarray) -> Release:
    total, digest = sum_of_features(points), features_digest(FEATURES)
    return Release(total, float(len(points)), 0.0, 1.0, 1e-5, "replace one", digest)


def test_without_noise_sums_are_those_of_the_rows():
    made = sums_from_releases(FEATURES, list(map(without_noise, PARTIES)), CANDIDATES)
    exact = gram_sums(KERNEL, PARTIES, CANDIDATES)
    np.testing.assert_allclose(made.between, exact.between, rtol=1e-5)
    np.testing.assert_allclose(made.candidate_rows, exact.candidate_rows, rtol=1e-5)
    np.testing.assert_array_equal(made.sizes, exact.sizes)
    none = sums_from_releases(FEATURES, [without_noise(PARTIES[0])], CANDIDATES[:0])
    np.testing.assert_allclose(none.between[0, 0], exact.between[0, 0], rtol=1e-5)
    assert none.candidate_rows.shape == (0, 2)


@needs_dp_accounting
@pytest.mark.parametrize("epsilon", [0.2, 1.0, 5.0])
def test_the_multiplier_is_that_of_the_gaussian_mechanism(epsilon: float):
    def delta(sigma: float) -> float:  # Balle and Wang 2018, Theorem 8
        first = norm.cdf(1 / (2 * sigma) - epsilon * sigma)
        return first - np.exp(epsilon) * norm.cdf(-1 / (2 * sigma) - epsilon * sigma)

    exact = brentq(lambda sigma: delta(sigma) - 1e-5, 0.05, 100)
    assert noise_multiplier(epsilon, 1e-5) == pytest.approx(exact, rel=1e-6)


@needs_dp_accounting
def test_noise_is_normal_and_of_the_stated_scale():
    made = [
        release(jax.random.key(s), FEATURES, PARTIES[0], epsilon=1.0, delta=1e-5)
        for s in range(50)
    ]
    exact = sum_of_features(PARTIES[0])
    noise = np.concatenate([each.total - exact for each in made]) / made[0].noise_scale
    # twice the norm, √2, of features
    sigma = noise_multiplier(1.0, 1e-5) * 2 * np.sqrt(2)
    assert made[0].noise_scale == pytest.approx(sigma, rel=1e-12)
    assert made[0].size == 300
    for power, moment in ((1, 0), (2, 1), (4, 3)):
        spread = np.std(noise**power) / np.sqrt(len(noise))
        assert abs(np.mean(noise**power) - moment) < 4 * spread


@needs_dp_accounting
def test_the_count_is_noisy_where_neighbours_differ_in_it():
    made = [
        release(
            jax.random.key(s),
            FEATURES,
            PARTIES[0],
            epsilon=1.0,
            delta=1e-5,
            neighbours="add or remove one",
        )
        for s in range(100)
    ]
    multiplier = noise_multiplier(1.0, 1e-5)
    # (S, w n) moves by √(c² + w²), w = c/2, c = √2
    sigma = multiplier * np.sqrt(2 + 0.5)
    assert made[0].noise_scale == pytest.approx(sigma, rel=1e-12)
    of_counts = np.array([each.size for each in made]) - 300
    scale = sigma / np.sqrt(0.5)
    assert abs(of_counts.mean()) < 4 * scale / 10
    assert abs(of_counts.std() / scale - 1) < 4 / np.sqrt(200)


@needs_dp_accounting
@pytest.mark.parametrize("neighbours", ["replace one", "add or remove one"])
def test_sums_are_right_on_average_over_the_noise(neighbours):
    exact = gram_sums(KERNEL, PARTIES, CANDIDATES)
    made = []
    for seed in range(200):
        keys = jax.random.split(jax.random.key(seed), 2)
        releases = [
            release(k, FEATURES, x, epsilon=2.0, delta=1e-5, neighbours=neighbours)
            for k, x in zip(keys, PARTIES, strict=True)
        ]
        made.append(sums_from_releases(FEATURES, releases, CANDIDATES).between)
    error = np.mean(made, axis=0) - exact.between
    spread = np.std(made, axis=0) / np.sqrt(200)
    assert (abs(error) < 4 * spread + 1e-4 * exact.between).all()
    # Without taking the noise off, the diagonal would be off by many standard errors.
    noise = FEATURES.num_features * releases[0].noise_scale ** 2
    assert noise > 5 * spread[0, 0]


@needs_dp_accounting
def test_keys_and_rows_decide():
    def made(seed: int, points: np.ndarray) -> Release:
        key = jax.random.key(seed)
        return release(key, FEATURES, points, epsilon=1.0, delta=1e-5)

    assert made(0, PARTIES[0]) == made(0, PARTIES[0])
    assert made(1, PARTIES[0]) != made(0, PARTIES[0])
    # Neighbours differ by two features at most.
    neighbour = np.concatenate([PARTIES[0][1:], [[0.0, 1.0]]])
    moved = made(0, neighbour).total - made(0, PARTIES[0]).total
    assert np.linalg.norm(moved) <= 2 * FEATURES.norm


@needs_dp_accounting
def test_far_rows_are_not_moved_to_where_they_are():
    far = 100 + PARTIES[0]
    made = release(jax.random.key(0), FEATURES, far, epsilon=1e6, delta=1e-5)
    off = abs(made.total - sum_of_features(far))
    assert off.max() < 6 * made.noise_scale


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"neighbours": "two"}, "neighbours among replace one"),
        ({"epsilon": 0.0}, "epsilon > 0"),
        ({"epsilon": np.inf}, "epsilon > 0"),
        ({"delta": 1.0}, r"delta in \(0, 1\)"),
    ],
)
def test_wrong_arguments(changes, message: str):
    right = {"epsilon": 1.0, "delta": 1e-5}
    with pytest.raises(ValueError, match=message):
        release(jax.random.key(0), FEATURES, PARTIES[0], **(right | changes))


def test_releases_of_other_features_are_refused():
    other = random_fourier_features(jax.random.key(0), KERNEL, 2, 20)
    with pytest.raises(ValueError, match=r"other ones in releases\[0\]"):
        sums_from_releases(other, [without_noise(PARTIES[0])], CANDIDATES)
    with pytest.raises(ValueError, match="at least one release"):
        sums_from_releases(other, [], CANDIDATES)

"""An attack on releases: it is weaker than (ε, δ) allows, and finds what is broken.

The attacker knows the features and all rows but one, which is one of two. The two sums
of features differ by a known vector, and the likelihood ratio of a release grows with
its product with that vector (Neyman & Pearson). A threshold is chosen on 1,000 runs of
either side; on 1,000 others, Clopper–Pearson bounds of the shares beyond it bound ε
from below: ε >= ln((p − δ) / q), p and q being the shares of the two sides.
"""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import beta
from small_releases import Coordinates, small_features

from cgm_jax.privacy.gaussian import noise_of_sums, with_noise
from cgm_jax.privacy.shortened import sum_of_features

RUNS = 1_000
DELTA = 0.01
BOTH = "replace one", "add or remove one"
COMMON = np.random.default_rng(0).uniform(-0.5, 0.5, size=(20, 2))
FAR = np.array([[1.0, 0.0]])  # with Coordinates, the rows that are farthest apart


def interval(count: int, runs: int) -> tuple[float, float]:
    """Clopper–Pearson bounds, each of them wrong with probability 2.5 %."""
    low = beta.ppf(0.025, count, runs - count + 1) if count else 0.0
    high = beta.ppf(0.975, count + 1, runs - count) if count < runs else 1.0
    return float(low), float(high)


def bound_at(threshold: float, one: np.ndarray, other: np.ndarray) -> float:
    """The lower bound of ε from the runs beyond a threshold."""
    p, _ = interval(int((one > threshold).sum()), len(one))
    _, q = interval(int((other > threshold).sum()), len(other))
    return math.log((p - DELTA) / q) if p > DELTA else -math.inf


def neighbours_of(neighbours: str) -> tuple[np.ndarray, np.ndarray]:
    if neighbours == "replace one":
        return np.concatenate([COMMON, FAR]), np.concatenate([COMMON, -FAR])
    return np.concatenate([COMMON, FAR]), COMMON


def runs_of(key, points, features, noise, neighbours) -> np.ndarray:
    """(S̃, ñ) of 2,000 releases of the same rows, by the package's own mechanism."""
    total = sum_of_features(features, points)
    with jax.enable_x64(True):
        draw = jax.vmap(
            lambda k: with_noise(
                k,
                jnp.asarray(total),
                jnp.float64(len(points)),
                noise,
                neighbours=neighbours,
            )
        )
        sums, sizes = draw(jax.random.split(key, 2 * RUNS))
        sizes = np.broadcast_to(sizes, (2 * RUNS,))
        return np.column_stack([sums, sizes])


def empirical_epsilon(features, neighbours, noise, *, mechanism=runs_of) -> float:
    """What the attack proves ε to be at least."""
    one, other = neighbours_of(neighbours)
    vector = np.append(
        sum_of_features(features, one) - sum_of_features(features, other),
        len(one) - len(other),
    )
    keys = jax.random.split(jax.random.key(7))
    draws = [
        mechanism(key, points, features, noise, neighbours) @ vector
        for key, points in zip(keys, (one, other), strict=True)
    ]
    chosen = max(
        np.unique(np.concatenate([draw[:RUNS] for draw in draws])),
        key=lambda t: bound_at(t, draws[0][:RUNS], draws[1][:RUNS]),
    )
    return bound_at(chosen, draws[0][RUNS:], draws[1][RUNS:])


@pytest.mark.parametrize("features", [Coordinates.of(2), small_features(100)])
@pytest.mark.parametrize("epsilon", [0.5, 1.0, 2.0, 4.0])
@pytest.mark.parametrize("neighbours", BOTH)
@pytest.mark.medium
def test_the_attack_is_weaker_than_what_is_stated(neighbours, epsilon, features):
    noise = noise_of_sums(epsilon, DELTA, neighbours)
    assert empirical_epsilon(features, neighbours, noise) < epsilon


@pytest.mark.parametrize("epsilon", [1.0, 2.0])
@pytest.mark.parametrize("neighbours", BOTH)
@pytest.mark.medium
def test_the_attack_finds_half_of_the_noise(neighbours, epsilon):
    noise = noise_of_sums(epsilon, DELTA, neighbours) / 2
    assert empirical_epsilon(Coordinates.of(2), neighbours, noise) > epsilon


@pytest.mark.parametrize("neighbours", BOTH)
@pytest.mark.medium
def test_the_attack_finds_noise_of_the_mean_on_the_sum(neighbours):
    noise = noise_of_sums(2.0, DELTA, neighbours) / len(COMMON)
    assert empirical_epsilon(Coordinates.of(2), neighbours, noise) > 2


@pytest.mark.medium
def test_the_attack_finds_a_count_without_noise():
    def public_count(key, points, features, noise, neighbours):
        runs = runs_of(key, points, features, noise, "replace one")
        runs[:, -1] *= 1e3  # what has no noise outweighs all that has
        return runs

    noise = noise_of_sums(4.0, DELTA, "add or remove one")
    found = empirical_epsilon(
        Coordinates.of(2), "add or remove one", noise, mechanism=public_count
    )
    assert found > 4


@pytest.mark.medium
def test_the_attack_finds_features_that_are_not_shortened(monkeypatch):
    monkeypatch.setitem(globals(), "FAR", 3 * FAR)
    noise = noise_of_sums(2.0, DELTA, "replace one")
    assert empirical_epsilon(Coordinates.of(2), "replace one", noise) < 2
    monkeypatch.setitem(
        globals(), "sum_of_features", lambda _, points: points.sum(axis=0)
    )
    assert empirical_epsilon(Coordinates.of(2), "replace one", noise) > 2

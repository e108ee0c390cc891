"""A release is the mean embedding and noise of the right size, and can be sent."""

import json
import math
import subprocess
import sys
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import kstest, norm
from small_releases import Coordinates, releases_of, small_features, small_parties

from cgm_jax._shared.archive import ArchiveError
from cgm_jax.privacy import Release, noise_multiplier, release

BOTH = "replace one", "add or remove one"


class Longer(Coordinates):
    norm = 2.0


def delta_of(multiplier: float, epsilon: float) -> float:
    """δ of noise m for sensitivity 1 (Balle & Wang 2018, Theorem 8)."""
    half, shift = 1 / (2 * multiplier), epsilon * multiplier
    return norm.cdf(half - shift) - math.exp(epsilon) * norm.cdf(-half - shift)


@pytest.mark.parametrize("delta", [1e-6, 1e-3, 0.1])
@pytest.mark.parametrize("epsilon", [0.1, 1, 3.0, 10.0])
def test_multiplier_is_the_least_that_theorem_8_allows(epsilon, delta):
    multiplier = noise_multiplier(epsilon, delta)
    # A millionth more noise is private, a millionth less is not.
    assert delta_of(multiplier * (1 + 1e-6), epsilon) < delta
    assert delta_of(multiplier * (1 - 1e-6), epsilon) > delta


def test_multiplier_is_that_of_the_literature_and_none_for_infinity():
    assert noise_multiplier(1.0, 1e-5) == pytest.approx(3.7306, abs=1e-4)
    assert noise_multiplier(math.inf, 1e-5) == 0


@pytest.mark.parametrize(
    ("epsilon", "delta"),
    [(0, 1e-5), (-1, 1e-5), (math.nan, 1e-5), (1, 0), (1, 1), (1, math.nan)],
)
def test_what_is_no_epsilon_or_delta_is_refused(epsilon, delta):
    with pytest.raises(ValueError, match=r"epsilon|delta"):
        noise_multiplier(epsilon, delta)


@pytest.mark.parametrize("neighbours", BOTH)
@pytest.mark.medium
def test_without_noise_it_is_the_mean_of_features(neighbours):
    points, features = small_parties()[0], small_features()
    (sent,) = releases_of([points], features, epsilon=math.inf, neighbours=neighbours)
    expected = np.asarray(features(jnp.asarray(points))).mean(axis=0)
    np.testing.assert_allclose(sent.embedding, expected, atol=1e-6)
    assert (sent.size, sent.sigma, sent.size_error) == (150, 0, 0)


def test_points_come_in_chunks_of_which_none_is_lost():
    points = np.random.default_rng(0).uniform(-0.5, 0.5, size=(2_500, 2))
    (sent,) = releases_of([points], Coordinates.of(2), epsilon=math.inf)
    np.testing.assert_allclose(sent.embedding, points.mean(axis=0), rtol=1e-12)


@pytest.mark.parametrize(
    ("neighbours", "sensitivity"),
    [("replace one", 2.0), ("add or remove one", math.sqrt(2))],
)
@pytest.mark.medium
def test_noise_is_normal_with_the_multiplier_times_the_sensitivity(
    neighbours, sensitivity
):
    points, features = small_parties()[0], small_features(2_000)
    exact = releases_of([points], features, epsilon=math.inf)[0].embedding * 150
    scale = noise_multiplier(1.0, 1e-5) * sensitivity
    (sent,) = releases_of([points], features, neighbours=neighbours)
    noise = sent.embedding * sent.size - exact
    assert kstest(noise / scale, "norm").pvalue > 0.01
    assert sent.sigma * sent.size == pytest.approx(scale)
    sizes = np.array(
        [
            releases_of([points], Coordinates.of(2), seed=i, neighbours=neighbours)[0]
            for i in range(60)
        ]
    )
    off = np.array([each.size for each in sizes]) - 150
    if neighbours == "replace one":
        assert not off.any()
        assert sent.size_error == 0
    else:
        assert kstest(off / scale, "norm").pvalue > 0.01
        assert sent.size_error == pytest.approx(scale)


def test_long_features_are_shortened_and_short_ones_are_not():
    rows = np.array([[0.3, 0.4], [3.0, 4.0]])
    (sent,) = releases_of([rows], Coordinates.of(2), epsilon=math.inf)
    np.testing.assert_allclose(sent.embedding, [(0.3 + 0.6) / 2, (0.4 + 0.8) / 2])


def test_one_large_whole_number_moves_no_other_row():
    """Whole numbers beyond 2^24 make float64 points of all that stand with them."""
    features = small_features()
    common = np.random.default_rng(0).integers(1_000_000, 2**24, size=(2_000, 2))
    sums = [
        releases_of(
            [np.append(common, [[last, 0]], axis=0)], features, epsilon=math.inf
        )
        for last in (0, 2**24 + 2)
    ]
    moved = [sent.embedding * sent.size for (sent,) in sums]
    assert np.linalg.norm(moved[0] - moved[1]) <= 2 + 1e-6


def test_a_size_that_noise_makes_negative_is_one():
    sizes = [
        releases_of(
            [np.zeros((1, 2))],
            Coordinates.of(2),
            epsilon=0.1,
            seed=seed,
            neighbours="add or remove one",
        )[0].size
        for seed in range(10)
    ]
    assert min(sizes) == 1


def test_other_keys_give_other_noise_and_one_key_the_same():
    points, features = small_parties()[:1], small_features()
    one, same = (releases_of(points, features)[0] for _ in range(2))
    (other,) = releases_of(points, features, seed=2)
    assert one == same
    assert not np.any(one.embedding == other.embedding)


def test_what_cannot_be_released_is_refused():
    features, key = small_features(), jax.random.key(0)
    options = {"epsilon": 1.0, "delta": 1e-5}
    with pytest.raises(ValueError, match="Expected points to release"):
        release(key, features, np.zeros((0, 2)), **options)
    with pytest.raises(ValueError, match="finite numbers in points"):
        release(key, features, np.full((3, 2), np.nan), **options)
    with pytest.raises(ValueError, match="norm at most 1"):
        release(key, Longer.of(2), np.zeros((3, 2)), **options)
    with pytest.raises(ValueError, match="neighbours"):
        release(key, features, np.zeros((3, 2)), neighbours="any", **options)
    with pytest.raises(ValueError, match="2 columns"):
        release(key, features, np.zeros((3, 1)), **options)
    with pytest.raises(TypeError, match="random key"):
        release(0, features, np.zeros((3, 2)), **options)


@pytest.mark.parametrize("epsilon", [1.0, math.inf])
def test_a_file_has_every_bit(tmp_path, epsilon):
    (sent,) = releases_of(small_parties()[:1], small_features(), epsilon=epsilon)
    path = tmp_path / "party.release"
    sent.save(path)
    assert Release.load(path) == sent
    json.loads(path.read_text(), parse_constant=pytest.fail)  # no Infinity: any reader


def test_other_and_damaged_files_are_refused(tmp_path):
    (sent,) = releases_of(small_parties()[:1], small_features())
    path = tmp_path / "party.release"
    sent.save(path)
    facts = json.loads(path.read_text())
    wrong = [
        "",
        "[]",
        json.dumps({**facts, "format": "another"}),
        json.dumps({**facts, "embedding": [[1.0]]}),
        json.dumps({**facts, "sigma": "x"}),
        json.dumps({**facts, "digest": 1}),
        json.dumps({**facts, "more": 1}),
        json.dumps({name: facts[name] for name in facts if name != "size"}),
    ]
    for text in wrong:
        path.write_text(text)
        with pytest.raises(ArchiveError, match="expected a release"):
            Release.load(path)


def test_verify_finds_what_does_not_fit():
    features = small_features()
    (sent,) = releases_of(small_parties()[:1], features, agreement="a")
    sent.verify(features, agreement="a")
    with pytest.raises(ValueError, match="the agreement"):
        sent.verify(features)
    with pytest.raises(ValueError, match="features"):
        sent.verify(small_features(seed=9), agreement="a")
    wrong = {
        "at least": replace(sent, sigma=sent.sigma / 2),
        "shape": replace(sent, embedding=sent.embedding[:-1]),
        "damaged": replace(sent, size=math.nan),
    }
    for message, other in wrong.items():
        with pytest.raises(ValueError, match=message):
            other.verify(features, agreement="a")


@pytest.mark.medium
def test_the_digest_of_features_is_the_same_in_another_process():
    code = (
        "from small_releases import small_features\n"
        "from cgm_jax.privacy.release import feature_digest\n"
        "print(feature_digest(small_features()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd="tests", capture_output=True, text=True
    )
    (sent,) = releases_of(small_parties()[:1], small_features())
    assert done.stdout.strip() == sent.digest, done.stderr

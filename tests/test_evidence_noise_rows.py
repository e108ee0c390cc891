"""Rows that look like noise: planted, honest, and the shares by their definition."""

import jax
import numpy as np
import pytest
from scipy.stats import norm

from cgm_jax.evidence import noise_rows
from cgm_jax.evidence.noise_rows import _noise

KEY = jax.random.key(0)


def of_classes(seed: int = 0) -> list[np.ndarray]:
    """Three parties, each with a class that nobody else has, of different spreads."""
    rng = np.random.default_rng(seed)
    classes = zip((0, 4, 8), (0.3, 0.6, 0.9), (160, 120, 140), strict=True)
    return [rng.normal(mean, spread, (n, 4)) for mean, spread, n in classes]


def planted(kind: str) -> list[np.ndarray]:
    """The second party has added as many rows of noise to its own."""
    parties = of_classes()
    pool, rng = np.concatenate(parties), np.random.default_rng(1)
    low, high = pool.min(axis=0)[None], pool.max(axis=0)[None]
    noise = {
        "uniform": lambda: low + rng.random((120, 4)) * (high - low),
        "gaussian": lambda: rng.multivariate_normal(
            pool.mean(axis=0), np.cov(pool.T), 120
        ),
    }[kind]()
    parties[1] = np.concatenate([parties[1], noise])
    return parties


def test_a_class_that_one_party_alone_has_is_no_noise():
    found = noise_rows(KEY, of_classes())
    assert not found.is_beyond_chance.any()
    assert not any(mask.any() for mask in found.masks)
    assert (found.among_noise > 0.6).all()


@pytest.mark.parametrize(("kind", "least"), [("uniform", 0.8), ("gaussian", 0.5)])
@pytest.mark.medium
def test_planted_noise_is_found_and_masked(kind, least):
    found = noise_rows(KEY, planted(kind))
    assert found.is_beyond_chance.tolist() == [False, True, False]
    assert found.masks[1][120:].mean() > least
    assert found.masks[1][:120].mean() < 0.2
    assert not found.masks[0].any() and not found.masks[2].any()


def test_shares_and_p_values_are_those_of_the_definition():
    found = noise_rows(KEY, planted("uniform"))
    sizes = [len(vote) for vote in found.votes]
    least = [max(1 / 2, 1 / (1 + 3 * size / sum(sizes))) for size in sizes]
    np.testing.assert_allclose(found.least_votes, least, rtol=1e-14)
    shares = [
        sum(vote > bound) / len(vote)
        for vote, bound in zip(found.votes, least, strict=True)
    ]
    for i in range(3):
        a = np.median([shares[j] for j in range(3) if j != i])
        b = found.among_noise[i]
        w = min(max((shares[i] - a) / (b - a), 0), 1)
        assert found.noise_shares[i] == pytest.approx(w, abs=1e-12)
        most = a + 0.2 * (b - a)
        error = np.sqrt(
            most * (1 - most) * (1 / sizes[i] + 1 / (sum(sizes) - sizes[i]))
        )
        p = norm.sf(shares[i] - 0.5 / sizes[i], most, error)
        assert found.p_values[i] == pytest.approx(p, rel=1e-9)


@pytest.mark.parametrize("num_columns", [3, 4])
@pytest.mark.medium
def test_a_small_party_beside_large_ones_is_no_noise_unless_it_is(num_columns):
    rng = np.random.default_rng(2)
    large = [rng.normal(mean, 0.5, (900, num_columns)) for mean in (0, 4)]
    small = rng.normal((2,) * num_columns, 0.3, (60, num_columns))
    found = noise_rows(KEY, [*large, small])
    assert not found.is_beyond_chance.any()
    low, high = np.min(large, axis=(0, 1)), np.max(large, axis=(0, 1))
    noise = low[None] + rng.random(small.shape) * (high - low)[None]
    found = noise_rows(KEY, [*large, noise])
    assert found.is_beyond_chance.tolist() == [False, False, True]
    assert found.masks[2].mean() > 0.2  # the rest falls among the rows of others


@pytest.mark.medium
def test_units_do_not_matter_and_the_key_does():
    parties = planted("uniform")
    found = noise_rows(KEY, parties)
    scaled = noise_rows(KEY, [x * np.array([[1, 1024, 2**-20, 8]]) for x in parties])
    for one, other in zip(found.votes, scaled.votes, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-12)
    assert noise_rows(KEY, parties) == found
    assert noise_rows(jax.random.key(1), parties) != found


def test_drawn_noise_has_the_extremes_and_the_covariance():
    rng = np.random.default_rng(0)
    pool = rng.normal(size=(8_000, 3)) @ np.array([[1, 2, 0], [0, 1, 0], [0, 0, 3]])
    noise = _noise(rng, pool, np.arange(3))
    uniform, gaussian = noise[:4_000], noise[4_000:]
    np.testing.assert_allclose(np.cov(gaussian.T), np.cov(pool.T), atol=0.6)
    spread = np.ptp(pool, axis=0) / np.sqrt(12)
    # Up to 5 standard errors of about spread / sqrt(4,000).
    np.testing.assert_allclose(uniform.std(axis=0), spread, rtol=0.08)
    middle = (pool.max(axis=0) + pool.min(axis=0)) / 2
    assert (np.abs(uniform.mean(axis=0) - middle) < 5 * spread / np.sqrt(4_000)).all()


def test_drawn_noise_has_values_that_occur():
    rng = np.random.default_rng(0)
    kinds = np.eye(3)[rng.integers(0, 3, 200)]
    pool = np.concatenate([kinds, rng.integers(0, 9, (200, 1))], axis=1)
    noise = _noise(rng, pool, np.array([0, 0, 0, 1]))
    assert (noise[:, :3].sum(axis=1) == 1).all()  # one category each
    assert set(np.unique(noise[:, 3])) == set(range(9))
    apart = _noise(rng, pool, np.arange(4))
    assert not (apart[:, :3].sum(axis=1) == 1).all()


def test_one_party_alone_has_nobody_beside_it():
    found = noise_rows(KEY, planted("uniform")[1:2])
    assert found.p_values.tolist() == [1.0] and not found.masks[0].any()


def test_groups_of_another_shape_are_refused():
    with pytest.raises(ValueError, match="one number for each of 4 columns"):
        noise_rows(KEY, of_classes(), groups=np.arange(3))

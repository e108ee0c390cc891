"""The limit of every party's reward against the value by its definition."""

import jax
import numpy as np
import oracles
import pytest
from tolerances import rtol

from cgm_jax.gram import gram_sums
from cgm_jax.kernels import SquaredExponential
from cgm_jax.valuation import coalition_values, values_with_candidates

KERNEL, PLAIN = SquaredExponential(0.9), oracles.squared_exponential(0.9)
SIZES = {
    "unequal": [3, 1, 20, 8, 11],
    "one party": [5, 8],
    "one candidate": [4, 7, 1],
    "no candidates": [6, 2, 9, 0],
}


@pytest.mark.parametrize(
    ("sizes", "d", "dtype"),
    [
        ("unequal", 1, np.float64),
        ("unequal", 16, np.float32),
        ("one party", 2, np.float64),
        ("one candidate", 2, np.float32),
        ("no candidates", 2, np.float64),
    ],
)
def test_equals_the_definition(sizes: str, d: int, dtype: type):
    rng = np.random.default_rng([*SIZES[sizes], d])
    *parties, candidates = [rng.normal(size=(n, d)).astype(dtype) for n in SIZES[sizes]]
    found = values_with_candidates(gram_sums(KERNEL, parties, candidates))
    reference = np.concatenate([*parties, candidates])
    expected = [
        oracles.value(PLAIN, np.concatenate([party, candidates]), reference)
        for party in parties
    ]
    assert found.dtype == np.float64 and found.shape == (len(parties),)
    np.testing.assert_allclose(found, expected, atol=rtol(dtype, roundings=1000))


def test_without_candidates_it_is_the_value_of_a_party_alone():
    rng = np.random.default_rng(0)
    parties = [rng.normal(size=(n, 2)) for n in (4, 1, 6)]
    sums = gram_sums(KERNEL, parties, np.zeros((0, 2)))
    alone = coalition_values(sums)[[1, 2, 4]]
    np.testing.assert_allclose(values_with_candidates(sums), alone, atol=1e-14)


@pytest.mark.medium
def test_is_differentiable_inside_the_users_jit():
    rng = np.random.default_rng(0)
    parties = [rng.normal(size=(n, 2)) for n in (4, 3)]
    candidates = rng.normal(size=(6, 2))

    def first(scale):
        sums = gram_sums(SquaredExponential(scale), parties, candidates)
        return values_with_candidates(sums)[0]

    def plain(scale: float) -> float:
        k = oracles.squared_exponential(scale)
        subset = np.concatenate([parties[0], candidates])
        return oracles.value(k, subset, np.concatenate([*parties, candidates]))

    with jax.enable_x64(True):
        slope = float(jax.jit(jax.grad(first))(0.9))
    expected = (plain(0.9 + 1e-5) - plain(0.9 - 1e-5)) / 2e-5
    np.testing.assert_allclose(slope, expected, rtol=1e-8)

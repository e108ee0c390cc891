"""Standard errors that features state, against the errors that they have."""

import jax
import numpy as np
import pytest

from cgm_jax.embeddings import hermite_features, random_fourier_features
from cgm_jax.gram import gram_sums, party_embeddings
from cgm_jax.kernels import SquaredExponential
from cgm_jax.valuation import (
    coalition_values,
    embedding_uncertainty,
    mmd_shapley_values,
    shapley_values,
    values_of_coalitions,
)

KERNEL = SquaredExponential(0.5)
RNG = np.random.default_rng(0)
PARTIES = [RNG.normal(i / 2, 1, size=(n, 2)) for i, n in enumerate((30, 60, 45))]
CANDIDATES = RNG.normal(0.5, 1.2, size=(80, 2))
EACH = np.eye(3, dtype=bool)


def test_groups_have_values_whose_means_are_those_of_all_features():
    features = random_fourier_features(jax.random.key(0), KERNEL, 2, 400)
    made = party_embeddings(features, PARTIES, CANDIDATES)
    errors = embedding_uncertainty(made)
    own = values_of_coalitions(made.sums, EACH)
    np.testing.assert_allclose(errors.own_values.mean(axis=0), own, rtol=1e-10)
    shapley = shapley_values(coalition_values(made.sums))
    np.testing.assert_allclose(
        errors.shapley_values.mean(axis=0), shapley, rtol=0, atol=1e-11
    )
    spread = errors.shapley_values.std(axis=0, ddof=1) / np.sqrt(10)
    np.testing.assert_array_equal(errors.shapley_errors, spread)


@pytest.mark.parametrize("kind", ["independent", "orthogonal", "quasi-random"])
@pytest.mark.medium
def test_errors_are_as_large_as_stated(kind):
    exact = gram_sums(KERNEL, PARTIES, CANDIDATES)
    values = values_of_coalitions(exact, EACH)
    shapley = mmd_shapley_values(exact).shapley_values
    off, stated = [], []
    for seed in range(60):
        features = random_fourier_features(
            jax.random.key(seed), KERNEL, 2, 400, kind=kind, num_groups=20
        )
        errors = embedding_uncertainty(party_embeddings(features, PARTIES, CANDIDATES))
        found = errors.own_values.mean(axis=0), errors.shapley_values.mean(axis=0)
        off.append(np.concatenate([found[0] - values, found[1] - shapley]))
        stated.append([*errors.own_value_errors, *errors.shapley_errors])
    ratio = (np.square(off).mean(axis=0) / np.square(stated).mean(axis=0)) ** 0.5
    # 60 seeds know a standard deviation to 1 / sqrt(120): four of those
    assert (abs(ratio - 1) < 0.37).all(), ratio
    mean = np.mean(off, axis=0) / (np.std(off, axis=0) / np.sqrt(60))
    assert (abs(mean) < 4).all()


@pytest.mark.medium
def test_features_without_groups():
    features = hermite_features(KERNEL, np.full(2, -5.0), np.full(2, 7.0))
    made = party_embeddings(features, PARTIES, CANDIDATES)
    with pytest.raises(ValueError, match=r"two groups at least.*max_error"):
        embedding_uncertainty(made)
    # What it says instead: an error of ε in k is at most 3ε in v and 6ε in φ.
    loose = hermite_features(KERNEL, np.full(2, -5.0), np.full(2, 7.0), tolerance=0.01)
    by_loose = party_embeddings(loose, PARTIES, CANDIDATES).sums
    exact = gram_sums(KERNEL, PARTIES, CANDIDATES)
    off = values_of_coalitions(by_loose, EACH) - values_of_coalitions(exact, EACH)
    assert 0 < abs(off).max() <= 0.03
    off = (
        mmd_shapley_values(by_loose).shapley_values
        - mmd_shapley_values(exact).shapley_values
    )
    assert 0 < abs(off).max() <= 0.06


def test_what_is_not_embeddings_is_refused():
    with pytest.raises(TypeError, match="Expected a PartyEmbeddings"):
        embedding_uncertainty(gram_sums(KERNEL, PARTIES, CANDIDATES))  # type: ignore[arg-type]

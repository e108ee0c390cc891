"""Semivalues of clusters, against enumeration over clusters, and under false names."""

import jax
import numpy as np
import pytest
from block_games import banzhaf, random_sums, semivalues, shapley, value_of
from oracles_games import members_of

from cgm_jax.gram import gram_sums
from cgm_jax.kernels import SquaredExponential
from cgm_jax.valuation import mmd_semivalues, mmd_shapley_values, quotient_semivalues


def by_definition(sums, clusters: list[int], weight) -> np.ndarray:
    """The semivalues of the game of clusters, shared by points."""
    names = sorted(set(clusters))
    of_name = [[i for i, c in enumerate(clusters) if c == name] for name in names]
    table = [
        value_of(sums, [i for k in members_of(c) for i in of_name[k]])
        for c in range(2 ** len(names))
    ]
    values = semivalues(np.array(table), weight)
    shared = np.zeros(len(clusters))
    for members, of_cluster in zip(of_name, values, strict=True):
        points = sums.sizes[members]
        shared[members] = of_cluster * points / points.sum()
    return shared


@pytest.mark.parametrize(
    "clusters", [[0, 0, 1, 2, 1, 3], [9, -4, 9, -4, 9, -4], [0, 1, 2, 3, 4, 0]], ids=str
)
@pytest.mark.parametrize("sizes", [[3, 1, 8, 2, 5, 4, 9], [2, 4, 2, 6, 4, 4, 9]])
def test_equals_enumeration_over_clusters(sizes, clusters):
    sums = random_sums(sizes)
    labels = np.array(clusters)
    found = quotient_semivalues(sums, labels)
    assert found.dtype == np.float64
    np.testing.assert_allclose(
        found, by_definition(sums, clusters, shapley), atol=1e-10
    )
    found = quotient_semivalues(sums, labels, weighting="banzhaf")
    np.testing.assert_allclose(
        found, by_definition(sums, clusters, banzhaf), atol=1e-10
    )


def test_clusters_of_one_are_the_semivalues():
    sums = random_sums([3, 1, 8, 2, 5])
    for weighting in ("banzhaf", "leave-one-out"):
        found = quotient_semivalues(sums, np.array([4, 2, 8, 0]), weighting=weighting)
        np.testing.assert_allclose(found, mmd_semivalues(sums, weighting), rtol=1e-12)
    np.testing.assert_allclose(
        quotient_semivalues(sums, np.arange(4)),
        mmd_shapley_values(sums).shapley_values,
        rtol=1e-13,
    )


def test_one_cluster_shares_out_the_value_of_all_by_points():
    sums = random_sums([3, 1, 8, 2, 5])
    found = quotient_semivalues(sums, np.zeros(4, int))
    expected = value_of(sums, [0, 1, 2, 3]) * sums.sizes[:-1] / 14
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_parties_without_points():
    sums = random_sums([3, 0, 0, 2, 5])
    found = quotient_semivalues(sums, np.array([0, 0, 1, 2]))
    expected = mmd_shapley_values(sums).shapley_values
    assert not found[1:3].any()
    np.testing.assert_allclose(found, expected, atol=1e-13)


@pytest.mark.parametrize("parts", [2, 5])
def test_names_of_one_party_get_the_same_together(parts: int):
    rng = np.random.default_rng(0)
    parties = [rng.normal(i, 1, (n, 2)) for i, n in enumerate([10, 4, 7])]
    kernel, candidates = SquaredExponential(0.8), rng.normal(size=(12, 2))
    names = [*np.array_split(parties[0], parts), *parties[1:]]
    whole = gram_sums(kernel, parties, candidates)
    split = gram_sums(kernel, names, candidates)
    # The second party is in the cluster too.
    expected = quotient_semivalues(whole, np.array([0, 0, 1]))
    found = quotient_semivalues(split, np.array([0] * (parts + 1) + [1]))
    np.testing.assert_allclose(found[:parts].sum(), expected[0], rtol=1e-12)
    np.testing.assert_allclose(found[parts:], expected[1:], rtol=1e-12)
    plain = mmd_shapley_values(split).shapley_values[:parts].sum()
    assert abs(plain - mmd_shapley_values(whole).shapley_values[0]) > 1e-3


@pytest.mark.medium
def test_inside_transformations():
    sums, clusters = random_sums([3, 1, 8, 2, 5]), np.array([0, 1, 1, 2])

    def values(x):
        moved = type(sums)(sums.between * (1 + x), sums.candidate_rows, sums.sizes)
        return quotient_semivalues(moved, clusters)

    expected = quotient_semivalues(sums, clusters)
    with jax.enable_x64(True):
        found = np.asarray(jax.jit(jax.vmap(values))(np.array([0.0, 1.0])))
        slope = np.asarray(jax.jacobian(values)(0.3))
    np.testing.assert_allclose(found, [expected, 2 * expected], rtol=1e-11)
    np.testing.assert_allclose(slope, expected, rtol=1e-11)


def test_what_are_no_clusters():
    with pytest.raises(ValueError, match=r"clusters of shape \(4,\)"):
        quotient_semivalues(random_sums([3, 1, 8, 2, 5]), np.zeros(3, int))

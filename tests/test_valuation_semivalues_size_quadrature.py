"""The nodes: 1/s, 1/s² and means over q, to the tolerance, for every size at once."""

import numpy as np
import pytest

from cgm_jax.valuation.semivalues.size_quadrature import inverse_size_rule, nodes_for
from cgm_jax.valuation.semivalues.weighting import BetaShapley, size_probabilities

every_tolerance = pytest.mark.parametrize("tolerance", [1e-3, 1e-6, 1e-9, 1e-13])


@every_tolerance
@pytest.mark.parametrize(
    ("smallest", "largest"),
    [(1.0, 1.0), (1.0, 7.0), (3.0, 2e6), (1.0, 1e9)],
)
def test_inverse_sizes(smallest: float, largest: float, tolerance: float):
    u, weight = inverse_size_rule(smallest, largest, tolerance)
    s = np.geomspace(smallest, largest, 1_000)
    decay = np.exp(-np.outer(s, u))
    slack = 2 * tolerance + 1e-14
    np.testing.assert_allclose(decay @ weight, 1 / s, rtol=slack)
    np.testing.assert_allclose(decay @ (weight * u), 1 / s**2, rtol=slack)


def test_few_nodes():
    assert len(inverse_size_rule(3.0, 1e7, 1e-12)[0]) < 90
    sizes = np.random.default_rng(0).integers(3, 4_001, 5_000).astype(float)
    assert len(nodes_for(sizes, BetaShapley(1, 1), 1e-12).u) < 1_800


@every_tolerance
@pytest.mark.parametrize("n", [2, 13, 300, 4_000])
@pytest.mark.parametrize(
    "law", [BetaShapley(1, 1), BetaShapley(16, 1), BetaShapley(0.5, 3.5)], ids=str
)
def test_means_over_q_of_products(law: BetaShapley, n: int, tolerance: float):
    # When all have 3 points, the mean of 1 / (3 (|C| + 1)) is a sum over |C|.
    sizes = np.full(n, 3.0)
    q, u, weight = nodes_for(sizes, law, tolerance)
    joined = (n - 1) * np.log1p(q * np.expm1(-u * 3)) - u * 3
    found = np.sum(weight * np.exp(joined))
    c = np.arange(n)
    expected = np.sum(size_probabilities(law, n) / (3 * (c + 1)))
    np.testing.assert_allclose(found, expected, rtol=4 * tolerance + 1e-12)


@pytest.mark.parametrize("n", [1, 2, 9, 5_000])
@pytest.mark.parametrize(
    "weighting",
    ["banzhaf", "leave-one-out", *(BetaShapley(*ab) for ab in [(1, 1), (9, 0.3)])],
    ids=str,
)
def test_sizes_have_a_law(weighting, n: int):
    probabilities = size_probabilities(weighting, n)
    assert probabilities.shape == (n,) and (probabilities >= 0).all()
    assert probabilities.sum() == pytest.approx(1, rel=1e-9)

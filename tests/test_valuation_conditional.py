"""Values of p(y | x): against ridge regression in plain NumPy, and what moves them."""

import jax
import numpy as np
import oracles
import pytest

from cgm_jax.kernels import SquaredExponential
from cgm_jax.valuation import conditional_distribution_values

KERNEL, PLAIN = SquaredExponential(0.9), oracles.squared_exponential(0.9)


def draw(sizes: list[int], seed: int = 0):
    rng = np.random.default_rng(seed)
    points = [rng.normal(size=(n, 2)) for n in sizes]
    return points, [(x[:, 0] > 0) + 2 * (x[:, 1] > 1) for x in points]


def regression(x, y, weights, at, ridge: float) -> np.ndarray:
    """Weighted kernel ridge regression of unit vectors of labels."""
    one_hot = np.eye(4)[y]
    alpha = np.linalg.solve(PLAIN(x, x) + ridge * np.diag(1 / weights), one_hot)
    return PLAIN(at, x) @ alpha


def by_definition(parties, labels, at, weights, expected, ridge: float) -> list[float]:
    found = []
    for x, y in zip(parties, labels, strict=True):
        own = regression(x, y, np.full(len(x), 1 / len(x)), at, ridge)
        found.append(-np.sqrt(weights @ ((own - expected) ** 2).sum(1)))
    return found


@pytest.mark.parametrize("ridge", [1e-3, 1])
@pytest.mark.medium
def test_against_the_uniform_mixture(ridge):
    parties, labels = draw([9, 20, 14])
    pool, of_pool = np.concatenate(parties), np.concatenate(labels)
    weights = np.repeat(1 / (3 * np.array([9, 20, 14])), [9, 20, 14])
    expected = regression(pool, of_pool, weights, pool, ridge)
    expected = by_definition(parties, labels, pool, weights, expected, ridge)
    found = conditional_distribution_values(KERNEL, parties, labels, ridge=ridge)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, expected, rtol=1e-8)


@pytest.mark.medium
def test_against_labelled_points():
    parties, labels = draw([9, 20, 14])
    (at,), (of_reference,) = draw([30], seed=1)
    weights = np.full(30, 1 / 30)
    expected = regression(at, of_reference, weights, at, 0.01)
    expected = by_definition(parties, labels, at, weights, expected, 0.01)
    found = conditional_distribution_values(
        KERNEL, parties, labels, reference=(at, of_reference), ridge=0.01
    )
    np.testing.assert_allclose(found, expected, rtol=1e-8)


def test_names_of_classes_do_not_matter():
    parties, labels = draw([9, 20, 14])
    renamed = [np.array([7, -2, 900, 4])[y] for y in labels]
    np.testing.assert_allclose(
        conditional_distribution_values(KERNEL, parties, renamed),
        conditional_distribution_values(KERNEL, parties, labels),
        rtol=1e-12,
    )


@pytest.mark.medium
def test_wrong_labels_cost_and_the_more_the_more():
    parties, labels = draw([100] * 5)
    for i, wrong in enumerate([0, 0, 20, 50, 90]):
        labels[i][:wrong] = (labels[i][:wrong] + 1) % 4
    reference = draw([200], seed=1)
    found = conditional_distribution_values(
        KERNEL,
        parties,
        labels,
        reference=(reference[0][0], reference[1][0]),
        ridge=0.01,
    )
    assert (np.diff(found[1:]) < -0.03).all() and found[0] > found[2]


@pytest.mark.medium
def test_the_reference_itself_is_best():
    parties, labels = draw([9, 20])
    found = conditional_distribution_values(
        KERNEL, parties, labels, reference=(parties[0], labels[0])
    )
    assert found[0] == 0 and found[1] < -0.1


@pytest.mark.medium
def test_inside_transformations():
    parties, labels = draw([9, 20])

    def worth(scale):
        return conditional_distribution_values(
            SquaredExponential(scale), parties, labels, ridge=0.1
        )[0]

    numbers = [float(worth(np.float64(x))) for x in (0.9, 0.901, 0.899)]
    with jax.enable_x64(True):
        found, slope = jax.jit(jax.value_and_grad(worth))(0.9)
    np.testing.assert_allclose(float(found), numbers[0], rtol=1e-9)
    np.testing.assert_allclose(
        float(slope), (numbers[1] - numbers[2]) / 2e-3, rtol=1e-4
    )


def test_what_are_no_labels():
    parties, labels = draw([9, 20])
    for wrong in (labels[:1], [labels[0], labels[1][:5]], [y + 0.5 for y in labels]):
        with pytest.raises(ValueError, match="one whole number as the label"):
            conditional_distribution_values(KERNEL, parties, wrong)
    with pytest.raises(ValueError, match="ridge"):
        conditional_distribution_values(KERNEL, parties, labels, ridge=0)


@pytest.mark.medium
def test_what_cannot_be_solved_for_is_no_value():
    """Points that are all alike, and next to no ridge: 0 would be the best value."""
    points = np.repeat(np.random.default_rng(0).normal(size=(10, 1)), 20, axis=0)
    labels = np.random.default_rng(1).integers(0, 2, 200)
    kernel = SquaredExponential(1.0)
    with pytest.raises(ValueError, match="raise it"):
        conditional_distribution_values(
            kernel, [points, points + 0.5], [labels, labels], ridge=1e-20
        )

"""Reverse KL: its definition, known divergences, and copies."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal, norm

from cgm_jax.metrics import reverse_kl_divergence, reverse_kl_divergences


def by_definition(subset_rows, reference, ks):
    """Each distance by itself, the point left out by its number."""
    distances = np.linalg.norm(reference[:, None] - reference[None], axis=-1)
    np.fill_diagonal(distances, np.nan)  # sorted to the end
    size, dimension = len(subset_rows), reference.shape[1]
    of_subset = distances[np.ix_(subset_rows, subset_rows)]
    of_all = distances[subset_rows]
    r, q = (np.sort(d, axis=1)[:, np.array(ks) - 1] for d in (of_subset, of_all))
    constant = np.log((len(reference) - 1) / (size - 1))
    return (dimension * np.log(q / r) + constant).mean()


@pytest.mark.smoke
@pytest.mark.parametrize("dimension", [1, 2, 5])
def test_it_is_the_definition(dimension):
    rng = np.random.default_rng(dimension)
    reference = rng.normal(size=(80, dimension))
    rows = rng.choice(80, 30, replace=False)
    for ks in ((2, 3, 4, 5, 6), (1,), (29,)):
        found = reverse_kl_divergence(reference[rows], reference, neighbors=ks)
        assert found == pytest.approx(by_definition(rows, reference, ks), rel=1e-10)
    default = reverse_kl_divergence(reference[rows], reference)
    assert default == reverse_kl_divergence(
        reference[rows], reference, neighbors=range(2, 7)
    )


def test_several_parts_at_once_are_each_by_itself():
    reference = np.random.default_rng(9).normal(size=(60, 2))
    parts = [reference[:20], reference[10:50], reference]
    each = [reverse_kl_divergence(part, reference) for part in parts]
    np.testing.assert_array_equal(reverse_kl_divergences(parts, reference), each)


def test_of_everything_it_is_zero():
    points = np.random.default_rng(0).normal(size=(50, 2))
    assert reverse_kl_divergence(points[::-1], points) == 0
    assert reverse_kl_divergence(np.repeat(points, 3, 0), np.repeat(points, 3, 0)) == 0


@pytest.mark.parametrize("dimension", [1, 2])
@pytest.mark.medium
def test_two_gaussians_have_their_known_divergence(dimension):
    """S from N(0, I), the rest of T from N(1, I): T's density is a mixture of both."""
    rng = np.random.default_rng(7)
    size, rest = 4_000, 36_000
    subset = rng.normal(size=(size, dimension))
    reference = np.concatenate([subset, 1 + rng.normal(size=(rest, dimension))])
    p = multivariate_normal(np.zeros(dimension)).pdf
    q = multivariate_normal(np.ones(dimension)).pdf
    many = rng.normal(size=(1_000_000, dimension))
    known = np.log(p(many) / (0.1 * p(many) + 0.9 * q(many))).mean()
    # Var(log ratio) is below 2 and neighbours add about 1/k each: an error of 0.03.
    found = reverse_kl_divergence(subset, reference)
    assert 0.3 < known == pytest.approx(found, abs=4 * 0.03)


def test_a_gaussian_inside_a_wider_one_by_quadrature():
    """The direction matters: KL(narrow‖wide) is not KL(wide‖narrow)."""
    rng = np.random.default_rng(8)
    subset = 0.2 * rng.normal(size=(3_000, 1))
    reference = np.concatenate([subset, rng.normal(size=(27_000, 1))])
    x = np.linspace(-2, 2, 20_001)
    p = norm.pdf(x, scale=0.2)
    ratio = p / (0.1 * p + 0.9 * norm.pdf(x))
    known = np.trapezoid(p * np.log(ratio), x)
    assert known == pytest.approx(
        float(reverse_kl_divergence(subset, reference)), abs=4 * 0.03
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_copies_alone_give_the_divergence_of_their_shares(dtype):
    """All points are atoms: the plug-in estimate of two discrete distributions."""
    atoms = np.array([[0.0, 1.0], [2.0, 3.0], [-0.0, 5.0]], dtype)
    here, there = np.array([10, 20, 30]), np.array([100, 40, 60])
    subset = np.repeat(atoms, here, axis=0)
    reference = np.repeat(atoms, there, axis=0)
    p, q = here / here.sum(), there / there.sum()
    found = reverse_kl_divergence(subset, reference)
    assert found == pytest.approx((p * np.log(p / q)).sum())


@pytest.mark.parametrize("copies_in_subset", [1, 2, 4, 9])
def test_some_copies_leave_it_finite_and_near(copies_in_subset):
    rng = np.random.default_rng(1)
    subset, rest = rng.normal(size=(500, 2)), rng.normal(size=(1_500, 2))
    without = reverse_kl_divergence(subset, np.concatenate([subset, rest]))
    subset = np.concatenate([subset, np.repeat(subset[:1], copies_in_subset - 1, 0)])
    rest = np.concatenate([rest, np.repeat(subset[:1], 10, 0)])
    found = reverse_kl_divergence(subset, np.concatenate([subset, rest]))
    assert np.isfinite(found)
    assert found == pytest.approx(without, abs=0.05)


def test_units_change_nothing():
    points = np.random.default_rng(2).normal(size=(60, 3))
    found = reverse_kl_divergence(points[:20], points)
    for unit in (1e-200, 1e200):
        again = reverse_kl_divergence(unit * points[:20], unit * points)
        assert again == pytest.approx(found, rel=1e-9)


def test_what_does_not_fit_is_refused():
    points = np.random.default_rng(3).normal(size=(20, 2))
    with pytest.raises(ValueError, match="other points, 5 in subsets"):
        reverse_kl_divergence(points[:6], points)
    with pytest.raises(ValueError, match="row 7 is not"):
        reverse_kl_divergence(points[:8], np.delete(points, 7, axis=0))
    for neighbors in ((), (0, 2)):
        with pytest.raises(ValueError, match="Expected numbers of neighbours"):
            reverse_kl_divergence(points, points, neighbors=neighbors)

"""A plan's errors are those that releases really have, and its picture shows them."""

import jax
import numpy as np
import pytest
from small_releases import releases_of, small_features, small_parties

from cgm_jax.embeddings import hermite_features
from cgm_jax.gram import gram_sums
from cgm_jax.kernels import SquaredExponential
from cgm_jax.plots import plot_privacy_plan
from cgm_jax.privacy import PrivacyPlan, plan_privacy, sums_from_releases
from cgm_jax.valuation import mmd_shapley_values

KERNEL = SquaredExponential(0.8)
EXACT = hermite_features(KERNEL, np.full(2, -6.0), np.full(2, 6.0))
CANDIDATES = np.random.default_rng(5).normal(0.5, 1, size=(60, 2))
EPSILONS = [0.5, 2.0, np.inf]


def plan_of(**options) -> PrivacyPlan:
    given = {
        "epsilons": EPSILONS,
        "points": small_parties(),
        "candidates": CANDIDATES,
        "num_repeats": 60,
        **options,
    }
    features = given.pop("features", EXACT)
    sizes = given.pop("sizes", [150, 400, 250])
    return plan_privacy(jax.random.key(0), sizes, features, **given)


@pytest.mark.parametrize("neighbours", ["replace one", "add or remove one"])
@pytest.mark.medium
def test_errors_are_those_of_releases(neighbours):
    parties = small_parties()
    phi = mmd_shapley_values(gram_sums(KERNEL, parties, CANDIDATES)).shapley_values
    plan = plan_of(neighbours=neighbours)
    for row, epsilon in enumerate(EPSILONS[:2]):
        errors = []
        for seed in range(60):
            sent = releases_of(
                parties, EXACT, seed=seed, epsilon=epsilon, neighbours=neighbours
            )
            sums = sums_from_releases(sent, EXACT, CANDIDATES)
            found = mmd_shapley_values(sums).shapley_values
            errors.append(np.max(np.abs(found / found.max() - phi / phi.max())))
        gap = np.mean(errors) - plan.expected_error[row]
        error = np.hypot(np.std(errors), plan.alpha_errors[row].std()) / np.sqrt(60)
        assert abs(gap) < 4 * error


@pytest.mark.medium
def test_less_privacy_is_less_error_and_exact_features_without_noise_have_none():
    plan = plan_of()
    assert plan.alpha_errors.shape == (3, 60)
    assert np.all(np.diff(plan.expected_error) < 0)
    assert np.all(plan.alpha_errors[2] < 1e-5)
    assert np.all(plan.shapley_errors[2] < 1e-5)
    assert np.all(plan.rank_correlations[2] == 1)
    assert np.all(plan.rank_correlations[0] <= 1)


@pytest.mark.medium
def test_random_features_are_drawn_anew():
    def drawn(key):
        return small_features(100, seed=int(jax.random.bits(key) % 1_000))

    plan = plan_of(features=drawn, num_repeats=5)
    assert len(set(plan.alpha_errors[2].tolist())) == 5
    assert np.all(plan.alpha_errors[2] > 1e-3)


@pytest.mark.medium
def test_without_points_they_are_standard_normal_and_sizes_decide():
    plan = plan_of(points=None, candidates=None, sizes=[50, 500], num_repeats=4)
    assert np.all(plan.rank_correlations[2] == 1)
    resampled = plan_of(sizes=[1_000, 3, 7], num_repeats=2)
    assert resampled.alpha_errors.shape == (3, 2)


def test_what_cannot_be_planned_is_refused():
    with pytest.raises(ValueError, match="2 parties, got those of 3"):
        plan_of(sizes=[10, 10])
    with pytest.raises(ValueError, match="num_repeats"):
        plan_of(num_repeats=0)
    with pytest.raises(ValueError, match=r"sizes\[1\]"):
        plan_of(sizes=[10, 0, 10])
    with pytest.raises(ValueError, match="epsilon"):
        plan_of(epsilons=[-1.0])


def test_the_picture_has_a_point_a_simulation_and_a_line_without_noise():
    plan = plan_of(num_repeats=3)
    axes = plot_privacy_plan(plan).axes[0]
    lines = [line.get_ydata() for line in axes.lines]
    assert [len(line) for line in lines] == [3, 3, 2, 2]
    np.testing.assert_allclose(lines[2], plan.expected_error[:2])
    assert lines[3][0] == pytest.approx(plan.expected_error[2])
    assert [text.get_text() for text in axes.texts] == ["no noise"]

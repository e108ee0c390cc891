"""What the parties hold, measured: each metric of the right points and labels."""

from functools import cache

import jax
import numpy as np
import pytest
from oracles import mmd2_unbiased, squared_exponential

from cgm_jax import promise
from cgm_jax.evaluation.evaluate import LOWER_IS_BETTER, evaluate_rewards
from cgm_jax.metrics import (
    class_imbalance,
    correlation,
    correlation_summary,
    reverse_kl_divergence,
    svm_accuracy,
    wasserstein2_gaussians,
)


@cache
def promises():
    """Three parties of unequal sizes."""
    rng = np.random.default_rng(5)
    parties = [rng.normal(0.4 * i, 0.5, size=(12 + 3 * i, 2)) for i in range(3)]
    pool = np.concatenate(parties)
    candidates = pool[rng.integers(len(pool), size=300)]
    candidates = candidates + 0.1 * rng.normal(size=candidates.shape)
    return promise(parties, candidates, stability=False)


@cache
def draws():
    """The promises kept at three β."""
    return [
        promises().draw(jax.random.key(i), inverse_temperature=beta)
        for i, beta in enumerate((1.0, 2.0, 8.0))
    ]


@cache
def labels_of_points():
    rng = np.random.default_rng(0)
    parties = [rng.integers(3, size=len(points)) for points in promises().parties]
    return parties, rng.integers(3, size=len(promises().candidates))


def evaluate(some_draws, **options):
    options = {"num_classes": 3} | options
    return evaluate_rewards(promises(), some_draws, *labels_of_points(), **options)


@cache
def evaluated():
    return evaluate(draws())


def held_by(draw, party, *, with_reward):
    labels, candidate_labels = labels_of_points()
    indices = draw.rewards[party].indices if with_reward else []
    indices = np.asarray(indices, int)
    return (
        np.concatenate([promises().parties[party], promises().candidates[indices]]),
        np.concatenate([labels[party], candidate_labels[indices]]),
    )


@pytest.mark.parametrize("with_reward", [False, True])
@pytest.mark.medium
def test_every_metric_is_that_of_what_the_party_holds(with_reward):
    evaluation = evaluated()
    kernel, parties = squared_exponential(promises().length_scale), promises().parties
    reference = np.concatenate([*parties, promises().candidates])
    labels, _ = labels_of_points()
    for k, draw in enumerate(draws()):
        for i in range(3):
            points, classes = held_by(draw, i, with_reward=with_reward)
            others = [j for j in range(3) if j != i]
            test = [np.concatenate([of[j] for j in others]) for of in (parties, labels)]
            expected = {
                "mmd2_unbiased": mmd2_unbiased(kernel, points, reference),
                "reverse_kl": reverse_kl_divergence(points, reference),
                "wasserstein2": wasserstein2_gaussians(points, reference),
                "class_imbalance": class_imbalance(classes, num_classes=3),
                "svm_accuracy": svm_accuracy(points, classes, *test),
            }
            measured = evaluation.after if with_reward else evaluation.before
            for name, number in expected.items():
                values = getattr(measured, name)
                found = values[k, i] if with_reward else values[i]
                assert found == pytest.approx(float(number), rel=1e-9, abs=1e-12), name


def test_shapes_and_dtypes():
    evaluation = evaluated()
    np.testing.assert_array_equal(evaluation.inverse_temperatures, [1, 2, 8])
    for k, draw in enumerate(draws()):
        counts = [len(reward.indices) for reward in draw.rewards]
        np.testing.assert_array_equal(evaluation.num_points[k], counts)
    for measured, shape in ((evaluation.before, (3,)), (evaluation.after, (3, 3))):
        for values in vars(measured).values():
            assert values.shape == shape and values.dtype == np.float64


def test_correlations_are_over_parties_and_over_draws():
    evaluation = evaluated()
    alpha, beta = evaluation.normalized_shapley, evaluation.inverse_temperatures
    found = evaluation.alpha_correlations
    assert set(found) == {*LOWER_IS_BETTER, "num_points", "svm_accuracy"}
    for name, summary in found.items():
        sign = -1 if name in LOWER_IS_BETTER else 1
        values = getattr(evaluation.after, name, evaluation.num_points)
        each = [sign * correlation(values[k], alpha) for k in range(3)]
        assert summary.mean == pytest.approx(
            correlation_summary(np.array(each)).mean
        ), name
    counts = evaluation.num_points
    each = [correlation(counts[:, i], beta) for i in range(3)]
    assert evaluation.beta_correlations["num_points"] == correlation_summary(
        np.array(each)
    )


def test_one_draw_has_no_correlation_with_beta():
    one = evaluate(draws()[:1])
    assert {c.count for c in one.beta_correlations.values()} == {0}
    assert one.alpha_correlations["wasserstein2"].count == 1


def test_progress_is_told():
    told = []
    evaluate(draws()[:1], progress=lambda *stage: told.append(stage))
    assert told == [("metrics", 0.0), ("metrics", 0.5), ("metrics", 1.0)]


def test_labels_must_fit():
    labels, candidate_labels = labels_of_points()
    with pytest.raises(ValueError, match="299"):
        evaluate_rewards(
            promises(), draws(), labels, candidate_labels[1:], num_classes=3
        )
    with pytest.raises(ValueError, match="from 0 to 1"):
        evaluate(draws(), num_classes=2)


def test_other_coordinates_change_what_has_no_kernel_and_nothing_else():
    draw, ours = draws()[0], evaluated()
    parties, candidates = promises().parties, promises().candidates
    stretch = np.array([3.0, 0.2])
    found = evaluate(
        draws(),
        measured=([stretch * points for points in parties], stretch * candidates),
    )
    for name in ("mmd2_unbiased", "class_imbalance"):
        np.testing.assert_array_equal(
            getattr(found.after, name), getattr(ours.after, name)
        )
    held, _ = held_by(draw, 1, with_reward=True)
    reference = np.concatenate([*parties, candidates])
    np.testing.assert_allclose(
        found.after.wasserstein2[0, 1],
        wasserstein2_gaussians(stretch * held, stretch * reference),
    )
    np.testing.assert_allclose(
        found.after.reverse_kl[0, 1],
        reverse_kl_divergence(stretch * held, stretch * reference),
    )
    assert found.after.svm_accuracy.shape == ours.after.svm_accuracy.shape
    assert (found.after.svm_accuracy != ours.after.svm_accuracy).any()


def test_other_coordinates_are_measured_but_mmd_is_the_kernels_own():
    draw = draws()[2]
    rng = np.random.default_rng(2)
    parties = [
        rng.normal(i, 1, size=(len(x), 3)) for i, x in enumerate(promises().parties)
    ]
    candidates = rng.normal(size=(len(promises().candidates), 3))
    found = evaluate([draw], measured=(parties, candidates))
    reference = np.concatenate([*parties, candidates])
    labels, candidate_labels = labels_of_points()
    for i, reward in enumerate(draw.rewards):
        points = np.concatenate([parties[i], candidates[reward.indices]])
        classes = np.concatenate([labels[i], candidate_labels[reward.indices]])
        others = [j for j in range(3) if j != i]
        test = [np.concatenate([of[j] for j in others]) for of in (parties, labels)]
        expected = {
            "reverse_kl": reverse_kl_divergence(points, reference),
            "wasserstein2": wasserstein2_gaussians(points, reference),
            "svm_accuracy": svm_accuracy(points, classes, *test),
        }
        for name, number in expected.items():
            measured = getattr(found.after, name)[0, i]
            assert measured == pytest.approx(float(number), rel=1e-9), name
    for name in ("mmd2_unbiased", "class_imbalance"):
        np.testing.assert_array_equal(
            getattr(found.after, name)[0], getattr(evaluated().after, name)[2]
        )
        np.testing.assert_array_equal(
            getattr(found.before, name), getattr(evaluated().before, name)
        )


def test_a_measured_row_must_be_given_for_every_point():
    first, *others = promises().parties
    wrong = r"a measured row for every point.* got \[11, 15, 18, 300\]"
    with pytest.raises(ValueError, match=wrong):
        evaluate(draws()[:1], measured=([first[1:], *others], promises().candidates))

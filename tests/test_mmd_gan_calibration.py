"""Which generated points are kept: the optimum by its definition, and known ratios."""

import numpy as np
import oracles
import pytest

from cgm_jax.generators.mmd_gan import calibration as module
from cgm_jax.generators.mmd_gan.calibration import (
    MAX_RATIO,
    NUM_LANDMARKS,
    Calibration,
    fit_calibration,
    state_shifts,
)

SCALE = 1.2
CENTRES = np.array([[-2.0, 0.0], [2.0, 0.0]])


@pytest.fixture
def few_landmarks(monkeypatch):
    """A quarter of them: two clusters need no more, and many points take long."""
    monkeypatch.setattr(module, "NUM_LANDMARKS", NUM_LANDMARKS // 4)


def drawn(num: int, seed: int, *, share: float = 0.5) -> np.ndarray:
    """Two clusters, the second with a share of the points."""
    rng = np.random.default_rng(seed)
    cluster = (rng.uniform(size=num) < share).astype(int)
    return CENTRES[cluster] + rng.normal(size=(num, 2)) * 0.3


def kernel(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    whole, quarter = map(oracles.squared_exponential, (SCALE, SCALE / 4))
    return whole(x, y) + quarter(x, y)


def ratio(calibration: Calibration, points: np.ndarray) -> np.ndarray:
    return MAX_RATIO * calibration.acceptance(points)


def test_acceptance_is_its_formula():
    landmarks, points = drawn(5, 0), drawn(7, 1)
    coefficients = np.arange(5.0) - 2
    fitted = Calibration(landmarks, coefficients, np.array(0.5), np.array(SCALE))
    f = 0.5 + kernel(points, landmarks) @ coefficients
    np.testing.assert_allclose(fitted.acceptance(points), 1 / (1 + np.exp(-f)))


def test_the_slope_of_the_definition_is_zero():
    training, generated = drawn(400, 0, share=0.4), drawn(2_000, 1, share=0.6)
    fitted = fit_calibration(training, generated, length_scale=SCALE)
    landmarks, a = fitted.landmarks, fitted.coefficients
    np.testing.assert_array_equal(landmarks, generated[:NUM_LANDMARKS])
    f = fitted.intercept + kernel(generated, landmarks) @ a
    r = MAX_RATIO / (1 + np.exp(-f))
    assert r.mean() == pytest.approx(1, abs=1e-5)
    kept = (r[:, None] * kernel(generated, landmarks)).mean(axis=0)
    missing = kernel(training, landmarks).mean(axis=0) - kept
    pulled = kernel(landmarks, landmarks) @ a / 400
    assert np.abs(pulled).max() > 1e-3
    np.testing.assert_allclose(missing, pulled, atol=1e-5)


@pytest.mark.medium
def test_those_kept_are_nearer_to_the_training_points(few_landmarks):
    training, fresh = drawn(2_000, 0), drawn(800, 1)
    generated = drawn(20_000, 2, share=0.6) * [1.0, 1.3]
    fitted = fit_calibration(training, generated, length_scale=SCALE)
    kept = np.random.default_rng(3).uniform(size=20_000) < fitted.acceptance(generated)
    assert kept.mean() == pytest.approx(1 / MAX_RATIO, rel=0.05)
    before, after = (
        oracles.mmd2_unbiased(kernel, points[:800], fresh)
        for points in (generated, generated[kept])
    )
    assert before > 0.01
    assert after < before / 10


def test_equal_distributions_are_left_alone(few_landmarks):
    fitted = fit_calibration(drawn(2_000, 0), drawn(20_000, 1), length_scale=SCALE)
    r = ratio(fitted, drawn(500, 2))
    np.testing.assert_allclose(r.mean(), 1, atol=0.02)
    assert r.std() < 0.15


def test_known_ratios(few_landmarks):
    # Shares 0.2 and 0.8 for 0.6 and 0.4.
    training, generated = drawn(2_000, 0, share=0.8), drawn(20_000, 1, share=0.4)
    fitted = fit_calibration(training, generated, length_scale=SCALE)
    fresh = drawn(20_000, 2, share=0.4)
    r, second = ratio(fitted, fresh), fresh[:, 0] > 0
    np.testing.assert_allclose(r[~second].mean(), 1 / 3, rtol=0.15)
    np.testing.assert_allclose(r[second].mean(), 2, rtol=0.05)
    share = (training[:, 0] > 0).mean()
    np.testing.assert_allclose(r[second].sum() / r.sum(), share, atol=0.01)


def test_a_ratio_beyond_the_bound_and_points_far_away(few_landmarks):
    for share in (0.05, 0.0):  # ten times too few, and none at all
        training, generated = drawn(500, 0), drawn(5_000, 1, share=share)
        fitted = fit_calibration(training, generated, length_scale=SCALE)
        chance = fitted.acceptance(generated)
        assert np.isfinite(chance).all()
        assert chance.mean() == pytest.approx(1 / MAX_RATIO, abs=1e-3)
    apart = fit_calibration(training + 100, generated, length_scale=SCALE)
    assert np.isfinite(apart.acceptance(training)).all()


def test_steps_that_overshoot_are_cut(few_landmarks):
    rng = np.random.default_rng(0)
    training, generated = (
        0.01 * rng.normal(size=(5_000, 1)),
        rng.normal(size=(5_000, 1)),
    )
    fitted = fit_calibration(training, generated, length_scale=1.0)
    chance = fitted.acceptance(generated)
    assert chance.mean() == pytest.approx(1 / MAX_RATIO, abs=1e-5)
    near = np.abs(generated[:, 0]) < 0.1
    assert chance[near].min() > 2 * chance[~near].mean()


def test_no_training_point_is_remembered():
    training, generated = drawn(300, 0), drawn(3_000, 1)
    fitted = fit_calibration(training, generated, length_scale=SCALE)
    ours = {tuple(row) for row in fitted.landmarks}
    assert not ours & {tuple(row) for row in training}
    assert len(ours) == len(fitted.coefficients) == NUM_LANDMARKS


def test_every_state_is_as_frequent_as_it_should_be():
    rng = np.random.default_rng(0)
    logits = 3 * rng.normal(size=(2_000, 6))
    columns, shares = [slice(0, 2), slice(2, 6)], [0.9, 0.1, 0.5, 0.3, 0.2, 0]
    shift = state_shifts(logits, columns, np.array(shares))
    weights = np.exp(logits + shift)
    for one in columns:
        means = (weights[:, one] / weights[:, one].sum(axis=1, keepdims=True)).mean(0)
        np.testing.assert_allclose(means, shares[one], atol=2e-6)
    # Already as frequent: nothing is moved.
    np.testing.assert_array_equal(
        state_shifts(logits[:, 2:] + shift[2:], [slice(0, 4)], np.array(shares[2:])), 0
    )

"""What a mediator is told: of outliers, and of promises that a draw did not keep."""

import jax
import numpy as np

from cgm_jax import collaborate
from cgm_jax.collaboration.outliers import draw_warnings, find_outlier
from cgm_jax.gram import median_length_scale, smallest_length_scale
from cgm_jax.kernels import SquaredExponential
from cgm_jax.sampling import Reward

KEY = jax.random.key(0)


# PITFALLS 15
def test_a_party_whose_outlier_makes_the_kernel_flat_is_named():
    culprit = 1
    rng = np.random.default_rng(0)
    parties = [rng.normal(size=(n, 2)) for n in (30, 20, 25)]
    candidates = rng.normal(size=(200, 2))
    parties[culprit] = np.array([[60.0, 0.0]])
    candidates[:2] += [60.0, 0.0]
    result = collaborate(KEY, parties, candidates, stability=False)
    median = median_length_scale(np.concatenate(parties))
    assert result.length_scale > 10 * median
    (warning,) = (text for text in result.warnings if "length scale" in text)
    others = [x for i, x in enumerate(parties) if i != culprit]
    without = smallest_length_scale(SquaredExponential(1.0), others, candidates)
    assert result.outlier.party == culprit
    np.testing.assert_allclose(result.outlier.without_party, without)
    assert f"{result.length_scale:.4g}" in warning and f"{without:.4g}" in warning
    assert f"[{culprit}]" in warning or f"party {culprit}" in warning.lower()
    named = result.warnings_for(["Ada", "Bob", "Cy"])
    assert ["Ada", "Bob", "Cy"][culprit] in named[0]


def test_of_many_parties_only_those_worth_least_are_tried(monkeypatch):
    rng = np.random.default_rng(0)
    parties = [rng.normal(size=(5, 2)) for _ in range(13)]
    parties[11] = np.array([[60.0, 0.0]])
    candidates = rng.normal(size=(100, 2))
    candidates[:2] += [60.0, 0.0]
    scale = smallest_length_scale(SquaredExponential(1.0), parties, candidates)
    tried = []

    def search(kernel, others, _):
        tried.append(len(others))
        return smallest_length_scale(kernel, others, candidates)

    monkeypatch.setattr("cgm_jax.collaboration.outliers.smallest_length_scale", search)
    assert find_outlier(scale, parties, candidates).party == 11
    assert tried == [12] * 10


def test_data_whose_median_distance_is_zero():
    # Most points are the same, as in data of few categories.
    rng = np.random.default_rng(0)
    points = (rng.uniform(size=(60, 1)) > 0.8).astype(float)
    result = collaborate(
        KEY, [points[:10], points[10:30]], points[30:], stability=False
    )
    assert median_length_scale(points[:30]) == 0
    assert result.outlier is None
    assert not any("length scale" in text for text in result.warnings)


def reward_of(asked: float, realised: float, reason: str = "reached") -> Reward:
    return Reward(np.array([0]), np.array([realised]), reason, 0.0, asked)


# PITFALLS 17
def test_rewards_in_another_order_than_promised_are_told():
    kept = [reward_of(0.5, 0.51), reward_of(0.4, 0.40), reward_of(0.3, 0.31)]
    inverted = [reward_of(0.5, 0.501), reward_of(0.499, 0.502), reward_of(0.3, 0.31)]
    equal = [reward_of(0.5, 0.501), reward_of(0.5, 0.502), reward_of(0.3, 0.31)]
    assert draw_warnings(kept, None) == draw_warnings(equal, None) == []
    (warning,) = draw_warnings(inverted, ["Ada", "Bob", "Cy"])
    assert "overshoots" in warning and "0.001" in warning
    assert "Ada" in warning and "Bob" in warning and "Cy" not in warning
    # not told again of a party whose promise was not kept at all
    stalled = [reward_of(0.5, 0.47, "stalled"), reward_of(0.499, 0.502)]
    assert not any("overshoots" in text for text in draw_warnings(stalled, None))


# PITFALLS 8
def test_a_promise_that_was_not_kept_is_told():
    rewards = [reward_of(0.5, 0.47, "stalled"), reward_of(0.4, 0.48)]
    (warning,) = draw_warnings(rewards, None)
    for part in ("0.5", "0.47", "0.03", "stalled"):
        assert part in warning


def test_of_many_sentences_ten_are_told():
    inverted = [reward_of(1 - i / 100, 1 + i / 100) for i in range(6)]  # 15 pairs
    missed = [reward_of(0.5, 0.47, "stalled")] * 12
    found = draw_warnings(inverted + missed, None)
    assert len(found) == 2 * 11
    assert "Of 2 more parties, the promise was not kept" in found[10]
    assert "Of 5 more pairs of parties" in found[21]
    assert len(draw_warnings(inverted[:5] + missed[:10], None)) == 20

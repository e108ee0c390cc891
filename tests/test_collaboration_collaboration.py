"""Draws that keep promises, candidates that grow, and collaborations in files."""

import dataclasses
from operator import attrgetter

import jax
import numpy as np
import oracles
import pytest
from small_collaborations import ratings, small_ratings

from cgm_jax import Collaboration, Growing, collaborate, promise
from cgm_jax.audit import (
    Review,
    Stress,
    audit,
    compare_with_shapley_fair,
    explain_scheme,
)
from cgm_jax.collaboration import Uncertainty
from cgm_jax.datasets import credit_ratings
from cgm_jax.evaluation import Evaluation
from cgm_jax.evaluation.evaluate import Measurements
from cgm_jax.evaluation.nearest_rows import NearnessFigures
from cgm_jax.evidence import Evidence, NearDuplicates, NoiseRows, Resamples
from cgm_jax.generators import GaussianMixture, KernelDensity
from cgm_jax.rewards import InfeasibleError
from cgm_jax.sampling import weighted_sampling

KEY = jax.random.key(0)


def assert_same_indices(rewards, expected):
    for one, other in zip(rewards, expected, strict=True):
        np.testing.assert_array_equal(one.indices, other.indices)


# --- draws


@pytest.mark.medium
def test_every_reward_is_worth_what_was_promised():
    promises = ratings().promises
    k = oracles.squared_exponential(promises.length_scale)
    reference = np.concatenate([*promises.parties, promises.candidates])
    for i, reward in enumerate(ratings().draw.rewards):
        assert len(set(reward.indices)) == len(reward.indices) > 0
        drawn = promises.candidates[reward.indices]
        subset = np.concatenate([promises.parties[i], drawn])
        realised = oracles.value(k, subset, reference)
        np.testing.assert_allclose(reward.final_value, realised, atol=1e-13)
        assert reward.reward_value == promises.scheme.reward_values[i]
        assert realised >= reward.reward_value - 1e-15
        before = oracles.value(k, subset[:-1], reference)
        assert before < reward.reward_value


def test_draws_as_weighted_sampling_does_with_the_second_half_of_the_key():
    promises, draw = ratings().promises, ratings().draw
    _, draw_key = jax.random.split(KEY)
    rewards = weighted_sampling(
        draw_key,
        promises.kernel,
        promises.candidates,
        promises.sums,
        promises.scheme.reward_values,
        inverse_temperature=1.0,
    )
    assert draw.inverse_temperature == 1.0
    assert_same_indices(draw.rewards, rewards)
    assert_same_indices(promises.draw(draw_key).rewards, rewards)


def test_promises_can_be_drawn_for_again():
    greedy = ratings().promises.draw(jax.random.key(1), inverse_temperature=np.inf)
    assert greedy.inverse_temperature == np.inf
    counts = [[len(r.indices) for r in x.rewards] for x in (greedy, ratings().draw)]
    assert all(few < many for few, many in zip(*counts, strict=True))


def test_a_draw_does_not_depend_on_the_other_draws():
    promises = ratings().promises

    def rewards_by_beta(*betas: float) -> dict:
        return {
            beta: promises.draw(KEY, inverse_temperature=beta).rewards for beta in betas
        }

    (alone,) = rewards_by_beta(4.0).values()
    assert_same_indices(rewards_by_beta(1.0, 4.0, np.inf)[4.0], alone)
    assert_same_indices(rewards_by_beta(4.0, 2.0)[4.0], alone)


# --- candidates that grow


class Recorder:
    """A generator that remembers what it drew."""

    def __init__(self, generator) -> None:
        self.generator = generator
        self.fitted, self.drawn = [], []

    def fit(self, key, points):
        self.fitted.append(np.asarray(points))
        return self.generator.fit(key, points)

    def sample(self, key, model, num):
        self.drawn.append(np.asarray(self.generator.sample(key, model, num)))
        return self.drawn[-1]


def ratings_mixture() -> Recorder:
    means = credit_ratings("unequal", num_candidates=1).means.astype(float)
    covariances = np.tile(np.eye(2) / 200, (5, 1, 1))
    return Recorder(GaussianMixture(np.full(5, 0.2), means, covariances))


# PITFALLS 14 and 23
@pytest.mark.medium
def test_candidates_grow_until_the_promises_can_be_kept():
    parties, _ = small_ratings()
    generator = ratings_mixture()
    result = collaborate(KEY, parties, Growing(generator, 100))
    (pool,) = generator.fitted
    np.testing.assert_array_equal(pool, np.concatenate(parties))
    sizes = [len(points) for points in generator.drawn]
    assert sizes == [100 * 2**i for i in range(len(sizes))] and len(sizes) > 1
    for small, large in zip(generator.drawn, generator.drawn[1:], strict=False):
        np.testing.assert_array_equal(large[: len(small)], small)
        with pytest.raises(InfeasibleError):
            promise(parties, small)
    np.testing.assert_array_equal(result.promises.candidates, generator.drawn[-1])
    # Everything is that of the last candidates.
    anew = collaborate(KEY, parties, generator.drawn[-1])
    assert result.promises.length_scale == anew.promises.length_scale
    for name in ("coalition_values", "scheme.lower_values", "scheme.upper_values"):
        number_of = attrgetter(name)
        np.testing.assert_array_equal(
            number_of(result.promises), number_of(anew.promises)
        )
    assert_same_indices(result.draw.rewards, anew.draw.rewards)
    assert len(result.promises.sums.candidate_rows) == len(generator.drawn[-1])


@pytest.mark.medium
def test_candidates_stop_growing_at_the_limit():
    parties, _ = small_ratings()
    generator = ratings_mixture()
    with pytest.raises(InfeasibleError) as caught:
        collaborate(KEY, parties, Growing(generator, 20, 25))
    assert [len(points) for points in generator.drawn] == [20, 25]
    assert any("25" in note for note in caught.value.__notes__)
    # Only there are promises relaxed.
    relaxed = collaborate(KEY, parties, Growing(generator, 20, 25), relax=True)
    assert relaxed.promises.scheme.is_relaxed
    assert len(relaxed.promises.candidates) == 25


@pytest.mark.medium
def test_the_same_key_gives_the_same_collaboration():
    parties, _ = small_ratings()
    growing = Growing(KernelDensity(0.05), 400)
    one, two = (collaborate(KEY, parties, growing) for _ in range(2))
    other = collaborate(jax.random.key(1), parties, growing)
    np.testing.assert_array_equal(one.promises.candidates, two.promises.candidates)
    assert not np.array_equal(one.promises.candidates, other.promises.candidates)
    assert_same_indices(one.draw.rewards, two.draw.rewards)


def test_numbers_of_candidates_that_do_not_fit_are_an_error():
    for num, most in ((0, 10), (20, 10), (-1, 10)):
        with pytest.raises(ValueError, match=r"whole num >= 1|1 <= num <= at_most"):
            Growing(KernelDensity(0.05), num, most)


# --- while it runs, and what is refused


@pytest.mark.medium
def test_progress_tells_the_stages_in_order():
    told = []
    collaborate(KEY, *small_ratings(), progress=lambda *args: told.append(args))
    stages = list(dict.fromkeys(stage for stage, _ in told))
    assert stages == ["length scale", "kernel sums", "reward scheme", "sampling"]
    shares = [share for stage, share in told if stage == "sampling"]
    assert len(shares) > 5 and shares == sorted(shares)
    assert 0 < shares[0] < 1 and shares[-1] == 1
    assert all(0 <= share <= 1 for _, share in told)


@pytest.mark.parametrize(
    "stage", ["length scale", "kernel sums", "reward scheme", "sampling"]
)
def test_an_interrupt_in_progress_ends_the_run(stage: str):
    def progress(now: str, share: float) -> None:
        del share
        assert now == stage or not seen
        if now == stage:
            seen.append(now)
            raise KeyboardInterrupt

    seen: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        collaborate(KEY, *small_ratings(), progress=progress)


@pytest.mark.medium
def test_what_does_not_fit_is_an_error():
    parties, candidates = small_ratings()
    with pytest.raises(ValueError, match="two parties, got one"):  # before any fit
        collaborate(KEY, parties[:1], Recorder(None))
    for beta in (-1.0, np.nan):
        with pytest.raises(ValueError, match="inverse_temperature >= 0"):
            ratings().promises.draw(KEY, inverse_temperature=beta)
    with pytest.raises(ValueError, match="inverse_temperature >= 0"):
        collaborate(KEY, parties, candidates, inverse_temperature=-1.0)


# --- files and words


def test_a_saved_collaboration_is_the_same(tmp_path):
    result, path = ratings(), tmp_path / "ratings.npz"
    result.save(path)
    loaded = Collaboration.load(path)
    assert repr(loaded) == repr(result)
    assert loaded.promises.kernel == result.promises.kernel
    for one, other in (
        (loaded.promises.sums, result.promises.sums),
        (loaded.promises.scheme, result.promises.scheme),
        *zip(loaded.draw.rewards, result.draw.rewards, strict=True),
    ):
        for field in dataclasses.fields(one):
            np.testing.assert_array_equal(
                getattr(one, field.name), getattr(other, field.name)
            )
    again, draw = (
        x.promises.draw(KEY, inverse_temperature=4.0) for x in (loaded, result)
    )
    assert_same_indices(again.rewards, draw.rewards)
    path.write_bytes(b"PK")
    with pytest.raises(ValueError, match="expected a saved collaboration"):
        Collaboration.load(path)


def test_results_have_a_short_repr():
    text = repr(ratings())
    assert "5 parties of [36, 27, 48, 30, 42] points" in text
    assert "candidates=(250, 2)" in text and "5 of 5 reached" in text
    assert len(text) < 400
    promises, draw = ratings().promises, ratings().draw
    scheme, many, table = promises.scheme, np.ones(5), np.ones((200, 5))
    checked = audit(ratings())
    explanation = explain_scheme(scheme)
    comparison = compare_with_shapley_fair(promises.coalition_values, scheme)
    shared = NearDuplicates(table, table, table, table, (table,) * 300, is_coarse=False)
    noise = NoiseRows((many,) * 300, many, many, many, many)
    evidence = Evidence(shared, noise, Resamples(table))
    measured = Measurements(table, table, table, table, table)
    reviewed = Review(checked, explanation, comparison, evidence, None, 1.0)
    for result in (
        promises,
        promises.sums,
        scheme,
        draw,
        draw.rewards[0],
        Uncertainty(scheme, table, table, table),
        checked,
        explanation,
        comparison,
        evidence,
        shared,
        noise,
        Stress(scheme, many, (None,) * 300),
        measured,
        Evaluation(many, many, table, measured, measured),
        NearnessFigures((None,) * 300, "none", 2),
        reviewed,
    ):
        text = repr(result)
        assert text.startswith(f"{type(result).__name__}(") and "\n" not in text
        assert len(text) < (1_500 if result is reviewed else 600), text
    assert "values=float64[200, 5]" in repr(Uncertainty(scheme, table, table, table))

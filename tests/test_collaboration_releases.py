"""Releases in the parties' place: promises, draws and audits, and what is refused."""

from dataclasses import replace
from functools import partial

import jax
import numpy as np
import pytest
from small_releases import releases_of, small_features, small_parties

from cgm_jax import audit, collaborate, evaluation, generators, plots, promise
from cgm_jax.collaboration import Collaboration, estimate_uncertainty
from cgm_jax.embeddings import hermite_features
from cgm_jax.evaluation.nearest_rows import nearness_figures
from cgm_jax.gram import gram_sums
from cgm_jax.kernels import SquaredExponential
from cgm_jax.privacy import resampled_sums, sums_from_releases
from cgm_jax.rewards import scheme_from_sums
from cgm_jax.scoring import Semivalues, SumOfPoints
from cgm_jax.valuation import values_of_coalitions

CANDIDATES = np.random.default_rng(5).normal(0.5, 1, size=(300, 2))
FEATURES = small_features(400)
RELEASES = releases_of(small_parties(), FEATURES)
RELAXED = {"features": FEATURES, "relax": True}


@pytest.fixture(scope="module")
def collaboration() -> Collaboration:
    return collaborate(jax.random.key(0), RELEASES, CANDIDATES, **RELAXED)


@pytest.mark.medium
def test_promises_are_those_of_the_released_sums(collaboration):
    promises = collaboration.promises
    sums = sums_from_releases(RELEASES, FEATURES, CANDIDATES)
    assert promises.sums == sums
    assert promises.scheme == scheme_from_sums(
        sums, promises.coalition_values, relax=True
    )
    assert promises.kernel == FEATURES.kernel
    assert promises.parties == RELEASES
    assert promises.num_points == [150, 400, 250]
    assert "released" in repr(promises)


@pytest.mark.medium
def test_a_scheme_of_the_sums_alone_and_none_of_rows(collaboration):
    options = {**RELAXED, "scoring": Semivalues("banzhaf")}
    promises = promise(RELEASES, CANDIDATES, **options, joined=[0, 1, 0])
    assert promises.scheme.scoring == "time-aware banzhaf"
    with_rows = replace(promises.handed_in, kernel=FEATURES.kernel)
    expected = promises.scoring.scores(with_rows)
    np.testing.assert_array_equal(promises.scheme.shapley_values, expected)
    uncertainty = estimate_uncertainty(jax.random.key(1), promises, 3)
    assert (uncertainty.shapley_errors > 0).all()
    for refusing in (promise, partial(collaborate, jax.random.key(0))):
        with pytest.raises(ValueError, match="needs no rows, got points: releases"):
            refusing(RELEASES, CANDIDATES, **RELAXED, scoring=SumOfPoints())


@pytest.mark.medium
def test_without_noise_and_with_exact_features_they_are_those_of_the_rows():
    exact = gram_sums(FEATURES.kernel, small_parties(), CANDIDATES)
    edge = np.full(2, 5.0)
    features = hermite_features(FEATURES.kernel, -edge, edge)
    sent = releases_of(small_parties(), features, epsilon=np.inf)
    promises = promise(sent, CANDIDATES, features=features, relax=True)
    scheme = scheme_from_sums(exact, relax=True)
    for name in ("shapley_values", "reward_values", "own_values"):
        found, expected = getattr(promises.scheme, name), getattr(scheme, name)
        np.testing.assert_allclose(found, expected, rtol=1e-4)


@pytest.mark.medium
def test_rewards_reach_what_was_promised_by_the_released_sums(collaboration):
    promises, draw = collaboration.promises, collaboration.draw
    between, rows = promises.sums.between, promises.sums.candidate_rows
    for party, reward in enumerate(draw.rewards):
        assert reward.stop_reason == "reached"
        # v(D_i ∪ G_i), from its definition and the released sums.
        picked = reward.indices
        drawn = CANDIDATES[picked]
        own = np.asarray(FEATURES.kernel(drawn, drawn), float).sum()
        size = promises.sums.sizes[party] + len(picked)
        to_all = between[party].sum() + rows[picked].sum()
        within = between[party, party] + 2 * rows[picked, party].sum() + own
        value = 2 * to_all / (size * promises.sums.sizes.sum()) - within / size**2
        assert value == pytest.approx(reward.final_value, rel=1e-4)
        assert value >= reward.reward_value * (1 - 1e-4)
    found = audit.audit(collaboration)
    assert found.realised["delivery"].holds
    assert audit.explain(promises) is not None


@pytest.mark.medium
def test_uncertainty_is_that_of_noise_and_features(collaboration):
    promises = collaboration.promises
    found = estimate_uncertainty(jax.random.key(1), promises, 30)
    again = resampled_sums(
        jax.random.fold_in(jax.random.key(1), 0),
        RELEASES,
        FEATURES,
        CANDIDATES,
        promises.sums,
        num_resamples=30,
    )
    expected = [values_of_coalitions(sums, np.eye(3, dtype=bool)) for sums in again]
    np.testing.assert_allclose(found.own_values, expected)
    more = releases_of(small_parties(), FEATURES, epsilon=0.3)
    noisier = promise(more, CANDIDATES, **RELAXED)
    larger = estimate_uncertainty(jax.random.key(1), noisier, 30)
    assert np.all(larger.own_value_errors > found.own_value_errors)


def test_a_file_has_everything_but_the_features(collaboration, tmp_path):
    path = tmp_path / "collaboration.npz"
    collaboration.save(path)
    assert Collaboration.load(path, features=FEATURES) == collaboration
    with pytest.raises(ValueError, match="expected features"):
        Collaboration.load(path)


def test_what_needs_rows_is_refused_by_name(collaboration):
    promises, key = collaboration.promises, jax.random.key(0)
    labels = [np.zeros(n, int) for n in promises.num_points]
    calls = {
        "trials of cheating": lambda: audit.stress(key, promises),
        "a search for shared ones": lambda: audit.review(
            key, collaboration, stress_test=False
        ),
        "distances to them": lambda: nearness_figures(key, collaboration),
        "a picture of them": lambda: plots.plot_rewards(collaboration),
        "metrics of what is held": lambda: evaluation.evaluate_rewards(
            promises, [collaboration.draw], labels, np.zeros(300, int), num_classes=2
        ),
    }
    for purpose, call in calls.items():
        with pytest.raises(ValueError, match=f"rows for {purpose}, got their releases"):
            call()


def test_options_that_contradict_releases_are_refused():
    def call(parties=RELEASES, **options):
        return promise(parties, CANDIDATES, **{**RELAXED, **options})

    for options, message in (
        ({"features": None}, "the features that the releases were made with"),
        ({"search_length_scale": True}, "public length scale"),
        ({"kernel": SquaredExponential(0.3)}, "kernel of the features"),
        ({"agreement": "another"}, "the agreement"),
        ({"parties": RELEASES[:1]}, "at least two parties"),
        ({"parties": small_parties()}, "only with releases"),
    ):
        with pytest.raises(ValueError, match=message):
            call(**options)
    with pytest.raises(TypeError, match="1 releases of 3"):
        call([*small_parties()[:2], RELEASES[0]])
    assert call(kernel=FEATURES.kernel) == call()


@pytest.mark.medium
def test_a_generator_of_releases_makes_candidates():
    generator = generators.EmbeddingGenerator(
        FEATURES, np.full(2, -4.0), np.full(2, 4.0), num_steps=100
    )
    growing = generators_of(generator)
    result = collaborate(jax.random.key(0), RELEASES, growing, **RELAXED)
    assert result.promises.candidates.shape == (200, 2)
    copier = generators.KernelDensity(0.1)
    with pytest.raises(ValueError, match="EmbeddingGenerator with releases"):
        collaborate(jax.random.key(0), RELEASES, copier, **RELAXED)
    with pytest.raises(ValueError, match="EmbeddingGenerator with releases"):
        collaborate(jax.random.key(0), small_parties(), growing)


def generators_of(generator):
    from cgm_jax.collaboration import Growing

    return Growing(generator, num=200, at_most=200)


@pytest.mark.medium
def test_sizes_with_noise_are_those_of_the_promises():
    sent = releases_of(small_parties(), FEATURES, neighbours="add or remove one")
    promises = promise(sent, CANDIDATES, **RELAXED)
    assert promises.num_points == [round(each.size) for each in sent]
    other = replace(sent[0], size=sent[0].size + 1, sigma=sent[0].sigma)
    assert promise([other, *sent[1:]], CANDIDATES, **RELAXED) != promises

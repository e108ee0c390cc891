"""Manipulations, each against a collaboration computed from scratch."""

import dataclasses
from functools import cache

import jax
import numpy as np
import oracles
import pytest

from cgm_jax import Promises, promise
from cgm_jax.audit import Stress, stress
from cgm_jax.audit.cheating import _Trials
from cgm_jax.audit.manipulations import deal, merged, submissions
from cgm_jax.gram import GramSums, gram_sums, smallest_length_scale
from cgm_jax.kernels import SquaredExponential
from cgm_jax.report.data import trial_rows
from cgm_jax.report.sentences import stress_sentence
from cgm_jax.rewards import scheme_from_sums

KEY = jax.random.key(3)
KERNEL = SquaredExponential(0.7)
SIZES = (24, 35, 60)


def parties() -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.normal(0.5 * i, 0.5, size=(n, 2)) for i, n in enumerate(SIZES)]


def candidates() -> np.ndarray:
    return np.random.default_rng(9).normal(0.5, 0.7, size=(400, 2))


@cache
def promises() -> Promises:
    return promise(parties(), candidates(), kernel=KERNEL, stability=False)


@cache
def found() -> Stress:
    return stress(KEY, promises(), inverse_temperature=4.0, outlier_scales=(1e3,))


def pieces_of(weights: np.ndarray, blocks: list[np.ndarray]) -> np.ndarray:
    return np.concatenate(
        [np.repeat(x, int(w), axis=0) for w, x in zip(weights, blocks, strict=True)]
    )


@pytest.mark.slow
def test_every_manipulation_equals_handing_it_in():
    """The points are built, and a scheme is solved for them from the start."""
    deal_key, _ = jax.random.split(KEY)
    parts = deal(deal_key, parties())
    honest = found().honest
    for party in range(3):
        ranked = np.where(np.arange(3) == party, -9, honest.shapley_values)
        trials = [t for t in found().trials if t.party == party]
        handed = list(submissions(parts, party, best_other=int(np.argmax(ranked))))
        assert [t.strategy for t in trials[:-1]] == [name for name, _ in handed]
        others = [x for i, x in enumerate(parties()) if i != party]
        for trial, (_, weights) in zip(trials[:-1], handed, strict=True):
            mine = [pieces_of(w, parts.blocks) for w in weights]
            sums = gram_sums(KERNEL, [*others, *mine], candidates())
            scheme = scheme_from_sums(sums, stability=False)
            phi, r = scheme.shapley_values[2:], scheme.reward_values[2:]
            assert trial.shapley_gain == pytest.approx(
                phi.sum() - honest.shapley_values[party], abs=1e-12
            )
            assert trial.reward_gain == pytest.approx(
                r.max() - honest.reward_values[party], abs=1e-8
            )
            assert trial.rho == pytest.approx(scheme.rho, abs=1e-7)


def test_honest_parties_are_promised_and_hold_the_same_as_without_trials():
    honest, scheme = found().honest, promises().scheme
    np.testing.assert_allclose(honest.shapley_values, scheme.shapley_values, rtol=1e-9)
    np.testing.assert_allclose(honest.reward_values, scheme.reward_values, rtol=1e-7)
    assert honest.stability is scheme.stability is False
    assert len({t.length_scale for t in found().trials}) == 1  # that of the promises
    again = stress(KEY, promises(), inverse_temperature=4.0, outlier_scales=())
    np.testing.assert_array_equal(again.joint_values, found().joint_values)


def test_what_is_held_is_valued_by_the_definition():
    """The joint value of honest parties is v(D_i ∪ G_i) of the draw."""
    kernel = oracles.squared_exponential(0.7)
    reference = np.concatenate([*parties(), candidates()])
    for i, value in enumerate(found().joint_values):
        assert value >= found().honest.reward_values[i] - 1e-9
        assert value > oracles.value(kernel, parties()[i], reference)
    trials = _Trials(KEY, promises(), candidates(), promises().sums, 1.0)
    picks = np.array([3, 3, 17, 90])
    held = np.concatenate([parties()[1], candidates()[picks]])
    assert trials.value_of(1, picks) == pytest.approx(
        oracles.value(kernel, held, reference), rel=1e-12
    )
    assert trials.value_of(1, picks[:0]) == pytest.approx(
        oracles.value(kernel, parties()[1], reference), rel=1e-12
    )


def test_withholding_lowers_what_is_contributed():
    for party in range(3):
        by_name = {t.strategy: t for t in found().trials if t.party == party}
        tenth, half = by_name["withhold nine tenths"], by_name["withhold half"]
        assert tenth.shapley_gain < half.shapley_gain
    assert len(found().profitable) < len(found().trials)
    gains = [t.joint_gain for t in found().profitable]
    assert gains == sorted(gains, reverse=True) and all(g > 0 for g in gains)


def test_rows_are_for_a_table():
    (row, *others) = trial_rows(found(), ["Ada", "Bo", "Cy"])
    assert row["party"] == "Ada" and row["strategy"] == "split in 2"
    assert row["status"] == "optimal" and len(others) == 3 * 9 - 1


@pytest.mark.slow
def test_an_outlier_searches_the_length_scale_anew():
    few = [x[:5] for x in parties()]
    result = stress(
        KEY,
        promise(few, candidates(), stability=False),
        search_length_scale=True,
        outlier_scales=(10.0,),
    )
    honest = {t.length_scale for t in result.trials if t.strategy == "split in 2"}
    outliers = [t for t in result.trials if "outlier" in t.strategy]
    assert len(outliers) == 3 and len(honest) == 1
    changed = [*few]
    pool = np.concatenate(few)
    row = pool.mean(axis=0) + 10 * pool.std(axis=0) / np.sqrt(2)
    changed[0] = np.concatenate([few[0], row[None]])
    expected = smallest_length_scale(SquaredExponential(1.0), changed, candidates())
    assert outliers[0].length_scale == pytest.approx(expected)
    assert abs(expected / honest.pop() - 1) > 0.1


def test_parts_are_all_rows_once():
    parts = deal(KEY, parties())
    for i, points in enumerate(parties()):
        rows = pieces_of(parts.own(i), parts.blocks)
        np.testing.assert_array_equal(np.sort(rows, axis=0), np.sort(points, axis=0))
        for k in (2, 3, 5):
            pieces = [parts.part(i, p / k, (p + 1) / k) for p in range(k)]
            np.testing.assert_array_equal(sum(pieces), parts.own(i))
            sizes = [len(pieces_of(p, parts.blocks)) for p in pieces]
            assert max(sizes) - min(sizes) <= 2
    noise = pieces_of(parts.noise(1), parts.blocks)
    pool = np.concatenate(parties())
    assert noise.shape == parties()[1].shape
    assert (noise >= pool.min(axis=0)[None]).all()
    assert (noise <= pool.max(axis=0)[None]).all()


def test_merged_sums_are_those_of_repeated_points():
    rng = np.random.default_rng(1)
    blocks = [rng.normal(size=(n, 2)) for n in (3, 4, 2, 5)]
    kernel = oracles.squared_exponential(1.0)
    rows, between = oracles.block_sums(kernel, blocks)
    sums = GramSums(between, rows[-5:], np.array([3.0, 4, 2, 5]))
    weights = [np.array([1.0, 2, 0]), np.array([0.0, 0, 3])]
    new = [pieces_of(np.append(w, 0), blocks) for w in weights] + [blocks[3]]
    expected_rows, expected = oracles.block_sums(kernel, new)
    merged_sums = merged(sums, weights)
    np.testing.assert_allclose(merged_sums.between, expected, rtol=1e-12)
    np.testing.assert_allclose(merged_sums.candidate_rows, expected_rows[-5:])
    assert merged_sums.sizes.tolist() == [11, 6, 5]


def test_of_too_many_parties_nothing_is_tried():
    many = dataclasses.replace(promises(), parties=parties() * 7)
    with pytest.raises(ValueError, match="at most 20 parties, got 21"):
        stress(KEY, many)


def test_gains_are_a_table():
    gains = found().relative_gains()
    assert len(gains["withhold half"]) == 3
    for trial in found().trials:
        expected = trial.joint_gain / found().joint_values[trial.party]
        assert gains[trial.strategy][trial.party] == pytest.approx(expected)
    # Without reward values there is no gain to speak of.
    failed = dataclasses.replace(found().trials[0], joint_gain=np.nan)
    unsolved = dataclasses.replace(found(), trials=(failed,))
    assert unsolved.relative_gains()[failed.strategy] == [None, None, None]


def test_the_sentence_names_the_most_profitable_trial():
    gains = found().relative_gains()
    best = max(found().profitable, key=lambda t: gains[t.strategy][t.party])
    sentence = stress_sentence(found(), ["Ada", "Bo", "Cy"])
    num, num_paying = len(found().trials), len(found().profitable)
    assert sentence.startswith(f"{num_paying} of the {num} manipulations tried would ")
    assert f'for {["Ada", "Bo", "Cy"][best.party]}, by "{best.strategy}"' in sentence
    losing = tuple(t for t in found().trials if t not in found().profitable)
    assert len(losing) > 1
    assert stress_sentence(dataclasses.replace(found(), trials=losing)) == (
        f"None of the {len(losing)} manipulations tried was profitable."
    )

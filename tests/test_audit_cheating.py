"""Manipulations, each against a collaboration computed from scratch."""

import dataclasses
from functools import cache

import jax
import numpy as np
import oracles
import pytest

import cgm_jax
from cgm_jax.audit import Stress, stress
from cgm_jax.audit.cheating import _Game
from cgm_jax.audit.manipulations import deal, merged, submissions
from cgm_jax.gram import GramSums, gram_sums
from cgm_jax.kernels import SquaredExponential
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
def found() -> Stress:
    return stress(
        KEY,
        parties(),
        candidates(),
        kernel=KERNEL,
        stability=False,
        inverse_temperature=4.0,
        outlier_scales=(1e3,),
    )


def pieces_of(weights: np.ndarray, blocks: list[np.ndarray]) -> np.ndarray:
    return np.concatenate(
        [np.repeat(x, int(w), axis=0) for w, x in zip(weights, blocks, strict=True)]
    )


@pytest.mark.slow
@pytest.mark.parametrize("party", range(3))
def test_every_manipulation_equals_handing_it_in(party: int):
    """The points are built, and a scheme is solved for them from the start."""
    parts = deal(jax.random.fold_in(KEY, 2**31 - 1), parties())
    honest = found().honest
    best_other = int(
        np.argmax(np.where(np.arange(3) == party, -9, honest.shapley_values))
    )
    trials = [t for t in found().trials if t.party == party]
    handed = list(submissions(parts, party, best_other=best_other))
    assert [t.strategy for t in trials[:-1]] == [name for name, _ in handed]
    for trial, (_, weights) in zip(trials[:-1], handed, strict=True):
        mine = [pieces_of(w, parts.blocks) for w in weights]
        others = [x for i, x in enumerate(parties()) if i != party]
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


def test_what_is_held_is_valued_by_the_definition():
    """The joint value of honest parties is v(D_i ∪ G_i) of the draw."""
    kernel = oracles.squared_exponential(0.7)
    reference = np.concatenate([*parties(), candidates()])
    for i, value in enumerate(found().joint_values):
        assert value >= found().honest.reward_values[i] - 1e-9
        assert value > oracles.value(kernel, parties()[i], reference)
    sums = gram_sums(KERNEL, parties(), candidates())
    game = _Game(KEY, KERNEL, candidates(), sums, 1.0, stability=False)
    picks = np.array([3, 3, 17, 90])
    held = np.concatenate([parties()[1], candidates()[picks]])
    assert game.value_of(1, picks) == pytest.approx(
        oracles.value(kernel, held, reference), rel=1e-12
    )
    assert game.value_of(1, picks[:0]) == pytest.approx(
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
    (row, *others) = found().rows(["Ada", "Bo", "Cy"])
    assert row["party"] == "Ada" and row["strategy"] == "split in 2"
    assert row["status"] == "optimal" and len(others) == 3 * 9 - 1


@pytest.mark.slow
def test_an_outlier_searches_the_length_scale_anew():
    few = [x[:5] for x in parties()]
    result = stress(KEY, few, candidates(), stability=False, outlier_scales=(10.0,))
    honest = {t.length_scale for t in result.trials if t.strategy == "split in 2"}
    outliers = [t for t in result.trials if "outlier" in t.strategy]
    assert len(outliers) == 3 and len(honest) == 1
    changed = [*few]
    pool = np.concatenate(few)
    row = pool.mean(axis=0) + 10 * pool.std(axis=0) / np.sqrt(2)
    changed[0] = np.concatenate([few[0], row[None]])
    expected = cgm_jax.gram.smallest_length_scale(
        SquaredExponential(1.0), changed, candidates()
    )
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


def test_one_party_has_nobody_to_deceive():
    with pytest.raises(ValueError, match="2 to 20 parties, got 1"):
        stress(KEY, parties()[:1], candidates())


def test_gains_are_a_table_and_a_sentence():
    gains = found().relative_gains()
    assert len(gains["withhold half"]) == 3
    for trial in found().trials:
        expected = trial.joint_gain / found().joint_values[trial.party]
        assert gains[trial.strategy][trial.party] == pytest.approx(expected)
    best = max(found().profitable, key=lambda t: gains[t.strategy][t.party])
    sentence = found().sentence(["Ada", "Bo", "Cy"])
    num = len(found().trials)
    assert sentence.startswith(f"Of {num} trials of cheating, ")
    assert f"{len(found().profitable)} would have paid" in sentence
    assert f'for {["Ada", "Bo", "Cy"][best.party]}, by "{best.strategy}"' in sentence
    losing = tuple(t for t in found().trials if t not in found().profitable)
    assert len(losing) > 1
    assert dataclasses.replace(found(), trials=losing).sentence() == (
        f"Of {len(losing)} trials of cheating, none would have paid."
    )
    # Without reward values there is no gain to speak of.
    failed = dataclasses.replace(found().trials[0], joint_gain=np.nan)
    unsolved = dataclasses.replace(found(), trials=(failed,))
    assert unsolved.relative_gains()[failed.strategy] == [None, None, None]

"""Manipulations, each against a collaboration computed from scratch."""

import dataclasses
from functools import cache

import jax
import numpy as np
import oracles
import pytest

from cgm_jax import Promises, promise
from cgm_jax.audit import MANIPULATIONS, Manipulation, Stress, outlier, stress
from cgm_jax.audit.cheating import _Trials
from cgm_jax.audit.manipulations import Position
from cgm_jax.gram import gram_sums, smallest_length_scale
from cgm_jax.kernels import SquaredExponential
from cgm_jax.report.data import trial_rows
from cgm_jax.report.sentences import stress_sentence
from cgm_jax.rewards import scheme_from_sums
from cgm_jax.sampling import weighted_sampling
from cgm_jax.scoring import HandedIn, Semivalues, Shapley, SumOfPoints

KEY = jax.random.key(3)
KERNEL = SquaredExponential(0.7)
SIZES = (24, 35, 60)
SCORINGS = (Shapley(), Semivalues("banzhaf"), SumOfPoints())
OUTLIER = outlier(1e3)
# Gains and numbers of points of some trials, by the first version of them.
RECORDED = {
    (0, "split in 3"): (0.024211025983, 2),
    (0, "copy the best other"): (0.197189907516, 47),
    (0, "add as much noise"): (0.189453169433, 31),
    (1, "split in 3"): (-0.001131698435, 40),
    (1, "copy the best other"): (-0.016629648955, 66),
    (1, "add as much noise"): (-0.017328863176, 24),
    (2, "withhold half"): (-0.01455313909, 2),
    (2, "copy the best other"): (0.083243477936, 30),
    (2, "add as much noise"): (0.102648921188, 113),
}


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
    return stress(
        KEY,
        promises(),
        scorings=SCORINGS,
        inverse_temperature=4.0,
        outlier_scales=(1e3,),
    )


def position(party: int, key: jax.Array = KEY) -> Position:
    phi = promises().scheme.shapley_values
    best = int(np.argmax(np.where(np.arange(3) == party, -9, phi)))
    deal_key, _ = jax.random.split(key)
    own_key = jax.random.fold_in(deal_key, party)
    return Position(own_key, parties(), party, best, candidates())


def value_of(party: int, held: np.ndarray) -> float:
    """v of what a party holds as if everybody had been honest."""
    reference = np.concatenate([*parties(), candidates()])
    del party
    return oracles.value(oracles.squared_exponential(0.7), held, reference)


def from_scratch(party: int, manipulation: Manipulation, scoring) -> dict[str, float]:
    """What a party gets for what it hands in, with nothing known beforehand.

    What it handed in comes first, and all others' rows are one party that gets nothing,
    so that chance is that of the trials.
    """
    sets = [np.concatenate(x) for x in manipulation.hand_in(position(party))]
    others = [x for i, x in enumerate(parties()) if i != party]
    everyone = [*sets, *others]
    sums = gram_sums(KERNEL, everyone, candidates())
    scores = scoring.scores(HandedIn(KERNEL, everyone, candidates(), sums))
    scheme = scheme_from_sums(sums, scores=scores, stability=False)
    mine = slice(len(sets))
    _, draw_key = jax.random.split(KEY)
    rewards = weighted_sampling(
        jax.random.fold_in(draw_key, party),
        KERNEL,
        candidates(),
        gram_sums(KERNEL, [*sets, np.concatenate(others)], candidates()),
        np.append(scheme.reward_values[mine], -np.inf),
        inverse_temperature=4.0,
    )
    picks = np.concatenate([reward.indices for reward in rewards])
    held = np.concatenate([parties()[party], candidates()[picks]])
    return {
        "phi": scheme.shapley_values[mine].sum(),
        "r": scheme.reward_values[mine].max(),
        "rho": scheme.rho,
        "held": value_of(party, held),
        "points": len(picks),
    }


HONEST = Manipulation("honest", lambda at: [(at.own,)])


@pytest.mark.slow
@pytest.mark.parametrize("scoring", SCORINGS, ids=lambda scoring: scoring.name)
def test_every_manipulation_equals_handing_it_in(scoring):
    """The points are built, a scheme is solved for them, and drawn, from the start."""
    tried = [*MANIPULATIONS, OUTLIER]
    for party in range(3):
        trials = {
            trial.strategy: trial
            for trial in found().trials
            if trial.party == party and trial.scoring == scoring.name
        }
        assert list(trials) == [each.name for each in tried]
        honest = from_scratch(party, HONEST, scoring)
        assert found().joint_values[scoring.name][0, party] == pytest.approx(
            honest["held"], rel=1e-12
        )
        for each in tried:
            trial, expected = trials[each.name], from_scratch(party, each, scoring)
            gains = {name: expected[name] - honest[name] for name in expected}
            assert trial.shapley_gain == pytest.approx(gains["phi"], abs=1e-12)
            assert trial.reward_gain == pytest.approx(gains["r"], abs=1e-8)
            assert trial.rho == pytest.approx(expected["rho"], abs=1e-7)
            assert trial.num_points == expected["points"]
            assert trial.joint_gain == pytest.approx(gains["held"], abs=1e-12)


@pytest.mark.medium
def test_the_first_trials_are_what_they_were():
    """Figures of the first version, which had them from weights of parts."""
    trials = {(trial.party, trial.strategy): trial for trial in found().trials_in_use}
    for which, (gain, num_points) in RECORDED.items():
        assert trials[which].joint_gain == pytest.approx(gain, abs=1e-9)
        assert trials[which].num_points == num_points


def test_honest_parties_are_promised_and_hold_the_same_as_without_trials():
    for scoring in SCORINGS:
        scheme = promise(
            parties(), candidates(), kernel=KERNEL, stability=False, scoring=scoring
        ).scheme
        honest = found().honest[scoring.name]
        assert honest.scoring == scoring.name and not honest.stability
        np.testing.assert_allclose(
            honest.shapley_values, scheme.shapley_values, rtol=1e-9
        )
        np.testing.assert_allclose(
            honest.reward_values, scheme.reward_values, rtol=1e-7
        )
    assert len({t.length_scale for t in found().trials}) == 1  # that of the promises


@pytest.mark.medium
def test_a_scheme_alone_has_the_same_trials_as_beside_others():
    """One draw, up to the largest reward value, is that of all schemes."""
    for scoring in SCORINGS[1:]:
        alone = stress(
            KEY,
            promises(),
            scorings=[scoring],
            manipulations=MANIPULATIONS[1:6:4],
            inverse_temperature=4.0,
            outlier_scales=(),
        )
        assert alone.in_use == scoring.name
        names = {trial.strategy for trial in alone.trials}
        beside = [
            trial
            for trial in found().trials
            if trial.scoring == scoring.name and trial.strategy in names
        ]
        assert len(names) == 2 and len(beside) == 6
        for one, other in zip(alone.trials, beside, strict=True):
            assert one.num_points == other.num_points
            assert one.joint_gain == pytest.approx(other.joint_gain, abs=1e-12)


@pytest.mark.medium
def test_every_key_has_trials_of_its_own():
    options = dict(
        manipulations=MANIPULATIONS[7:8], inverse_temperature=4.0, outlier_scales=()
    )
    keys = jax.random.split(KEY, 2)
    both = stress(keys, promises(), **options)
    assert both.joint_values["shapley"].shape == (2, 3)
    assert [trial.repeat for trial in both.trials] == [0] * 3 + [1] * 3
    for repeat, key in enumerate(keys):
        (first, *_) = stress(key, promises(), **options).trials
        assert first.joint_gain == both.trials[3 * repeat].joint_gain
    assert both.trials[0].joint_gain != both.trials[3].joint_gain


def test_what_is_held_is_valued_by_the_definition():
    """The joint value of honest parties is v(D_i ∪ G_i) of the draw."""
    for i, value in enumerate(found().joint_values["shapley"][0]):
        assert value >= found().honest["shapley"].reward_values[i] - 1e-9
        assert value > value_of(i, parties()[i])
    trials = _Trials(promises(), parties(), candidates(), promises().sums, (), 1.0)
    lanes = [np.array([3, 3, 17, 90]), np.array([5, 399, 8])]
    counts = np.array([[4, 1], [0, 0], [2, 3], [4, 0], [2, 1]])
    for count, value in zip(counts, trials.values_held(1, lanes, counts), strict=True):
        picks = np.concatenate([lanes[0][: count[0]], lanes[1][: count[1]]])
        held = np.concatenate([parties()[1], candidates()[picks]])
        assert value == pytest.approx(value_of(1, held), rel=1e-12)
    (alone,) = trials.values_held(1, lanes, np.zeros((1, 2), int))
    assert alone == pytest.approx(value_of(1, parties()[1]), rel=1e-12)


def test_withholding_lowers_what_is_contributed():
    for party in range(3):
        mine = [t for t in found().trials_in_use if t.party == party]
        by_name = {t.strategy: t for t in mine}
        tenth, half = by_name["withhold nine tenths"], by_name["withhold half"]
        assert tenth.shapley_gain < half.shapley_gain
    assert len(found().profitable) < len(found().trials_in_use)
    gains = [t.joint_gain for t in found().profitable]
    assert gains == sorted(gains, reverse=True) and all(g > 0 for g in gains)


def test_labels_say_which_rows_are_rare():
    rare = [np.arange(len(x)) < 3 for x in parties()]
    tried = [each for each in MANIPULATIONS if "rare" in each.name]
    seen = []
    watched = Manipulation(
        "watched", lambda at: seen.append(at) or tried[0].hand_in(at)
    )
    stress(KEY, promises(), labels=rare, manipulations=[watched], outlier_scales=())
    for at, points in zip(seen, parties(), strict=True):
        np.testing.assert_array_equal(at.without_rare, points[3:])
    with pytest.raises(ValueError, match=r"shapes \[\(24,\), \(35,\)\]"):
        stress(KEY, promises(), labels=rare[:2])
    with pytest.raises(ValueError, match=r"labels of \[24, 35, 60\] rows .* \[\(23,"):
        stress(KEY, promises(), labels=[rare[0][1:], *rare[1:]])


def test_rows_are_for_a_table():
    (row, *others) = trial_rows(found(), ["Ada", "Bo", "Cy"])
    assert row["party"] == "Ada" and row["strategy"] == "split in 2"
    assert row["status"] == "optimal" and row["scoring"] == "shapley"
    assert len(others) == 3 * len(SCORINGS) * (len(MANIPULATIONS) + 1) - 1


@pytest.mark.slow
def test_an_outlier_searches_the_length_scale_anew():
    few = [x[:5] for x in parties()]
    result = stress(
        KEY,
        promise(few, candidates(), stability=False),
        manipulations=MANIPULATIONS[:1],
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


@pytest.mark.medium
def test_what_cannot_be_handed_in_is_no_trial():
    few = [x[:4] for x in parties()]
    few_promises = promise(few, candidates(), kernel=KERNEL, stability=False)
    result = stress(KEY, few_promises, manipulations=MANIPULATIONS[:3])
    names = {trial.strategy for trial in result.trials}
    assert {"split in 2", "split in 3"} < names and "split in 5" not in names


def test_names_tell_schemes_and_manipulations_apart():
    with pytest.raises(ValueError, match="scorings of different names"):
        stress(KEY, promises(), scorings=[Shapley(), Shapley()])
    with pytest.raises(ValueError, match="manipulations of different names"):
        stress(KEY, promises(), manipulations=[HONEST, HONEST])


def test_of_too_many_parties_nothing_is_tried():
    many = dataclasses.replace(promises(), parties=parties() * 7)
    with pytest.raises(ValueError, match="at most 20 parties, got 21"):
        stress(KEY, many)


def test_the_sentence_names_the_most_profitable_trial():
    gains = found().relative_gains()
    best = max(found().profitable, key=lambda t: gains[t.strategy][t.party])
    sentence = stress_sentence(found(), ["Ada", "Bo", "Cy"])
    num, num_paying = len(found().trials_in_use), len(found().profitable)
    assert sentence.startswith(f"{num_paying} of the {num} manipulations tried would ")
    assert f'for {["Ada", "Bo", "Cy"][best.party]}, by "{best.strategy}"' in sentence
    losing = tuple(t for t in found().trials_in_use if t not in found().profitable)
    assert len(losing) > 1
    assert stress_sentence(dataclasses.replace(found(), trials=losing)) == (
        f"None of the {len(losing)} manipulations tried was profitable."
    )

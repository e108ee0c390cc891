"""The table of what manipulations gain, against loops by hand."""

import dataclasses

import numpy as np
import pytest
from small_collaborations import small_collaboration

from cgm_jax.audit import GainTable, Stress, Trial

SCHEMES, STRATEGIES = ("shapley", "points"), ("copy", "noise", "split")


def made_up(num_keys: int = 3, *, missing: bool = True) -> Stress:
    """Gains at random, some of which are not there."""
    rng = np.random.default_rng(5)
    scheme = small_collaboration(3, 2).promises.scheme
    held = {name: rng.uniform(0.5, 2, size=(num_keys, 3)) for name in SCHEMES}
    trials = []
    for repeat in range(num_keys):
        for name in SCHEMES:
            for strategy in STRATEGIES:
                for party in range(3):
                    gain = rng.normal()
                    if missing and (
                        (strategy == "noise" and name == "points")
                        or (party == 1 and repeat == 0)
                    ):
                        gain = np.nan
                    trials.append(
                        Trial(
                            party,
                            strategy,
                            joint_gain=gain,
                            scoring=name,
                            repeat=repeat,
                        )
                    )
    return Stress(dict.fromkeys(SCHEMES, scheme), held, tuple(trials))


def standard_error(numbers: list[float]) -> float:
    return float(np.std(numbers, ddof=1) / np.sqrt(len(numbers)))


def test_the_table_by_hand():
    found = made_up()
    table = found.table()
    assert table.schemes == SCHEMES and table.manipulations == STRATEGIES
    for i, name in enumerate(SCHEMES):
        for j, strategy in enumerate(STRATEGIES):
            gains: dict[int, dict[int, float]] = {0: {}, 1: {}, 2: {}}
            for trial in found.trials:
                if (trial.scoring, trial.strategy) == (name, strategy):
                    held = found.joint_values[name][trial.repeat][trial.party]
                    if not np.isnan(trial.joint_gain):
                        gains[trial.party][trial.repeat] = trial.joint_gain / held
            if not any(gains.values()):
                assert np.isnan(table.most[i, j]) and np.isnan(table.mean[i, j])
                assert table.most_party[i, j] == -1
                continue
            means = {p: np.mean(list(of.values())) for p, of in gains.items()}
            who = max(means, key=lambda p: means[p])
            assert table.most_party[i, j] == who
            assert table.most[i, j] == pytest.approx(means[who])
            assert table.mean[i, j] == pytest.approx(np.mean(list(means.values())))
            assert table.most_error[i, j] == pytest.approx(
                standard_error(list(gains[who].values()))
            )
            by_key = [
                np.mean([of[key] for of in gains.values() if key in of])
                for key in range(3)
            ]
            assert table.mean_error[i, j] == pytest.approx(standard_error(by_key))
    assert table.worst.tolist() == np.nanmax(table.most, axis=1).tolist()


def test_one_key_has_no_standard_error():
    table = made_up(1, missing=False).table()
    assert np.isfinite(table.most).all() and np.isnan(table.most_error).all()


def test_the_table_is_a_frame():
    table = made_up().table()
    frame = table.to_frame()
    assert frame.loc[("points", "split"), "most"] == table.most[1, 2]
    assert list(frame.index.names) == ["scheme", "manipulation"] and len(frame) == 6
    assert isinstance(table, GainTable) and repr(table).startswith("GainTable(")


def test_gains_are_means_over_the_keys():
    found = made_up()
    gains = found.relative_gains()
    assert gains.keys() == set(STRATEGIES)
    mine = [
        found.relative_gain(trial)
        for trial in found.trials
        if (trial.scoring, trial.strategy, trial.party) == ("shapley", "copy", 2)
    ]
    assert len(mine) == 3 and gains["copy"][2] == pytest.approx(np.mean(mine))
    assert found.relative_gains("points")["noise"] == [None, None, None]


def test_what_pays_is_of_the_scheme_in_use():
    found = made_up()
    assert found.in_use == "shapley"
    assert found.profitable and {t.scoring for t in found.profitable} == {"shapley"}
    other = dataclasses.replace(
        found, honest={name: found.honest[name] for name in reversed(SCHEMES)}
    )
    assert {t.scoring for t in other.profitable} == {"points"}

"""The numbers of a report as plain objects, strict JSON in full."""

import dataclasses
import json

import numpy as np
import pytest
from report_pages import NAMES, one, origin_of, section_of, section_of_all_draws
from small_collaborations import (
    SIZES,
    several_draws,
    small_collaboration,
    stable_collaboration,
    with_promises,
)
from small_generators import QUALITY, trained

from cgm_jax.audit import audit, audit_promises
from cgm_jax.files import write_json
from cgm_jax.kernels import SquaredExponential
from cgm_jax.report import audit_data, report_data


def test_an_audit_is_ready_for_json():
    result = stable_collaboration()
    promises = result.promises
    only_promised = audit_promises(promises.coalition_values, promises.scheme)
    for found, handed_out in ((audit(result), True), (only_promised, False)):
        data = json.loads(json.dumps(audit_data(found, NAMES), allow_nan=False))
        assert data["kept"] is True and data["broken"] == []
        assert set(data["assigned"]) == set(found.assigned)
        tightest = found.assigned["R6"]
        assert data["assigned"]["R6"] == {
            "holds": True,
            "margin": tightest.margin,
            "parties": [NAMES[tightest.parties[0]]],
            "coalition": [NAMES[i] for i in tightest.coalition],
            "cases": 3,
            "promised": True,
        }
        assert data["assigned"]["F1"]["margin"] is None
        assert data["assigned"]["R7"]["promised"] is False
        assert (data["realised_welfare"] is None) != handed_out
        assert data["proposition_3"]["monotone"] is found.conditions.monotone
        if handed_out:
            assert data["realised"]["R2"]["promised"] is False


@pytest.mark.parametrize("size", SIZES)
def test_data_are_strict_json_and_exact(tmp_path, size):
    result = small_collaboration(*size)
    names = [f"bank {i}" for i in range(size[0])]
    settings = {"seed": np.int64(3), "sizes": np.arange(2), "device": ("cpu", 0.1)}
    data = report_data(section_of(result, names), settings=settings)
    write_json(tmp_path / "report.json", data)
    assert json.loads((tmp_path / "report.json").read_text("utf-8")) == data
    assert data["settings"] == {"seed": 3, "sizes": [0, 1], "device": ["cpu", 0.1]}
    promises, scheme = result.promises, result.promises.scheme
    for name, values in {
        "shapley_value": scheme.shapley_values,
        "normalized_shapley": scheme.normalized_shapley,
        "own_value": scheme.own_values,
        "lower_value": scheme.lower_values,
        "reward_value": scheme.reward_values,
        "upper_value": scheme.upper_values,
        "own_value_pool_only": promises.pool_own_values,
        "name": names,
        "rows": [len(points) for points in promises.parties],
    }.items():
        assert [party[name] for party in data["parties"]] == list(values)
    assert data["length_scale"] == promises.length_scale
    assert data["rho"] == scheme.rho
    assert data["max_reward_value"] == scheme.max_reward_value
    assert data["limiting_upper_party"] == scheme.limiting_upper_party
    assert data["limiting_lower_party"] == scheme.limiting_lower_party
    (draw,) = data["draws"]
    assert draw["inverse_temperature"] == 1
    for numbers, reward in zip(draw["rewards"], result.draw.rewards, strict=True):
        assert numbers["num_points"] == len(reward.indices)
        assert numbers["final_value"] == reward.final_value
        assert numbers["stop_reason"] == reward.stop_reason
    if size[0] <= 10:
        assert data["coalition_values"] == promises.coalition_values.tolist()
        assert data["coalition_values_pool_only"] == promises.pool_values.tolist()
    else:
        assert not [name for name in data if name.startswith("coalition")]


def test_data_say_how_shapley_values_were_computed():
    for size, method in [((3, 2), "all coalitions"), ((24, 64), "polynomial time")]:
        section = section_of(small_collaboration(*size), ["a"] * size[0])
        assert report_data(section, settings={})["shapley_method"] == method


def test_data_of_several_draws():
    _, draws = several_draws()
    data = report_data(section_of_all_draws(), settings={})
    betas = [draw["inverse_temperature"] for draw in data["draws"]]
    assert betas == [1, 2, 8, "inf"]
    counts = [[r["num_points"] for r in draw["rewards"]] for draw in data["draws"]]
    assert counts == [[len(r.indices) for r in drawn.rewards] for drawn in draws]


def test_what_does_not_exist_is_null():
    result = with_promises(one(), kernel=SquaredExponential(np.ones(2)))
    data = report_data(section_of(result), settings={"accuracy": np.float32("nan")})
    assert data["length_scale"] is None
    assert data["settings"]["accuracy"] is None


def test_figures_of_a_trained_generator_are_in_the_data(tmp_path):
    model = trained()
    data = report_data(section_of(one()), settings={}, origin=origin_of(model))
    write_json(tmp_path / "report.json", data)
    assert json.loads((tmp_path / "report.json").read_text("utf-8")) == data
    found = data["generator"]["quality"]
    assert found == json.loads(json.dumps(dataclasses.asdict(QUALITY)))
    history = data["generator"]["history"]
    assert list(history) == ["step", "loss", "mmd2", "mmd2_at_quarter", "learning_rate"]
    np.testing.assert_array_equal(list(history.values()), model.history.T)
    assert "generator" not in report_data(section_of(one()), settings={})
    data = report_data(section_of(one()), settings={}, origin=origin_of())
    assert "generator" not in data

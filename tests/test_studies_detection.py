"""The study of detection: its cases, its rates, and the results that are printed."""

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks.studies.detection import (
    KINDS,
    Case,
    Rate,
    detection_rows,
    line_of_rate,
    measure_detection,
    plain_rate,
    sources,
)

RESULTS = Path(__file__).parent.parent / "benchmarks/results/detection.json"


def case() -> Case:
    """Two numbers and a category in two coordinates; two parties."""
    rng = np.random.default_rng(0)
    numbers = rng.normal(size=(90, 2)) * [1, 100]
    kinds = np.eye(2)[rng.integers(0, 2, 90)]
    points = np.concatenate([numbers, kinds], axis=1)
    groups = np.array([0, 1, 2, 2])
    return Case([points[:50], points[50:]], np.arange(4) < 2, groups)


@pytest.mark.parametrize("kind", KINDS)
def test_only_one_party_hands_in_something_else(kind):
    honest = case()
    _, plant = KINDS[kind]
    first, second = plant(np.random.default_rng(1), honest, 0, 1)
    assert second is honest.parties[1]
    added = first if "alone" in kind else first[50:]
    if "alone" not in kind:
        np.testing.assert_array_equal(first[:50], honest.parties[0])
    num = {"quarter": 10, "twice": 80, "noise": 50}
    assert len(added) == next((n for word, n in num.items() if word in kind), 40)
    assert (added[:, 2:].sum(axis=1) == 1).all()  # categories stay categories
    if "noise" not in kind:
        copied = np.abs(added[:, None] - second[None]).min(axis=1)
        assert (copied <= np.array([[0.7, 70, 0, 0]])).all()


def test_moved_copies_are_moved_by_so_much():
    honest = case()
    _, plant = KINDS["copy, moved by 0.1 sd"]
    added = plant(np.random.default_rng(1), honest, 0, 1)[0][50:]
    spread = np.concatenate(honest.parties).std(axis=0)[:2]
    order = np.argsort(honest.parties[1][:, 1])  # of the column of large numbers
    moves = np.sort(added[:, 1]) - honest.parties[1][order, 1]
    assert 0 < np.abs(moves).max() < 0.5 * spread[1]


def test_intervals_are_wilsons():
    low, high = Rate("copy", "wine", 8, 10).interval  # by hand
    assert (low, high) == (
        pytest.approx(0.4902, abs=1e-3),
        pytest.approx(0.9433, abs=1e-3),
    )
    assert Rate("copy", "wine", 0, 40).interval[0] == 0


def test_rates_of_all_sources_are_summed():
    rates = [Rate("copy", "wine", 3, 4), Rate("copy", "digits", 1, 6)]
    *_, total = detection_rows(rates)
    assert total == Rate("copy", "all", 4, 10)
    assert "4 of 10" in line_of_rate(total) and "40.0 %" in line_of_rate(total)


@pytest.mark.slow
def test_a_small_study(monkeypatch):
    import benchmarks.studies.detection as module

    wine = {"wine": sources(None)["wine"]}
    monkeypatch.setattr(module, "sources", lambda adult: wine)
    rates = {rate.kind: rate for rate in measure_detection(None, num_cases=2)}
    assert len(rates) == len(KINDS) + 4
    assert rates["copy"].found == 2
    assert all(rate.found == 0 for kind, rate in rates.items() if "honest" in kind)


def test_the_results_have_every_kind_and_what_they_say_of_it():
    found = json.loads(RESULTS.read_text("utf-8"))
    rates = [
        Rate(**{name: row[name] for name in Rate._fields}) for row in found["rates"]
    ]
    assert [plain_rate(rate) for rate in rates] == found["rates"]
    total = {rate.kind: rate for rate in rates if rate.source == "all"}
    assert set(KINDS) < set(total)
    for kind, rate in total.items():
        if kind.startswith("honest"):
            assert rate.cases == 240 and rate.found / rate.cases <= 0.02
    assert total["copy"].found / total["copy"].cases >= 0.95

"""What cheating gains under every scheme, on small cases."""

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks.studies.__main__ import main as studies
from benchmarks.studies.cheating import (
    OUTLIERS,
    adult_case,
    cases,
    gain_lines,
    measure_cheating,
    plain_case,
)
from cgm_jax.audit import MANIPULATIONS
from cgm_jax.scoring import SCORINGS

RESULTS = Path(__file__).parent.parent / "benchmarks/results/cheating.json"
NUM_WAYS = len(MANIPULATIONS) + len(OUTLIERS)


@pytest.mark.medium
def test_cases_are_parties_with_labels_and_candidates():
    found = list(cases(30, 200))
    assert [case.name for case in found] == [
        "credit ratings, equal-disjoint",
        "credit ratings, unequal",
        "digits, equal-disjoint",
    ]
    for case in found:
        assert len(case.parties) == 5 and case.candidates.shape[0] == 200
        assert all(len(x) == 30 for x in (*case.parties, *case.labels))


@pytest.mark.medium
def test_a_case_is_tried_and_written():
    case = next(cases(20, 150))
    scorings = [SCORINGS["shapley"], SCORINGS["banzhaf"]]
    found = measure_cheating(case, num_keys=2, scorings=scorings)
    plain = plain_case(case, found)
    assert json.loads(json.dumps(plain, allow_nan=False)) == plain
    assert list(plain["honest"]) == ["shapley", "banzhaf"]
    assert np.shape(plain["gains"]["most"]) == (2, NUM_WAYS)
    assert np.isfinite(plain["gains"]["most_error"]).all()
    title, heading, *lines, worst = gain_lines(case, found)
    assert case.name in title and heading.split() == ["shapley", "banzhaf"]
    assert len(lines) == NUM_WAYS and lines[0].startswith("split in 2")
    first = f"{100 * plain['gains']['most'][0][0]:+.1f} ± "
    assert first in lines[0] and worst.startswith("the worst")


@pytest.mark.medium
def test_a_table_is_cut_by_a_column(tmp_path):
    rng = np.random.default_rng(0)
    words = rng.choice(list("abcdef"), p=[0.3, 0.25, 0.2, 0.12, 0.1, 0.03], size=900)
    age = rng.integers(17, 90, size=900)
    income = np.where(age > 40, ">50K", "<=50K")
    rows = [",".join(map(str, row)) for row in zip(age, words, income, strict=True)]
    file = tmp_path / "adult.csv"
    file.write_text("\n".join(["age,education,income-per-year", *rows]))
    case = adult_case(file, 40, 300)
    assert [len(x) for x in case.parties] == [40] * 5 and len(case.candidates) == 300
    assert {int(y) for labels in case.labels for y in labels} == {0, 1}
    assert all(x.shape[1] == case.candidates.shape[1] for x in case.parties)


def test_without_the_table_it_says_so(monkeypatch, tmp_path, capsys):
    command = "benchmarks.studies.schemes."
    monkeypatch.setattr(command + "cases", lambda *sizes: [])
    for words, message in (
        ([], "Adult is left out: --adult FILE adds it."),
        (["--adult", str(tmp_path / "none.csv")], "none.csv is not there."),
    ):
        with pytest.raises(SystemExit) as stopped:
            studies(["cheating", *words, "--out", str(tmp_path / "out.json")])
        assert not stopped.value.code
        printed = "".join(capsys.readouterr())
        assert message.replace(" ", "") in printed.replace(" ", "").replace("\n", "")


def test_what_was_found_is_in_the_results():
    found = json.loads(RESULTS.read_text("utf-8"))
    assert found["keys"] >= 2
    assert len(found["data"]) == 4
    for case in found["data"]:
        gains = case["gains"]
        assert set(gains["schemes"]) <= set(SCORINGS) and "shapley" in gains["schemes"]
        shape = len(gains["schemes"]), len(gains["manipulations"])
        assert np.shape(gains["most"]) == np.shape(gains["mean"]) == shape
        assert gains["schemes"] == list(case["honest"])

"""What plans say beside what collaborations take: the study, and what it found."""

import json
from pathlib import Path

import pytest

from benchmarks.studies.__main__ import main
from benchmarks.studies.plans import CASES, Case, PlannedCase, line_of_case

RESULTS = Path(__file__).parents[1] / "benchmarks" / "results" / "plans.json"


def test_a_line_has_both_and_their_ratio():
    one = PlannedCase(Case(2_000, 20, 8, 500), 7, 3 * 10**9, 4 * 10**9, 3.0, 2.0)
    line = line_of_case(one)
    assert line.startswith("2,000 parties of 20 rows, 8 columns (float32), 500 candi")
    assert "said 3.000 GB, held 4.000 (0.75); said 3.0 s, took 2.0 (1.50)" in line
    ratios = one.as_json()
    assert ratios["said bytes / bytes"] == 0.75
    assert ratios["said seconds / seconds"] == 1.5


@pytest.mark.slow
def test_the_first_size(tmp_path, capsys, monkeypatch):
    # Compiling takes memory, which is counted; what is read from a cache takes less.
    monkeypatch.delenv("JAX_COMPILATION_CACHE_DIR", raising=False)
    out = tmp_path / "plans.json"
    with pytest.raises(SystemExit) as end:
        main(["plans", "--num-cases", "1", "--out", str(out)])
    assert not end.value.code
    (case,) = json.loads(out.read_text("utf-8"))["cases"]
    assert "3 parties of 200 rows" in capsys.readouterr().out
    assert case["num_picks"] > 0
    assert case["said bytes / bytes"] == pytest.approx(1, abs=0.25)
    assert case["seconds"] > 0 and case["said_seconds"] > 0


def test_the_results_are_of_ten_sizes_or_more():
    found = json.loads(RESULTS.read_text("utf-8"))["cases"]
    assert len(found) >= 10
    assert [Case(**one["case"]) for one in found] == list(CASES[: len(found)])
    for one in found:
        assert 0.88 <= one["said bytes / bytes"] <= 1.12
        assert 1 / 1.5 <= one["said seconds / seconds"] <= 1.5

"""What releases of a table cost, on a small one that a column cuts into parties."""

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks.studies.released_table import (
    EPSILONS,
    TableStudy,
    line_of_table,
    plain_table_row,
)

RESULTS = Path(__file__).parent.parent / "benchmarks/results/released-adult.json"
COLUMNS = [
    {"name": "x", "kind": "number", "low": -4, "high": 4},
    {"name": "site", "kind": "category", "values": list("abcdef")},
    {"name": "y", "kind": "category", "values": ["no", "yes"]},
]


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    folder, rng = tmp_path_factory.mktemp("study"), np.random.default_rng(0)
    x = rng.normal(size=3_000).round(3)
    site = rng.choice(list("abcdef"), p=[0.3, 0.25, 0.2, 0.12, 0.1, 0.03], size=3_000)
    y = np.where(x + rng.normal(size=3_000) / 4 > 0, "yes", "no")
    rows = [",".join(map(str, row)) for row in zip(x, site, y, strict=True)]
    (folder / "t.csv").write_text("\n".join(["x,site,y", *rows]))
    (folder / "columns.json").write_text(json.dumps(COLUMNS))
    return TableStudy.of(
        folder / "t.csv",
        folder / "columns.json",
        by="site",
        target="y",
        length_scale=0.7,
        num_features=200,
    )


def test_every_row_is_one_party_s_or_held_out(study):
    assert sum(study.sizes) + len(study.held_out["y"]) == 3_000
    assert len(study.held_out["y"]) == pytest.approx(600, abs=80)
    sites = [set(party["site"].values) for party in study.parties]
    assert sites == [{"a", "f"}, {"b"}, {"c"}, {"d"}, {"e"}]
    assert set(study.held_out["site"].values) == set("abcdef")


@pytest.mark.medium
def test_rows_of_releases_teach_what_the_parties_rows_do(study):
    rows = list(study.measure(num_steps=300, num_candidates=200, num_drawn=1_000))
    assert [row.epsilon for row in rows] == list(EPSILONS)
    real = study.real_utility()
    assert real.score > 0.95 and rows[-1].utility > 0.8
    assert 0.7 < rows[-1].accuracy < real.accuracy
    for row in rows:
        assert max(row.alpha) == max(row.alpha_of_rows) == 1
        error = np.abs(np.subtract(row.alpha, row.alpha_of_rows)).max()
        assert row.alpha_error == pytest.approx(error)
    assert rows[-1].alpha_error < 0.2
    assert plain_table_row(rows[-1])["epsilon"] == "infinity"
    assert "AUC" in line_of_table(rows[0]) and "accuracy" in line_of_table(rows[0])


def test_what_was_found_on_adult_is_in_the_results():
    found = json.loads(RESULTS.read_text())
    rows, real = found["from releases"], found["AUC of the parties' rows"]
    assert [row["epsilon"] for row in rows[:4]] == [1.0, 3.0, 10.0, "infinity"]
    assert len(rows) == 4 * found["seeds"]
    for row in rows:
        assert row["alpha_error"] < 0.05
        assert row["rank_correlation"] > 0.7
        assert 0.7 < row["utility"] < real
        assert 0.7 < row["accuracy"] < found["accuracy of the parties' rows"]

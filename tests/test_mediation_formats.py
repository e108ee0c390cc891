"""Dates in formats that a person declares, through the whole run."""

import csv
import json
import re
from pathlib import Path

import numpy as np
import pytest
from small_runs import cgm_jax, report_of

NAMES = ("north", "south")
CHOICES = [
    {"name": "arrival", "kind": "date or time", "format": "%H.%M Uhr"},
    # Each of these dates could be of the other order, too.
    {"name": "seen", "kind": "date or time", "format": "%d/%m/%Y"},
]


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open() as file:
        return list(csv.DictReader(file))


@pytest.mark.medium
def test_rewards_are_in_the_declared_formats_and_are_compared_so(no_figures, tmp_path):
    rng, files = np.random.default_rng(0), []
    for name in NAMES:
        minutes = rng.integers(8 * 60, 18 * 60, 90)
        lines = ["arrival,seen,age"] + [
            f"{m // 60:02d}.{m % 60:02d} Uhr,{day:02d}/03/2023,{age}"
            for m, day, age in zip(
                minutes, rng.integers(1, 13, 90), rng.integers(18, 90, 90), strict=True
            )
        ]
        files.append(tmp_path / f"{name}.csv")
        files[-1].write_text("\n".join(lines))
    columns, out = tmp_path / "columns.json", tmp_path / "out"
    columns.write_text(json.dumps(CHOICES))
    options = ("--num-candidates", 400, "--generator", "kde", "--resamples", 0)
    words = (*files, "--columns", columns, "--out", out, *options, "--no-stress")
    assert cgm_jax("run", *words) == 0
    for name in NAMES:
        rewards = rows_of(out / name / "reward.csv")
        assert len(rewards) > 0
        for row in rewards:
            assert re.fullmatch(r"(0[89]|1[0-7])\.[0-5]\d Uhr", row["arrival"])
            assert re.fullmatch(r"(0[1-9]|1[0-2])/03/2023", row["seen"])
    report = report_of(out)
    assert report["likeness"][0]["shape"] > 0.9  # days and months are not exchanged
    hours, days = (column["handed_out"] for column in report["columns"][:2])
    assert re.fullmatch(r"0[89]:\d\d:00 to 1[67]:\d\d:00", hours)
    assert days == "2023-03-01 to 2023-03-12"


@pytest.mark.medium
def test_times_of_day_are_said_to_be_text(tmp_path, capsys):
    files = [tmp_path / f"{name}.csv" for name in NAMES]
    for file, start in zip(files, (8, 9), strict=True):
        times = [f"{start + i % 10:02d}:{7 * i % 60:02d},{i % 7}" for i in range(40)]
        file.write_text("\n".join(["arrival,age", *times]))
    assert cgm_jax("check", *files, "--json") == 0
    (said, *_) = json.loads(capsys.readouterr().out)["warnings"]
    assert said.startswith("Column arrival: times of day, which are taken as text; if")
    declared = tmp_path / "columns.json"
    choice = {"name": "arrival", "kind": "date or time", "format": "%H:%M"}
    declared.write_text(json.dumps([choice]))
    assert cgm_jax("check", *files, "--json", "--columns", declared) == 0
    found = json.loads(capsys.readouterr().out)
    assert not any("times of day" in warning for warning in found["warnings"])
    assert found["columns"][0]["kind"] == "date or time"

"""From files to rewards, while no process reads the files of two parties."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from cgm_jax.privacy import Release

COLUMNS = [
    {"name": "age", "kind": "whole number", "low": 0, "high": 100},
    {"name": "job", "kind": "category", "values": ["clerk", "nurse"]},
]


def call(folder: Path, *words: str, code: int = 0) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "cgm_jax", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)},
    )
    assert done.returncode == code, done.stderr
    return done.stdout + done.stderr


def rows_of(mean: float, share: float, seed: int) -> str:
    rng = np.random.default_rng(seed)
    ages = np.clip(rng.normal(mean, 8, size=400), 0, 100).astype(int)
    jobs = np.where(rng.random(400) < share, "nurse", "clerk")
    lines = [f"{age},{job}" for age, job in zip(ages, jobs, strict=True)]
    return "\n".join(["age,job", *lines])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two releases, each made while no other party's file exists anywhere."""
    folder = tmp_path_factory.mktemp("releases")
    (folder / "columns.json").write_text(json.dumps(COLUMNS))
    call(
        folder,
        *("agree", "columns.json", "--out", "agreement.json", "--length-scale", "0.5"),
        *("--num-features", "400"),
    )
    for seed, (name, epsilon) in enumerate((("a", "1"), ("b", "3"))):
        file = folder / f"{name}.csv"
        file.write_text(rows_of(30 + 20 * seed, 0.3 + 0.4 * seed, seed))
        words = "release", file.name, "--agreement", "agreement.json"
        call(folder, *words, "--epsilon", epsilon, "--out", f"{name}.release")
        file.unlink()
    return folder


RUN = "run", "a.release", "b.release", "--agreement", "agreement.json"


@pytest.mark.slow
def test_rewards_come_of_releases_alone(folder):
    shown = call(folder, *RUN, "--out", "rewards", "--num-candidates", "2000")
    assert "ε = 1, δ = 1e-05" in shown
    report = json.loads((folder / "rewards" / "mediator" / "report.json").read_text())
    assert [party["epsilon"] for party in report["parties"]] == [1, 3]
    assert any("Not covered" in sentence for sentence in report["sentences"])
    for party in report["parties"]:
        path = folder / "rewards" / party["name"] / "reward.csv"
        header, *rows = path.read_text().splitlines()
        assert header == "age,job"
        assert len(rows) == party["rows_handed_out"] > 0
        for row in rows:
            age, job = row.split(",")
            assert 0 <= int(age) <= 100
            assert job in ("clerk", "nurse")
    again = call(folder, *RUN, "--out", "rewards", code=2)
    assert "--overwrite" in again


@pytest.mark.slow
def test_what_does_not_go_together_is_refused(folder):
    options = "--out", "other"
    assert "--agreement" in call(folder, *RUN[:3], *options, code=2)
    assert "--label-column: expected with rows only" in call(
        folder, *RUN, *options, "--label-column", "x", code=2
    )
    one = call(folder, "run", "a.release", *RUN[3:], *options, code=2)
    assert "two parties" in one
    call(
        folder,
        *("agree", "columns.json", "--out", "second.json", "--length-scale", "0.5"),
    )
    refused = call(folder, *RUN[:4], "second.json", *options, code=3)
    assert "a.release" in refused
    assert "the agreement" in refused
    zero = call(
        folder,
        *("release", "a.csv", "--agreement", "agreement.json", "--epsilon", "0"),
        *("--out", "zero.release"),
        code=2,
    )
    assert "--epsilon" in zero


@pytest.mark.slow
def test_noise_is_new_for_every_release_and_its_key_is_nowhere(folder):
    file = folder / "c.csv"
    file.write_text(rows_of(30, 0.3, 0))
    made = []
    for name in ("c1", "c2"):
        words = "release", file.name, "--agreement", "agreement.json"
        told = call(folder, *words, "--epsilon", "1", "--out", f"{name}.release")
        assert "private with ε = 1" in told
        made.append(Release.load(folder / f"{name}.release"))
    file.unlink()
    one, other = made
    assert not np.any(one.embedding == other.embedding)
    difference = (one.embedding - other.embedding) / (np.sqrt(2) * one.sigma)
    assert abs(difference.std() - 1) < 4 / np.sqrt(2 * len(difference))
    names = set(json.loads((folder / "c1.release").read_text()))
    assert names == {
        *("format", "embedding", "size", "epsilon", "delta", "sigma"),
        *("neighbours", "digest"),
    }

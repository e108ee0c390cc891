"""From files to rewards, while no process reads the files of two parties."""

import io
import json
import os
import subprocess
import sys
from contextlib import chdir, redirect_stderr, redirect_stdout
from pathlib import Path

import numpy as np
import pytest
from small_runs import cgm_jax

from cgm_jax.privacy import Release

COLUMNS = [
    {"name": "age", "kind": "whole number", "low": 0, "high": 100},
    {"name": "job", "kind": "category", "values": ["clerk", "nurse"]},
]


def call(folder: Path, *words: str, code: int = 0) -> str:
    """What a command says that is called in a folder."""
    said = io.StringIO()
    with chdir(folder), redirect_stdout(said), redirect_stderr(said):
        found = cgm_jax(*words)
    assert found == code, said.getvalue()
    return said.getvalue()


# A program that can open, in the parties' folder, what is named to it and no more.
GUARDED = """
import os, sys
folder, allowed = os.path.realpath(sys.argv[1]), set(sys.argv[2].split(","))

def guard(event, arguments):
    if event == "open" and isinstance(arguments[0], (str, bytes)):
        path = os.path.realpath(os.fsdecode(arguments[0]))
        inside = os.path.relpath(path, folder)
        names = inside.split(os.sep)
        if names[0] not in ("..", "out") and inside not in allowed:
            if not names[-1].startswith("."):  # a file that is about to be renamed
                raise PermissionError(13, "not of this party", path)

sys.addaudithook(guard)
from cgm_jax.cli import main
main(sys.argv[3:])
"""


def guarded(folder: Path, allowed: str, *words: str) -> subprocess.CompletedProcess:
    """A command that is refused every other file of the folder."""
    return subprocess.run(
        [sys.executable, "-c", GUARDED, str(folder), allowed, *words],
        cwd=folder,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)},
    )


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
    assert "found one on releases" in call(folder, "audit", "rewards", code=2)


@pytest.mark.slow
def test_what_does_not_go_together_is_refused(folder):
    options = "--out", "other"
    assert "--agreement" in call(folder, *RUN[:3], *options, code=2)
    assert "--label-column: expected with rows only" in call(
        folder, *RUN, *options, "--label-column", "x", code=2
    )
    assert "--scheme points: expected with rows only" in call(
        folder, *RUN, *options, "--scheme", "points", code=2
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


@pytest.mark.slow
def test_every_process_opens_the_file_of_one_party_at_most(tmp_path):
    """All files are there, and each command is let into its own."""
    (tmp_path / "columns.json").write_text(json.dumps(COLUMNS))
    for seed, name in enumerate("ab"):
        (tmp_path / f"{name}.csv").write_text(rows_of(30 + 20 * seed, 0.5, seed))
    agree = "agree", "columns.json", "--out", "agreement.json", "--length-scale", "0.5"
    files = "columns.json,agreement.json"
    done = guarded(tmp_path, files, *agree, "--num-features", "100")
    assert done.returncode == 0, done.stderr
    for name in "ab":
        words = "release", f"{name}.csv", "--agreement", "agreement.json"
        options = "--epsilon", "1", "--out", f"{name}.release"
        own = f"{name}.release,agreement.json"
        other = guarded(tmp_path, own, *words, *options)
        assert other.returncode == 6  # the guard holds: its own rows are not let in
        assert f"{name}.csv" in other.stderr
        done = guarded(tmp_path, f"{own},{name}.csv", *words, *options)
        assert done.returncode == 0, done.stderr
    allowed = "a.release,b.release,agreement.json"
    words = *RUN, "--out", "out", "--num-candidates", "500"
    done = guarded(tmp_path, allowed, *words)
    assert done.returncode == 0, done.stderr
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "a",
        "b",
        "mediator",
    }
    for name in "ab":
        own = sorted(path.name for path in (tmp_path / "out" / name).iterdir())
        assert own == ["reward.csv", "statement.html", "statement.json"]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:divide by zero:RuntimeWarning")  # of an ε of 1e9
def test_wrong_options_and_files_are_one_line_of_advice(folder):
    (folder / "d.csv").write_text(rows_of(30, 0.3, 3))
    release = "release", "d.csv", "--agreement", "agreement.json", "--out", "d.release"
    for epsilon in ("0", "-1", "nan", "x"):
        assert "--epsilon" in call(folder, *release, "--epsilon", epsilon, code=2)
    again = call(folder, *release[:-1], "a.release", "--epsilon", "1", code=2)
    assert "adds its ε and δ" in again
    for text, said in (
        ("age,work\n1,clerk\n2,nurse", "expected a column of the agreement"),
        ("age,job\none,clerk\n2,nurse", "column age"),
        ("age,job\n1,pilot\n2,nurse", "the categories of the agreement"),
        ("age,job\n,clerk\n2,nurse", "a number in every row"),
    ):
        (folder / "d.csv").write_text(text)
        words = call(folder, *release, "--epsilon", "1", code=3)
        assert said in words
        assert "pilot" not in words
        assert len(words.strip().splitlines()) <= 3
    assert not (folder / "d.release").exists()
    (folder / "d.csv").write_text(rows_of(30, 0.3, 3))
    told = call(folder, *release, "--epsilon", "1e9")
    assert "ε = 1e+09" in told
    (folder / "large.json").write_text(json.dumps(COLUMNS))
    agree = "agree", "large.json", "--out", "l.json", "--length-scale", "0.5"
    call(folder, *agree, "--delta", "0.01")
    assert "does not exist" in call(folder, *agree, code=2)
    words = "release", "d.csv", "--agreement", "l.json", "--out", "l.release"
    assert "a smaller δ" in call(folder, *words, "--epsilon", "1")
    (folder / "cut.release").write_text((folder / "a.release").read_text()[:-9])
    cut = call(folder, "run", "cut.release", *RUN[2:], "--out", "no", code=3)
    assert "cut.release: expected a release" in cut
    gone = call(folder, "run", "gone.release", *RUN[2:], "--out", "no", code=6)
    assert "gone.release" in gone

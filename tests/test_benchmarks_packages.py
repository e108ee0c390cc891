"""Sums beside other packages: what is said of them, and of one that is not there."""

import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks import packages
from benchmarks.peers.peer import Peer, SkippedError
from benchmarks.timing import Timing

POINTS = np.random.default_rng(0).normal(size=(700, 2)).astype(np.float32)
PEER = Peer("numpy", ("numpy",), "numpy: BSD")
PROGRAM = """
import json, sys
import numpy as np
name, source, length_scale, runs, target = sys.argv[1:]
x = np.load(source).astype(float)
r2 = ((x[:, None] - x[None]) ** 2).sum(-1)
np.save(target, np.exp(-r2 / (2 * float(length_scale) ** 2)).sum(1))
print("compiling ...")
print(json.dumps(["1.2", 5.0, 2.0, 1.0, 3.0]))
"""


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A peer that runs in this environment."""
    path = tmp_path / "program.py"
    path.write_text(PROGRAM)
    monkeypatch.setattr(packages, "_PROGRAM", path)
    monkeypatch.setattr(packages, "installed", lambda peer, folder: sys.executable)
    return path


@pytest.mark.medium
def test_a_plain_program_sums_the_same():
    (row,) = packages.rows(small=True)
    assert row.baseline.name.startswith("plain JAX, error ")
    assert row.size == {"t": 1_000, "d": 2}
    assert row.error < 1e-5


@pytest.mark.medium
def test_a_peer_says_its_version_times_and_sums(program: Path):
    name, timing = packages._of_peer(PEER, POINTS, 0.5)
    assert name == "numpy 1.2"
    assert (timing.seconds, timing.compile_seconds) == (2.0, 3.0)
    ours = Timing(1.0, 0.5, 3, np.asarray(packages._plain_sums(POINTS, 0.5)))
    row = packages._row(POINTS, 0.5, ours, name, timing)
    assert row.ratio == 2
    assert row.baseline.name.startswith("numpy 1.2, error ")
    wrong = Timing(2.0, 3.0, 3, 1.01 * timing.result)
    with pytest.raises(RuntimeError, match=r"same sums of numpy 1\.2, off by 0\.01"):
        packages._row(POINTS, 0.5, ours, name, wrong)


def test_a_peer_that_fails_is_skipped_with_its_last_line(program: Path):
    program.write_text("raise OSError('no compiler')")
    with pytest.raises(SkippedError, match="it fails: OSError: no compiler"):
        packages._of_peer(PEER, POINTS, 0.5)

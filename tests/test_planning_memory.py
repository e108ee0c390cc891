"""How much memory there is, by what the system says."""

import math
from pathlib import Path

import pytest

from cgm_jax.planning import memory


def test_a_process_may_hold_more_than_it_does():
    assert 2**27 < memory.host_capacity() < math.inf
    assert memory.device_capacity() == math.inf  # a CPU has none of its own


def test_the_least_limit_of_all_groups_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    groups = tmp_path / "cgroup"
    inner = groups / "a" / "b"
    inner.mkdir(parents=True)
    (inner / "memory.max").write_text("max\n")
    (groups / "a" / "memory.max").write_text("123456789\n")
    listed = tmp_path / "listed"
    listed.write_text("0::/a/b\n")
    monkeypatch.setattr(memory, "_CGROUPS", groups)
    monkeypatch.setattr(memory, "_GROUPS_OF_PROCESS", listed)
    assert memory.host_capacity() == 123456789
    # The first version of control groups, and one that is not there.
    (groups / "memory" / "c").mkdir(parents=True)
    (groups / "memory" / "c" / "memory.limit_in_bytes").write_text("99\n")
    listed.write_text("5:cpu:/c\n4:memory:/c\n0::/nowhere\n")
    assert memory.host_capacity() == 99


def test_systems_without_such_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for name in ("_CGROUPS", "_GROUPS_OF_PROCESS", "_FREE"):
        monkeypatch.setattr(memory, name, tmp_path / "none")
    assert memory.host_capacity() > 2**27  # what the machine has

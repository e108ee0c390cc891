"""Commands on several devices, and in several processes."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from small_runs import cgm_jax, one_line_error, write_parties

OPTIONS = ["--num-candidates", "5000", "--no-stress", "--no-stability"]
OPTIONS += ["--generator", "kde"]


@pytest.mark.parametrize("devices", ["0", "2", "many", "-1", "1" * 5_000])
def test_devices_that_are_not_there(tmp_path: Path, capsys, devices: str):
    paths, _ = write_parties(tmp_path)
    code = cgm_jax("run", *paths, "--out", tmp_path / "out", "--devices", devices)
    assert code == 2
    captured = capsys.readouterr()
    assert captured.out == ""  # before anything is planned
    assert captured.err.count("\n") == 1 and "from 1 to 1" in captured.err


def test_devices_that_are_not_there_to_train_on(tmp_path: Path, capsys):
    paths, _ = write_parties(tmp_path)
    words = "train-generator", *paths, "--out", tmp_path / "gan.npz"
    assert cgm_jax(*words, "--devices", "2") == 2
    assert "from 1 to 1" in one_line_error(capsys)


def test_no_launcher(tmp_path: Path, capsys):
    words = "reproduce", "digits", "--out", tmp_path, "--distributed"
    assert cgm_jax(*words) == 2
    error = one_line_error(capsys)
    assert "--distributed: expected to be started by a launcher" in error


def started(folder: Path, num_devices: int, *words: object, **variables: str):
    return subprocess.Popen(
        [sys.executable, "-m", "cgm_jax", "run", *map(str, words), *OPTIONS],
        env={**os.environ, "JAX_NUM_CPU_DEVICES": str(num_devices), **variables},
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def said_by(*processes: subprocess.Popen) -> list[str]:
    try:
        said = [process.communicate(timeout=600)[0] for process in processes]
    finally:
        for process in processes:
            process.kill()
    assert not any(process.returncode for process in processes), said
    return said


@pytest.mark.slow
def test_two_processes_write_the_rewards_of_one(tmp_path: Path):
    rng, paths = np.random.default_rng(0), []
    for i, size in enumerate((50, 60, 80)):
        paths.append(tmp_path / f"party_{i}.npy")
        np.save(paths[-1], rng.normal(i / 2, 1, (size, 2)))
    said_by(started(tmp_path, 1, *paths, "--out", "one"))
    with socket.socket() as free:
        free.bind(("localhost", 0))
        address = f"localhost:{free.getsockname()[1]}"
    launched = {  # as by mpirun
        "OMPI_MCA_orte_hnp_uri": "0.0;tcp://127.0.0.1:1",
        "OMPI_COMM_WORLD_SIZE": "2",
        "JAX_COORDINATOR_ADDRESS": address,
    }
    ranks = (
        {"OMPI_COMM_WORLD_RANK": rank, "OMPI_COMM_WORLD_LOCAL_RANK": rank}
        for rank in "01"
    )
    words = *paths, "--out", "two", "--distributed"
    first, second = said_by(
        *(started(tmp_path, 2, *words, **launched, **rank) for rank in ranks)
    )
    assert "Report: two/mediator/report.html" in first
    assert "Report" not in second
    for path in (tmp_path / "one").rglob("*.csv"):
        expected = path.read_bytes()
        found = tmp_path / "two" / path.relative_to(tmp_path / "one")
        assert found.read_bytes() == expected, found

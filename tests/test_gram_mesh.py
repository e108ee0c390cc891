"""Sums on the devices of a mesh, beside those of one device."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import jax
import mesh_cases
import numpy as np
import pytest

from cgm_jax.gram import gram_sums
from cgm_jax.gram.mesh import half_ring
from cgm_jax.kernels import SquaredExponential

PROGRAM = Path(mesh_cases.__file__)


def started(
    num_devices: int, *arguments: object, program: Path = PROGRAM
) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, program, *map(str, arguments)],
        env={**os.environ, "JAX_NUM_CPU_DEVICES": str(num_devices)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def ended(*processes: subprocess.Popen) -> None:
    try:
        for process in processes:
            said, _ = process.communicate(timeout=600)
            assert process.returncode == 0, said
    finally:
        for process in processes:
            process.kill()


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("localhost", 0))
        return free.getsockname()[1]


@pytest.fixture(scope="module")
def one_device() -> dict[str, np.ndarray]:
    return {name: np.asarray(x) for name, x in mesh_cases.results(None).items()}


@pytest.fixture(scope="module")
def eight_devices(tmp_path_factory: pytest.TempPathFactory) -> dict[str, np.ndarray]:
    path = tmp_path_factory.mktemp("mesh") / "eight.npz"
    ended(started(8, path))
    return dict(np.load(path))


def assert_equal(found: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> None:
    for name, value in found.items():
        if value.dtype.kind != "f":  # an error, or what was drawn
            np.testing.assert_array_equal(value, expected[name], err_msg=name)
        else:
            np.testing.assert_allclose(value, expected[name], rtol=1e-12, err_msg=name)


@pytest.mark.medium
def test_eight_devices_are_as_good_as_one(one_device, eight_devices):
    of_results = {n: x for n, x in eight_devices.items() if "program" not in n}
    assert set(of_results) == set(one_device)
    assert any("error" in name for name in of_results)
    assert_equal(of_results, one_device)


@pytest.mark.medium
def test_points_go_round_and_are_never_gathered(eight_devices):
    programs = {n: str(x) for n, x in eight_devices.items() if "program" in n}
    assert len(programs) == 8
    assert "collective-permute" in programs["program: _pass_on"]
    assert "all-reduce" in programs["program: _summed"]
    for name, text in programs.items():
        assert "all-gather" not in text, name
        assert "all-to-all" not in text, name
    of_points = programs["program: _sum_chunk"]
    assert "collective" not in of_points and "all-reduce" not in of_points


@pytest.mark.medium
def test_two_processes_of_two_devices(one_device, tmp_path: Path):
    port = free_port()
    path = tmp_path / "two.npz"
    ended(*(started(2, path, port, number) for number in (0, 1)))
    found = dict(np.load(path))
    assert {"weighted: rows", "sharded: rows", "length scale"} < set(found)
    assert_equal(found, one_device)


@pytest.mark.parametrize("num_tiles", [[3], [2, 2], [3, 2, 2], [1, 0], [3, 3, 2, 2, 0]])
def test_every_two_tiles_meet_once(num_tiles: list[int]):
    met, most = [], max(num_tiles)
    first = np.cumsum([0, *num_tiles])
    work = np.zeros(len(num_tiles), int)
    for step, pairs in enumerate(half_ring(num_tiles, most)):
        for device, (rows, columns, weights) in enumerate(pairs):
            other = (device + step) % len(num_tiles)
            place = np.concatenate(
                [first[p] + np.arange(most) for p in (device, other)]
            )
            met += zip(place[rows], place[columns], weights, strict=True)
            work[device] += len(rows)
    rows, columns = np.triu_indices(sum(num_tiles))
    weights = np.where(rows == columns, 0.5, 1)
    assert sorted(met) == sorted(zip(rows, columns, weights, strict=True))
    if min(num_tiles) == most:
        assert work.max() - work.min() <= 1


def test_what_is_no_mesh_is_refused():
    points, kernel = np.zeros((4, 2)), SquaredExponential(1.0)
    with pytest.raises(TypeError, match=r"mesh of devices.*got int"):
        gram_sums(kernel, [points], points, mesh=8)  # pyright: ignore
    mesh = jax.make_mesh((1,), ("x",))
    with pytest.raises(TypeError, match="traced"):
        jax.jit(lambda x: gram_sums(kernel, [x], x, mesh=mesh).between)(points)

"""Trainings that the devices of a mesh share, beside those of one device."""

import re
from pathlib import Path

import jax
import mesh_training_cases as cases
import numpy as np
import pytest
from test_gram_mesh import ended, free_port, started

from cgm_jax.generators import MMDGAN, Generator
from cgm_jax.kernels import SquaredExponential
from cgm_jax.learning import fit_kernel


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("mesh") / "eight.npz"
    ended(started(8, path, program=Path(cases.__file__)))
    return path


@pytest.fixture(scope="module")
def one_device() -> dict[str, np.ndarray]:
    return cases.results(None)


def assert_close(found: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> None:
    for name, value in found.items():
        exact = value.dtype == np.float64 and name.startswith("deep")
        rtol = 1e-8 if exact else 1e-4
        # An entry near 0 is rounded as its array is.
        atol = rtol * np.nanmax(np.abs(value))
        np.testing.assert_allclose(
            value, expected[name], rtol=rtol, atol=atol, err_msg=name
        )


@pytest.mark.medium
def test_eight_devices_are_as_good_as_one(one_device, path: Path):
    found = {n: x for n, x in np.load(path).items() if "program" not in n}
    assert set(found) == set(one_device)
    assert_close(found, one_device)


@pytest.mark.medium
def test_two_processes_of_two_devices(one_device, tmp_path: Path):
    """Both have the parameters of one process, to rounding, and the same bits."""
    path, program = tmp_path / "two", Path(cases.__file__)
    port = free_port()
    ended(*(started(2, path, port, number, program=program) for number in (0, 1)))
    first, second = (dict(np.load(f"{path}.{number}.npz")) for number in (0, 1))
    assert "no checkpoint_dir with a mesh of several" in str(first.pop("checkpoints"))
    assert set(first) == set(one_device)
    assert_close(first, one_device)
    for name, value in first.items():
        np.testing.assert_array_equal(value, second[name], err_msg=name)


@pytest.mark.medium
@pytest.mark.parametrize(
    ("name", "of_devices"),
    [
        # Real and generated points: first layer; the kernel's rows of a device.
        ("MMD-GAN", ["f32[2,5,24]", "f32[5,40]"]),
        # First layer; the rows of a device over a tile.
        ("kernel", ["f64[5,24]", "f64[5,14]"]),
    ],
)
def test_devices_have_rows_of_the_batch(path: Path, name: str, of_devices: list[str]):
    text = str(np.load(path)[f"program: {name}"])
    assert "all-reduce" in text
    for shape in of_devices:
        assert shape in text, shape
    width, tile = cases.WIDTH, cases.TILE
    whole = rf"f(32|64)\[(1,|2,)?(40|80),({width}|{tile}|40)\]"
    assert not re.search(whole, text)


@pytest.mark.medium
def test_one_device_goes_on_with_a_checkpoint_of_eight(one_device, path: Path):
    told, folder = [], Path(f"{path}.checkpoints")
    options = {"checkpoint_dir": folder, "progress": told.append}
    model = cases.trained(cases.CRITIC, None, **options)
    assert [progress.step for progress in told] == [4]
    assert_close(cases.numbers_of("critic", model), one_device)


def test_a_mesh_is_no_part_of_what_is_trained():
    mesh = jax.make_mesh((1,), ("x",))
    generator = MMDGAN(mesh=mesh)
    assert isinstance(generator, Generator)
    assert generator == MMDGAN()
    assert generator.facts() == MMDGAN().facts()


def test_what_is_no_mesh_is_refused():
    with pytest.raises(TypeError, match=r"mesh of devices.*got int"):
        MMDGAN(mesh=8)  # pyright: ignore
    kernel, groups = SquaredExponential(1.0), np.zeros((2, 20, 2))
    with pytest.raises(TypeError, match=r"mesh of devices.*got int"):
        fit_kernel(jax.random.key(0), kernel, groups, mesh=8)  # pyright: ignore

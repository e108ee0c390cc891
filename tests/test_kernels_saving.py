"""Kernels written to files and read back, and files that hold none."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from kernel_table import KERNELS
from test_kernels_deep import Odd, points

from cgm_jax.generators.mmd_gan.critic_loss import Dot
from cgm_jax.kernels import (
    DeepKernel,
    FeatureNetwork,
    SquaredExponential,
    load_kernel,
    save_kernel,
)
from cgm_jax.kernels.saving import read_kernel_file


@pytest.mark.parametrize("name", KERNELS)
def test_every_kernel_comes_back(name: str, tmp_path: Path):
    kernel, x = KERNELS[name](3), points(9, 3).astype(np.float32)
    save_kernel(tmp_path / "kernel.npz", kernel)
    loaded = load_kernel(tmp_path / "kernel.npz")
    assert jax.tree.structure(loaded) == jax.tree.structure(kernel)
    np.testing.assert_array_equal(loaded(x, x), kernel(x, x))


@pytest.mark.medium
def test_two_networks_in_one_kernel(tmp_path: Path):
    one, other = (
        DeepKernel(
            FeatureNetwork((2, size, 3), activation="tanh", rngs=nnx.Rngs(size)),
            SquaredExponential(1.0),
        )
        for size in (4, 5)
    )
    save_kernel(tmp_path / "kernel.npz", one + other)
    x = points(9).astype(np.float32)
    np.testing.assert_array_equal(
        load_kernel(tmp_path / "kernel.npz")(x, x), (one + other)(x, x)
    )


@pytest.mark.medium
def test_a_network_of_the_users_is_handed_in_again(tmp_path: Path):
    path, x = tmp_path / "kernel.npz", points(9).astype(np.float32)
    kernel = DeepKernel(Odd(nnx.Rngs(0)), SquaredExponential(1.0))
    save_kernel(path, kernel)
    loaded = load_kernel(path, network=Odd(nnx.Rngs(1)))
    np.testing.assert_array_equal(loaded(x, x), kernel(x, x))
    with pytest.raises(ValueError, match=r"no FeatureNetwork; .* or hand a network"):
        load_kernel(path)
    with pytest.raises(ValueError, match="found arrays of other names"):
        load_kernel(path, network=FeatureNetwork((2, 3), rngs=nnx.Rngs(0)))


def test_a_function_is_handed_in_again(tmp_path: Path):
    path, x = tmp_path / "kernel.npz", points(9).astype(np.float32)
    kernel = DeepKernel(jnp.sin, SquaredExponential(0.5))
    save_kernel(path, kernel)
    np.testing.assert_array_equal(
        load_kernel(path, network=jnp.sin)(x, x), kernel(x, x)
    )


def test_notes_come_back(tmp_path: Path):
    notes = {"held-out power": 1.5, "rows": [3, 4]}
    save_kernel(tmp_path / "kernel.npz", SquaredExponential(0.5), notes=notes)
    found = read_kernel_file(tmp_path / "kernel.npz")
    assert found.notes == notes
    assert found.kernel == SquaredExponential(0.5)


def test_a_kernel_of_the_users_is_an_error(tmp_path: Path):
    with pytest.raises(TypeError, match=r"kernels of this package .* got Dot"):
        save_kernel(tmp_path / "kernel.npz", SquaredExponential(1.0) + Dot())
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("damage", ["cut", "text", "pickle", "format"])
def test_a_file_that_holds_none_is_an_error(damage: str, tmp_path: Path):
    path = tmp_path / "kernel.npz"
    save_kernel(path, SquaredExponential(1.0))
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-40])
    elif damage == "text":
        path.write_text("a kernel")
    elif damage == "pickle":
        np.savez(path, facts=np.array([{}], dtype=object))
    else:
        np.savez(path, facts=np.array('{"format": "another"}'))
    with pytest.raises(ValueError, match="expected a saved kernel"):
        load_kernel(path)

"""The table of platforms: what reads it, and where small float64 work goes."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cgm_jax._shared import platforms
from cgm_jax._shared.exponential import exp_nonpositive, log1p_nonnegative
from cgm_jax._shared.platforms import PLATFORMS, platform, platform_settings
from cgm_jax._shared.precision import in_float64
from cgm_jax._shared.workers import num_workers
from cgm_jax.gram import gram_sums
from cgm_jax.gram.gram_sums import default_tile_size
from cgm_jax.kernels import SquaredExponential
from cgm_jax.valuation import coalition_values, mmd_shapley_values

rng = np.random.default_rng(0)
X, Y, G = (rng.normal(size=(n, 2)) for n in (30, 30, 90))
KERNEL = SquaredExponential(1.0)


@pytest.fixture
def on_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """All is decided as where a GPU computes."""
    monkeypatch.setattr(platforms, "platform", lambda: "gpu")


def test_the_platform_is_that_of_the_default_device():
    assert platform() == "cpu"
    with jax.default_device(jax.devices("cpu")[0]):
        assert platform() == "cpu"
    with jax.default_device("cpu"):
        assert platform() == "cpu"


def test_a_platform_that_nobody_knows_is_taken_for_a_gpu(monkeypatch):
    monkeypatch.setattr(platforms, "platform", lambda: "abacus")
    assert platform_settings() == PLATFORMS["gpu"]


def test_tiles_and_threads_follow_where_the_work_is(monkeypatch):
    assert default_tile_size() == 512
    expected = gram_sums(KERNEL, [X, Y], G)
    monkeypatch.setattr(platforms, "platform", lambda: "gpu")
    assert default_tile_size() == 2_048
    assert num_workers() == 1
    sums = gram_sums(KERNEL, [X, Y], G)  # in this thread
    np.testing.assert_allclose(sums.between, expected.between)


def test_a_row_can_be_replaced(monkeypatch):
    monkeypatch.setitem(PLATFORMS, "cpu", replace(PLATFORMS["cpu"], tile_size=64))
    assert default_tile_size() == 64


def test_every_platform_has_its_exponential():
    x = jax.ShapeDtypeStruct((4,), jnp.float32)
    for function in (exp_nonpositive, log1p_nonnegative):
        for name in ("cpu", "cuda", "rocm", "tpu"):
            traced = jax.jit(function).trace(x)
            text = traced.lower(lowering_platforms=(name,)).as_text()
            theirs = "exponential" if function is exp_nonpositive else "log_plus_one"
            row = PLATFORMS.get(name, PLATFORMS["gpu"])
            assert (theirs in text) is not row.own_exponential


def devices_seen() -> set:
    """Where a function that `in_float64` calls computes, and what it is told."""
    found = set()

    def function(x: np.ndarray) -> jax.Array:
        result = jnp.asarray(x) + 1
        found.update(result.devices(), {jax.config.jax_default_device})
        return result

    np.testing.assert_array_equal(in_float64(function, X), X + 1)
    return found


def test_small_float64_work_stays_on_a_cpu():
    (cpu,) = jax.local_devices(backend="cpu")[:1]
    assert devices_seen() == {cpu, None}


def test_small_float64_work_leaves_an_accelerator_for_the_cpu(on_gpu):
    (cpu,) = jax.local_devices(backend="cpu")[:1]
    assert devices_seen() == {cpu}


def test_without_a_cpu_small_work_stays_where_it_is(on_gpu, monkeypatch):
    def fail(**_):
        raise RuntimeError("Unknown backend cpu")

    (cpu,) = jax.local_devices(backend="cpu")[:1]
    monkeypatch.setattr(jax, "local_devices", fail)
    assert devices_seen() == {cpu, None}


def test_values_are_the_same_wherever_small_work_goes(monkeypatch):
    sums = gram_sums(KERNEL, [X, Y, X[:3] + 1], G)
    expected = coalition_values(sums), mmd_shapley_values(sums).shapley_values
    monkeypatch.setattr(platforms, "platform", lambda: "gpu")
    found = coalition_values(sums), mmd_shapley_values(sums).shapley_values
    jax.tree.map(np.testing.assert_array_equal, found, expected)

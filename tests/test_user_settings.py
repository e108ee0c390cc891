"""Settings of the user's own thread reach the work, which runs in others."""

import subprocess
import sys

import jax
import numpy as np
import pytest

import cgm_jax
from cgm_jax._shared import workers
from cgm_jax.gram import gram_sums
from cgm_jax.kernels import Laplace, SquaredExponential
from cgm_jax.two_sample import estimate_power, two_sample_test
from cgm_jax.valuation import point_shapley_values, value

rng = np.random.default_rng(0)
X, Y, G = (rng.normal(size=(n, 2)) for n in (30, 30, 90))
KERNEL, KEY = SquaredExponential(1.0), jax.random.key(0)

SEVERAL_DEVICES = """
import os
os.environ["XLA_FLAGS"] = " ".join(
    [os.environ.get("XLA_FLAGS", ""), "--xla_force_host_platform_device_count=4"]
)
import jax, numpy as np
from jax.sharding import AxisType, NamedSharding, PartitionSpec as P
from cgm_jax._shared.workers import map_on_workers
from cgm_jax.gram import gram_sums
from cgm_jax.kernels import SquaredExponential
from cgm_jax.valuation import mmd2_unbiased, point_shapley_values, value

k, devices = SquaredExponential(1.0), jax.devices()
X = np.random.default_rng(0).normal(size=(128, 2)).astype(np.float32)
Y = X[:64] + 1
here = lambda item, check: jax.jit(lambda x: x + 1)(item).devices()
expected = gram_sums(k, [X], Y).between
with jax.default_device(devices[3]):
    assert map_on_workers(here, [1.0, 2.0]) == [{devices[3]}] * 2
a, b = jax.device_put(X, devices[1]), jax.device_put(X, devices[2])
np.testing.assert_array_equal(gram_sums(k, [a], Y).between, expected)
np.testing.assert_allclose(gram_sums(k, [a, b], Y).between[0, 0], expected[0, 0])

explicit = jax.make_mesh((4,), ("x",))
sharded = jax.device_put(X, NamedSharding(explicit, P("x", None)))
of_shards = gram_sums(k, [sharded], Y).between
np.testing.assert_allclose(of_shards, expected, rtol=1e-6)
square = jax.make_mesh((2, 2), ("a", "b"))
half = jax.make_mesh((2,), ("x",), devices=devices[2:])
by_columns = jax.device_put(X, NamedSharding(square, P("a", "b")))
for points in (by_columns, jax.device_put(X[:62], NamedSharding(half, P("x", None)))):
    of_shards = gram_sums(k, [points], Y).between
    known = gram_sums(k, [X[:len(points)]], Y).between
    np.testing.assert_allclose(of_shards, known, rtol=1e-6)
try:
    gram_sums(k, [points], Y, mesh=square)
except ValueError as error:
    assert "on the devices of one mesh" in str(error)
else:
    raise AssertionError("points on other devices than the mesh's")
replicated = jax.device_put(X, NamedSharding(square, P()))
np.testing.assert_array_equal(gram_sums(k, [replicated], Y).between, expected)
assert value(k, sharded, Y) == value(k, X, Y)
point_shapley_values(k, sharded)
auto = jax.make_mesh((4,), ("x",), axis_types=(AxisType.Auto,))
of_worker = lambda item, check: jax.sharding.get_mesh().axis_names
with jax.set_mesh(auto):
    assert map_on_workers(of_worker, [0, 1]) == [("x",)] * 2
    np.testing.assert_array_equal(gram_sums(k, [X], Y).between, expected)
with jax.set_mesh(explicit):
    np.testing.assert_array_equal(gram_sums(k, [X], Y).between, expected)
    options = {"tile_size": 16, "mesh": half}
    other = gram_sums(k, [X], Y, **options).between
    np.testing.assert_allclose(other, expected, rtol=1e-6)
    jax.jit(lambda s: s * gram_sums(k, [sharded], Y).between[0, 0])(1.0)
    jax.jit(lambda s: s * gram_sums(k, [X], Y).between[0, 0])(1.0)

# Compiled: otherwise every operation inside is a program of its own.
sums = jax.jit(jax.shard_map(
    lambda x, y: jax.lax.psum(gram_sums(k, [y], x).between[1, 0], "x"),
    mesh=auto, in_specs=(P("x"), P()), out_specs=P(),
))(X, Y)
np.testing.assert_allclose(sums, expected[1, 0], rtol=1e-5)
parts = jax.jit(jax.shard_map(
    lambda x, y: mmd2_unbiased(k, x, y)[None],
    mesh=auto, in_specs=(P("x"), P()), out_specs=P("x"),
))(X, Y)
for part, x in zip(parts, np.split(X, 4)):
    np.testing.assert_allclose(part, mmd2_unbiased(k, x, Y), rtol=1e-4, atol=1e-6)
"""


@pytest.mark.medium
def test_devices_and_meshes():
    """In a process of its own, of four devices."""
    subprocess.run([sys.executable, "-c", SEVERAL_DEVICES], check=True)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.medium
def test_strict_promotion_passes_everywhere(dtype):
    x, y, g = (points.astype(dtype) for points in (X, Y, G))
    with jax.numpy_dtype_promotion("strict"):
        gram_sums(Laplace(1.0), [x, y], g, tile_size=16)
        value(KERNEL, x, y)
        point_shapley_values(KERNEL, x)
        estimate_power(KERNEL, x, y)
        two_sample_test(KEY, KERNEL, x, y, num_permutations=20)
        cgm_jax.collaborate(KEY, [x, y + 1], g)
        jax.jit(jax.grad(lambda x: value(KERNEL, x, y)))(x)


def test_settings_by_context_are_those_of_the_workers():
    def seen(item, check):
        names = "jax_disable_jit", "jax_default_matmul_precision"
        return tuple(getattr(jax.config, name) for name in names)

    assert workers.map_on_workers(seen, [0, 1]) == [(False, None)] * 2
    with jax.disable_jit(), jax.default_matmul_precision("float32"):
        assert workers.map_on_workers(seen, [0, 1]) == [(True, "float32")] * 2

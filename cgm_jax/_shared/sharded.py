"""Points sharded over the devices of a mesh: what is asked of them is computed there.

Only single rows and numbers ever come to the host, unless `on_host` asks for all.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import jax
import jax.core
import jax.numpy as jnp
import numpy as np
from jax.experimental import multihost_utils
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec
from jaxtyping import Array, DTypeLike, Float, Int

__all__ = [
    "corners",
    "first_row_not_finite",
    "in_dtype",
    "is_sharded",
    "on_automatic_axes",
    "on_host",
    "rows_at",
]


def is_sharded(array: Any) -> bool:
    """Whether its parts are on several devices of a mesh, and none has all of it."""
    return (
        isinstance(array, jax.Array)
        and not isinstance(array, jax.core.Tracer)
        and isinstance(array.sharding, NamedSharding)
        and not array.is_fully_replicated
    )


def on_automatic_axes(array: Any) -> Array:
    """The same shards, on a mesh whose axes JAX does not keep in types."""
    sharding, mesh = array.sharding, array.sharding.mesh
    automatic = Mesh(
        mesh.devices,
        mesh.axis_names,
        axis_types=(AxisType.Auto,) * len(mesh.axis_names),
    )
    with jax.enable_x64(True):  # or JAX would not take float64 shards
        return jax.make_array_from_single_device_arrays(
            array.shape,
            NamedSharding(automatic, sharding.spec),
            [shard.data for shard in array.addressable_shards],
            dtype=array.dtype,
        )


def first_row_not_finite(array: Any) -> int | None:
    """The first row with NaN or infinity, if one has."""
    with _on_its_mesh(array):
        row = int(_first_row_not_finite(array))
    return row if row < len(array) else None


@jax.jit
def _first_row_not_finite(array: Float[Array, "n d"]) -> Int[Array, ""]:
    rows = jnp.arange(len(array))
    return jnp.min(jnp.where(jnp.isfinite(array).all(axis=1), len(array), rows))


def corners(array: Any) -> Float[np.ndarray, "3 d"]:
    """The first row, and the least and the largest number of every column."""
    with _on_its_mesh(array) as replicated:
        return np.asarray(jax.jit(_corners, out_shardings=replicated)(array))


def _corners(array: Float[Array, "n d"]) -> Float[Array, "3 d"]:
    return jnp.stack([array[0], array.min(axis=0), array.max(axis=0)])


def rows_at(array: Any, rows: Int[np.ndarray, " m"]) -> Float[np.ndarray, "m d"]:
    """Some of the rows of any array, on the host."""
    if not is_sharded(array):
        return np.asarray(array)[rows]
    with _on_its_mesh(array) as replicated:
        return np.asarray(jax.jit(_take, out_shardings=replicated)(array, rows))


def _take(array: Float[Array, "n d"], rows: Int[Array, " m"]) -> Float[Array, "m d"]:
    return array[rows]


def in_dtype(array: Any, dtype: DTypeLike) -> Array:
    """The same numbers in another dtype, where they are."""
    with _on_its_mesh(array):
        return array.astype(dtype)


def on_host(array: Any) -> np.ndarray:
    """All of an array, on the host of every process that has a part of it."""
    if is_sharded(array) and not array.is_fully_addressable:
        with _on_its_mesh(array):
            return multihost_utils.process_allgather(array, tiled=True)
    return np.asarray(array)


@contextmanager
def _on_its_mesh(array: Any) -> Iterator[NamedSharding]:
    """A scope to compute in at once; yields how results are on all devices."""
    mesh = array.sharding.mesh
    with jax.core.eval_context(), jax.set_mesh(mesh), jax.enable_x64(True):
        yield NamedSharding(mesh, PartitionSpec())

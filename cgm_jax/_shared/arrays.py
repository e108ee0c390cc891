"""What users hand in, made into arrays once, at the boundary.

The precision rule of the package: kernel entries are computed in the precision of the
points, float64 or else float32. What is reported or decided on is accumulated in
float64 and returned as NumPy float64: outside a scope of `jax.enable_x64` the next
operation on a float64 ``jax.Array`` would cut it to float32.
"""

from collections.abc import Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any

import jax
import jax.core
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .checks import as_list
from .sharded import first_row_not_finite, in_dtype, is_sharded, on_automatic_axes

if TYPE_CHECKING:  # nested lists and data frames are among it, as they are in fact
    from numpy.typing import ArrayLike
else:
    from jaxtyping import ArrayLike

__all__ = [
    "AnyArray",
    "ArrayLike",
    "Points",
    "Scalar",
    "aligned",
    "array_module",
    "as_parties",
    "as_point_sets",
    "as_points",
    "as_sequence",
    "device_of",
    "in_float32",
    "is_traced",
    "rounded_up",
    "to_host",
    "with_common_dtype",
]

AnyArray = Array | np.ndarray
Points = Float[Array, "_ _"] | Float[np.ndarray, "_ _"]
Scalar = Float[Array, ""] | np.float64  # inside the user's transformation, and outside


def is_traced(*trees: Any) -> bool:
    """Whether a leaf belongs to the user's own `jit`, `grad` or `vmap`."""
    return any(isinstance(leaf, jax.core.Tracer) for leaf in jax.tree.leaves(trees))


def array_module(*trees: Any) -> ModuleType:
    """`jax.numpy` while one of these is traced; otherwise NumPy.

    Outside a trace XLA would compile every operation for every new shape.
    """
    return jnp if is_traced(*trees) else np


def rounded_up(number: int, *, steps: int = 4) -> int:
    """The next of a few sizes, so that arrays of similar sizes share a program.

    Powers of two, and beyond twice ``steps`` as many sizes between two powers of two.
    """
    bits = (int(number) - 1).bit_length()
    unit = 1 << max(0, bits - steps.bit_length())
    return max(-(-int(number) // unit) * unit, min(2 * steps, 1 << bits))


def as_points(
    points: Float[ArrayLike, "n d"],
    name: str,
    *,
    finite: bool = True,
    sharded: bool = False,
) -> Points:
    """A float32 or float64 matrix of (finite) numbers, one row per point.

    What is on the devices of a mesh stays there if it may be ``sharded``.
    """
    if np.ma.is_masked(points):
        raise ValueError(
            f"Expected {name} without masked cells, got some; leave out their rows, or "
            "replace them with .filled(value)."
        )
    if sharded and is_sharded(points):
        array: Any = on_automatic_axes(points)
    else:
        array = points if is_traced(points) else _one_array(points, name)
    advice = _ADVICE_ON_FRAMES if hasattr(points, "to_numpy") else ""
    if array.dtype not in (np.float32, np.float64):
        if not (jnp.issubdtype(array.dtype, np.floating) or array.dtype.kind in "biu"):
            raise TypeError(
                f"Expected {name} to be real numbers, got "
                f"{'None' if points is None else f'dtype {array.dtype}'}."
                f"{advice}"
            )
        array = _as_floats(array, name)
    if array.ndim != 2 or array.shape[1] == 0:
        raise ValueError(
            f"Expected {name} of shape (n, d), one row per point, got {array.shape}."
        )
    if finite and not is_traced(array):
        row = _first_row_not_finite(array)
        if row is not None:
            raise ValueError(
                f"Expected finite numbers in {name}, got NaN or infinity in row "
                f"{row}; remove or impute such rows.{advice}"
            )
    return array


_ADVICE_ON_FRAMES = (
    " Of a data frame with missing cells, hand in .to_numpy(float, na_value=...) with "
    "a number for them; cgm_jax.tables.encode_frames makes points of missing cells, "
    "text, truth values and dates."
)


def _as_floats(array: Any, name: str) -> AnyArray:
    """Other numbers in float32; in float64 where that would lose digits of them."""
    if is_traced(array) or is_sharded(array):
        return array.astype(np.float32)
    # Of another byte order, or longer, it is float64 still.
    if array.dtype.kind == "f":
        return array.astype(np.float64 if array.dtype.itemsize >= 8 else np.float32)
    if array.dtype.kind not in "iu" or array.dtype.itemsize < 4 or not array.size:
        return array.astype(np.float32)
    largest = max(int(array.max()), -int(array.min()))
    if largest <= 2**24:
        return array.astype(np.float32)
    floats = array.astype(np.float64)
    # Python compares whole numbers with floats exactly.
    if largest > 2**53 and (array.astype(object) != floats.astype(object)).any():
        raise ValueError(
            f"Expected whole numbers in {name} that float64 holds (up to 2^53), got "
            "larger ones; subtract what they have in common, or leave identifiers out."
        )
    return floats


def _first_row_not_finite(array: AnyArray) -> int | None:
    if is_sharded(array):
        return first_row_not_finite(array)
    is_finite = np.isfinite(np.asarray(array)).all(axis=1)
    return None if is_finite.all() else int(np.argmin(is_finite))


def _one_array(points: Any, name: str) -> AnyArray:
    """An array of JAX that is on one device and needs no conversion, or NumPy's."""
    if (
        isinstance(points, jax.Array)
        and points.dtype in (np.float32, np.float64)
        and len(points.devices()) == 1
    ):
        return points
    try:
        return np.asarray(points)
    except ValueError:  # of lists
        raise ValueError(
            f"Expected {name} of shape (n, d), one row per point, got rows of "
            "different lengths."
        ) from None


def as_parties(
    parties: Sequence[Float[ArrayLike, "_ d"]], *, sharded: bool = False
) -> list[Points]:
    """Every party's points; at least one party, each with at least one point."""
    tables = aligned(*as_sequence(parties))
    arrays = [
        as_points(x, f"parties[{i}]", sharded=sharded) for i, x in enumerate(tables)
    ]
    for i, x in enumerate(arrays):
        if len(x) == 0:
            raise ValueError(
                f"Expected points in parties[{i}], got none; leave it out."
            )
    return arrays


def as_sequence(parties: Any) -> list[Any]:
    """What stands for each party, at least one, as it was handed in."""
    if hasattr(parties, "shape") and len(parties.shape) < 3:
        raise ValueError(
            "Expected a sequence of parties, each of shape (n, d), got one array of "
            f"shape {parties.shape}; pass [points] for a single party."
        )
    if not (found := as_list(parties, "parties, each of shape (n, d)")):
        raise ValueError("Expected at least one party, got none.")
    return found


def aligned(*tables: Any) -> list[Any]:
    """Data frames with their columns in the order of the first; arrays as they are."""
    order: list[Any] = []
    result = []
    for table in tables:
        if hasattr(table, "columns") and hasattr(table, "to_numpy"):
            columns = list(table.columns)
            order = order or columns
            if sorted(map(str, columns)) != sorted(map(str, order)):
                raise ValueError(
                    f"Expected the same columns in all data frames, got {order} and "
                    f"{columns}."
                )
            table = table if columns == order else table[order]
        result.append(table)
    return result


def as_point_sets(**named: Float[ArrayLike, "_ d"]) -> list[Points]:
    """Sets of points, checked, of the same columns and in one dtype."""
    sets = zip(named, aligned(*named.values()), strict=True)
    return with_common_dtype(*((name, as_points(x, name)) for name, x in sets))


def with_common_dtype(*named: tuple[str, Points]) -> list[Points]:
    """Points of one dimension, in the widest dtype; all traced where one is."""
    first_name, first = named[0]
    dtype = np.result_type(*(x.dtype for _, x in named))
    for name, x in named:
        if x.shape[1] != first.shape[1]:
            raise ValueError(
                f"Expected the same number of columns everywhere, got {first.shape[1]} "
                f"in {first_name} and {x.shape[1]} in {name}."
            )
    points = [x for _, x in named]
    if is_traced(points):
        dtype = jax.dtypes.canonicalize_dtype(dtype)
        return jax.lax.optimization_barrier([x.astype(dtype) for x in points])
    if any(map(is_sharded, points)):
        return [
            in_dtype(x, dtype) if is_sharded(x) else np.asarray(x, dtype)
            for x in points
        ]
    # Outside a scope of 64-bit types JAX would leave a float32 array as it is, and it
    # refuses arrays of several devices.
    stay = device_of(points) is not None and all(x.dtype == dtype for x in points)
    return points if stay else [np.asarray(x, dtype) for x in points]


def device_of(*trees: Any) -> Any:
    """The device that JAX's arrays were put on, if it is one; None if they were not."""
    arrays = [x for x in jax.tree.leaves(trees) if isinstance(x, jax.Array)]
    devices = {
        device
        for array in arrays
        if not is_traced(array) and array.committed
        for device in array.devices()
    }
    return devices.pop() if len(devices) == 1 else None


def in_float32(tree: Any) -> Any:
    """A pytree with floating numbers in float32, as NumPy arrays; the rest as is."""

    def of_leaf(leaf: Any) -> Any:
        is_number = jnp.issubdtype(jnp.result_type(leaf), np.floating)
        return np.asarray(leaf, np.float32) if is_number else leaf

    return jax.tree.map(of_leaf, tree)


def to_host(array: Any) -> Any:
    """Numbers as NumPy float64, or as they are inside the user's transformation."""
    if is_traced(array):
        return array
    try:
        if array is not None:  # of which NumPy makes NaN
            return np.asarray(array, np.float64)
    except (TypeError, ValueError):
        pass
    raise ValueError(f"Expected real numbers, got {array!r}.")

"""What all results have: one line to look at, equality, and forms to hand on."""

import enum
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .arrays import is_traced

__all__ = ["Result", "are_equal"]


class Result:
    """A dataclass of numbers and arrays.

    Two results are equal if they are of one class and all of their fields are; NaN
    equals NaN. They have no hash.
    """

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        """The fields: arrays by their shape, collections by their length."""
        facts = (f"{name}={_short(value)}" for name, value in _fields(self).items())
        return f"{type(self).__name__}({', '.join(facts)})"

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and are_equal(_fields(self), _fields(other))

    def to_dict(self) -> dict[str, Any]:
        """The fields in what JSON can hold: numbers, texts, lists and dicts."""
        return {name: _plain(value) for name, value in _fields(self).items()}

    def to_frame(self) -> Any:
        """The fields that are vectors of one length as columns of a pandas DataFrame.

        Raises:
            ValueError: if no field is a vector.
            ImportError: without pandas.
        """
        import pandas

        vectors = {
            n: np.asarray(v) for n, v in _fields(self).items() if np.ndim(v) == 1
        }
        if not vectors:
            raise ValueError(f"Expected a result with a vector, got {self!r}.")
        length = len(next(iter(vectors.values())))
        same = {n: v for n, v in vectors.items() if len(v) == length}
        return pandas.DataFrame(same)


def are_equal(one: Any, other: Any) -> bool:
    """Whether two values are, whatever they are made of; never an error."""
    if one is other:
        return True
    if is_traced(one, other):
        return False
    one, other = (x.item() if isinstance(x, np.generic) else x for x in (one, other))
    arrays = np.ndarray | jax.Array
    if isinstance(one, arrays) and isinstance(other, arrays):
        is_number = jnp.issubdtype(one.dtype, np.inexact)
        same = one.dtype == other.dtype
        return same and np.array_equal(one, other, equal_nan=is_number)
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        same = one.keys() == other.keys()
        return same and all(are_equal(one[name], other[name]) for name in one)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        same = len(one) == len(other)
        return same and all(map(are_equal, one, other))
    if isinstance(one, arrays) or isinstance(other, arrays):
        return False
    return bool(one == other) or (one != one and other != other)


def _fields(result: Any) -> dict[str, Any]:
    return {field.name: getattr(result, field.name) for field in fields(result)}


def _short(value: Any) -> str:
    if hasattr(value, "shape") and value.shape:
        return f"{value.dtype}{list(value.shape)}"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, dict | list | tuple) and not hasattr(value, "_fields"):
        return f"<{len(value)}>"
    return repr(value)


def _plain(value: Any) -> Any:
    if isinstance(value, Result):
        return value.to_dict()
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, np.ndarray | np.generic | jax.Array):
        return np.asarray(value).tolist()
    if isinstance(value, Mapping):
        return {str(name): _plain(part) for name, part in value.items()}
    if hasattr(value, "_fields"):
        return {name: _plain(getattr(value, name)) for name in value._fields}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if is_dataclass(value) and not isinstance(value, type):
        parts = {name: _plain(part) for name, part in _fields(value).items()}
        return {"kind": type(value).__name__, **parts}
    return value if isinstance(value, int | float | str | None) else repr(value)

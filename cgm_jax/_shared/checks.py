"""What an argument must be, said in the words of its name."""

import math
import operator
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Shaped

__all__ = [
    "as_key",
    "as_keys",
    "as_list",
    "as_number",
    "as_path",
    "as_real",
    "as_vectors",
    "as_whole",
    "check_callable",
    "check_choice",
    "check_classes",
    "check_flag",
    "check_kind",
    "one_each",
    "told",
]


def as_key(key: Any) -> Any:
    """One random key, typed or of the old kind."""
    dtype, ndim = getattr(key, "dtype", None), getattr(key, "ndim", None)
    is_typed = dtype is not None and jnp.issubdtype(dtype, jax.dtypes.prng_key)
    is_old = dtype == np.uint32 and ndim == 1 and key.shape in ((2,), (4,))
    if (is_typed and ndim == 0) or is_old:
        return key
    got = f"a batch of shape {key.shape}" if is_typed else f"{type(key).__name__}"
    raise TypeError(
        f"Expected one random key, such as jax.random.key(0), got {got}. Of several "
        "keys, hand in one at a time."
    )


def as_keys(keys: Any) -> list[Any]:
    """Typed random keys of shape (m,), at least one, or a sequence of keys."""
    shape, dtype = getattr(keys, "shape", None), getattr(keys, "dtype", None)
    is_typed = dtype is not None and jnp.issubdtype(dtype, jax.dtypes.prng_key)
    if isinstance(keys, list | tuple) or (is_typed and len(keys.shape) == 1):
        many = [as_key(key) for key in keys]
        if many:
            return many
    raise TypeError(
        "Expected typed random keys of shape (m,), at least one, such as "
        f"jax.random.split(key, 2), got {type(keys).__name__}"
        f"{'' if shape is None else f' of shape {shape}'}."
    )


def check_kind(value: Any, kind: type, made_by: str = "") -> None:
    """Raise unless an argument is of the kind that a function takes."""
    if isinstance(value, type) or not isinstance(value, kind):
        got = f"the class {value.__name__}" if isinstance(value, type) else None
        made_by = f", as {made_by} makes" if made_by else ""
        raise TypeError(
            f"Expected a {kind.__name__}{made_by}, got {got or type(value).__name__}."
        )


def check_choice(value: Any, choices: Iterable[str], name: str) -> None:
    """Raise unless a word is one of some."""
    known = list(choices)
    if not isinstance(value, str) or value not in known:
        words = ", ".join(map(repr, known))
        raise ValueError(f"Expected {name} to be one of {words}, got {value!r}.")


def check_callable(function: Any, name: str) -> None:
    """Raise unless an argument is a function."""
    if not callable(function) or isinstance(function, type):
        raise TypeError(f"Expected a function as {name}, got {told(function)}.")


def check_classes(*labels: Shaped[np.ndarray, " _"]) -> None:
    """Raise unless every label is there, and all of them are text or none is."""
    every = [label for some in labels for label in some.ravel().tolist()]
    numbers = [y for y in every if isinstance(y, float | np.floating)]
    if None in every or not all(map(math.isfinite, numbers)):
        raise ValueError("Expected a class for each point, got None, NaN or infinity.")
    if len({isinstance(label, str) for label in every}) > 1:
        raise TypeError("Expected labels that are all text, or none of them, got both.")


def check_flag(value: Any, name: str) -> None:
    """Raise unless an argument is a truth value."""
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"Expected {name} to be True or False, got {told(value)}.")


def as_path(path: Any) -> Path:
    """The path of a file."""
    try:
        return Path(path)
    except TypeError:
        raise TypeError(f"Expected the path of a file, got {told(path)}.") from None


def as_list(values: Any, name: str) -> list[Any]:
    """What is in a sequence; a set has no order."""
    is_sequence = isinstance(values, Iterable) and getattr(values, "shape", True) != ()
    if not is_sequence or isinstance(values, str | bytes | Mapping | set | type):
        raise TypeError(f"Expected a sequence of {name}, got {told(values)}.")
    return list(values)


def told(value: Any) -> str:
    """A short value as it is, or the kind of one."""
    if value is None or isinstance(value, str | int | float):
        return repr(value)
    kind = value.__name__ if isinstance(value, type) else None
    return f"the class {kind}" if kind else type(value).__name__


def one_each(values: Any, name: str) -> list[Any]:
    """What there is one of for every party, at least one."""
    if not (found := as_list(values, name)):
        raise ValueError(f"Expected {name}, one for each party, got none.")
    return found


def as_vectors(**vectors: Any) -> list[np.ndarray]:
    """One finite number per party in each of these, in float64."""
    arrays = {}
    for name, values in vectors.items():
        try:
            arrays[name] = np.array(values, float)
        except (TypeError, ValueError):
            raise ValueError(f"Expected numbers in {name}, got {values}.") from None
    shapes = {name: array.shape for name, array in arrays.items()}
    first = next(iter(shapes.values()))
    if len(first) != 1 or first[0] < 1 or set(shapes.values()) != {first}:
        raise ValueError(
            f"Expected one number per party in each of these, got {shapes}."
        )
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            raise ValueError(f"Expected finite {name}, got {array}.")
    return list(arrays.values())


def as_number(number: Any, name: str) -> float:
    """One real number of any size, or NaN."""
    try:
        if np.ndim(number) == 0 and not isinstance(number, str | bytes):
            return float(number)
    except OverflowError:
        raise ValueError(
            f"Expected one number {name} that a double holds, got a larger one."
        ) from None
    except (TypeError, ValueError):
        pass
    raise ValueError(f"Expected one number {name}, got {number!r}.")


def as_real(number: Any, name: str, *, smallest: float) -> float:
    """One real number that is not below the smallest."""
    try:
        value = as_number(number, name)
    except ValueError:
        value = np.nan
    if not value >= smallest:
        raise ValueError(f"Expected one number {name} >= {smallest:g}, got {number!r}.")
    return value


def as_whole(number: Any, name: str, *, smallest: int) -> int:
    """One whole number that is not below the smallest."""
    try:
        value = operator.index(number)
    except TypeError:
        value = smallest - 1
    if value < smallest:
        raise ValueError(f"Expected a whole {name} >= {smallest}, got {number}.")
    return value

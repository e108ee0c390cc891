"""What an argument must be, said in the words of its name."""

import operator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

__all__ = ["as_key", "as_keys", "as_real", "as_whole", "check_kind"]


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


def check_kind(value: Any, kind: type) -> None:
    """Raise unless a result is of the kind that a function takes."""
    if not isinstance(value, kind):
        raise TypeError(f"Expected a {kind.__name__}, got {type(value).__name__}.")


def as_real(number: Any, name: str, *, smallest: float) -> float:
    """One real number that is not below the smallest."""
    try:
        value = float(number) if np.ndim(number) == 0 else np.nan
    except (TypeError, ValueError, OverflowError):
        value = np.nan
    if isinstance(number, str | bytes) or not value >= smallest:
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

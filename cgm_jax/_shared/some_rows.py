"""Rows drawn at random without replacement, where there are too many."""

import jax
import numpy as np
from jaxtyping import Array, Int, Key

__all__ = ["some_rows"]


def some_rows(key: Key[Array, ""], num: int, most: int) -> Int[np.ndarray, " k"]:
    """All of ``num`` rows, or ``most`` of them at random; ascending, from 0."""
    if num <= most:
        return np.arange(num)
    # As many as a power of two: few programs for many numbers of rows.
    shares = jax.random.uniform(key, (1 << num.bit_length(),))
    return np.sort(np.argsort(np.asarray(shares)[:num])[:most])

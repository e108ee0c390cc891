"""How close two floating-point results must be, as a function of their dtype."""

import jax.numpy as jnp
from jax.typing import DTypeLike


def rtol(dtype: DTypeLike, *, roundings: float = 100) -> float:
    """Relative tolerance: ``roundings`` times the rounding error of ``dtype``.

    The default is 1.2e-5 in float32 and 2.2e-14 in float64. Where a sum is long or
    terms cancel, the test states a larger number and why.
    """
    return roundings * float(jnp.finfo(dtype).eps)

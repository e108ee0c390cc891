"""Drawing an index with given weights, by inverting the cumulative sum."""

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

__all__ = ["inverse_cdf"]


def inverse_cdf(
    uniform: Float[Array, ""], weights: Float[Array, " n"]
) -> tuple[Int[Array, ""], Float[Array, ""]]:
    r"""The index that a uniform number in [0, 1) falls on.

    .. math:: i = \min \{ i : \textstyle\sum_{j \le i} w_j > u \sum_j w_j \}

    An entry of weight zero is never returned, whatever the rounding, unless all are.

    Example:
        >>> index, rest = inverse_cdf(jnp.array(0.75), jnp.array([2.0, 0.0, 2.0]))
        >>> int(index), float(rest)
        (2, 0.5)

    Reference:
        Devroye 1986, Sec. III.2.
    """
    cumulative = jnp.cumsum(weights.astype(uniform.dtype))
    # Not the last sum: XLA adds up in a tree, so that zeros at the end may raise it.
    total = jnp.max(jnp.where(weights > 0, cumulative, 0))
    # Strictly below the total, or rounding could put it past the last positive weight.
    query = jnp.minimum(uniform * total, jnp.nextafter(total, jnp.zeros_like(total)))
    index = jnp.argmax((cumulative > query) & (weights > 0))
    share = weights[index].astype(uniform.dtype)
    rest = (query - (cumulative[index] - share)) / jnp.where(share > 0, share, 1)
    largest = jnp.nextafter(jnp.ones_like(rest), jnp.zeros_like(rest))
    return index, jnp.clip(rest, 0, largest)

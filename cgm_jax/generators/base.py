"""What a generator is, and how samples are made to grow.

When no reward scheme is feasible the mediator enlarges the candidates G (App. F). The
points already there must stay, so a larger sample starts with the smaller one:

    sample(key, model, 2 * m)[:m] == sample(key, model, m)

Points are therefore drawn in blocks of one size, block b with ``fold_in(key, b)``: each
block is the same compiled program on the same shapes, whatever the number asked for.
"""

from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key

from cgm_jax._shared.arrays import Points, is_traced

__all__ = ["BLOCK_SIZE", "Generator", "sample_in_blocks"]

BLOCK_SIZE = 4_096  # small enough to waste little, large enough to hide the dispatch


@runtime_checkable
class Generator(Protocol):
    """Anything that learns from points and then draws new ones.

    Any object with these two methods will do. ``model`` is whatever ``fit`` returns;
    only the generator's own ``sample`` looks into it.
    """

    def fit(self, key: Key[Array, ""], points: Points) -> Any:
        """Learn from the parties' points, shape ``(n, d)``."""
        ...

    def sample(self, key: Key[Array, ""], model: Any, num: int) -> Points:
        """Draw ``num`` points; with the same key, more points start with fewer."""
        ...


def sample_in_blocks(
    draw: Callable[[Key[Array, ""]], Points], key: Key[Array, ""], num: int
) -> Points:
    """Draw ``num`` points so that a larger sample starts with the smaller one.

    Example:
        >>> def draw(key):
        ...     return jax.random.normal(key, (BLOCK_SIZE, 2))
        >>> sample_in_blocks(draw, jax.random.key(0), 5_000).shape
        (5000, 2)
    """
    if num < 1:
        raise ValueError(f"Expected num, the points to draw, at least 1; got {num}.")
    blocks, drawn = [], 0
    while drawn < num:
        blocks.append(draw(jax.random.fold_in(key, len(blocks))))
        drawn += len(blocks[-1])
    # Blocks of any size are joined by NumPy: JAX would compile for each combination.
    join = np if isinstance(blocks[0], np.ndarray) else jnp
    points = join.concatenate(blocks)[:num]
    if points.dtype == np.float64 and not is_traced(points):
        return np.asarray(points)
    return points

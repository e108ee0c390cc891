"""What a generator is, and how samples are made to grow.

When no reward scheme is feasible the mediator enlarges the candidates G (App. F). The
points already there must stay: ``sample(key, model, 2 * m)`` starts with
``sample(key, model, m)``. Points are therefore drawn in blocks of one size, block b
with ``fold_in(key, b)``: one compiled program, whatever the number asked for.
"""

from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key

from cgm_jax._shared.arrays import Points, is_traced
from cgm_jax._shared.checks import as_key, as_whole, told

__all__ = ["BLOCK_SIZE", "Generator", "check_generator", "sample_in_blocks"]

BLOCK_SIZE = 4_096  # small enough to waste little, large enough to hide the dispatch


@runtime_checkable
class Generator(Protocol):
    """Any object that learns from points and then draws new ones.

    ``model`` is whatever ``fit`` returns; only its own ``sample`` looks into it.
    """

    def fit(self, key: Key[Array, ""], points: Points) -> Any:
        """Learn from the parties' points, shape ``(n, d)``."""
        ...

    def sample(self, key: Key[Array, ""], model: Any, num: int) -> Points:
        """Draw ``num`` points; with the same key, more points start with fewer."""
        ...


def check_generator(generator: Any) -> None:
    """Raise unless an argument can learn from points and draw new ones."""
    if isinstance(generator, type) or not isinstance(generator, Generator):
        raise TypeError(
            "Expected a generator with the methods `fit` and `sample`, such as "
            f"KernelDensity(), got {told(generator)}."
        )


def sample_in_blocks(
    draw: Callable[[Key[Array, ""]], Points], key: Key[Array, ""], num: int
) -> Points:
    """Draw ``num`` points so that a larger sample starts with the smaller one."""
    as_key(key)
    num = as_whole(num, "num of points to draw", smallest=1)
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

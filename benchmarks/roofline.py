"""The most that a device does: copies, products of matrices and exponentials a second.

Measured, not looked up: on a CPU by as many threads as the package has workers.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from cgm_jax._shared.exponential import exp_nonpositive
from cgm_jax._shared.platforms import platform_settings
from cgm_jax._shared.precision import matmul
from cgm_jax._shared.workers import map_on_workers, num_workers

from .timing import seconds_of

__all__ = ["Roofline", "Work", "measure_roofline"]

_RUNS = 5
_UNROLLED = 8  # exponentials of an entry between two visits to memory


@dataclass(frozen=True)
class Work:
    """What a piece of work takes at the least, float32."""

    num_bytes: float = 0.0
    """Read and written once, where that is more than caches hold."""

    operations: float = 0.0
    """Multiplications and additions of its products of matrices."""

    exponentials: float = 0.0


@dataclass(frozen=True)
class Roofline:
    """The same in a second, each at its best."""

    num_bytes: float
    operations: float
    exponentials: float

    def share(self, work: Work, seconds: float) -> float:
        """The share that the busiest part was busy at the least."""
        rates = asdict(self)
        return max(amount / rates[of] for of, amount in asdict(work).items()) / seconds


def measure_roofline(*, small: bool) -> Roofline:
    """Measure the default device.

    Args:
        small: whether to run at a size that only shows that all works.

    Returns:
        The best of some runs.
    """
    num_copied, side, times = (2**16, 64, 1) if small else (2**26, 2_048, 32)
    entries = platform_settings().tile_size ** 2  # what a pass keeps at a time
    return Roofline(
        num_bytes=_per_second(_copy, jnp.ones(num_copied), 8 * num_copied),
        operations=_per_second(_product, jnp.ones((side, side)), 2 * side**3),
        exponentials=_per_second(
            lambda x: _exponentials(x, times),
            jnp.ones(entries),
            entries * times * _UNROLLED,
        ),
    )


def _per_second(
    program: Callable[[Array], Array], argument: Array, amount: float
) -> float:
    """The amount that all workers do in a second, each of them the whole of it."""
    copies = [jnp.copy(argument) for _ in range(num_workers())]

    def work(x: Array, check: Callable[[], None]) -> Any:
        return jax.block_until_ready(program(x))

    seconds = [
        seconds_of(lambda: map_on_workers(work, copies))[0] for _ in range(_RUNS)
    ]
    return len(copies) * amount / min(seconds)


@jax.jit
def _copy(x: Float[Array, " n"]) -> Float[Array, " n"]:
    return x + 1


@jax.jit
def _product(x: Float[Array, "n n"]) -> Float[Array, "n n"]:
    return matmul(x, x)


@jax.jit
def _exponentials(x: Float[Array, " n"], times: int) -> Float[Array, " n"]:
    def step(_: Any, x: Float[Array, " n"]) -> Float[Array, " n"]:
        for _ in range(_UNROLLED):
            x = exp_nonpositive(-x)
        return x

    return lax.fori_loop(0, times, step, x)

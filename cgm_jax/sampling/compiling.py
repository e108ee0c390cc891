"""The program of a draw, compiled while there is other work.

XLA compiles without the interpreter, and before its first draw a process has CVXPY to
import and a length scale to find.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Array, DTypeLike, Key

from cgm_jax._shared.workers import beside
from cgm_jax.gram import GramSums
from cgm_jax.kernels.base import Kernel

from .layout import Layout
from .pick_many import FEW
from .weighted_sampling import draw_rewards

__all__ = ["compile_beside"]

_seen: set[tuple] = set()


def compile_beside(
    key: Key[Array, ""], kernel: Kernel, shape: tuple[int, ...], dtype: DTypeLike
) -> Callable[[], None]:
    """Compile the program for candidates of a shape, once; what is returned waits.

    Only for few candidates: with many, sums take longer, and memory is planned.
    """
    if shape[0] >= FEW:
        return _nothing
    program = type(kernel), Layout.of(shape[0]).shape, shape[1:], np.dtype(dtype)
    if program in _seen:
        return _nothing
    _seen.add(program)

    def draw_once() -> None:
        nothing = np.zeros((2, 2)), np.zeros((shape[0], 2)), np.array([1.0, shape[0]])
        draw_rewards(
            [key],
            kernel,
            np.zeros(shape, dtype),
            GramSums(*nothing),
            np.array([np.inf]),
            inverse_temperatures=[1.0],
            max_picks=1,
        )

    return beside(draw_once)


def _nothing() -> None:
    """There is nothing to wait for."""

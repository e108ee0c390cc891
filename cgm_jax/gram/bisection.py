"""Bisection for where the least of some values turns non-negative, in few evaluations.

The answer is one of 2^halvings cells between two bounds: plain bisection ends with the
cell at whose lower end a value is negative, and at whose upper end none is. An estimate
that costs next to nothing names a cell; values at its ends certify it, or say what the
estimate is wrong by. For values that change sign once, the answer is that of plain
bisection, to the last bit.
"""

from collections.abc import Callable
from functools import cache

import numpy as np
from jaxtyping import Float

__all__ = ["first_non_negative"]

ValuesAt = Callable[[float], Float[np.ndarray, " n"]]


def first_non_negative(
    values: ValuesAt,
    estimate: ValuesAt | None,
    low: float,
    high: float,
    num_halvings: int,
) -> float:
    """The upper end of the cell in which the least value turns non-negative.

    Without an estimate it is plain bisection. Values are taken to be negative at
    ``low``, and not at ``high``.
    """

    def end(cell: int) -> float:
        """The upper end of a cell, as bisection comes by it."""
        below, above = low, high
        for bit in reversed(range(num_halvings)):
            middle = (below + above) / 2
            below, above = (middle, above) if cell >> bit & 1 else (below, middle)
        return above

    estimate = None if estimate is None else cache(estimate)
    # The answer is one of these cells.
    first, last = 0, 2**num_halvings - 1
    error_below = error_above = None  # of the estimate, where values end the cells
    step, is_slow = 1, False
    while first < last:
        cell = _halfway(first, last)
        if estimate is not None and not is_slow:
            errors = (end(first - 1), error_below), (end(last), error_above)
            cell = _crossing(end, _corrected(estimate, *errors), first, last)
            # Where only one side is known, go away from it faster and faster.
            if error_above is None and error_below is not None:
                cell = max(cell, min(first + step - 1, last))
                step *= 4
            if error_below is None and error_above is not None:
                cell = min(cell, max(last - step + 1, first))
                step *= 4
        cell = min(cell, last - 1)  # at the end of the last one it is known
        before, at = last - first, end(cell)
        found = values(at)
        error = found - estimate(at) if estimate is not None else None
        if found.min() >= 0:
            last, error_above = cell, error
        else:
            first, error_below = cell + 1, error
        is_known = error_below is not None and error_above is not None
        is_slow = is_known and not is_slow and 2 * (last - first) > before
    return end(last)


def _halfway(first: int, last: int) -> int:
    """Where bisection of all cells divides these: always at the same few ends."""
    bit = (first ^ last).bit_length() - 1
    return (last >> bit << bit) - 1


def _crossing(
    end: Callable[[int], float], values: ValuesAt, first: int, last: int
) -> int:
    """The cell, of those from first to last, in which bisection sees the change."""
    while first < last:
        cell = _halfway(first, last)
        if values(end(cell)).min() >= 0:
            last = cell
        else:
            first = cell + 1
    return last


def _corrected(
    estimate: ValuesAt,
    below: tuple[float, Float[np.ndarray, " n"] | None],
    above: tuple[float, Float[np.ndarray, " n"] | None],
) -> ValuesAt:
    """The estimate plus its error: between two known errors it changes evenly."""
    (start, error_below), (stop, error_above) = below, above

    def values(at: float) -> Float[np.ndarray, " n"]:
        if error_below is None:
            return estimate(at) + (0 if error_above is None else error_above)
        if error_above is None:
            return estimate(at) + error_below
        share = (at - start) / (stop - start)
        return estimate(at) + (1 - share) * error_below + share * error_above

    return values

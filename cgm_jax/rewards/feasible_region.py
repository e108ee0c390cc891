"""The pairs (ρ, log v*) that the reward scheme's linear program chooses from.

Party i with the normalised Shapley value α_i bounds log v* by two parallel lines,

    log lower_i − ρ log α_i ≤ log v* ≤ log upper_i − ρ log α_i,     0 ≤ ρ ≤ 1

Both rise with ρ, the more steeply the less the party contributed. The region lies above
the highest lower line and below the lowest upper one.

Reference: Tay et al. 2022, Sec. 4.1.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Array, Float, Int

from cgm_jax._shared.arrays import array_module

__all__ = ["SOLVER_SLACK", "FeasibleRegion", "best_corner"]

SOLVER_SLACK = 1e-10  # the tightest tolerance HiGHS takes
_SAME_POINT = 1e-12  # corners closer than this are one; the region is of order 1


@dataclass(frozen=True, eq=False)
class FeasibleRegion:
    """A polygon between two families of parallel lines.

    Attributes:
        parties: index of the party behind each pair of lines, shape ``(m,)``.
        slopes: −log α of each, >= 0, shape ``(m,)``.
        log_lower: logarithm of the least reward value of each, shape ``(m,)``.
        log_upper: logarithm of its largest, −inf if it can get none, shape ``(m,)``.
    """

    parties: Int[np.ndarray, " m"]
    slopes: Float[np.ndarray, " m"]
    log_lower: Float[np.ndarray, " m"]
    log_upper: Float[np.ndarray, " m"]

    def binding_parties(self, rho: float) -> tuple[int, int]:
        """The parties of the highest lower line and of the lowest upper line at ρ."""
        lower, upper = self._binding_lines(rho)
        return int(self.parties[lower]), int(self.parties[upper])

    def room(self, rho: float) -> float:
        """How far the lowest upper line is above the highest lower line at ρ."""
        lower, upper = self.log_lower + rho * self.slopes, self.log_upper
        return float((upper + rho * self.slopes).min() - lower.max())

    def widest_rho(self) -> float:
        """The ρ at which most room is left (or least is missing) between the lines.

        The room is concave and piecewise linear in ρ: where the pieces at two ends of
        an interval meet, it is largest, or a smaller interval ends.
        """
        if np.isneginf(self.log_upper).any():
            return 0.0  # none is left anywhere
        (left, left_slope), (right, right_slope) = self._piece(0.0), self._piece(1.0)
        if left_slope <= 0 or right_slope >= 0:
            return 0.0 if left_slope <= 0 else 1.0
        while True:
            rho = (right - left) / (left_slope - right_slope)
            room, slope = self._piece(rho)
            if room + slope * rho >= left + left_slope * rho - _SAME_POINT:
                return float(rho)
            if slope > 0:
                left, left_slope = room, slope
            else:
                right, right_slope = room, slope

    def _piece(self, rho: float) -> tuple[float, float]:
        """Room at 0 and slope of the linear function that is the room near ρ."""
        lower, upper = self._binding_lines(rho)
        room = self.log_upper[upper] - self.log_lower[lower]
        return float(room), float(self.slopes[upper] - self.slopes[lower])

    def _binding_lines(self, rho: float) -> tuple[np.intp, np.intp]:
        lower = np.argmax(self.log_lower + rho * self.slopes)
        return lower, np.argmin(self.log_upper + rho * self.slopes)

    def optimum(self) -> tuple[float, float] | None:
        """The corner (ρ, log v*) of the largest v*, or None if the region is empty.

        All upper lines rise with ρ, so it is where ρ is largest: where the first lower
        line that is steeper than an upper one meets it, or at 1.
        """
        rho, top, is_empty = best_corner(self.slopes, self.log_lower, self.log_upper)
        return None if is_empty else (float(rho), float(top))

    def vertices(self) -> Float[np.ndarray, "vertices 2"]:
        """Corners (ρ, log v*), counter-clockwise; none if the region is empty."""
        if not len(self.parties):
            return np.empty((0, 2))
        bottom, top = self.log_lower.max(), (self.log_upper + self.slopes).min()
        polygon = np.array([[0, bottom], [1, bottom], [1, top], [0, top]])
        if not bottom <= top:
            return polygon[:0]
        for slope, lower, upper in zip(
            self.slopes, self.log_lower, self.log_upper, strict=True
        ):
            polygon = _cut(polygon, polygon @ [slope, -1] + lower)
            polygon = _cut(polygon, polygon @ [-slope, 1] - upper)
        step = np.abs(polygon - np.roll(polygon, 1, axis=0)).max(axis=1, initial=0)
        distinct = polygon[step > _SAME_POINT]
        return distinct if len(distinct) else polygon[:1]


def best_corner(
    slopes: Float[Array | np.ndarray, " m"],
    log_lower: Float[Array | np.ndarray, " m"],
    log_upper: Float[Array | np.ndarray, " m"],
) -> tuple[Any, Any, Any]:
    """ρ and log v* at `FeasibleRegion.optimum`, and whether the region is empty."""
    xp = array_module(slopes, log_lower, log_upper)
    steeper = slopes[:, None] - slopes[None]
    meets = steeper > _SAME_POINT
    room = log_upper[None] - log_lower[:, None]
    crossings = xp.where(meets, room, 1) / xp.where(meets, steeper, 1)
    rho = xp.clip(xp.min(crossings, initial=1.0), 0.0, 1.0)
    top = xp.min(log_upper + rho * slopes)
    bottom = xp.max(log_lower + rho * slopes)
    return rho, top, top < bottom - SOLVER_SLACK


def _cut(
    polygon: Float[np.ndarray, "k 2"], excess: Float[np.ndarray, " k"]
) -> Float[np.ndarray, "m 2"]:
    """Keep the part of a convex polygon where a linear function is not positive."""
    corners = []
    for i in range(len(polygon)):
        before, here = excess[i - 1], excess[i]
        if min(before, here) < -_SAME_POINT and max(before, here) > _SAME_POINT:
            share = before / (before - here)
            corners.append((1 - share) * polygon[i - 1] + share * polygon[i])
        if here <= _SAME_POINT:
            corners.append(polygon[i])
    return np.reshape(corners, (-1, 2))

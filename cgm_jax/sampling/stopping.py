"""When a draw ends: the picks of one party so far, and the stop test.

A party has enough once its value has reached its reward value within rounding. Its draw
ends without where candidates run out, or where its value has stalled.
"""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from jaxtyping import Float, Int

from cgm_jax._shared.results import Result

from .picking import Lane

__all__ = ["Course", "Reward", "StopReason"]

StopReason = Literal["reached", "exhausted", "stalled", "max_picks"]

# Without a new best value for this share of the candidates, and this many picks, the
# value has stalled.
PATIENCE = 0.1
MIN_PATIENCE = 100


@dataclass(frozen=True, eq=False, repr=False)
class Reward(Result):
    """The synthetic points of one party."""

    indices: Int[np.ndarray, " picks"]
    """Indices into the candidates, in drawing order."""

    values: Float[np.ndarray, " picks"]
    """v(D_i ∪ G_i) after each pick, float64."""

    stop_reason: StopReason
    """``reached``: the reward value; ``exhausted``: no candidates left; ``stalled``: no
    new best value for a tenth of the candidates (at least 100); ``max_picks``: the
    limit given."""

    initial_value: float
    """v(D_i)."""

    reward_value: float
    """r_i, the value to reach."""

    @property
    def final_value(self) -> float:
        """v(D_i ∪ G_i): the last of ``values``, or v(D_i) where nothing was drawn."""
        return float(self.values[-1]) if len(self.values) else self.initial_value

    @property
    def num_negative_steps(self) -> int:
        """Number of points that lowered the value of what the party had."""
        return int((np.diff([self.initial_value, *self.values]) < 0).sum())

    @property
    def shortfall(self) -> float:
        """max(0, r_i − v(D_i ∪ G_i))."""
        return max(0.0, self.reward_value - self.final_value)


def enough_for(target: float, size_of_terms: float, eps: float) -> float:
    """The value that counts as the reward value: it, within rounding.

    A limit that the scheme attains exactly must not be missed by rounding: that of one
    kernel entry, and that of the two means whose difference a value is.
    """
    rounding = 8 * float(np.finfo(np.float64).eps) * size_of_terms
    return target - (eps * abs(target) + rounding)


@dataclass(eq=False)
class Course:
    """The draw of one party as it goes on."""

    target: float  # r_i
    initial: float  # v(D_i)
    enough: float  # r_i within rounding
    value_with_all: float  # v(D_i ∪ G)
    num_candidates: int
    limit: int  # most picks
    indices: list[int] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    best: float = field(init=False)
    best_count: int = 0  # number of picks up to the best value

    @classmethod
    def of(
        cls,
        lane: Lane,
        reference_size: float,
        target: float,
        value_with_all: float,
        num_candidates: int,
        max_picks: int | None,
    ) -> "Course":
        """The start, before the first pick."""
        size = float(lane.size)
        with_reference = 2 * float(lane.across) / (size * reference_size)
        with_itself = float(lane.within) / size**2
        enough = enough_for(
            target,
            with_reference + with_itself,
            float(np.finfo(lane.witness.dtype).eps),
        )
        limit = num_candidates if max_picks is None else min(max_picks, num_candidates)
        return cls(
            target,
            with_reference - with_itself,
            enough,
            value_with_all,
            num_candidates,
            limit,
        )

    def __post_init__(self) -> None:
        self.best = self.initial

    @property
    def value(self) -> float:
        """v(D_i ∪ G_i)."""
        return self.values[-1] if self.values else self.initial

    @property
    def stop_reason(self) -> StopReason | None:
        """Why it ends here, or None if it goes on."""
        if self.value >= self.enough:
            return "reached"
        if len(self.values) == self.limit:
            return "exhausted" if self.limit == self.num_candidates else "max_picks"
        without = len(self.values) - self.best_count
        return "stalled" if without >= self.patience else None

    @property
    def patience(self) -> int:
        """So many picks without a new best value are too many."""
        return max(MIN_PATIENCE, round(PATIENCE * self.num_candidates))

    def take(
        self, picked: Int[np.ndarray, " picks"], reached: Float[np.ndarray, " picks"]
    ) -> None:
        """Picks and the values after them, up to the one at which it ends."""
        values = np.array(reached, float)
        counts = len(self.values) + 1 + np.arange(len(values))
        # The last value is known: a limit that is promised must be reached.
        values[counts == self.num_candidates] = self.value_with_all
        best = np.maximum.accumulate([self.best, *values])
        is_better = values > best[:-1]
        best_counts = np.maximum.accumulate(
            np.where(is_better, counts, self.best_count)
        )
        is_end = (values >= self.enough) | (counts == self.limit)
        is_end |= counts - best_counts >= self.patience
        num = int(is_end.argmax()) + 1 if is_end.any() else len(values)
        if not np.isfinite(values[:num]).all():
            bad = int(np.isfinite(values).argmin())
            raise FloatingPointError(
                f"Expected finite values, got {values[bad]} for pick "
                f"{counts[bad] - 1}: the kernel of two candidates is not finite."
            )
        self.indices += picked[:num].tolist()
        self.values += values[:num].tolist()
        self.best, self.best_count = float(best[num]), int(best_counts[num - 1])

    def reward(self) -> Reward:
        """What was drawn; without the reward value, up to the best value."""
        reason = self.stop_reason
        assert reason is not None
        count = len(self.values)
        if reason in ("exhausted", "stalled"):
            count = self.best_count
        return Reward(
            np.array(self.indices[:count], np.int64),
            np.array(self.values[:count]),
            reason,
            self.initial,
            self.target,
        )

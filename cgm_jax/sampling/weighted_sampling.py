"""Weighted sampling: synthetic points for every party until it has its reward value.

The loop runs in chunks of picks, compiled once and driven from Python: progress, an
interrupt and the end of a party need no callback. A chunk is a function of the party's
key and the number of picks before it: results depend on nothing else.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

import jax
import numpy as np
from jaxtyping import Array, ArrayLike, DTypeLike, Float, Int, Key

from cgm_jax._shared.arrays import Points, as_points, rounded_up
from cgm_jax._shared.checks import as_key, as_real, as_whole
from cgm_jax._shared.precision import at_once, on_numbers
from cgm_jax._shared.results import Result
from cgm_jax._shared.workers import map_on_workers
from cgm_jax.gram import GramSums
from cgm_jax.kernels.base import Kernel, centred
from cgm_jax.valuation import values_with_candidates
from cgm_jax.valuation.coalitions import checked_sums

from .lanes import check_candidates, first_witness, placed
from .picking import CandidateSet, Lane, grid, pick_many

__all__ = ["Progress", "Reward", "StopReason", "weighted_sampling"]

StopReason = Literal["reached", "exhausted", "stalled", "max_picks"]
Progress = Callable[[int, int, float], None]

PICKS_PER_CHUNK = 64
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


@on_numbers(", or use `lanes` and `pick_many` there")
def weighted_sampling(
    key: Key[Array, ""],
    kernel: Kernel,
    candidates: Float[ArrayLike, "g d"],
    sums: GramSums,
    reward_values: Float[ArrayLike, " n"],
    *,
    inverse_temperature: float,
    max_picks: int | None = None,
    progress: Progress | None = None,
) -> list[Reward]:
    r"""Draw for every party the points that bring its data to its reward value.

    While v(D_i ∪ G_i) < r_i, a candidate x joins G_i with probability

    .. math:: p(x) \propto \exp(\beta \bar\Delta_x), \qquad
              \Delta_x = v(D_i \cup G_i \cup \{x\}) - v(D_i \cup G_i)

    and :math:`\bar\Delta` is :math:`\Delta` rescaled to [0, 1] over those left.

    Args:
        key: a typed key. Party i uses ``fold_in(key, i)``.
        kernel: the kernel that ``sums`` were computed with.
        candidates: G, shape ``(g, d)``.
        sums: sums between the n parties and the candidates.
        reward_values: r, shape ``(n,)``. A value counts as reached within rounding:
            ``eps * r_i``, with the eps of the points' dtype.
        inverse_temperature: β >= 0: 0 is uniform, infinity takes the best each time.
        max_picks: most points a party gets; all candidates by default.
        progress: called after every chunk of picks with the party, the number of its
            picks so far and its value, from one thread at a time.

    Returns:
        One reward per party. Where the value is not reached, it is cut at its best
        value (unless ``max_picks`` ended it): see ``stop_reason`` and ``shortfall``.

    Raises:
        ValueError: if β is negative or NaN, ``max_picks < 0``, shapes do not fit, or a
            reward value is NaN.

    Example:
        >>> from cgm_jax.gram import gram_sums
        >>> from cgm_jax.kernels import SquaredExponential
        >>> kernel = SquaredExponential(1.0)
        >>> parties = [np.zeros((2, 1)), np.ones((1, 1))]
        >>> candidates = np.linspace(-1, 2, 20)[:, None]
        >>> sums = gram_sums(kernel, parties, candidates)
        >>> rewards = weighted_sampling(
        ...     jax.random.key(0), kernel, candidates, sums, np.array([0.6, 0.1]),
        ...     inverse_temperature=4.0,
        ... )
        >>> [(r.stop_reason, r.final_value >= r.reward_value) for r in rewards]
        [('reached', True), ('reached', True)]
        >>> len(rewards[1].indices)  # its own data are worth more than 0.1
        0

    Reference:
        Tay et al. 2022, Sec. 4.2 and Algorithm 1.
    """
    points = as_points(candidates, "candidates")
    with at_once(points):
        checked_sums(sums)
        _check_sums(kernel, points, sums)
    return draw_rewards(
        key,
        kernel,
        points,
        sums,
        reward_values,
        inverse_temperature=inverse_temperature,
        max_picks=max_picks,
        progress=progress,
    )


def draw_rewards(
    key: Key[Array, ""],
    kernel: Kernel,
    points: Points,
    sums: GramSums,
    reward_values: Float[ArrayLike, " n"],
    *,
    inverse_temperature: float,
    max_picks: int | None = None,
    progress: Progress | None = None,
) -> list[Reward]:
    """As `weighted_sampling`, of sums that are known to be those of the candidates."""
    as_key(key)
    targets = np.asarray(reward_values, np.float64)
    beta = as_real(inverse_temperature, "inverse_temperature", smallest=0.0)
    if max_picks is not None:
        max_picks = as_whole(max_picks, "max_picks", smallest=0)
    _check(points, sums, targets)
    with at_once(points):
        layout = _Layout.of(len(points))
        reference_sums = np.asarray(sums.candidate_rows).sum(1)
        drawn_from, diagonal = _candidate_set(
            kernel, points, sums, reference_sums, layout
        )
    limits = np.asarray(values_with_candidates(sums))
    beta = np.float32(min(beta, 1e30))  # the best each time
    lock = threading.Lock()

    def draw(party: int, check: Callable[[], None]) -> Reward:
        def report(num_picks: int, value: float) -> None:
            check()
            if progress is not None:
                with lock:
                    progress(party, num_picks, value)

        # One lane per worker, not one per party: there may be hundreds of parties.
        lane = _lane(diagonal, sums, reference_sums, party, layout, points.dtype)
        return _draw_reward(
            jax.random.fold_in(key, np.uint32(party)),
            kernel,
            drawn_from,
            layout,
            lane,
            beta,
            float(targets[party]),
            float(limits[party]),
            len(points),
            max_picks,
            report,
        )

    # XLA keeps less than two cores busy with one party: others run beside it.
    return map_on_workers(draw, range(sums.num_parties))


def _check_sums(kernel: Kernel, points: Points, sums: GramSums) -> None:
    """Compare one row of the sums with that of the kernel."""
    if len(points) != len(sums.candidate_rows) or not len(points):
        return  # another check will say so
    place = np.minimum(np.arange(rounded_up(len(points))), len(points) - 1)
    (near,) = centred(kernel, points)
    row = np.asarray(_first_row(kernel, near[place]), float)[: len(points)].sum()
    expected = float(sums.candidate_rows[0, -1])
    rounding = 1e4 * np.finfo(points.dtype).eps * max(abs(row), abs(expected))
    if not abs(row - expected) <= rounding:
        raise ValueError(
            "Expected sums of this kernel and these candidates, got others: the first "
            f"candidate's sum over all is {expected:.6g} in the sums and {row:.6g} "
            "here. Make them with `gram_sums` of the same arguments."
        )


@jax.jit
def _first_row(kernel: Kernel, points: Float[Array, "g d"]) -> Float[Array, " g"]:
    return kernel.pairwise(kernel.embed(points[:1]), kernel.embed(points))[0]


def _check(points: Points, sums: GramSums, targets: Float[np.ndarray, " n"]) -> None:
    check_candidates(points, sums)
    if targets.shape != (sums.num_parties,) or np.isnan(targets).any():
        raise ValueError(
            f"Expected one reward value per party ({sums.num_parties}), none of them "
            f"NaN, got {targets}."
        )


class _Layout(NamedTuple):
    """Where a candidate stands in a grid of one of a few sizes.

    A draw goes through columns one by one. Candidates stand in the order in which it
    would meet them in their own `grid`: what is drawn does not depend on the filling.
    """

    shape: tuple[int, int]
    candidate: Int[np.ndarray, " positions"]  # at a position; -1 fills up

    @classmethod
    def of(cls, num_candidates: int) -> "_Layout":
        rows, columns = grid(num_candidates)
        order = np.arange(rows * columns).reshape(rows, columns).T.reshape(-1)
        order = order[order < num_candidates]
        shape = grid(max(256, rounded_up(num_candidates, steps=8)))
        candidate = np.full(shape[::-1], -1)
        candidate.reshape(-1)[: len(order)] = order
        return cls(shape, candidate.T.reshape(-1))

    def arranged(
        self, numbers: Float[np.ndarray, "g ..."], filling: float
    ) -> Float[np.ndarray, "positions ..."]:
        """One number of every candidate, at its position."""
        is_real = self.candidate >= 0
        return np.where(is_real, numbers[self.candidate], filling)


def _candidate_set(
    kernel: Kernel,
    points: Points,
    sums: GramSums,
    reference_sums: Float[np.ndarray, " g"],
    layout: _Layout,
) -> tuple[CandidateSet, Float[np.ndarray, " g"]]:
    """What all parties draw from, and k(x, x) of every candidate."""
    (points,) = centred(kernel, points)
    at = np.asarray(points)[np.maximum(layout.candidate, 0)]
    embedded, diagonal_at = placed(kernel, at)
    diagonal = np.empty(len(points), points.dtype)
    is_real = layout.candidate >= 0
    diagonal[layout.candidate[is_real]] = np.asarray(diagonal_at)[is_real]
    candidates = CandidateSet(
        embedded,
        jax.device_put(layout.arranged(reference_sums, 0.0)),
        jax.device_put(np.asarray(sums.reference_size)),
    )
    return candidates, diagonal


def _lane(
    diagonal: Float[np.ndarray, " g"],
    sums: GramSums,
    reference_sums: Float[np.ndarray, " g"],
    party: int,
    layout: _Layout,
    dtype: DTypeLike,
) -> Lane:
    mine = slice(party, party + 1)
    w = np.asarray(first_witness(sums, reference_sums, diagonal, mine))
    lane = (
        layout.arranged(w[0], -np.inf).astype(dtype).reshape(layout.shape),
        np.asarray(sums.between[party, party]),
        np.asarray(sums.between[party].sum()),
        np.asarray(sums.sizes[party]),
    )
    with at_once():
        return Lane(*jax.device_put(lane))


def _draw_reward(
    key: Key[Array, ""],
    kernel: Kernel,
    candidates: CandidateSet,
    layout: _Layout,
    lane: Lane,
    beta: np.float32,
    target: float,
    value_with_all: float,
    num_candidates: int,
    max_picks: int | None,
    report: Callable[[int, float], None],
) -> Reward:
    size = float(lane.size)
    with_reference = 2 * float(lane.across) / (size * float(candidates.reference_size))
    with_itself = float(lane.within) / size**2
    initial = with_reference - with_itself
    # A limit that the scheme attains exactly must not be missed by rounding: that of
    # one kernel entry, and that of the two means whose difference a value is.
    rounding = float(np.finfo(lane.witness.dtype).eps) * abs(target)
    rounding += 8 * float(np.finfo(np.float64).eps) * (with_reference + with_itself)
    enough = target - rounding
    limit = num_candidates if max_picks is None else min(max_picks, num_candidates)
    patience = max(MIN_PATIENCE, round(PATIENCE * num_candidates))
    indices: list[int] = []
    values: list[float] = []
    best, best_count = initial, 0  # the best value, and after how many picks

    def end() -> StopReason | None:
        if (values[-1] if values else initial) >= enough:
            return "reached"
        if len(values) == limit:
            return "exhausted" if limit == num_candidates else "max_picks"
        return "stalled" if len(values) - best_count >= patience else None

    while (reason := end()) is None:
        lane, picked, reached = pick_many(
            key,
            kernel,
            candidates,
            lane,
            beta,
            np.int32(len(values)),
            num_picks=PICKS_PER_CHUNK,
        )
        picked = layout.candidate[np.asarray(picked)]
        pairs = zip(picked, np.asarray(reached), strict=True)
        for index, value in pairs:  # some of the last chunk's picks are not needed
            if not np.isfinite(value):
                raise FloatingPointError(
                    f"Expected finite values, got {value} for pick {len(values)}: the "
                    "kernel of two candidates is not finite."
                )
            indices.append(int(index))
            # The last value is known: a limit that is promised must be reached.
            is_last = len(indices) == num_candidates
            values.append(value_with_all if is_last else float(value))
            if values[-1] > best:
                best, best_count = values[-1], len(values)
            if end():
                break
        report(len(values), values[-1])
    if reason in ("exhausted", "stalled"):
        del indices[best_count:], values[best_count:]
    return Reward(
        np.array(indices, np.int64), np.array(values), reason, initial, target
    )

"""Weighted sampling: synthetic points for every party until it has its reward value.

The loop runs in chunks of picks, compiled once and driven from Python: progress, an
interrupt and the end of a party need no callback. A chunk is a function of the party's
key and the number of picks before it: results depend on nothing else.

A lane is the draw of one party for one key and one β. On a CPU every lane is a program
of its own, as many at a time as there are cores; on an accelerator many lanes are one
program (`lanes_at_once`).
"""

import threading
from collections.abc import Callable, Sequence
from itertools import product

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from cgm_jax._shared.arrays import ArrayLike, Points, as_points, rounded_up, to_host
from cgm_jax._shared.checks import as_key, as_real, as_whole, check_callable
from cgm_jax._shared.platforms import platform_settings
from cgm_jax._shared.precision import at_once, on_numbers
from cgm_jax._shared.workers import map_on_workers
from cgm_jax.gram import GramSums
from cgm_jax.kernels.base import Kernel, centred
from cgm_jax.kernels.packed import packed
from cgm_jax.valuation import values_with_candidates
from cgm_jax.valuation.coalitions import checked_sums

from .lanes import check_candidates
from .lanes_at_once import draw_at_once
from .layout import Layout, candidate_set, lane_of
from .pick_many import PICKS_PER_CHUNK, pick_many
from .picking import Lane
from .stopping import Course, Reward

__all__ = ["PickProgress", "draw_rewards", "weighted_sampling"]

PickProgress = Callable[[int, int, float], None]


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
    progress: PickProgress | None = None,
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
    if progress is not None:
        check_callable(progress, "progress")
    points = as_points(candidates, "candidates")
    with at_once(points):
        checked_sums(sums)
        _check_sums(kernel, points, sums)
    beta = as_real(inverse_temperature, "inverse_temperature", smallest=0.0)

    def report(draw: int, party: int, num_picks: int, value: float) -> None:
        del draw
        if progress is not None:
            progress(party, num_picks, value)

    (rewards,) = draw_rewards(
        [as_key(key)],
        kernel,
        points,
        sums,
        reward_values,
        inverse_temperatures=[beta],
        max_picks=max_picks,
        progress=report,
    )
    return rewards


def draw_rewards(
    keys: Sequence[Key[Array, ""]],
    kernel: Kernel,
    points: Points,
    sums: GramSums,
    reward_values: Float[ArrayLike, " n"],
    *,
    inverse_temperatures: Sequence[float],
    max_picks: int | None = None,
    progress: Callable[[int, int, int, float], None] | None = None,
) -> list[list[Reward]]:
    """A draw of every key and β, of sums that are known to be those of the candidates.

    ``progress`` is called with the draw, the party, its number of picks and its value.
    """
    targets = to_host(reward_values)
    if max_picks is not None:
        max_picks = as_whole(max_picks, "max_picks", smallest=0)
    _check(points, sums, targets)
    with at_once(points):
        (points,) = centred(kernel, points)
        kernel = packed(kernel, points)
        layout = Layout.of(len(points))
        reference_sums = np.asarray(sums.candidate_rows).sum(1)
        drawn_from, diagonal = candidate_set(
            kernel, points, sums, reference_sums, layout
        )
    limits = np.asarray(values_with_candidates(sums))
    reference_size = float(sums.reference_size)
    betas = np.minimum(inverse_temperatures, 1e30).astype(np.float32)  # the best
    lock = threading.Lock()
    places = list(product(range(len(keys)), range(sums.num_parties)))

    def start(place: tuple[int, int]) -> tuple[Key[Array, ""], Lane, Course]:
        draw, party = place
        # Where it is needed, and not for all: there may be hundreds of parties.
        lane = lane_of(diagonal, sums, reference_sums, party, layout, points.dtype)
        course = Course.of(
            lane,
            reference_size,
            float(targets[party]),
            float(limits[party]),
            len(points),
            max_picks,
        )
        return jax.random.fold_in(keys[draw], np.uint32(party)), lane, course

    def report(place: tuple[int, int], course: Course) -> None:
        if progress is not None:
            with lock:
                progress(*place, len(course.values), course.value)

    def draw_lane(place: tuple[int, int], check: Callable[[], None]) -> Reward:
        key, lane, course = start(place)
        while course.stop_reason is None:
            lane, picked, reached = pick_many(
                key,
                kernel,
                drawn_from,
                lane,
                betas[place[0]],
                np.int32(len(course.values)),
                num_picks=PICKS_PER_CHUNK,
            )
            course.take(layout.candidate[np.asarray(picked)], np.asarray(reached))
            check()
            report(place, course)
        return course.reward()

    size = platform_settings().lanes
    if size == 1 or not _can_be_batched(keys):
        # XLA keeps less than two cores busy with one lane: others run beside it.
        rewards = map_on_workers(draw_lane, places)
    else:
        with at_once(points):
            rewards = draw_at_once(
                kernel, drawn_from, layout, places, betas, size, start, report
            )
    n = sums.num_parties
    return [rewards[first : first + n] for first in range(0, len(rewards), n)]


def _can_be_batched(keys: Sequence[Key[Array, ""]]) -> bool:
    """Whether numbers of many keys at once are those of each: of Threefry's keys only.

    A key of the old kind follows JAX's setting, and is taken by itself.
    """
    typed = [jnp.issubdtype(key.dtype, jax.dtypes.prng_key) for key in keys]
    return all(typed) and {*map(jax.random.key_impl, keys)} == {"threefry2x32"}


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

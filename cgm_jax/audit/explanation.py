"""Why the reward values are what they are, and what would change them.

The bounds of the linear program answer which of them hold with equality; what ρ and v*
would be without each party; and, where nothing is feasible, the least change of one
bound that would repair it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

import numpy as np
from jaxtyping import Float, Int

from cgm_jax._shared.checks import check_kind
from cgm_jax._shared.results import Result
from cgm_jax.collaboration import Promises
from cgm_jax.gram import GramSums
from cgm_jax.rewards.feasible_region import FeasibleRegion
from cgm_jax.rewards.from_sums import scheme_from_values
from cgm_jax.rewards.scheme import SLACK, RewardScheme, RewardStatus
from cgm_jax.scoring import for_parties
from cgm_jax.scoring.semivalues import SHAPLEY
from cgm_jax.valuation import coalition_values, values_with_candidates
from cgm_jax.valuation.coalitions import MAX_TABLE_PARTIES

from .games import coalitions_without

__all__ = ["Explanation", "explain", "explain_scheme"]

Side = Literal["lower", "upper"]
# Those of some of the parties; None for Shapley values.
Scores = Callable[[Int[np.ndarray, " m"]], Float[np.ndarray, " m"] | None]


@dataclass(frozen=True)
class Bound:
    """A constraint that holds with equality, and whose it is: None's where of ρ."""

    party: int | None
    side: Literal["lower", "upper", "rho = 0", "rho = 1"]


@dataclass(frozen=True)
class WithoutParty:
    """The program without a party's bounds, NaN where it is infeasible, and in a game.

    The game is that of the others on the same reference set: None without the sums, of
    more than 20 parties, or where nobody contributes.
    """

    party: int
    rho: float
    max_reward_value: float
    in_game: RewardScheme | None


@dataclass(frozen=True)
class Repair:
    """The change of one bound from ``value`` to ``needed`` that makes it feasible."""

    party: int
    side: Side
    value: float
    needed: float


@dataclass(frozen=True, eq=False, repr=False)
class Explanation(Result):
    """Why reward values are what they are; parties are counted from 0.

    Attributes:
        scheme: what is explained.
        binding: which constraints hold with equality; none unless optimal.
        without: the program without each party that is in it.
        repairs: where it is infeasible, any one of these would do, the smallest change
            first; none if one bound is not enough.
        shortfall: the share by which all lower values together would have to be
            lowered; 0 where it is feasible, NaN where it has no solution otherwise.
    """

    scheme: RewardScheme
    binding: tuple[Bound, ...]
    without: tuple[WithoutParty, ...]
    repairs: tuple[Repair, ...]
    shortfall: float


def explain(promises: Promises) -> Explanation:
    """Which bounds decide the reward values, and what would change them.

    Args:
        promises: what was promised.

    Returns:
        The explanation; `report.sentences.explanation_sentences` tells it to people.

    Example:
        >>> from cgm_jax import promise
        >>> parties = [np.zeros((2, 1)), np.ones((3, 1))]
        >>> explanation = explain(promise(parties, np.linspace(-1, 2, 50)[:, None]))
        >>> [(bound.party, bound.side) for bound in explanation.binding]
        [(1, 'upper'), (None, 'rho = 1')]

    Reference: Tay et al. 2022, Sec. 4.1 and App. F.
    """
    check_kind(promises, Promises)
    # Scores of rows take a pass over all pairs of them for every party left out.
    sums = None if promises.scoring.needs_rows else promises.sums
    return _explanation(promises.scheme, sums, partial(_scores, promises))


def explain_scheme(scheme: RewardScheme, sums: GramSums | None = None) -> Explanation:
    """Explain a scheme from anywhere, with reward values or without.

    Args:
        scheme: a reward scheme, optimal or not (``throw=False``).
        sums: the sums that it was computed from, for the game without each party; of
            Shapley values only.

    Returns:
        The explanation.

    Example:
        >>> from cgm_jax.rewards import solve_reward_scheme
        >>> phi, own, upper = np.array([[0.1, 0.2], [0.5, 0.2], [0.8, 0.9]])
        >>> scheme = solve_reward_scheme(phi, own, upper)
        >>> explain_scheme(scheme).binding
        (Bound(party=0, side='lower'), Bound(party=1, side='upper'))
    """
    check_kind(scheme, RewardScheme, "`solve_reward_scheme`")
    if sums is not None:
        check_kind(sums, GramSums, "`gram_sums`")
    is_shapley = scheme.scoring == "shapley"
    return _explanation(scheme, sums if is_shapley else None, lambda _: None)


def _explanation(
    scheme: RewardScheme, sums: GramSums | None, scores: "Scores"
) -> Explanation:
    is_infeasible = scheme.status is RewardStatus.INFEASIBLE
    return Explanation(
        scheme,
        _binding(scheme),
        _without_each(scheme, sums, scores),
        _repairs(scheme) if is_infeasible else (),
        _shortfall(scheme),
    )


def _binding(scheme: RewardScheme) -> tuple[Bound, ...]:
    if not scheme.has_rewards:
        return ()
    shares = scheme.fair_shares
    binding = [
        Bound(party, side)
        for _, party, side, bound in _bounds(scheme)
        if abs(shares[party] - bound) <= 10 * SLACK * abs(bound)
    ]
    if scheme.rho <= SLACK:
        binding.append(Bound(None, "rho = 0"))
    if scheme.rho >= 1 - SLACK:
        binding.append(Bound(None, "rho = 1"))
    return tuple(binding)


def _bounds(scheme: RewardScheme) -> Iterator[tuple[int, int, Side, float]]:
    """Row, party, side and value of every bound of the parties in the program."""
    lower_values = scheme.relaxation * scheme.lower_values
    for row, party in enumerate(scheme.region.parties.tolist()):
        yield row, party, "lower", float(lower_values[party])
        yield row, party, "upper", float(scheme.upper_values[party])


def _scores(
    promises: Promises, members: Int[np.ndarray, " m"]
) -> Float[np.ndarray, " m"] | None:
    """Scores of some parties among themselves, on the reference set of all."""
    if promises.scoring == SHAPLEY:
        return None
    is_in = np.isin(np.arange(len(promises.parties)), members)
    scoring = for_parties(promises.scoring, members)
    return scoring.scores(promises.handed_in.among(is_in))


def _without_each(
    scheme: RewardScheme, sums: GramSums | None, scores: Scores
) -> tuple[WithoutParty, ...]:
    region = scheme.region
    values, upper = None, None
    if sums is not None and 1 < sums.num_parties <= MAX_TABLE_PARTIES:
        values = np.asarray(coalition_values(sums))
        upper = np.asarray(values_with_candidates(sums))
    programs = []
    for row, party in enumerate(region.parties.tolist()):
        keep = np.arange(len(region.parties)) != row
        fewer = FeasibleRegion(
            region.parties[keep],
            region.slopes[keep],
            region.log_lower[keep],
            region.log_upper[keep],
        )
        optimum = fewer.optimum() if keep.any() else None
        rho, log_value = optimum or (np.nan, np.nan)
        in_game = None
        if values is not None and upper is not None:
            in_game = scheme_from_values(
                values[coalitions_without(len(upper), party)],
                np.delete(upper, party),
                scores=scores(np.delete(np.arange(len(upper)), party)),
                scoring=scheme.scoring,
                stability=scheme.stability,
                throw=False,
                solver="closed form",
            )
            if in_game.status is RewardStatus.NO_CONTRIBUTION:
                in_game = None
        programs.append(WithoutParty(party, rho, float(np.exp(log_value)), in_game))
    return tuple(programs)


def _repairs(scheme: RewardScheme) -> tuple[Repair, ...]:
    """For every bound, how far it must give way while the others stay."""
    region = scheme.region
    changes = []
    for row, party, side, bound in _bounds(scheme):
        change = _least_change(region, row, side)
        if np.isfinite(change):
            log_bound = region.log_lower if side == "lower" else region.log_upper
            sign = -1 if side == "lower" else 1
            needed = float(np.exp(log_bound[row] + sign * change))
            changes.append((change, Repair(party, side, bound, needed)))
    return tuple(repair for _, repair in sorted(changes, key=lambda pair: pair[0]))


def _shortfall(scheme: RewardScheme) -> float:
    if scheme.has_rewards:
        return 1 - scheme.relaxation
    if scheme.status is not RewardStatus.INFEASIBLE:
        return np.nan
    region = scheme.region
    rise = region.widest_rho() * region.slopes
    gap = (region.log_lower + rise).max() - (region.log_upper + rise).min()
    return float(-np.expm1(-gap))


def _least_change(region: FeasibleRegion, row: int, side: Side) -> float:
    """How far one bound must give way while the others stay; infinite if they clash.

    The other bounds leave a polygon of pairs (ρ, log v*). By how much a pair breaks
    this bound is linear, hence least at a corner.
    """
    lower, upper = region.log_lower.copy(), region.log_upper.copy()
    if np.isneginf(upper).any():
        return np.inf
    if side == "lower":  # moved to below everyone's upper bound: no bound any more
        lower[row] = upper.min() - region.slopes[row]
    else:
        upper[row] = lower.max() + region.slopes.max()
    corners = replace(region, log_lower=lower, log_upper=upper).vertices()
    least, most = region.log_lower[row], region.log_upper[row]
    relative = corners[:, 1] - corners[:, 0] * region.slopes[row]
    excess = least - relative if side == "lower" else relative - most
    return float(max(excess.min(initial=np.inf), 0))

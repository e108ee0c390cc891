"""Why the reward values are what they are, and what would change them.

The optimum is the point where ρ is largest: v* follows from it. Three questions are
answered from the bounds of the linear program:

- which bounds hold with equality, and whose they are;
- what ρ and v* would be without each party: without its bounds, the Shapley values of
  the others being what they are; and, from the sums of the kernel, in the game that the
  others play, on the same reference set;
- where nothing is feasible, the least change of one bound that would repair it.

Reference: Tay et al. 2022, Sec. 4.1 and App. F.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from cgm_jax.rewards.feasible_region import FeasibleRegion
from cgm_jax.rewards.from_sums import scheme_from_values
from cgm_jax.rewards.infeasible import error_of
from cgm_jax.rewards.scheme import SLACK, RewardScheme, RewardStatus, party_names
from cgm_jax.valuation import coalition_values, values_with_candidates
from cgm_jax.valuation.coalitions import MAX_TABLE_PARTIES

from .games import coalitions_without

if TYPE_CHECKING:
    from cgm_jax.gram import GramSums

__all__ = ["Bound", "Explanation", "Repair", "WithoutParty", "explain"]

Side = Literal["lower", "upper"]


@dataclass(frozen=True)
class Bound:
    """A constraint of the linear program that holds with equality."""

    party: int | None
    """Whose it is; None for those of ρ itself."""

    side: Literal["lower", "upper", "rho = 0", "rho = 1"]


@dataclass(frozen=True)
class WithoutParty:
    """The program with one party less; NaN where it is infeasible."""

    party: int
    rho: float
    max_reward_value: float

    in_game: RewardScheme | None
    """The scheme of the game that the others play on the same reference set; None
    without the sums, of more than 20 parties, or where nobody contributes."""


@dataclass(frozen=True)
class Repair:
    """The least change of one bound that makes the program feasible."""

    party: int
    side: Side
    value: float
    """What the bound is."""

    needed: float
    """What it would have to be."""


@dataclass(frozen=True)
class Explanation:
    """Why reward values are what they are; parties are counted from 0."""

    scheme: RewardScheme

    binding: tuple[Bound, ...]
    """Which constraints hold with equality; none unless optimal."""

    without: tuple[WithoutParty, ...]
    """The program without each party that is in it."""

    repairs: tuple[Repair, ...]
    """Where it is infeasible: any one of these would do, the smallest change first;
    none if one bound is not enough."""

    shortfall: float
    """The share by which all lower values together would have to be lowered; 0 where
    it is feasible, NaN where it has another reason to have no solution."""

    def sentences(self, names: Sequence[str] | None = None) -> list[str]:
        """The explanation in words, with the parties' names or their numbers."""
        if self.scheme.status is RewardStatus.INFEASIBLE:
            return _why_infeasible(self, names)
        if self.scheme.status is not RewardStatus.OPTIMAL:
            return [str(error_of(self.scheme))]
        return _why_optimal(self, names)


def explain(scheme: RewardScheme, sums: "GramSums | None" = None) -> Explanation:
    """Which bounds decide the reward values, and what would change them.

    Args:
        scheme: a reward scheme, optimal or not (``throw=False``).
        sums: the sums of the kernel that it was computed from, for the game without
            each party.

    Returns:
        The explanation; its ``sentences()`` are for people.

    Example:
        >>> from cgm_jax.rewards import solve_reward_scheme
        >>> scheme = solve_reward_scheme(
        ...     np.array([0.1, 0.2]), np.array([0.5, 0.2]), np.array([0.8, 0.9])
        ... )
        >>> explanation = explain(scheme)
        >>> explanation.binding
        (Bound(party=0, side='lower'), Bound(party=1, side='upper'))
        >>> print(explanation.sentences(["Ada", "Bo"])[1])
        rho is not larger because Ada must get 0.5.

    Reference:
        Tay et al. 2022, Sec. 4.1 and App. F.
    """
    is_infeasible = scheme.status is RewardStatus.INFEASIBLE
    return Explanation(
        scheme,
        _binding(scheme),
        _without_each(scheme, sums),
        _repairs(scheme) if is_infeasible else (),
        _shortfall(scheme),
    )


def _binding(scheme: RewardScheme) -> tuple[Bound, ...]:
    if scheme.status is not RewardStatus.OPTIMAL:
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
    for row, party in enumerate(scheme.region.parties.tolist()):
        yield row, party, "lower", float(scheme.lower_values[party])
        yield row, party, "upper", float(scheme.upper_values[party])


def _without_each(
    scheme: RewardScheme, sums: "GramSums | None"
) -> tuple[WithoutParty, ...]:
    region = scheme.region
    values, upper = None, None
    if sums is not None and 1 < sums.num_parties <= MAX_TABLE_PARTIES:
        values = np.asarray(coalition_values(sums))
        upper = np.asarray(values_with_candidates(sums))
    programs = []
    for row, party in enumerate(region.parties.tolist()):
        rho, log_value = _rows(region, np.arange(len(region.parties)) != row)
        in_game = None
        if values is not None and upper is not None:
            others = coalitions_without(len(upper), party)
            in_game = _game_without(scheme, values[others], np.delete(upper, party))
        programs.append(WithoutParty(party, rho, float(np.exp(log_value)), in_game))
    return tuple(programs)


def _rows(region: FeasibleRegion, keep: np.ndarray) -> tuple[float, float]:
    """ρ and log v* of the program with some of its rows; NaN where it is infeasible."""
    fewer = FeasibleRegion(
        region.parties[keep],
        region.slopes[keep],
        region.log_lower[keep],
        region.log_upper[keep],
    )
    optimum = fewer.optimum() if keep.any() else None
    return optimum or (np.nan, np.nan)


def _game_without(scheme: RewardScheme, values, upper) -> RewardScheme | None:
    stable = not np.array_equal(scheme.lower_values, scheme.own_values)
    other = scheme_from_values(
        values, upper, stability=stable, throw=False, solver="closed form"
    )
    return None if other.status is RewardStatus.NO_CONTRIBUTION else other


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
    if scheme.status is RewardStatus.OPTIMAL:
        return 0.0
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


def _why_optimal(explanation: Explanation, names: Sequence[str] | None) -> list[str]:
    scheme = explanation.scheme
    upper, lower = scheme.limiting_upper_party, scheme.limiting_lower_party
    lines = [
        f"The largest reward value is {scheme.max_reward_value:.4g}, because "
        f"{_name(upper, names)} can get {scheme.upper_values[upper]:.4g} at most.",
        f"rho is not larger because {_name(lower, names)} must get "
        f"{scheme.lower_values[lower]:.4g}."
        if lower is not None
        else "rho is 1: rewards are in proportion to contributions.",
        "Neither depends on epsilon: every upper bound on v* rises with rho, so that "
        "both are largest together.",
    ]
    for other in explanation.without:
        if np.isfinite(other.rho) and not np.allclose(
            [other.rho, other.max_reward_value],
            [scheme.rho, scheme.max_reward_value],
            rtol=1e-6,
        ):
            lines.append(
                f"Without the bounds of {_name(other.party, names)}, rho would be "
                f"{other.rho:.4g} instead of {scheme.rho:.4g}, and the largest reward "
                f"value {other.max_reward_value:.4g}."
            )
        if other.in_game is not None:
            lines.append(_in_game(other, names))
    return lines


def _in_game(other: WithoutParty, names: Sequence[str] | None) -> str:
    start = f"Had {_name(other.party, names)} not taken part, "
    if other.in_game is None or other.in_game.status is not RewardStatus.OPTIMAL:
        return start + "no reward values would keep the bounds of the others."
    return (
        f"{start}rho would be {other.in_game.rho:.4g} and the largest reward value "
        f"{other.in_game.max_reward_value:.4g} (on the same reference set)."
    )


def _why_infeasible(explanation: Explanation, names: Sequence[str] | None) -> list[str]:
    scheme, region = explanation.scheme, explanation.scheme.region
    rho = region.widest_rho()
    lower, upper = region.binding_parties(rho)
    lines = [
        f"No reward values are possible: {_name(lower, names)} must get at least "
        f"{scheme.lower_values[lower]:.4g}, {_name(upper, names)} can get at most "
        f"{scheme.upper_values[upper]:.4g}, and no rho between 0 and 1 is fair to both."
    ]
    if explanation.repairs:
        repair = explanation.repairs[0]
        what = "must get no more than" if repair.side == "lower" else "could get"
        lines.append(
            f"The least change of one bound that would do: {_name(repair.party, names)}"
            f" {what} {repair.needed:.6g} (now {repair.value:.6g})."
        )
    else:
        lines.append("No change of one bound alone would do.")
    lines.append(
        f"Lowering what everyone must get by {explanation.shortfall:.3%} would do, too."
    )
    freeing = [other.party for other in explanation.without if np.isfinite(other.rho)]
    if freeing:
        lines.append(
            "There would be reward values without the bounds of any one of: "
            f"{party_names(freeing, names)}."
        )
    return lines


def _name(party: int | None, names: Sequence[str] | None) -> str:
    return "nobody" if party is None else party_names([party], names)

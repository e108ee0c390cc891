r"""Why the reward values are what they are, and what would make them others.

The optimum is the point where ρ is largest: v* follows from it. Three questions are
answered from the bounds of the linear program alone:

- which bounds hold with equality, and whose they are;
- what ρ and v* would be without each party: without its bounds, the Shapley values of
  the others being what they are; and, from the sums of the kernel, in the game that the
  others play, on the same reference set;
- where nothing is feasible, the least change of one bound that would repair it, and,
  from the sums, about how many candidates would.

More candidates of the same kind are the same distribution with more weight: with m
times as many, sums with G are m times as large, those within G m² times but for the
diagonal (a candidate's kernel with itself), which is m times as large.

Reference: Tay et al. 2022, Sec. 4.1 and App. F.
"""

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from cgm_jax.rewards.feasible_region import FeasibleRegion
from cgm_jax.rewards.from_sums import scheme_from_sums, scheme_from_values
from cgm_jax.rewards.infeasible import error_of
from cgm_jax.rewards.scheme import SLACK, RewardScheme, RewardStatus, party_names
from cgm_jax.valuation import coalition_values, values_with_candidates

from .games import MAX_EXACT, coalitions_without

if TYPE_CHECKING:
    from cgm_jax.gram import GramSums

__all__ = ["Bound", "Explanation", "Repair", "WithoutParty", "explain"]

Side = Literal["lower", "upper"]

_MOST = 2.0**20  # times as many candidates: beyond that, none will do
_HALVINGS = 20


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

    num_candidates: int | None
    """Where it is infeasible: about how many candidates would do. None if no number
    would, without the sums, and where it is feasible."""

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
            each party and the number of candidates that would make it feasible.

    Returns:
        The explanation; its ``sentences()`` are for people.

    Example:
        >>> from cgm_jax.rewards import solve_reward_scheme
        >>> scheme = solve_reward_scheme(
        ...     np.array([0.1, 0.2]), np.array([0.5, 0.2]), np.array([0.8, 0.9])
        ... )
        >>> found = explain(scheme)
        >>> found.binding
        (Bound(party=0, side='lower'), Bound(party=1, side='upper'))
        >>> print(found.sentences(["Ada", "Bo"])[1])
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
        _enough_candidates(scheme, sums) if is_infeasible and sums else None,
    )


def _binding(scheme: RewardScheme) -> tuple[Bound, ...]:
    if scheme.status is not RewardStatus.OPTIMAL:
        return ()
    shares = scheme.fair_shares
    found = []
    for _, party, side, bound in _bounds(scheme):
        if abs(shares[party] - bound) <= 10 * SLACK * abs(bound):
            found.append(Bound(party, side))
    if scheme.rho <= SLACK:
        found.append(Bound(None, "rho = 0"))
    if scheme.rho >= 1 - SLACK:
        found.append(Bound(None, "rho = 1"))
    return tuple(found)


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
    if sums is not None and 1 < sums.num_parties <= MAX_EXACT:
        values = np.asarray(coalition_values(sums))
        upper = np.asarray(values_with_candidates(sums))
    found = []
    for row, party in enumerate(region.parties.tolist()):
        rho, log_value = _rows(region, np.arange(len(region.parties)) != row)
        in_game = None
        if values is not None and upper is not None:
            others = coalitions_without(len(upper), party)
            in_game = _game_without(scheme, values[others], np.delete(upper, party))
        found.append(WithoutParty(party, rho, float(np.exp(log_value)), in_game))
    return tuple(found)


def _rows(region: FeasibleRegion, keep: np.ndarray) -> tuple[float, float]:
    """ρ and log v* of the program with some of its rows."""
    fewer = FeasibleRegion(
        region.parties[keep],
        region.slopes[keep],
        region.log_lower[keep],
        region.log_upper[keep],
    )
    optimum = fewer.optimum() if keep.any() else None
    return optimum if optimum is not None else (np.nan, np.nan)


def _game_without(scheme: RewardScheme, values, upper) -> RewardScheme | None:
    found = scheme_from_values(
        values, upper, stability=scheme.stability, throw=False, solver="closed form"
    )
    return None if found.status is RewardStatus.NO_CONTRIBUTION else found


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
    """Minimise δ ≥ 0 with one bound moved by δ; infinite if that is not enough."""
    from scipy.optimize import linprog

    if np.isneginf(region.log_upper).any():
        return np.inf
    m = len(region.parties)
    moved = np.zeros(m)
    moved[row] = -1.0
    none = np.zeros(m)
    ones = np.ones(m)
    # Unknowns ρ, log v*, δ: lower + ρ s − δ ≤ log v* ≤ upper + ρ s + δ.
    lower = np.stack([region.slopes, -ones, moved if side == "lower" else none], 1)
    upper = np.stack([-region.slopes, ones, moved if side == "upper" else none], 1)
    found = linprog(
        [0, 0, 1],
        A_ub=np.concatenate([lower, upper]),
        b_ub=np.concatenate([-region.log_lower, region.log_upper]),
        bounds=[(0, 1), (None, None), (0, None)],
    )
    return float(found.x[2]) if found.status == 0 else np.inf


def _enough_candidates(scheme: RewardScheme, sums: "GramSums") -> int | None:
    """By doubling and halving the weight of the candidates."""

    def is_enough(times: float) -> bool:
        return (
            scheme_from_sums(
                _more_candidates(sums, times),
                stability=scheme.stability,
                throw=False,
                solver="closed form",
            ).status
            is RewardStatus.OPTIMAL
        )

    most = 2.0
    while not is_enough(most):
        most *= 2
        if most > _MOST:
            return None
    least = most / 2
    for _ in range(_HALVINGS):
        middle = (least + most) / 2
        least, most = (least, middle) if is_enough(middle) else (middle, most)
    return int(np.ceil(most * sums.sizes[-1]))


def _more_candidates(sums: "GramSums", times: float) -> "GramSums":
    """Sums with so many times as many candidates of the same distribution.

    The diagonal of G is taken to be that of a kernel with k(x, x) = 1.
    """
    weight = np.ones(len(sums.sizes))
    weight[-1] = times
    between = np.asarray(sums.between) * (weight[:, None] * weight[None])
    between[-1, -1] -= (times - 1) * times * sums.sizes[-1]
    return dataclasses.replace(
        sums,
        between=between,
        candidate_rows=sums.candidate_rows[:0],
        sizes=sums.sizes * weight,
    )


def _why_optimal(found: Explanation, names: Sequence[str] | None) -> list[str]:
    scheme = found.scheme
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
    for other in found.without:
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


def _why_infeasible(found: Explanation, names: Sequence[str] | None) -> list[str]:
    scheme, region = found.scheme, found.scheme.region
    rho = region.widest_rho()
    lower, upper = region.binding_parties(rho)
    lines = [
        f"No reward values are possible: {_name(lower, names)} must get at least "
        f"{scheme.lower_values[lower]:.4g}, {_name(upper, names)} can get at most "
        f"{scheme.upper_values[upper]:.4g}, and no rho between 0 and 1 is fair to both."
    ]
    if found.repairs:
        repair = found.repairs[0]
        what = "must get no more than" if repair.side == "lower" else "could get"
        lines.append(
            f"The least change of one bound that would do: {_name(repair.party, names)}"
            f" {what} {repair.needed:.6g} (now {repair.value:.6g})."
        )
    else:
        lines.append("No change of one bound alone would do.")
    lines.append(
        f"Lowering what everyone must get by {found.shortfall:.3%} would do, too."
    )
    if found.num_candidates is not None:
        lines.append(
            f"About {found.num_candidates:,} candidates of the same kind would do, "
            "everything computed anew (an estimate: the length scale is kept)."
        )
    freeing = [other.party for other in found.without if np.isfinite(other.rho)]
    if freeing:
        lines.append(
            "There would be reward values without the bounds of any one of: "
            f"{party_names(freeing, names)}."
        )
    return lines


def _name(party: int | None, names: Sequence[str] | None) -> str:
    return "nobody" if party is None else party_names([party], names)

"""What a reward scheme says: reward values, what they came from, what to beware of.

Notation: φ the Shapley values, α = φ / max φ, v* the largest reward value, r_i the
reward value of party i, v_c({i}) the value of its own data (Sec. 4.1). Parties are
counted from 0.
"""

import dataclasses
import enum
from collections.abc import Iterable, Sequence

import numpy as np
from jaxtyping import Bool, Float

from .feasible_region import FeasibleRegion

__all__ = ["SLACK", "RewardScheme", "RewardStatus", "contributes", "party_names"]

SLACK = 1e-9  # relative: a reward value this close to a bound is at the bound
_AT_LIMIT = 0.999  # of the upper value
_SMALL_RHO = 0.05  # α^ρ is then above 0.86 even for a party at α = 1/20
_ROUNDING = 1e-12  # of max |φ|: more than the rounding error of Shapley values
_MOST_NAMED = 10  # parties in a sentence
_FLOOR = 1e-12  # of the least upper value: far below any reward, so it does not bind


class RewardStatus(enum.StrEnum):
    """How solving a reward scheme ended."""

    OPTIMAL = "optimal"
    INFEASIBLE = "infeasible"
    NO_CONTRIBUTION = "no contribution"
    FAILED = "solver failed"


@dataclasses.dataclass(frozen=True, eq=False)
class RewardScheme:
    """Reward values and what they were computed from.

    Attributes:
        max_reward_value: v*, the largest reward value; NaN unless optimal.
        rho: ρ, 1 for rewards in proportion to Shapley values, 0 for equal rewards.
        reward_values: r, shape ``(n,)``, float64, in the units of the values.
        status: how the linear program ended.
        shapley: φ, shape ``(n,)``.
        lower_values: what each party must get at least, shape ``(n,)``.
        upper_values: what each party can get at most, shape ``(n,)``.
        own_values: v_c({i}), the value of each party's own data, shape ``(n,)``.
        fairness_weight: ε.
    """

    max_reward_value: float
    rho: float
    reward_values: Float[np.ndarray, " n"]
    status: RewardStatus
    shapley: Float[np.ndarray, " n"]
    lower_values: Float[np.ndarray, " n"]
    upper_values: Float[np.ndarray, " n"]
    own_values: Float[np.ndarray, " n"]
    fairness_weight: float

    @property
    def normalized_shapley(self) -> Float[np.ndarray, " n"]:
        """α = φ / max φ; NaN if nobody contributes."""
        largest = self.shapley.max()
        return self.shapley / (largest if largest > 0 else np.nan)

    @property
    def fair_shares(self) -> Float[np.ndarray, " n"]:
        """α^ρ v*, before rectification; 0 for the excluded parties."""
        region = self.region
        shares = np.zeros_like(self.shapley)
        shares[region.parties] = np.exp(-self.rho * region.slopes)
        return shares * self.max_reward_value

    @property
    def is_at_limit(self) -> Bool[np.ndarray, " n"]:
        """Whether r_i is within 0.1 % of v(D_i ∪ G), the most party i can be given.

        Further points hardly change the value there, so that the number of points
        differs by a factor of two between draws.
        """
        return self.reward_values >= _AT_LIMIT * self.upper_values

    @property
    def excluded_parties(self) -> tuple[int, ...]:
        """Parties with φ_i ≤ 0, up to rounding: r_i = max{v_c({i}), 0}, no points."""
        return _indices(~contributes(self.shapley))

    @property
    def floor(self) -> float:
        """What stands in for lower values without a logarithm: 10⁻¹² min_i upper_i."""
        positive = self.upper_values[self.upper_values > 0]
        return _FLOOR * (float(positive.min()) if positive.size else 1.0)

    @property
    def floored_parties(self) -> tuple[int, ...]:
        """Parties in the program whose lower value is below the floor."""
        return _indices(contributes(self.shapley) & (self.lower_values < self.floor))

    @property
    def rectified_parties(self) -> tuple[int, ...]:
        """Parties with 0 < α_i^ρ v* < v_c({i}): r_i is raised to v_c({i})."""
        raised = self.own_values > (1 + SLACK) * self.fair_shares
        return _indices(contributes(self.shapley) & raised)

    @property
    def limiting_upper_party(self) -> int | None:
        """The party whose upper value v* runs into; None unless optimal."""
        if self.status is not RewardStatus.OPTIMAL:
            return None
        return self.region.binding_parties(self.rho)[1]

    @property
    def limiting_lower_party(self) -> int | None:
        """The party whose lower value keeps ρ from growing; None if ρ = 1."""
        if self.status is not RewardStatus.OPTIMAL or self.rho > 1 - SLACK:
            return None
        return self.region.binding_parties(self.rho)[0]

    @property
    def region(self) -> FeasibleRegion:
        """All (ρ, log v*) within the bounds of the parties that are not excluded."""
        parties = np.flatnonzero(contributes(self.shapley))
        lower = np.maximum(self.lower_values[parties], self.floor)
        with np.errstate(divide="ignore"):
            log_upper = np.log(np.maximum(self.upper_values[parties], 0))
        slopes = -np.log(self.normalized_shapley[parties])
        return FeasibleRegion(parties, slopes, np.log(lower), log_upper)

    @property
    def feasible_vertices(self) -> Float[np.ndarray, "vertices 2"]:
        """Corners (ρ, log v*) of the feasible polygon, counter-clockwise."""
        return self.region.vertices()

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a mediator should know before promising these rewards."""
        return self.warnings_for(None)

    def warnings_for(self, names: Sequence[str] | None) -> tuple[str, ...]:
        """The warnings with the parties' names, or with their numbers from 0."""
        if self.status is not RewardStatus.OPTIMAL:
            return ()
        found = []
        if self.excluded_parties:
            found.append(
                f"{party_names(self.excluded_parties, names)}: nothing is added to the "
                "others' data on average (Shapley value <= 0). The reward value is "
                "that of the own data, and no points are handed out."
            )
        if self.floored_parties:
            found.append(
                f"{party_names(self.floored_parties, names)}: the lower value is not "
                f"above 0 and has no logarithm; {self.floor:.1e} was used in its place."
            )
        if self.rho < _SMALL_RHO:
            lower, upper = self.region.binding_parties(self.rho)
            found.append(
                f"All rewards are nearly equal (rho = {self.rho:.2g}), whatever was "
                f"contributed: {party_names([lower], names)} must get "
                f"{self.lower_values[lower]:.4g}, and {party_names([upper], names)} "
                f"can get {self.upper_values[upper]:.4g} at most."
            )
        if self.rectified_parties:
            found.append(
                f"{party_names(self.rectified_parties, names)}: the own data are worth "
                "more than the fair share, and the reward value was raised to that. "
                "Who contributes more than another may not get more (Proposition 2)."
            )
        return tuple(found)


def party_names(parties: Iterable[int], names: Sequence[str] | None = None) -> str:
    """Parties as they are called in a sentence, the first ten of very many.

    Args:
        parties: their numbers, from 0.
        names: the names of all parties.

    Returns:
        The names, or the numbers if there are none.

    Example:
        >>> party_names([0, 2])
        'party 0, party 2 (counted from 0)'
        >>> party_names([0, 2], ["Ada", "Bo", "Cy"])
        'Ada, Cy'
    """
    them = list(parties)
    named = [f"party {i}" if names is None else names[i] for i in them[:_MOST_NAMED]]
    rest = [f"and {len(them) - _MOST_NAMED} more"] if len(them) > _MOST_NAMED else []
    counted = " (counted from 0)" if names is None else ""
    return ", ".join(named + rest) + counted


def contributes(shapley: Float[np.ndarray, " n"]) -> Bool[np.ndarray, " n"]:
    """Whether each party's Shapley value is above 0 by more than rounding."""
    return shapley > _ROUNDING * np.abs(shapley).max()


def _indices(mask: Bool[np.ndarray, " n"]) -> tuple[int, ...]:
    return tuple(np.flatnonzero(mask).tolist())

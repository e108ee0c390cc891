"""What a reward scheme says: reward values, and what they came from (Sec. 4.1)."""

import dataclasses
import enum
from typing import Any

import numpy as np
from jaxtyping import Array, Bool, Float

from cgm_jax._shared.arrays import array_module
from cgm_jax._shared.results import Result
from cgm_jax.valuation.shapley import contributes

from .feasible_region import FeasibleRegion

__all__ = ["SLACK", "RewardScheme", "RewardStatus", "floor_of"]

Vector = Array | np.ndarray

SLACK = 1e-9  # relative: a reward value this close to a bound is at the bound
_AT_LIMIT = 0.999  # of the upper value
_FLOOR = 1e-12  # of the least upper value: far below any reward, so it does not bind


class RewardStatus(enum.StrEnum):
    """How solving a reward scheme ended."""

    OPTIMAL = "optimal"
    RELAXED = "relaxed"
    INFEASIBLE = "infeasible"
    NO_CONTRIBUTION = "no contribution"
    FAILED = "solver failed"


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class RewardScheme(Result):
    """Reward values r and what they were computed from; α = φ / max φ.

    Where another score stands in the place of the Shapley value, it is what every
    "Shapley" below means; ``scoring`` has its name.

    Attributes:
        max_reward_value: v*, the largest reward value; NaN if there are no rewards.
        rho: ρ, 1 for rewards in proportion to Shapley values, 0 for equal rewards.
        reward_values: r, shape ``(n,)``, float64, in the units of the values.
        status: how the linear program ended.
        shapley_values: φ, or the score that stands in its place, shape ``(n,)``.
        lower_values: what each party was to get at least, shape ``(n,)``.
        upper_values: what each party can get at most, shape ``(n,)``.
        own_values: v_c({i}), the value of each party's own data, shape ``(n,)``.
        fairness_weight: ε.
        stability: whether the lower values are those of stability (R6), v_c(C_i).
        relaxation: c, the factor on all lower values; 1 unless the status is relaxed.
        scoring: the name of the rule that φ follows.
    """

    max_reward_value: float
    rho: float
    reward_values: Float[np.ndarray, " n"]
    status: RewardStatus
    shapley_values: Float[np.ndarray, " n"]
    lower_values: Float[np.ndarray, " n"]
    upper_values: Float[np.ndarray, " n"]
    own_values: Float[np.ndarray, " n"]
    fairness_weight: float
    stability: bool
    relaxation: float = 1.0
    scoring: str = "shapley"

    def __repr__(self) -> str:
        facts = [str(self.status), f"n={len(self.shapley_values)}"]
        if self.has_rewards:
            facts += [f"v*={self.max_reward_value:.4g}", f"ρ={self.rho:.4g}"]
        if self.status is RewardStatus.RELAXED:
            facts.append(f"c={self.relaxation:.4g}")
        facts.append("stable" if self.stability else "individually rational")
        if self.scoring != "shapley":
            facts.append(f"scores={self.scoring}")
        return f"RewardScheme({', '.join(facts)})"

    @property
    def has_rewards(self) -> bool:
        """Whether there are reward values, with or without relaxation."""
        return self.status in (RewardStatus.OPTIMAL, RewardStatus.RELAXED)

    @property
    def is_relaxed(self) -> bool:
        """Whether lower values were lowered by a common factor, `relaxation`."""
        return self.status is RewardStatus.RELAXED

    @property
    def normalized_shapley(self) -> Float[np.ndarray, " n"]:
        """α = φ / max φ; NaN if nobody contributes."""
        largest = self.shapley_values.max()
        return self.shapley_values / (largest if largest > 0 else np.nan)

    @property
    def fair_shares(self) -> Float[np.ndarray, " n"]:
        """α^ρ v*, before rectification; 0 for the excluded parties."""
        region = self.region
        shares = np.zeros_like(self.shapley_values)
        shares[region.parties] = np.exp(-self.rho * region.slopes)
        return shares * self.max_reward_value

    @property
    def is_at_limit(self) -> Bool[np.ndarray, " n"]:
        """Whether r_i is within 0.1 % of v(D_i ∪ G), the most party i can be given.

        Further points hardly change the value there: their number varies much.
        """
        return self.reward_values >= _AT_LIMIT * self.upper_values

    @property
    def excluded_parties(self) -> tuple[int, ...]:
        """Parties with φ_i ≤ 0, up to rounding: r_i = max{v_c({i}), 0}, no points."""
        return _indices(~contributes(self.shapley_values))

    @property
    def floor(self) -> float:
        """What stands in for lower values without a logarithm: 10⁻¹² min_i upper_i."""
        return float(floor_of(self.upper_values))

    @property
    def floored_parties(self) -> tuple[int, ...]:
        """Parties in the program whose lower value is below the floor."""
        return _indices(
            contributes(self.shapley_values) & (self.lower_values < self.floor)
        )

    @property
    def rectified_parties(self) -> tuple[int, ...]:
        """Parties with 0 < α_i^ρ v* < v_c({i}): r_i is raised to v_c({i})."""
        raised = self.own_values > (1 + SLACK) * self.fair_shares
        return _indices(contributes(self.shapley_values) & raised)

    @property
    def limiting_upper_party(self) -> int | None:
        """The party whose upper value v* runs into; None if there are no rewards."""
        if not self.has_rewards:
            return None
        return self.region.binding_parties(self.rho)[1]

    @property
    def limiting_lower_party(self) -> int | None:
        """The party whose lower value keeps ρ from growing; None if ρ = 1."""
        if not self.has_rewards or self.rho > 1 - SLACK:
            return None
        return self.region.binding_parties(self.rho)[0]

    @property
    def region(self) -> FeasibleRegion:
        """All (ρ, log v*) within the bounds of the parties that are not excluded.

        The lower bounds are those of the program that was solved: c times the values.
        """
        parties = np.flatnonzero(contributes(self.shapley_values))
        lower = np.maximum(self.lower_values[parties], self.floor)
        with np.errstate(divide="ignore"):
            log_upper = np.log(np.maximum(self.upper_values[parties], 0))
        slopes = -np.log(self.normalized_shapley[parties])
        log_lower = np.log(lower) + np.log(self.relaxation)
        return FeasibleRegion(parties, slopes, log_lower, log_upper)

    @property
    def feasible_vertices(self) -> Float[np.ndarray, "vertices 2"]:
        """Corners (ρ, log v*) of the feasible polygon, counter-clockwise."""
        return self.region.vertices()


def floor_of(upper_values: Float[Vector, " n"]) -> Any:
    """What stands in for lower values without a logarithm: 10⁻¹² min_i upper_i."""
    xp = array_module(upper_values)
    positive = xp.where(upper_values > 0, upper_values, xp.inf)
    return _FLOOR * xp.where(xp.isinf(positive.min()), 1.0, positive.min())


def _indices(mask: Bool[Vector, " n"]) -> tuple[int, ...]:
    return tuple(np.flatnonzero(np.asarray(mask)).tolist())

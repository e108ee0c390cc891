"""Who deserves what: reward values that are fair, stable and within reach."""

from .errors import InfeasibleError as InfeasibleError
from .errors import NoContributionError as NoContributionError
from .errors import RewardSchemeError as RewardSchemeError
from .feasible_region import FeasibleRegion as FeasibleRegion
from .result import RewardScheme as RewardScheme
from .result import RewardStatus as RewardStatus
from .scheme import solve_reward_scheme as solve_reward_scheme
from .shapley_fair import largest_rho as largest_rho
from .shapley_fair import shapley_fair_rewards as shapley_fair_rewards
from .stability import stability_lower_values as stability_lower_values
from .stability import stable_sets as stable_sets

__all__ = [
    "FeasibleRegion",
    "InfeasibleError",
    "NoContributionError",
    "RewardScheme",
    "RewardSchemeError",
    "RewardStatus",
    "largest_rho",
    "shapley_fair_rewards",
    "solve_reward_scheme",
    "stability_lower_values",
    "stable_sets",
]

"""Who deserves what: reward values that are fair, stable and within reach (Sec. 4).

r_i = max{v_c({i}), α_i^ρ v*} (Eq. 6): a linear programme finds the largest v* and ρ
that keep all bounds, or relaxes the bounds where none do. C_i are the parties that
contributed at most what i did; R6 (stability) needs only these. Sim et al. 2020 (App.
C.3) is `shapley_fair_rewards`, its Theorem 2 `largest_rho`.
"""

from .closed_form import FairRewards, fair_reward_values
from .feasible_region import FeasibleRegion
from .from_sums import scheme_from_sums, scheme_from_values
from .infeasible import InfeasibleError, NoContributionError, RewardSchemeError
from .linear_programme import solve_reward_scheme
from .scheme import RewardScheme, RewardStatus
from .shapley_fair import largest_rho, shapley_fair_rewards
from .stable_sets import stability_lower_values, stable_sets

__all__ = [
    "FairRewards",
    "FeasibleRegion",
    "InfeasibleError",
    "NoContributionError",
    "RewardScheme",
    "RewardSchemeError",
    "RewardStatus",
    "fair_reward_values",
    "largest_rho",
    "scheme_from_sums",
    "scheme_from_values",
    "shapley_fair_rewards",
    "solve_reward_scheme",
    "stability_lower_values",
    "stable_sets",
]
__dir__ = __all__.copy

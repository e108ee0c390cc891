"""Who deserves what: reward values that are fair, stable and within reach."""

from .auditing import Audit as Audit
from .auditing import SufficientConditions as SufficientConditions
from .auditing import audit as audit
from .auditing import audit_promises as audit_promises
from .auditing import raised_game as raised_game
from .auditing import sufficient_conditions as sufficient_conditions
from .comparison import SchemeComparison as SchemeComparison
from .comparison import compare_with_shapley_fair as compare_with_shapley_fair
from .errors import InfeasibleError as InfeasibleError
from .errors import NoContributionError as NoContributionError
from .errors import RewardSchemeError as RewardSchemeError
from .explanation import Explanation as Explanation
from .explanation import explain as explain
from .feasible_region import FeasibleRegion as FeasibleRegion
from .from_sums import scheme_from_sums as scheme_from_sums
from .from_sums import scheme_from_values as scheme_from_values
from .gaming import Stress as Stress
from .gaming import Trial as Trial
from .gaming import stress as stress
from .incentives import Check as Check
from .incentives import SecondGame as SecondGame
from .incentives import check_incentives as check_incentives
from .incentives import check_monotonicity as check_monotonicity
from .result import RewardScheme as RewardScheme
from .result import RewardStatus as RewardStatus
from .scheme import solve_reward_scheme as solve_reward_scheme
from .shapley_fair import largest_rho as largest_rho
from .shapley_fair import shapley_fair_rewards as shapley_fair_rewards
from .stability import stability_lower_values as stability_lower_values
from .stability import stable_sets as stable_sets
from .words import audit_data as audit_data
from .words import audit_sentences as audit_sentences

__all__ = [
    "Audit",
    "Check",
    "Explanation",
    "FeasibleRegion",
    "InfeasibleError",
    "NoContributionError",
    "RewardScheme",
    "RewardSchemeError",
    "RewardStatus",
    "SchemeComparison",
    "SecondGame",
    "Stress",
    "SufficientConditions",
    "Trial",
    "audit",
    "audit_data",
    "audit_promises",
    "audit_sentences",
    "check_incentives",
    "check_monotonicity",
    "compare_with_shapley_fair",
    "explain",
    "largest_rho",
    "raised_game",
    "scheme_from_sums",
    "scheme_from_values",
    "shapley_fair_rewards",
    "solve_reward_scheme",
    "stability_lower_values",
    "stable_sets",
    "stress",
    "sufficient_conditions",
]

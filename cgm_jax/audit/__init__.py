"""Whether promises were kept, why they are what they are, and what cheating gains."""

from .auditing import Audit as Audit
from .auditing import SufficientConditions as SufficientConditions
from .auditing import audit as audit
from .auditing import audit_promises as audit_promises
from .auditing import sufficient_conditions as sufficient_conditions
from .cheating import Stress as Stress
from .cheating import Trial as Trial
from .cheating import stress as stress
from .explanation import Explanation as Explanation
from .explanation import explain as explain
from .incentives import Check as Check
from .incentives import SecondGame as SecondGame
from .incentives import check_incentives as check_incentives
from .incentives import check_monotonicity as check_monotonicity
from .shapley_fair_comparison import SchemeComparison as SchemeComparison
from .shapley_fair_comparison import (
    compare_with_shapley_fair as compare_with_shapley_fair,
)
from .words import audit_data as audit_data
from .words import audit_sentences as audit_sentences

__all__ = [
    "Audit",
    "Check",
    "Explanation",
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
    "stress",
    "sufficient_conditions",
]

"""Whether promises were kept, why they are what they are, and what cheating gains.

`audit` checks R1 to R7, F1 to F4 and the conditions of Prop. 2 and 3 from their
definitions, on what was assigned and on what was handed out. `explain` says which
bounds decide ρ and v*. `stress` tries splitting, copying, withholding, noise and
outliers (Sec. 2 assumes honesty). Above 20 parties a sample of coalitions is checked.
"""

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
from .explanation import explain_scheme as explain_scheme
from .incentives import Check as Check
from .incentives import SecondGame as SecondGame
from .incentives import check_incentives as check_incentives
from .incentives import check_monotonicity as check_monotonicity
from .review import Review as Review
from .review import review as review
from .shapley_fair_comparison import SchemeComparison as SchemeComparison
from .shapley_fair_comparison import (
    compare_with_shapley_fair as compare_with_shapley_fair,
)

__all__ = [
    "Audit",
    "Check",
    "Explanation",
    "Review",
    "SchemeComparison",
    "SecondGame",
    "Stress",
    "SufficientConditions",
    "Trial",
    "audit",
    "audit_promises",
    "check_incentives",
    "check_monotonicity",
    "compare_with_shapley_fair",
    "explain",
    "explain_scheme",
    "review",
    "stress",
    "sufficient_conditions",
]

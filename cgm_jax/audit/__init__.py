"""Whether promises were kept, why they are what they are, and what cheating gains.

`audit` checks R1 to R7, F1 to F4 and the conditions of Prop. 2 and 3 from their
definitions, on what was assigned and on what was handed out. `explain` says which
bounds decide ρ and v*. `stress` tries all `MANIPULATIONS`, such as splitting, copying,
withholding and noise, and outliers (Sec. 2 assumes honesty), under one scheme or
several. Above 20 parties a sample of coalitions is checked.
"""

from .auditing import (
    Audit,
    SufficientConditions,
    audit,
    audit_promises,
    sufficient_conditions,
)
from .cheating import stress
from .explanation import Explanation, explain, explain_scheme
from .gains import GainTable, Stress, Trial
from .incentives import Check, SecondGame, check_incentives, check_monotonicity
from .manipulations import MANIPULATIONS, Manipulation, Position, outlier
from .review import Review, review
from .shapley_fair_comparison import SchemeComparison, compare_with_shapley_fair
from .unbounded import without_bounded_stakes

__all__ = [
    "MANIPULATIONS",
    "Audit",
    "Check",
    "Explanation",
    "GainTable",
    "Manipulation",
    "Position",
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
    "outlier",
    "review",
    "stress",
    "sufficient_conditions",
    "without_bounded_stakes",
]
__dir__ = __all__.copy

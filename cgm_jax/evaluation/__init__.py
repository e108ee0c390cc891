"""What a collaboration left the parties with: Section 6, and nearness to real rows.

`evaluate_rewards` measures D_i ∪ G_i, and its correlations with α and β (Fig. 2, Tables
7 and 8). `compare_generators` says which generator makes the best rows of a table.
``nearest_rows.nearness_figures`` and the attack in it, ``reidentification.reidentify``,
are for the mediator only.
"""

from .evaluate import Evaluation, evaluate_rewards
from .generators import (
    GeneratorChoice,
    GeneratorComparison,
    GeneratorFigures,
    compare_generators,
)

__all__ = [
    "Evaluation",
    "GeneratorChoice",
    "GeneratorComparison",
    "GeneratorFigures",
    "compare_generators",
    "evaluate_rewards",
]
__dir__ = __all__.copy

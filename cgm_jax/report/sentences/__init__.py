"""Results told to people: every sentence is made here, from facts and names."""

from .audit import (
    PromiseRow,
    audit_remarks,
    audit_sentences,
    audit_summary,
    broken_sentences,
    comparison_sentence,
    other_scheme_sentence,
    promise_rows,
    stress_sentence,
)
from .columns import column_rows, left_out_sentences, rare_category_sentences
from .comparison import choice_sentences, comparison_sentences, yardstick_sentences
from .evidence import evidence_sentences, near_duplicate_sentences
from .explanation import explanation_sentences
from .generators import generator_note, generator_warnings, quality_sentences
from .labels import label_sentences
from .names import Names
from .nearest_rows import (
    nearness_sentences,
    nearness_warnings,
    reidentification_sentence,
)
from .outcomes import outcome
from .planning import plan_sentences
from .quality import table_quality_sentences
from .releases import (
    cost_sentences,
    own_release_sentences,
    promise_sentences,
    release_sentences,
    released_sentence,
    uncovered,
)
from .scoring import scheme_sentence, scoring_words
from .statement import statement_sentences
from .warnings import (
    collaboration_warnings,
    draw_warnings,
    empty_reward_sentences,
    is_told_apart,
    promise_warnings,
    relaxation_warnings,
    scheme_warnings,
    uncertainty_warnings,
)

__all__ = [
    "Names",
    "PromiseRow",
    "audit_remarks",
    "audit_sentences",
    "audit_summary",
    "broken_sentences",
    "choice_sentences",
    "collaboration_warnings",
    "column_rows",
    "comparison_sentence",
    "comparison_sentences",
    "cost_sentences",
    "draw_warnings",
    "empty_reward_sentences",
    "evidence_sentences",
    "explanation_sentences",
    "generator_note",
    "generator_warnings",
    "is_told_apart",
    "label_sentences",
    "left_out_sentences",
    "near_duplicate_sentences",
    "nearness_sentences",
    "nearness_warnings",
    "other_scheme_sentence",
    "outcome",
    "own_release_sentences",
    "plan_sentences",
    "promise_rows",
    "promise_sentences",
    "promise_warnings",
    "quality_sentences",
    "rare_category_sentences",
    "reidentification_sentence",
    "relaxation_warnings",
    "release_sentences",
    "released_sentence",
    "scheme_sentence",
    "scheme_warnings",
    "scoring_words",
    "statement_sentences",
    "stress_sentence",
    "table_quality_sentences",
    "uncertainty_warnings",
    "uncovered",
    "yardstick_sentences",
]
__dir__ = __all__.copy

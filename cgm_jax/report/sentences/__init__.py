"""Results told to people: every sentence is made here, from facts and names."""

from .audit import (
    audit_sentences,
    comparison_sentence,
    shared_rows_sentences,
    stress_sentence,
)
from .explanation import explanation_sentences
from .names import Names
from .planning import plan_sentences
from .privacy import privacy_sentences, reidentification_sentence
from .quality import table_quality_sentences
from .warnings import (
    collaboration_warnings,
    draw_warnings,
    generator_warnings,
    promise_warnings,
    quality_sentences,
    relaxation_warnings,
    repetition_warnings,
    scheme_warnings,
    uncertainty_warnings,
)

__all__ = [
    "Names",
    "audit_sentences",
    "collaboration_warnings",
    "comparison_sentence",
    "draw_warnings",
    "explanation_sentences",
    "generator_warnings",
    "plan_sentences",
    "privacy_sentences",
    "promise_warnings",
    "quality_sentences",
    "reidentification_sentence",
    "relaxation_warnings",
    "repetition_warnings",
    "scheme_warnings",
    "shared_rows_sentences",
    "stress_sentence",
    "table_quality_sentences",
    "uncertainty_warnings",
]
__dir__ = __all__.copy

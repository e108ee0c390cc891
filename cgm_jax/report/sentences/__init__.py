"""Results told to people: every sentence is made here, from facts and names."""

from .audit import audit_sentences as audit_sentences
from .audit import comparison_sentence as comparison_sentence
from .audit import shared_rows_sentences as shared_rows_sentences
from .audit import stress_sentence as stress_sentence
from .explanation import explanation_sentences as explanation_sentences
from .names import Names as Names
from .names import party_names as party_names
from .warnings import collaboration_warnings as collaboration_warnings
from .warnings import draw_warnings as draw_warnings
from .warnings import outlier_warnings as outlier_warnings
from .warnings import promise_warnings as promise_warnings
from .warnings import quality_sentences as quality_sentences
from .warnings import relaxation_warnings as relaxation_warnings
from .warnings import repetition_warnings as repetition_warnings
from .warnings import scheme_warnings as scheme_warnings
from .warnings import uncertainty_warnings as uncertainty_warnings

__all__ = [
    "Names",
    "audit_sentences",
    "collaboration_warnings",
    "comparison_sentence",
    "draw_warnings",
    "explanation_sentences",
    "outlier_warnings",
    "party_names",
    "promise_warnings",
    "quality_sentences",
    "relaxation_warnings",
    "repetition_warnings",
    "scheme_warnings",
    "shared_rows_sentences",
    "stress_sentence",
    "uncertainty_warnings",
]

"""What data is worth: values, coalitions of parties, Shapley values."""

from .coalitions import coalition_values as coalition_values
from .mmd import mmd2_biased as mmd2_biased
from .mmd import mmd2_unbiased as mmd2_unbiased
from .mmd import value as value
from .shapley import shapley_values as shapley_values
from .with_candidates import values_with_candidates as values_with_candidates

__all__ = [
    "coalition_values",
    "mmd2_biased",
    "mmd2_unbiased",
    "shapley_values",
    "value",
    "values_with_candidates",
]

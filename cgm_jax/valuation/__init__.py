"""What data are worth: MMD (Eq. 1), values (Eq. 2), Shapley values (Eq. 5).

A coalition C is a bitmask over the n parties, v_c(C) the value of its pooled data, φ_i
the Shapley value and α_i = φ_i / max φ. All 2^n values are one batch over `GramSums`.
For more than 20 parties `mmd_shapley_values` integrates with O(n²) work per node
(derived in ``semivalues.block_semivalues``); `point_shapley_values` makes every point a
player. For other games there is `permutation_shapley_values`, with
`permutation_sample_size` for how many orders are enough (App. H).

On the same sums: parties that may leave (`semivalues_with_departures`), that come in
groups one after the other (`asymmetric_shapley`), that may be one
(`quotient_semivalues`, `group_values`); and how near a party's distribution is to a
reference (`distribution_values`, `values_under_references`), or what its labels are
worth (`conditional_distribution_values`).
"""

from .bootstrap import bootstrap_sums
from .coalitions import coalition_values, values_of_coalitions, values_with_candidates
from .conditional import conditional_distribution_values
from .distribution import DistributionValues, Reference, distribution_values
from .embedding_uncertainty import EmbeddingUncertainty, embedding_uncertainty
from .groups import group_values
from .interactions import shapley_interactions
from .mmd import mmd2_biased, mmd2_unbiased, value
from .permutations import (
    ShapleyEstimate,
    permutation_sample_size,
    permutation_shapley_values,
)
from .points import PointValues, point_shapley_values
from .quotients import quotient_semivalues
from .references import values_under_references
from .semivalues.block_semivalues import block_semivalues
from .semivalues.departures import semivalues_with_departures
from .semivalues.mmd_semivalues import (
    ExactShapleyValues,
    mmd_semivalues,
    mmd_shapley_values,
)
from .semivalues.precedence import asymmetric_shapley
from .semivalues.weighting import BetaShapley
from .shapley import shapley_values

__all__ = [
    "BetaShapley",
    "DistributionValues",
    "EmbeddingUncertainty",
    "ExactShapleyValues",
    "PointValues",
    "Reference",
    "ShapleyEstimate",
    "asymmetric_shapley",
    "block_semivalues",
    "bootstrap_sums",
    "coalition_values",
    "conditional_distribution_values",
    "distribution_values",
    "embedding_uncertainty",
    "group_values",
    "mmd2_biased",
    "mmd2_unbiased",
    "mmd_semivalues",
    "mmd_shapley_values",
    "permutation_sample_size",
    "permutation_shapley_values",
    "point_shapley_values",
    "quotient_semivalues",
    "semivalues_with_departures",
    "shapley_interactions",
    "shapley_values",
    "value",
    "values_of_coalitions",
    "values_under_references",
    "values_with_candidates",
]
__dir__ = __all__.copy

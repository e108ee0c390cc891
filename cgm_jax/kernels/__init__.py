"""What "similar" means, and sums of it over all pairs of points."""

from .base import Kernel as Kernel
from .bounds import bounds_conflict as bounds_conflict
from .bounds import monotonicity_upper_bound as monotonicity_upper_bound
from .bounds import nonnegativity_lower_bound as nonnegativity_lower_bound
from .bounds import value_bounds as value_bounds
from .gram import GramSums as GramSums
from .gram import gram_sums as gram_sums
from .length_scale import median_length_scale as median_length_scale
from .length_scale import smallest_length_scale as smallest_length_scale
from .stationary import Laplace as Laplace
from .stationary import RationalQuadratic as RationalQuadratic
from .stationary import SquaredExponential as SquaredExponential

__all__ = [
    "GramSums",
    "Kernel",
    "Laplace",
    "RationalQuadratic",
    "SquaredExponential",
    "bounds_conflict",
    "gram_sums",
    "median_length_scale",
    "monotonicity_upper_bound",
    "nonnegativity_lower_bound",
    "smallest_length_scale",
    "value_bounds",
]

"""What "similar" means, and sums of it over all pairs of points."""

import importlib
from typing import TYPE_CHECKING, Any

from .base import Kernel as Kernel
from .bounds import bounds_conflict as bounds_conflict
from .bounds import monotonicity_upper_bound as monotonicity_upper_bound
from .bounds import nonnegativity_lower_bound as nonnegativity_lower_bound
from .bounds import value_bounds as value_bounds
from .deep import DeepKernel as DeepKernel
from .fitting import FittedKernel as FittedKernel
from .fitting import FittingProgress as FittingProgress
from .fitting import fit_kernel as fit_kernel
from .fitting import fit_kernels as fit_kernels
from .gram import GramSums as GramSums
from .gram import gram_sums as gram_sums
from .length_scale import median_length_scale as median_length_scale
from .length_scale import quantile_length_scale as quantile_length_scale
from .length_scale import smallest_length_scale as smallest_length_scale
from .projection import project_kernel as project_kernel
from .saving import load_kernel as load_kernel
from .saving import save_kernel as save_kernel
from .starting import starting_deep_kernel as starting_deep_kernel
from .stationary import Laplace as Laplace
from .stationary import RationalQuadratic as RationalQuadratic
from .stationary import SquaredExponential as SquaredExponential

if TYPE_CHECKING:
    from .feature_networks import FeatureNetwork as FeatureNetwork

__all__ = [
    "DeepKernel",
    "FeatureNetwork",
    "FittedKernel",
    "FittingProgress",
    "GramSums",
    "Kernel",
    "Laplace",
    "RationalQuadratic",
    "SquaredExponential",
    "bounds_conflict",
    "fit_kernel",
    "fit_kernels",
    "gram_sums",
    "load_kernel",
    "median_length_scale",
    "monotonicity_upper_bound",
    "nonnegativity_lower_bound",
    "project_kernel",
    "quantile_length_scale",
    "save_kernel",
    "smallest_length_scale",
    "starting_deep_kernel",
    "value_bounds",
]


def __getattr__(name: str) -> Any:
    # Flax takes longer to import than the rest of the package together.
    if name == "FeatureNetwork":
        return importlib.import_module(".feature_networks", __name__).FeatureNetwork
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

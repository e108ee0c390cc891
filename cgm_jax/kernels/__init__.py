"""What "similar" means: kernels, fixed and learned (Sec. 5).

k(x, x') is the similarity of two points, ℓ a length scale (Eq. 9, which prints 2ℓ; here
it is 2ℓ², as in the paper's tables). `nonnegativity_lower_bound` is Prop. 4,
`monotonicity_upper_bound` Theorem 1, `value_bounds` Corollary 1 and `bounds_conflict`
Prop. 5. `DeepKernel` compares features of a network (future work, Sec. 7).

Kernels are characteristic (an MMD of 0 means equal distributions) but for `Linear` and
`Polynomial`, which are here to compare with. ``k + l``, ``k * l``, ``sum([k, l])``,
``2 * k``, ``k / 2`` and ``k ** 2`` are kernels of kernels.
"""

import importlib
from typing import TYPE_CHECKING, Any

from .base import Kernel
from .bounds import (
    bounds_conflict,
    monotonicity_upper_bound,
    nonnegativity_lower_bound,
    value_bounds,
)
from .deep import DeepKernel
from .dot_products import Linear, Polynomial
from .energy import Energy
from .saving import load_kernel, save_kernel
from .stationary import (
    Laplace,
    Matern,
    RationalQuadratic,
    ScaleMixture,
    SquaredExponential,
)

if TYPE_CHECKING:
    from .feature_networks import FeatureNetwork
else:  # a type checker would take any name for one of the package

    def __getattr__(name: str) -> Any:
        # Flax takes longer to import than the rest of the package together.
        if name == "FeatureNetwork":
            return importlib.import_module(".feature_networks", __name__).FeatureNetwork
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = [
    "DeepKernel",
    "Energy",
    "FeatureNetwork",
    "Kernel",
    "Laplace",
    "Linear",
    "Matern",
    "Polynomial",
    "RationalQuadratic",
    "ScaleMixture",
    "SquaredExponential",
    "bounds_conflict",
    "load_kernel",
    "monotonicity_upper_bound",
    "nonnegativity_lower_bound",
    "save_kernel",
    "value_bounds",
]
__dir__ = __all__.copy

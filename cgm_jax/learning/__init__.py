"""Learn kernel parameters by maximising (or minimising) test power between groups.

`starting_deep_kernel` starts at a good length scale, `fit_kernel` learns, and reports J
of the fitted and of the held-out rows: a deep kernel overfits small samples, so read
the latter (future work of the paper, Sec. 7; Liu et al. 2020).
"""

from .fitting import FittedKernel, FittingProgress, fit_kernel, fit_kernels
from .starting import starting_deep_kernel

__all__ = [
    "FittedKernel",
    "FittingProgress",
    "fit_kernel",
    "fit_kernels",
    "starting_deep_kernel",
]
__dir__ = __all__.copy

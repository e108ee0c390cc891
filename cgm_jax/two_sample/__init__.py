"""Whether two samples differ: a permutation test with MMD²_u, and its power.

The criterion J = MMD²_u / σ is what deep kernels are learned for (Liu et al. 2020). The
p-value is valid for every kernel that has not seen the points.
"""

from .criterion import PowerEstimate, estimate_power
from .permutation_test import TwoSampleTest, two_sample_test

__all__ = ["PowerEstimate", "TwoSampleTest", "estimate_power", "two_sample_test"]
__dir__ = __all__.copy

"""Whether two samples differ: a permutation test and its power."""

from .permutation_test import TwoSampleTest as TwoSampleTest
from .permutation_test import two_sample_test as two_sample_test
from .power import PowerEstimate as PowerEstimate
from .power import estimate_power as estimate_power

__all__ = [
    "PowerEstimate",
    "TwoSampleTest",
    "estimate_power",
    "two_sample_test",
]

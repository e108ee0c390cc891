"""Sums of a kernel over all pairs of points: one pass, and the length scale."""

from .gram_sums import GramSums as GramSums
from .gram_sums import gram_sums as gram_sums
from .length_scale import median_length_scale as median_length_scale
from .length_scale import quantile_length_scale as quantile_length_scale
from .length_scale import smallest_length_scale as smallest_length_scale
from .projection import project_kernel as project_kernel

__all__ = [
    "GramSums",
    "gram_sums",
    "median_length_scale",
    "project_kernel",
    "quantile_length_scale",
    "smallest_length_scale",
]

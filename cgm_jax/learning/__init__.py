"""Kernels that are learned."""

from .fitting import FittedKernel as FittedKernel
from .fitting import FittingProgress as FittingProgress
from .fitting import fit_kernel as fit_kernel
from .fitting import fit_kernels as fit_kernels
from .starting import starting_deep_kernel as starting_deep_kernel

__all__ = [
    "FittedKernel",
    "FittingProgress",
    "fit_kernel",
    "fit_kernels",
    "starting_deep_kernel",
]

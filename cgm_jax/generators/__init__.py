"""Where synthetic points come from (Sec. 2, 6)."""

from .base import Generator as Generator
from .gaussian_mixture import GaussianMixture as GaussianMixture
from .kernel_density import KernelDensity as KernelDensity

__all__ = ["GaussianMixture", "Generator", "KernelDensity"]

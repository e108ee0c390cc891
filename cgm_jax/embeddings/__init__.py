"""Features: points as vectors whose inner products are the kernel (one pass, not t²).

With k(x, x') ≈ φ(x)·φ(x'), a sum of k over pairs is an inner product of sums of φ:

    Σ_{x ∈ D_i} Σ_{x' ∈ D_j} k(x, x') ≈ M_i · M_j,      M_i = Σ_{x ∈ D_i} φ(x),

so that all block sums of t points cost O(t D) in place of O(t²). ‖φ(x)‖ is the same for
all points, 1 for a kernel that is 1 on its diagonal.

- `random_fourier_features`: any stationary kernel, unbiased, error about 1/√D or less;
- `hermite_features`: one to three dimensions, an error that falls exponentially;
- `category_features`: exact for categories, beside features of other coordinates;
- `deep_features`: random features of what a network makes of points.

`cgm_jax.gram` makes sums of them: ``gram_sums(kernel, …, features=…)``.
"""

from .base import FeatureMap
from .categories import category_features
from .deep import deep_features
from .hermite import hermite_features
from .random_fourier import random_fourier_features

__all__ = [
    "FeatureMap",
    "category_features",
    "deep_features",
    "hermite_features",
    "random_fourier_features",
]
__dir__ = __all__.copy

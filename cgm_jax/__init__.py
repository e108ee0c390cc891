"""Collaborative generative modelling with fair synthetic data rewards, in JAX.

Several parties pool data; each is paid with synthetic data in proportion to what its
own data added (Tay, Xu, Foo, Low, AAAI 2022). `collaborate` goes the whole way in one
call, `promise` and `Promises.draw` in two; the folders hold the steps.
"""

from . import (
    audit,
    datasets,
    features,
    generators,
    gram,
    kernels,
    learning,
    metrics,
    planning,
    rewards,
    sampling,
    tables,
    two_sample,
    valuation,
)
from ._version import __version__
from .collaboration import Collaboration, Draw, Growing, Promises, collaborate, promise
from .planning import Plan, plan

__all__ = [
    "Collaboration",
    "Draw",
    "Growing",
    "Plan",
    "Promises",
    "__version__",
    "audit",
    "collaborate",
    "datasets",
    "features",
    "generators",
    "gram",
    "kernels",
    "learning",
    "metrics",
    "plan",
    "planning",
    "promise",
    "rewards",
    "sampling",
    "tables",
    "two_sample",
    "valuation",
]
__dir__ = __all__.copy

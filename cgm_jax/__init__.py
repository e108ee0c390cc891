"""Collaborative generative modelling with fair synthetic data rewards, in JAX.

Several parties pool data; each is paid with synthetic data in proportion to what its
own data added (Tay, Xu, Foo, Low, AAAI 2022). `collaborate` goes the whole way; the
folders `kernels`, `valuation`, `rewards`, `sampling`, `generators`, `metrics` and
`datasets` hold the steps.
"""

from . import datasets as datasets
from . import features as features
from . import generators as generators
from . import kernels as kernels
from . import metrics as metrics
from . import rewards as rewards
from . import sampling as sampling
from . import valuation as valuation
from ._version import __version__ as __version__
from .collaboration import Collaboration as Collaboration
from .collaboration import collaborate as collaborate
from .uncertainty import Uncertainty as Uncertainty

__all__ = [
    "Collaboration",
    "Uncertainty",
    "collaborate",
    "datasets",
    "features",
    "generators",
    "kernels",
    "metrics",
    "rewards",
    "sampling",
    "valuation",
]

"""Collaborative generative modelling with fair synthetic data rewards, in JAX.

Several parties pool data; each is paid with synthetic data in proportion to what its
own data added (Tay, Xu, Foo, Low, AAAI 2022). `collaborate` goes the whole way in one
call, `promise` and `Promises.draw` in two; the folders hold the steps.
"""

from . import audit as audit
from . import datasets as datasets
from . import features as features
from . import generators as generators
from . import gram as gram
from . import kernels as kernels
from . import learning as learning
from . import metrics as metrics
from . import rewards as rewards
from . import sampling as sampling
from . import two_sample as two_sample
from . import valuation as valuation
from ._version import __version__ as __version__
from .collaboration import Collaboration as Collaboration
from .collaboration import Draw as Draw
from .collaboration import Growing as Growing
from .collaboration import Promises as Promises
from .collaboration import collaborate as collaborate
from .collaboration import promise as promise

__all__ = [
    "Collaboration",
    "Draw",
    "Growing",
    "Promises",
    "audit",
    "collaborate",
    "datasets",
    "features",
    "generators",
    "gram",
    "kernels",
    "learning",
    "metrics",
    "promise",
    "rewards",
    "sampling",
    "two_sample",
    "valuation",
]

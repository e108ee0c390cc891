"""The whole order: from the parties' points to promises, and to rewards.

`promise` values the parties' data and promises reward values, `Promises.draw` keeps
them, and `collaborate` does both. An experiment is one `Promises` and a `Draw` per
inverse temperature. D_i are ``parties``, G is ``candidates``, T both (Sec. 2, 3). G is
drawn from a generator, and doubled until the programme is feasible (App. F).
"""

from .collaboration import Collaboration, Growing, collaborate
from .promises import Draw, Promises
from .promising import promise
from .uncertainty import Uncertainty, estimate_uncertainty

__all__ = [
    "Collaboration",
    "Draw",
    "Growing",
    "Promises",
    "Uncertainty",
    "collaborate",
    "estimate_uncertainty",
    "promise",
]
__dir__ = __all__.copy

"""Scores in the place of Shapley values: rules, what each proves, and their names.

A `Scoring` gives every party a score φ_i from what was `HandedIn`; the reward scheme
makes α_i = φ_i / max φ of it. `Shapley` is the paper's; `TimeAware` is any of them
where parties joined at different times. A rule of your own is a frozen
dataclass with ``name``, ``needs_rows``, ``proved`` and ``scores``.
"""

from .base import HandedIn, Scoring, for_parties
from .distribution import Distribution
from .family import Departures, Precedence, Quotient
from .joining import TimeAware
from .named import SCORINGS, scoring_named
from .points import SumOfPoints
from .semivalues import Semivalues, Shapley

__all__ = [
    "SCORINGS",
    "Departures",
    "Distribution",
    "HandedIn",
    "Precedence",
    "Quotient",
    "Scoring",
    "Semivalues",
    "Shapley",
    "SumOfPoints",
    "TimeAware",
    "for_parties",
    "scoring_named",
]
__dir__ = __all__.copy

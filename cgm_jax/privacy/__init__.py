"""Data valued without anyone's rows: one noisy sum of features a party.

Values, Shapley values and promises are functions of the parties' mean embeddings. A
party hands out its own once, with noise (`release`); `sums_from_releases` makes of
these what a Gram pass makes of rows. ε and δ say how much any single row can change
what is handed out; `release` derives the noise.
"""

from .release import Release, release
from .sums import sums_from_releases

__all__ = [
    "Release",
    "release",
    "sums_from_releases",
]
__dir__ = __all__.copy

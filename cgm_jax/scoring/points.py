"""Scores that are sums over a party's points, each of which is a player.

    φ_i = Σ_{x ∈ D_i} φ_x,     φ_x the Shapley value of x in the game of all points

However a party splits its rows among names, the sum over these stays what it was. What
a coalition of parties is worth no longer decides the scores: a party that adds nothing
to any coalition may have some, and F1 to F4 are checked, not proved.

Reference: Faithful Group Shapley Value, 2025 (arXiv 2505.19013).
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from cgm_jax._shared.sharded import on_host
from cgm_jax.valuation import group_values

from .base import RATIONAL, HandedIn

__all__ = ["SumOfPoints"]


@dataclass(frozen=True)
class SumOfPoints:
    """The sum of the exact Shapley values of a party's points.

    Example:
        Half of the rows under another name: the two halves have what the whole had.

        >>> import cgm_jax
        >>> from cgm_jax.kernels import SquaredExponential
        >>> parties = [np.linspace(0, 1, 8)[:, None], np.full((3, 1), 2.0)]
        >>> grid, kernel = np.linspace(-1, 3, 50)[:, None], SquaredExponential(1.0)
        >>> options = dict(kernel=kernel, scoring=SumOfPoints())
        >>> whole = cgm_jax.promise(parties, grid, **options).scheme
        >>> halves = [parties[0][:4], parties[0][4:], parties[1]]
        >>> split = cgm_jax.promise(halves, grid, **options).scheme
        >>> bool(np.isclose(split.shapley_values[:2].sum(), whole.shapley_values[0]))
        True

    Reference:
        Faithful Group Shapley Value, 2025.
    """

    name = "points"
    needs_rows = True
    proved = RATIONAL

    def scores(self, handed_in: HandedIn) -> Float[np.ndarray, " n"]:
        """Sums of the points' Shapley values."""
        points = [on_host(x) for x in handed_in.points_for(self.name)]
        candidates, sums = on_host(handed_in.candidates), handed_in.sums
        return np.asarray(group_values(handed_in.kernel, points, candidates, sums=sums))

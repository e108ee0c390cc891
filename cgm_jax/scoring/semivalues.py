"""Scores that are means of marginal contributions: Shapley's and its relatives.

    φ_i = Σ_{C ⊆ N∖i} p_{|C|} [v(C ∪ i) − v(C)]

F1 and F2 hold whatever the weights p are. Where all of them are positive, who adds more
once and never less has more (F3), and who adds more in another game, all else being
equal, gains the more of all (F4): its φ rises by Σ_S p_{|S|−1} Δ(S) over the coalitions
S with it, and nobody's by more. Leave-one-out looks at one coalition only, and keeps
neither.

References: L. Shapley 1953; P. Dubey, A. Neyman, R. Weber, *Value Theory Without
Efficiency*, Mathematics of Operations Research 6, 1981; Y. Kwon, J. Zou, *Beta
Shapley*, AISTATS 2022.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from cgm_jax.valuation import (
    BetaShapley,
    coalition_values,
    mmd_semivalues,
    mmd_shapley_values,
    shapley_values,
    values_of_coalitions,
)
from cgm_jax.valuation.coalitions import MAX_TABLE_PARTIES
from cgm_jax.valuation.semivalues.weighting import Weighting, as_weighting

from .base import FAIR, RATIONAL, HandedIn

__all__ = ["SHAPLEY", "Semivalues", "Shapley"]

_ROUNDING = 1e-13


@dataclass(frozen=True)
class Shapley:
    """The paper's: what a party adds to the others' data, in all orders of joining.

    Example:
        >>> import cgm_jax
        >>> parties = [np.zeros((2, 1)), np.ones((3, 1))]
        >>> grid = np.linspace(-1, 2, 50)[:, None]
        >>> cgm_jax.promise(parties, grid, scoring=Shapley()).scheme.scoring
        'shapley'

    Reference:
        Tay et al. 2022, Eq. 5.
    """

    name = "shapley"
    needs_rows = False
    proved = RATIONAL + FAIR

    def scores(self, handed_in: HandedIn) -> Float[np.ndarray, " n"]:
        """φ: from all coalitions of up to 20 parties, in polynomial time of more."""
        sums = handed_in.sums
        if sums.num_parties > MAX_TABLE_PARTIES:
            return np.asarray(mmd_shapley_values(sums).shapley_values)
        return np.asarray(shapley_values(np.asarray(coalition_values(sums))))


SHAPLEY = Shapley()


@dataclass(frozen=True)
class Semivalues:
    """Another weighting of marginal contributions than Shapley's.

    Attributes:
        weighting: "banzhaf", all coalitions alike; "leave-one-out", only all others; or
            ``BetaShapley(alpha, beta)``, as in `valuation.mmd_semivalues`.

    Example:
        >>> import cgm_jax
        >>> parties = [np.zeros((2, 1)), np.ones((3, 1))]
        >>> grid = np.linspace(-1, 2, 50)[:, None]
        >>> scoring = Semivalues("banzhaf")
        >>> cgm_jax.promise(parties, grid, scoring=scoring).scheme.scoring
        'banzhaf'

    Reference:
        Dubey, Neyman, Weber 1981; Kwon and Zou 2022.
    """

    weighting: Weighting

    needs_rows = False

    def __post_init__(self) -> None:
        as_weighting(self.weighting)

    @property
    def name(self) -> str:
        """That of the weighting; "beta-shapley" has its α and β, if not 4 and 1."""
        if not isinstance(self.weighting, BetaShapley):
            return self.weighting
        alpha, beta = self.weighting.alpha, self.weighting.beta
        numbers = "" if (alpha, beta) == (4, 1) else f"({alpha:g}, {beta:g})"
        return f"beta-shapley{numbers}"

    @property
    def proved(self) -> tuple[str, ...]:
        """All, but for leave-one-out F1 and F2 only."""
        is_last = self.weighting == "leave-one-out"
        return RATIONAL + (FAIR[:2] if is_last else FAIR)

    def scores(self, handed_in: HandedIn) -> Float[np.ndarray, " n"]:
        """The semivalues; what is rounding of the value of all data is 0."""
        sums = handed_in.sums
        scores = np.array(mmd_semivalues(sums, self.weighting))
        everybody = np.ones((1, sums.num_parties), bool)
        largest = np.abs(values_of_coalitions(sums, everybody)).max()
        scores[np.abs(scores) <= _ROUNDING * largest] = 0
        return scores

r"""Scores with bounded stakes: what looking like another party gains is limited.

A scheme sees what is handed in, and pays alike those who hand in alike. A party of few
kinds of rows that adds synthetic rows of an earlier round, or a copy, or broad noise,
hands in what an honest party of many kinds might. So no scheme can pay the broad party
more than λ times what it pays the narrow one and hold what the narrow one gains by this
below λ − 1. Scores within a factor λ of each other are therefore asked for, and enough:
with α_i = φ_i / max φ of another scoring,

    α_i' = α_i^γ,     γ = min{1, log λ / max_j (−log α_j)}

is at least 1/λ for all who contribute, in the same order, and α'^ρ with ρ ≤ 1 is, too.
So a reward α_i'^ρ v* is within λ of the largest: whatever a contributor hands in, its
reward value is at most λ times what it was, as far as v* stays what it is.

What it costs: rewards of contributors differ by no more than λ, however much their
contributions do. Who contributes nothing (φ_i ≤ 0) has no such bound: it gets nothing,
and may come to contribute.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from cgm_jax._shared.checks import as_number, check_kind
from cgm_jax.valuation.shapley import contributes

from .base import HandedIn, Scoring
from .semivalues import SHAPLEY

__all__ = ["Robust"]

# Of what was tried, nothing then gained more than 5 %: v* may rise a little, too.
LARGEST_RATIO = 1.04


@dataclass(frozen=True)
class Robust:
    """Another scoring's, brought so near to each other that cheating gains little.

    Attributes:
        scoring: whose scores.
        largest_ratio: λ > 1, by what factor scores of contributors may differ.

    Raises:
        ValueError: if λ is not above 1.

    Example:
        >>> import cgm_jax
        >>> parties = [np.zeros((2, 1)), np.ones((3, 1)), np.full((3, 1), 0.8)]
        >>> grid = np.linspace(-1, 2, 50)[:, None]
        >>> for scoring in (SHAPLEY, Robust()):
        ...     promises = cgm_jax.promise(parties, grid, scoring=scoring)
        ...     print(promises.scheme.normalized_shapley.round(3))
        [1.    0.566 0.488]
        [1.    0.969 0.962]

    Reference:
        Derived above. Where parties do not know a part of the reference there is
        another way: Sim et al. 2026.
    """

    scoring: Scoring = SHAPLEY
    largest_ratio: float = LARGEST_RATIO

    def __post_init__(self) -> None:
        check_kind(self.scoring, Scoring)
        if not 1 < as_number(self.largest_ratio, "largest_ratio") < np.inf:
            raise ValueError(
                "Expected a largest_ratio above 1, such as 1.04, got "
                f"{self.largest_ratio}."
            )

    @property
    def name(self) -> str:
        """ "robust", λ if not 1.04, and whose scores if not Shapley's."""
        ratio = (
            f"({self.largest_ratio:g})" if self.largest_ratio != LARGEST_RATIO else ""
        )
        other = f" {self.scoring.name}" if self.scoring != SHAPLEY else ""
        return f"robust{ratio}{other}"

    @property
    def needs_rows(self) -> bool:
        """As the other scoring's."""
        return self.scoring.needs_rows

    @property
    def proved(self) -> tuple[str, ...]:
        """As the other scoring's but for F4: γ may change with another game."""
        return tuple(name for name in self.scoring.proved if name != "F4")

    def scores(self, handed_in: HandedIn) -> Float[np.ndarray, " n"]:
        """max φ α^γ of contributors; of others φ itself."""
        phi = self.scoring.scores(handed_in)
        is_paid = contributes(phi)
        if not is_paid.any():
            return phi
        slopes = -np.log(phi[is_paid] / phi.max())
        limit = np.log(self.largest_ratio)
        power = 1.0 if slopes.max() <= limit else limit / slopes.max()
        scores = phi.copy()
        scores[is_paid] = phi.max() * np.exp(-power * slopes)
        return scores

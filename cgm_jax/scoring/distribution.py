"""Scores by how near a party's distribution is to that of a reference.

    φ_i = Z − MMD(P_i, Q),     Z² = max_j mean k(P_j, P_j) + mean k(Q, Q)

−MMD is never above 0, and a score must be. Z is how far from Q data are that have
nothing in common with it (k is 0 between the two), as concentrated as any party's: a
zero that no party comes to, for a kernel that is never negative. A party is scored by
itself: that it adds nothing to the others' data, or as much as another, is no matter.
F1 to F4 are checked, not proved.

The mixture of the parties is no better than they are: near to it is who is typical, not
who is clean. With data of your own that are known to be right, make them the
candidates, and these the reference.

Reference: X. Xu, S. Wang, C.-S. Foo, B. K. H. Low, G. Fanti, *Data Distribution
Valuation*, NeurIPS 2024 (arXiv 2410.04386).
"""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from jaxtyping import Float

from cgm_jax._shared.checks import check_choice
from cgm_jax.valuation import distribution_values
from cgm_jax.valuation.distribution import reference_weights

from .base import RATIONAL, HandedIn

__all__ = ["Distribution"]

ReferenceName = Literal["uniform mixture", "pool", "candidates"]


@dataclass(frozen=True)
class Distribution:
    """How near a party's distribution is to the reference.

    Attributes:
        reference: Q, as in `valuation.distribution_values`.

    Example:
        A party of few points from the right distribution, and one of many from another:

        >>> import cgm_jax
        >>> rng = np.random.default_rng(0)
        >>> parties = [rng.normal(0, 1, (40, 1)), rng.normal(2, 1, (400, 1))]
        >>> candidates = rng.normal(0, 1, (400, 1))
        >>> scoring = Distribution("candidates")
        >>> options = dict(scoring=scoring, stability=False)
        >>> promises = cgm_jax.promise(parties, candidates, **options)
        >>> promises.scheme.normalized_shapley.round(1)
        array([1. , 0.4])

    Reference:
        Xu et al. 2024.
    """

    reference: ReferenceName = "uniform mixture"

    needs_rows = False
    proved = RATIONAL

    def __post_init__(self) -> None:
        check_choice(self.reference, get_args(ReferenceName), "the reference")

    @property
    def name(self) -> str:
        """ "distribution", and the reference if that is not the uniform mixture."""
        is_usual = self.reference == "uniform mixture"
        return "distribution" if is_usual else f"distribution({self.reference})"

    def scores(self, handed_in: HandedIn) -> Float[np.ndarray, " n"]:
        """Z less the MMD."""
        sums = handed_in.sums
        sizes = np.where(sums.sizes > 0, sums.sizes, 1)
        weights = np.asarray(reference_weights(self.reference, sums.sizes))
        means = np.asarray(sums.between) / (sizes[:, None] * sizes[None])
        apart = np.diag(means)[:-1].max() + weights @ means @ weights
        values = np.asarray(distribution_values(sums, self.reference).values)
        return np.sqrt(apart) + values

"""Time-aware fairness: who joined earlier is scored for longer.

Party i joined at the whole number t_i. In every period t from the first joining time to
the last, the parties present, N_t = {i : t_i ≤ t}, are scored among themselves, on the
reference set of all; who is absent has 0. The score is the mean over the periods,

    φ_i = 1/T Σ_t φ_i(N_t),     T = max t_j − min t_j + 1,

so that a year alone counts as a year. Of Shapley values it is also the Shapley value of
the mean game v̄(C) = 1/T Σ_t v(C ∩ N_t): to cumulate over time and to value with time
are the same here.

**What time asks of a scheme**, with ρ and v* as they are:

    F6  who takes nothing away from any group of those present in a period would not
        be promised less, had it been there
    F7  who adds something to one of these groups besides, and is promised its share
        α_i^ρ v* < v*, would be promised more
    F8  had all joined at once, all would be promised what the scheme promises without
        times

**Proof** (where the scoring has F4). To be there in period t as well is to pass from
the game of N_t with a player who adds nothing to one in which v(C ∪ i) grows by Δ(C),
not below 0: φ_i rises by Σ p_{|C|} Δ(C), and nobody's score by more, so that α_i does
not fall, and rises if a Δ is positive. F2 and F3 hold among parties that joined
together; F1 and F4 as before, since all are there in the last period.

The idea and the names of F6 to F8 are those of J. Chen, K. T. N. Pham, R. H. L. Sim,
A. Verma, Z. Wu, C.-S. Foo, B. K. H. Low, *Incentivizing Time-Aware Fairness in Data
Sharing*, NeurIPS 2025 (arXiv 2510.09240). The definitions above are this package's own,
made after its abstract.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Float

from cgm_jax._shared.checks import as_whole, check_kind, one_each

from .base import HandedIn, Scoring, check_length, for_parties
from .semivalues import SHAPLEY

__all__ = ["TimeAware"]


@dataclass(frozen=True)
class TimeAware:
    """Another scoring, in every period of those who had joined by then.

    Attributes:
        joined: when each party joined, whole numbers >= 0, of years or of what you
            like.
        scoring: what scores the parties of a period.

    Raises:
        ValueError: if a time is no whole number, or negative.

    Example:
        Two parties with the same data, one of which joined two years later:

        >>> import cgm_jax
        >>> parties = [np.zeros((2, 1)), np.zeros((2, 1)), np.ones((3, 1))]
        >>> grid = np.linspace(-1, 2, 50)[:, None]
        >>> scoring = TimeAware((0, 2, 0))
        >>> promises = cgm_jax.promise(parties, grid, scoring=scoring)
        >>> promises.scheme.normalized_shapley.round(2)
        array([0.82, 0.13, 1.  ])

    Reference:
        Chen et al. 2025, for the idea.
    """

    joined: tuple[int, ...] = field(metadata={"per_party": True})
    scoring: Scoring = SHAPLEY

    def __post_init__(self) -> None:
        check_kind(self.scoring, Scoring)
        joined = one_each(self.joined, "joining times")
        times = (as_whole(t, "joining time", smallest=0) for t in joined)
        object.__setattr__(self, "joined", tuple(times))

    @property
    def name(self) -> str:
        """ "time-aware", and what it scores with if that is not Shapley's."""
        base = self.scoring.name
        return "time-aware" if base == "shapley" else f"time-aware {base}"

    @property
    def needs_rows(self) -> bool:
        """Whether the other scoring does."""
        return self.scoring.needs_rows

    @property
    def proved(self) -> tuple[str, ...]:
        """F2 and F3 only if all joined at once; F6 and F7 where F4 is; F8 always."""
        at_once = len(set(self.joined)) <= 1
        base = self.scoring.proved
        kept = [name for name in base if at_once or name not in ("F2", "F3")]
        return (*kept, *(("F6", "F7") if "F4" in base else ()), "F8")

    def periods(self) -> Iterator[tuple[int, Bool[np.ndarray, " n"]]]:
        """How long each set of parties was alone present, and who was in it."""
        times = np.asarray(self.joined)
        starts = np.unique(times)
        for start, end in zip(starts, [*starts[1:], starts[-1] + 1], strict=True):
            yield int(end - start), times <= start

    def scores(self, handed_in: HandedIn) -> Float[np.ndarray, " n"]:
        """The mean over periods; the other scoring's own where all joined at once."""
        check_length(self.joined, handed_in, "a joining time")
        if len(set(self.joined)) == 1:
            return self.scoring.scores(handed_in)
        total = np.zeros(len(self.joined))
        for duration, present in self.periods():
            scoring = for_parties(self.scoring, np.flatnonzero(present))
            there = handed_in if present.all() else handed_in.among(present)
            total[present] += duration * scoring.scores(there)
        return total / (max(self.joined) - min(self.joined) + 1)

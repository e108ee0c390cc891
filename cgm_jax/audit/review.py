"""Everything there is to say about a collaboration's promises once they were made.

Were they kept, why are the reward values what they are, what would another scheme have
done, do parties share rows, and what would cheating have gained. No mathematics here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from jaxtyping import Array, Key

from cgm_jax.collaboration.collaboration import Collaboration, Progress
from cgm_jax.metrics import SharedRows, shared_rows
from cgm_jax.valuation.coalitions import MAX_TABLE_PARTIES

from . import (
    Audit,
    Explanation,
    SchemeComparison,
    Stress,
    audit,
    audit_data,
    compare_with_shapley_fair,
    explain,
    stress,
)

__all__ = ["Scrutiny", "scrutinize"]

LEAST_SHARE = 0.01  # of nearly shared rows that is worth a sentence


@dataclass(frozen=True, eq=False)
class Scrutiny:
    """What is known of the promises of a collaboration."""

    audit: Audit
    """Whether they were kept."""

    explanation: Explanation
    """Why the reward values are what they are."""

    comparison: SchemeComparison | None
    """The scheme of Sim et al.; None where there is no table of all coalitions."""

    shared: SharedRows
    """Rows that parties have in common."""

    stress: Stress | None
    """What cheating would gain, where it was tried out."""

    inverse_temperature: float
    """β of the draw that was audited, and of those of cheaters."""

    def reasons(self, names: Sequence[str]) -> list[str]:
        """Why the reward values are what they are, in sentences."""
        compared = [] if self.comparison is None else [self.comparison.sentence(names)]
        return [*self.explanation.sentences(names), *compared]

    def warnings(self, names: Sequence[str]) -> list[str]:
        """Sentences on rows that parties share."""
        return self.shared.sentences(names, least_share=LEAST_SHARE)

    def data(self, names: Sequence[str]) -> dict[str, Any]:
        """All of it as plain objects, for a file."""
        found = {
            "audit": audit_data(self.audit, names),
            "reasons": self.reasons(names),
            "shared_rows": self.warnings(names),
        }
        if self.stress is not None:
            found["stress"] = {
                "inverse_temperature": self.inverse_temperature,
                "joint_values": self.stress.joint_values,
                "trials": self.stress.rows(names),
            }
        return found


def scrutinize(
    collaboration: Collaboration,
    *,
    stress_key: Key[Array, ""] | None = None,
    progress: Progress | None = None,
) -> Scrutiny:
    """Audit, explain and compare a collaboration, and try out what cheating gains.

    Args:
        collaboration: what was promised and handed out.
        stress_key: a typed key for trials of cheating; none are made without it, nor
            of more than 20 parties.
        progress: called with the stage and the share of it that is done.

    Returns:
        What was found.

    Example:
        >>> import jax, numpy as np
        >>> from cgm_jax import collaborate
        >>> parties = [np.zeros((2, 1)), np.ones((3, 1))]
        >>> grid = np.linspace(-1, 2, 50)[:, None]
        >>> result = collaborate(jax.random.key(0), parties, grid)
        >>> found = scrutinize(result)
        >>> found.audit.is_kept, len(found.reasons(["Ada", "Bo"])) > 2
        (True, True)
    """
    tell = progress or (lambda stage, share: None)
    tell("audit", 0.0)
    table, scheme = collaboration.coalition_values, collaboration.scheme
    num_parties = len(collaboration.parties)
    trials = None
    if stress_key is not None and num_parties <= MAX_TABLE_PARTIES:
        trials = stress(
            stress_key,
            collaboration.parties,
            collaboration.candidates,
            kernel=collaboration.kernel,
            inverse_temperature=collaboration.inverse_temperature,
            stability=collaboration.stability,
            outlier_scales=(),
            progress=partial(tell, "what cheating would gain"),
        )
    return Scrutiny(
        audit(collaboration),
        explain(scheme, collaboration.sums),
        None if table is None else compare_with_shapley_fair(table, scheme),
        shared_rows(collaboration.parties),
        trials,
        collaboration.inverse_temperature,
    )

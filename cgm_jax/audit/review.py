"""Everything there is to find out about a collaboration's promises."""

from collections.abc import Sequence
from dataclasses import dataclass

import jax
import numpy as np
from jaxtyping import Array, Int, Key, Shaped

from cgm_jax._shared.arrays import ArrayLike
from cgm_jax._shared.checks import (
    as_key,
    as_list,
    check_callable,
    check_flag,
    check_kind,
)
from cgm_jax._shared.progress import Progress, silent
from cgm_jax._shared.results import Result
from cgm_jax.collaboration import Collaboration
from cgm_jax.evidence import Evidence, find_evidence
from cgm_jax.rewards.scheme import RewardScheme
from cgm_jax.scoring import Scoring
from cgm_jax.valuation.coalitions import MAX_TABLE_PARTIES

from .auditing import Audit, audit
from .cheating import Stress, stress
from .explanation import Explanation, explain
from .shapley_fair_comparison import SchemeComparison, compare_with_shapley_fair
from .unbounded import without_bounded_stakes

__all__ = ["Review", "review"]


@dataclass(frozen=True, eq=False, repr=False)
class Review(Result):
    """What is known of the promises of a collaboration.

    Attributes:
        audit: whether they were kept.
        explanation: why the reward values are what they are.
        comparison: the scheme of Sim et al.; None without a table of all coalitions.
        evidence: what the parties' rows say of how they were made.
        stress: what cheating would gain, where it was tried out.
        inverse_temperature: β of the draw that was audited, and of those of cheaters.
        unbounded: what there would be without bounded stakes; None if there are none.
    """

    audit: Audit
    explanation: Explanation
    comparison: SchemeComparison | None
    evidence: Evidence
    stress: Stress | None
    inverse_temperature: float
    unbounded: RewardScheme | None = None


def review(
    key: Key[Array, ""],
    collaboration: Collaboration,
    *,
    stress_test: bool = True,
    scorings: Sequence[Scoring] = (),
    labels: Sequence[Shaped[np.ndarray, " _"]] | None = None,
    groups: Int[ArrayLike, " d"] | None = None,
    progress: Progress = silent,
) -> Review:
    """Audit, explain and compare a collaboration, and try out what cheating gains.

    Args:
        key: a typed key, for the trials of cheating and for noise to compare with.
        collaboration: what was promised and handed out.
        stress_test: whether to try out cheating, which is for up to 20 parties only.
        scorings: other schemes to try it out with; that of the promises is the first.
        labels: of every party's rows, arrays of shape ``(n_i,)``: which are rare.
        groups: which coordinates of the points belong together, such as those of a
            column of a table, as in `cgm_jax.evidence.noise_rows`.
        progress: called with the stage and the share of it that is done.

    Returns:
        Everything there is to find out.

    Example:
        >>> import jax, numpy as np
        >>> from cgm_jax import collaborate
        >>> parties = [np.zeros((2, 1)), np.ones((3, 1))]
        >>> grid = np.linspace(-1, 2, 50)[:, None]
        >>> result = collaborate(jax.random.key(0), parties, grid)
        >>> review(jax.random.key(1), result, stress_test=False).audit.is_kept
        True
    """
    as_key(key)
    check_kind(collaboration, Collaboration)
    scorings = as_list(scorings, "scorings")
    for each in scorings:
        check_kind(each, Scoring)
    check_flag(stress_test, "stress_test")
    check_callable(progress, "progress")
    progress("audit", 0.0)
    promises, beta = collaboration.promises, collaboration.draw.inverse_temperature
    stress_key, evidence_key = jax.random.split(key)
    trials = None
    if stress_test and len(promises.parties) <= MAX_TABLE_PARTIES:
        trials = stress(
            stress_key,
            promises,
            scorings=(promises.scoring, *scorings),
            labels=labels,
            inverse_temperature=beta,
            outlier_scales=(),
            progress=progress,
        )
    table = promises.coalition_values
    progress("evidence in the rows", 0.0)
    points = promises.points_for("a search for shared ones")
    evidence = find_evidence(evidence_key, points, groups=groups)
    return Review(
        audit(collaboration),
        explain(promises),
        None if table is None else compare_with_shapley_fair(table, promises.scheme),
        evidence,
        trials,
        beta,
        without_bounded_stakes(promises),
    )

"""What bounded stakes cost the honest: the rewards that there would be without."""

import numpy as np

from cgm_jax._shared.checks import check_kind
from cgm_jax.collaboration import Promises
from cgm_jax.rewards import scheme_from_sums
from cgm_jax.rewards.scheme import RewardScheme
from cgm_jax.scoring import Robust

__all__ = ["without_bounded_stakes"]


def without_bounded_stakes(promises: Promises) -> RewardScheme | None:
    """What the scoring inside `scoring.Robust` would promise on the same data.

    Args:
        promises: what was promised.

    Returns:
        That scheme, relaxed where need be; None if the scoring is not robust.

    Example:
        >>> import cgm_jax
        >>> parties = [np.zeros((2, 1)), np.ones((3, 1)), np.full((3, 1), 0.8)]
        >>> grid = np.linspace(-1, 2, 50)[:, None]
        >>> promises = cgm_jax.promise(
        ...     parties, grid, scoring=Robust(), stability=False
        ... )
        >>> for scheme in (without_bounded_stakes(promises), promises.scheme):
        ...     print(scheme.reward_values.round(3))
        [0.453 0.256 0.221]
        [0.453 0.439 0.436]
    """
    check_kind(promises, Promises, "`promise`")
    if not isinstance(promises.scoring, Robust):
        return None
    inner = promises.scoring.scoring
    return scheme_from_sums(
        promises.sums,
        promises.coalition_values,
        scores=np.asarray(inner.scores(promises.handed_in)),
        scoring=inner.name,
        stability=promises.scheme.stability,
        relax=True,
        throw=False,
        solver="closed form",
    )

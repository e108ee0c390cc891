"""The scheme of Sim et al. beside ours, on the same game and the same ρ.

Sim et al. share out v_c(N): r_i = α_i^ρ v_c(N), whatever party i's own data are worth,
so that its reward may be worth less (R4 fails). Here no r_i is below v_c({i}), and the
most to share is v*, which the candidates allow.

References: Sim et al. 2020; Tay et al. 2022, App. C.3, D and E.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from cgm_jax._shared.arrays import ArrayLike, to_host
from cgm_jax._shared.checks import check_kind
from cgm_jax._shared.results import Result
from cgm_jax.rewards.scheme import RewardScheme
from cgm_jax.rewards.shapley_fair import largest_rho, shapley_fair_rewards

from .games import as_game
from .incentives import Check, check_incentives

__all__ = ["SchemeComparison", "compare_with_shapley_fair"]


@dataclass(frozen=True, eq=False, repr=False)
class SchemeComparison(Result):
    """Two schemes at the same ρ, checked by the same definitions.

    Attributes:
        ours: checks of max{v_c({i}), α_i^ρ v*}.
        theirs: checks of α_i^ρ v_c(N), whose largest value is v_c(N), for everyone.
        their_rewards: α_i^ρ v_c(N), shape ``(n,)``.
        their_largest_rho: the largest ρ at which theirs keep R4 (Theorem 2b); −inf if
            none does.
        worse_off: parties that theirs leave with less than the value of their own data.
    """

    ours: dict[str, Check]
    theirs: dict[str, Check]
    their_rewards: Float[np.ndarray, " n"]
    their_largest_rho: float
    worse_off: tuple[int, ...]


def compare_with_shapley_fair(
    values: Float[ArrayLike, " coalitions"],
    scheme: RewardScheme,
    *,
    tolerance: float = 1e-9,
) -> SchemeComparison:
    r"""Where the scheme of Sim et al. breaks promises that this one keeps.

    .. math:: \max\{v_c(\{i\}),\ \alpha_i^\rho v^*\} \quad\text{and}\quad
              \alpha_i^\rho\, v_c(N)

    Args:
        values: v_c of every coalition by bitmask, shape ``(2**n,)``.
        scheme: our reward scheme of this game; its ρ is used for both.
        tolerance: what counts as equal, relative to the largest number.

    Returns:
        The checks of both.

    Raises:
        NoContributionError: if no Shapley value is positive.

    Example:
        >>> from cgm_jax.rewards import solve_reward_scheme
        >>> values = np.array([0.0, 1.0, 1.5, 1.6])
        >>> phi, own, upper = np.array([[0.55, 1.05], [1.0, 1.5], [2.4, 2.6]])
        >>> scheme = solve_reward_scheme(phi, own, upper)
        >>> found = compare_with_shapley_fair(values, scheme)
        >>> found.theirs["R4"].holds, found.worse_off, found.ours["R4"].holds
        (False, (0,), True)
    """
    check_kind(scheme, RewardScheme, "`solve_reward_scheme`")
    as_game(values)  # or it is no table
    table, phi = to_host(values), scheme.shapley_values
    grand = float(table[-1])
    theirs = np.asarray(shapley_fair_rewards(phi, grand, rho=scheme.rho))
    largest = np.asarray(largest_rho(phi, scheme.own_values, grand)).item()

    def checks(rewards, upper, best: float) -> dict[str, Check]:
        return check_incentives(
            table,
            rewards,
            shapley_values=phi,
            upper_values=upper,
            max_reward_value=best,
            tolerance=tolerance,
        )

    slack = tolerance * max(np.abs(table).max(), np.abs(theirs).max())
    worse = np.flatnonzero(theirs < scheme.own_values - slack)
    return SchemeComparison(
        ours=checks(scheme.reward_values, scheme.upper_values, scheme.max_reward_value),
        theirs=checks(theirs, np.full_like(theirs, grand), grand),
        their_rewards=theirs,
        their_largest_rho=largest,
        worse_off=tuple(worse.tolist()),
    )

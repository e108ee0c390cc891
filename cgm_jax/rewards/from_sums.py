"""From the sums of the kernel to the reward values, in one call."""

from dataclasses import replace

import numpy as np
from jaxtyping import Float

from cgm_jax._shared.arrays import ArrayLike
from cgm_jax._shared.checks import as_vectors, check_flag
from cgm_jax.gram import GramSums
from cgm_jax.valuation import (
    mmd_shapley_values,
    shapley_values,
    values_of_coalitions,
    values_with_candidates,
)
from cgm_jax.valuation.coalitions import as_table, num_parties

from .linear_programme import Solver, solve_reward_scheme
from .scheme import RewardScheme
from .stable_sets import stability_lower_values

__all__ = ["scheme_from_sums", "scheme_from_values"]


def scheme_from_sums(
    sums: GramSums,
    values: Float[ArrayLike, " coalitions"] | None = None,
    *,
    scores: Float[ArrayLike, " n"] | None = None,
    scoring: str = "shapley",
    stability: bool = True,
    relax: bool = False,
    fairness_weight: float = 1e-3,
    throw: bool = True,
    solver: Solver = "cvxpy",
) -> RewardScheme:
    """Shapley values and reward values of any number of parties.

    Args:
        sums: sums of the kernel between n parties and the candidates.
        values: v_c of every coalition by bitmask, shape ``(2**n,)``, where this table
            has been made; without it nothing here costs more than a power of n.
        scores: what stands in the place of the Shapley values, shape ``(n,)``; these if
            left out.
        scoring: the name of the rule that the scores follow, which the scheme keeps.
        stability: whether no coalition may do better alone (R6), or no party (R4).
        relax, fairness_weight, throw, solver: as in `solve_reward_scheme`.

    Returns:
        The reward scheme.

    Raises:
        RewardSchemeError: if there are no such reward values, and ``throw``.

    Example:
        >>> from cgm_jax.gram import gram_sums
        >>> from cgm_jax.kernels import SquaredExponential
        >>> parties = [np.zeros((2, 1)), np.ones((3, 1))]
        >>> grid = np.linspace(-1, 2, 50)[:, None]
        >>> sums = gram_sums(SquaredExponential(1.0), parties, grid)
        >>> scheme_from_sums(sums).reward_values.round(3)
        array([0.588, 0.619])

    Reference:
        Tay et al. 2022, Sec. 3 and 4.
    """
    return scheme_from_values(
        sums if values is None else values,
        values_with_candidates(sums),
        scores=scores,
        scoring=scoring,
        stability=stability,
        relax=relax,
        fairness_weight=fairness_weight,
        throw=throw,
        solver=solver,
    )


def scheme_from_values(
    values: Float[ArrayLike, " coalitions"] | GramSums,
    upper_values: Float[ArrayLike, " n"],
    *,
    scores: Float[ArrayLike, " n"] | None = None,
    scoring: str = "shapley",
    stability: bool = True,
    relax: bool = False,
    fairness_weight: float = 1e-3,
    throw: bool = True,
    solver: Solver = "cvxpy",
) -> RewardScheme:
    """The same from a table of values of coalitions.

    Args:
        values: v_c of every coalition by bitmask, shape ``(2**n,)``, n <= 24; or sums,
            as in `scheme_from_sums`, where there is no table.
        upper_values: v(D_i ∪ G), the most each party can get, shape ``(n,)``.
        scores, scoring, stability, relax, fairness_weight, throw, solver: as in
            `scheme_from_sums`.

    Returns:
        The reward scheme.

    Raises:
        RewardSchemeError: as `scheme_from_sums`.

    Example:
        >>> scheme_from_values(
        ...     np.array([0.0, 1.0, 2.0, 4.0]), np.array([4.0, 4.0])
        ... ).reward_values
        array([2.4, 4. ])

    Reference:
        Tay et al. 2022, Sec. 4.1.
    """
    check_flag(stability, "stability")
    if isinstance(values, GramSums):
        phi = mmd_shapley_values(values).shapley_values if scores is None else scores
        alone = np.eye(values.num_parties, dtype=bool)
        own_values = np.asarray(values_of_coalitions(values, alone))
    else:
        table = as_table(values)
        phi = shapley_values(table) if scores is None else scores
        own_values = table[1 << np.arange(num_parties(len(table)))]
    (phi,) = as_vectors(scores=phi)
    scheme = solve_reward_scheme(
        phi,
        stability_lower_values(values, phi) if stability else own_values,
        upper_values,
        fairness_weight=fairness_weight,
        own_values=own_values,
        stability=stability,
        relax=relax,
        throw=throw,
        solver=solver,
    )
    return replace(scheme, scoring=scoring)

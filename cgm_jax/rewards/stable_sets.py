"""What a party could get without the others: the bounds that make rewards stable.

The grand coalition is stable (R6) if no coalition C is worth more, on its own, than the
reward value of its member with the largest Shapley value. For a monotone value it is
enough to look at one coalition per party, C_i = {j : φ_j ≤ φ_i} (Sec. 4.1, App. D).
"""

from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from cgm_jax._shared.arrays import AnyArray, ArrayLike, array_module, is_traced, to_host
from cgm_jax._shared.checks import as_vectors
from cgm_jax.gram import GramSums
from cgm_jax.valuation import values_of_coalitions
from cgm_jax.valuation.coalitions import as_table, num_parties

__all__ = ["stability_lower_values", "stable_sets"]

_TIE = 1e-12  # of max |φ|: equal Shapley values differ by rounding


def stable_sets(
    shapley_values: Float[ArrayLike, " n"],
) -> Bool[AnyArray, "n n"]:
    r"""The coalition C_i of the parties that contribute no more than party i.

    .. math:: C_i = \{j : \varphi_j \le \varphi_i\}

    Args:
        shapley_values: φ, shape ``(n,)``. Values within 1e-12 of the largest are equal.

    Returns:
        Membership, shape ``(n, n)``: entry ``[i, j]`` says whether party j is in C_i.

    Example:
        >>> stable_sets(np.array([0.2, 0.1, 0.2]))
        array([[ True,  True,  True],
               [False,  True, False],
               [ True,  True,  True]])
    """
    phi: Any = shapley_values
    if not is_traced(phi):
        (phi,) = as_vectors(shapley_values=phi)
    return phi[None] <= phi[:, None] + _TIE * abs(phi).max()


def stability_lower_values(
    game: Float[ArrayLike, " coalitions"] | GramSums,
    shapley_values: Float[ArrayLike, " n"],
) -> Float[AnyArray, " n"]:
    r"""What each party must get at least for the collaboration to be stable.

    .. math:: v_i^{\min} = v_c(C_i), \quad C_i = \{j : \varphi_j \le \varphi_i\}

    Args:
        game: value of each coalition, indexed by bitmask, shape ``(2**n,)``, n <= 24;
            or the sums of any number of parties' data, from `gram_sums`.
        shapley_values: φ, shape ``(n,)``.

    Returns:
        Lower values for `solve_reward_scheme`, shape ``(n,)``, float64, in the units of
        the game.

    Raises:
        ValueError: if the two do not have the same number of parties.

    Example:
        >>> values = np.array([0.0, 1.0, 2.0, 4.0])
        >>> stability_lower_values(values, shapley_values=np.array([1.5, 2.5]))
        array([1., 4.])
    """
    is_table = not isinstance(game, GramSums)
    n = num_parties(len(as_table(game))) if is_table else game.num_parties
    if np.shape(shapley_values) != (n,):
        raise ValueError(
            f"Expected a Shapley value for each of the {n} parties of the game, got an "
            f"array of shape {np.shape(shapley_values)}."
        )
    sets = stable_sets(shapley_values)
    if not is_table:
        return to_host(values_of_coalitions(game, sets))
    values = array_module(game, sets).asarray(to_host(game))
    return values[sets @ (1 << np.arange(n, dtype=np.int32))]

"""What a party could get without the others: the bounds that make rewards stable.

The grand coalition is stable (R6) if no coalition C is worth more, on its own, than the
reward value of its member with the largest Shapley value. For a monotone value it is
enough to look at one coalition a party, C_i = {j : φ_j ≤ φ_i} (Sec. 4.1, App. D).
"""

import numpy as np
from jaxtyping import ArrayLike, Float, Int

from cgm_jax.valuation.coalitions import num_parties

__all__ = ["stability_lower_values", "stable_sets"]

_TIE = 1e-12  # of max |φ|: equal Shapley values differ by rounding


def stable_sets(shapley: Float[ArrayLike, " n"]) -> Int[np.ndarray, " n"]:
    r"""The coalition C_i of the parties that contribute no more than party i.

    .. math:: C_i = \{j : \varphi_j \le \varphi_i\}

    Args:
        shapley: φ, shape ``(n,)``. Values within 1e-12 of the largest are equal.

    Returns:
        Bitmasks, shape ``(n,)``: bit j of entry i is set iff party j is in C_i.

    Example:
        >>> [f"{c:03b}" for c in stable_sets(np.array([0.2, 0.1, 0.2]))]
        ['111', '010', '111']
    """
    phi = np.asarray(shapley, float)
    no_more = phi[None] <= phi[:, None] + _TIE * np.abs(phi).max()
    return no_more @ (1 << np.arange(len(phi)))


def stability_lower_values(
    values: Float[ArrayLike, " coalitions"], shapley: Float[ArrayLike, " n"]
) -> Float[np.ndarray, " n"]:
    r"""What each party must get at least for the collaboration to be stable.

    .. math:: v_i^{\min} = v_c(C_i), \quad C_i = \{j : \varphi_j \le \varphi_i\}

    Args:
        values: value of each coalition, indexed by bitmask, shape ``(2**n,)``, n <= 24.
        shapley: φ, shape ``(n,)``.

    Returns:
        Lower values for `solve_reward_scheme`, shape ``(n,)``, float64, in the units of
        ``values``.

    Raises:
        ValueError: if the two do not have the same number of parties.

    Example:
        >>> values = np.array([0.0, 1.0, 2.0, 4.0])
        >>> stability_lower_values(values, shapley=np.array([1.5, 2.5]))
        array([1., 4.])
    """
    table = np.asarray(values, float)
    n = num_parties(len(table))
    if np.shape(shapley) != (n,):
        raise ValueError(
            f"Expected a Shapley value for each of the {n} parties of a table of "
            f"{len(table)} coalitions, got an array of shape {np.shape(shapley)}."
        )
    return table[stable_sets(shapley)]

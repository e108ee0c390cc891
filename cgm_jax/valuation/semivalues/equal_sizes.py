r"""Semivalues in closed form when all players have the same number of points.

Then s_C = s |C|, and the mean over the coalitions C of c others is one of counts: with
R_i = Σ_{j≠i} B_ij, O_i the sum of B_jk and D_i that of B_jj over others j ≠ k, the sums
over C of b_j, B_jj, B_ij and B_jk (j ≠ k) have the means

    (b_N − b_i) c/(n−1),   D_i c/(n−1),   R_i c/(n−1),   O_i c(c−1)/((n−1)(n−2)).

In v(C ∪ i) − v(C) each of them is multiplied by 1/(c+1) − 1/c or 1/(c+1)² − 1/c², so
that with p_c the weight of the coalitions of c others

    φ_i = 2/(ts) Σ_c p_c/(c+1) [b_i − [c≥1] (b_N − b_i)/(n−1)]
          − 1/s² Σ_c p_c/(c+1)² [B_ii + 2c/(n−1) R_i
              − [c≥1] (2c+1)/(c(n−1)) (D_i + (c−1)/(n−2) O_i)]

and each sum over c serves all players: O(1) per player. As φ_i is linear in b_i, B_ii,
R_i and constants, the sum of φ_i over a group of players takes no more than the sums of
these over the group, and its count.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from cgm_jax._shared.arrays import AnyArray

__all__ = ["equal_size_semivalues"]


def equal_size_semivalues(
    across: Float[AnyArray, " n"],
    diagonal: Float[AnyArray, " n"],
    others: Float[AnyArray, " n"],
    probabilities: Float[np.ndarray, " players"],
    *,
    size: float,
    reference_size: float,
    counts: Float[np.ndarray, " n"] | None = None,
) -> Float[AnyArray, " n"]:
    """Semivalue of every player, for players of one size.

    With ``counts``, an entry is a group of so many players, and so is the result: the
    sum over the group.
    """
    p, n = probabilities, len(probabilities)
    c = np.arange(n)
    # No others, or one: the sums over them are zero whatever the divisor.
    one, two = max(n - 1, 1), max(n - 2, 1)
    some, of_some = c[1:], p[1:]
    lost = of_some * (2 * some + 1) / (some * (some + 1) ** 2)
    # What b_i, b of others, B_ii, R_i, D_i and O_i are multiplied by.
    numbers = np.array(
        [
            np.sum(p / (c + 1)),
            -np.sum(of_some / (some + 1)) / one,
            np.sum(p / (c + 1) ** 2),
            np.sum(p * 2 * c / (c + 1) ** 2) / one,
            -np.sum(lost) / one,
            -np.sum(lost * (some - 1)) / (one * two),
        ]
    )
    numbers[:2] *= 2 / (size * reference_size)
    numbers[2:] /= size**2
    each = np.ones(np.shape(across)) if counts is None else counts
    numbers, each = (jnp.asarray(x, across.dtype) for x in (numbers, each))
    return _combined(across, diagonal, others, numbers, each)


@jax.jit
def _combined(
    across: Float[AnyArray, " n"],
    diagonal: Float[AnyArray, " n"],
    others: Float[AnyArray, " n"],
    numbers: Float[AnyArray, "6"],
    counts: Float[AnyArray, " n"],
) -> Float[AnyArray, " n"]:
    linear = numbers[0] * across + numbers[1] * (counts * jnp.sum(across) - across)
    own = numbers[2] * diagonal + numbers[3] * others
    rest = numbers[4] * (counts * jnp.sum(diagonal) - diagonal)
    pairs = numbers[5] * (counts * jnp.sum(others) - 2 * others)
    return linear - own - rest - pairs

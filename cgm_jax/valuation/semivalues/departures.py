r"""Semivalues of parties that may leave: the mean over who stays, in closed form.

Party j stays with probability p_j, independently of the others. Those who stay play the
game among themselves, and those who left get nothing. A semivalue is the mean over q of
marginal contributions to a coalition that any other party joins with probability q; a
party that has left joins none, so that party j is in the coalition with probability
q p_j, and

    ψ_i = p_i ∫ E[v(C ∪ i) − v(C)] dμ(q),    every j ≠ i is in C with probability q p_j:

what `block_semivalues` computes in O(n²), with no sum over who stays. With Shapley's μ
the values share out E[v(S)], the mean value of those who stay.

Reference: X. Tian, R. H. L. Sim, J. Fan, B. K. H. Low, *DeRDaVa: Deletion-Robust Data
Valuation for Machine Learning*, AAAI 2024, whose mean over deletions this is.
"""

import numpy as np
from jaxtyping import Float

from cgm_jax._shared.arrays import AnyArray, ArrayLike, to_host
from cgm_jax._shared.precision import in_float64
from cgm_jax.gram import GramSums

from .block_semivalues import TOLERANCE, block_semivalues
from .mmd_semivalues import blocks_of
from .weighting import SHAPLEY, Weighting

__all__ = ["semivalues_with_departures"]


def semivalues_with_departures(
    sums: GramSums,
    stay_probability: Float[ArrayLike, " n"] | float | int,
    *,
    weighting: Weighting = SHAPLEY,
    tolerance: float = TOLERANCE,
) -> Float[AnyArray, " n"]:
    r"""What every party is worth on average, if parties may leave.

    .. math:: \psi_i = \sum_{S \ni i} \Pr(S \text{ stay})\, \phi_i(v|_S)

    Args:
        sums: as in `mmd_shapley_values`.
        stay_probability: probability that a party stays, shape ``(n,)``, or one for
            all, 0 to 1, not traced; parties leave independently.
        weighting: which semivalue φ is, by default the Shapley value.
        tolerance: as in `mmd_shapley_values`.

    Returns:
        The values, shape ``(n,)``, in the units of the kernel, float64 (or as in
        `mmd_shapley_values`). The Shapley values where all stay for sure.

    Raises:
        ValueError: as `mmd_semivalues`, or if a probability is not between 0 and 1.
        TypeError: if the sizes are traced.

    Example:
        >>> from cgm_jax.gram import gram_sums
        >>> from cgm_jax.kernels import SquaredExponential
        >>> parties = [np.array([[0.0]]), np.array([[0.0], [1.0]]), np.array([[3.0]])]
        >>> sums = gram_sums(SquaredExponential(1.0), parties, np.array([[1.0]]))
        >>> semivalues_with_departures(sums, 1).round(4)
        array([ 0.2432,  0.4291, -0.1096])

        The first party holds what the second has too, which may leave:

        >>> semivalues_with_departures(sums, np.array([1.0, 0.5, 1.0])).round(4)
        array([ 0.4142,  0.2145, -0.1485])

    Reference:
        Tian et al. 2024.
    """
    between, across, sizes, total = blocks_of(sums)
    n, stays = len(sizes), to_host(stay_probability)
    if stays.shape not in ((), (n,)) or not ((stays >= 0) & (stays <= 1)).all():
        raise ValueError(
            "Expected probabilities between 0 and 1 to stay, one number or an array of "
            f"shape ({n},), got {stay_probability}."
        )
    stays = np.broadcast_to(stays, (n,))
    values = block_semivalues(
        between,
        across,
        sizes,
        total,
        weighting=weighting,
        inclusion=(np.zeros(n), stays),
        tolerance=tolerance,
    )
    return in_float64(lambda x: stays.astype(x.dtype) * x, values)

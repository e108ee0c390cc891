"""What a party's data are worth together with all candidates: the limit of its reward.

With block n+1 the candidates and S = D_i ∪ G, all of v(S) = 2C/(st) − A/s² is in B:

    A = B_ii + 2 B_{i,n+1} + B_{n+1,n+1},    C = Σ_j (B_ij + B_{n+1,j}),    s = s_i + g.
"""

from typing import TYPE_CHECKING

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from cgm_jax._shared.precision import in_float64

if TYPE_CHECKING:
    from cgm_jax.gram import GramSums

__all__ = ["values_with_candidates"]


def values_with_candidates(sums: "GramSums") -> Float[Array | np.ndarray, " n"]:
    r"""v(D_i ∪ G) of every party: the most that it can be given.

    Args:
        sums: sums of the kernel between the n parties and the candidates.

    Returns:
        Values, shape ``(n,)``, float64, in the units of the kernel.

    Example:
        >>> from cgm_jax.gram import gram_sums
        >>> from cgm_jax.kernels import SquaredExponential
        >>> parties = [np.zeros((1, 1)), np.ones((1, 1))]
        >>> sums = gram_sums(SquaredExponential(1.0), parties, np.ones((1, 1)))
        >>> values_with_candidates(sums)
        array([0.8032653, 0.7376871])

    Reference:
        Tay et al. 2022, Sec. 4.1 (the upper bounds of the linear program).
    """
    return in_float64(_values, sums.between, sums.sizes)


def _values(
    between: Float[Array, "blocks blocks"], sizes: Float[Array, " blocks"]
) -> Float[Array, " n"]:
    across = jnp.sum(between, axis=1)
    within = jnp.diag(between)[:-1] + 2 * between[:-1, -1] + between[-1, -1]
    size = sizes[:-1] + sizes[-1]
    return 2 * (across[:-1] + across[-1]) / (size * jnp.sum(sizes)) - within / size**2

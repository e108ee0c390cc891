"""Values of chosen coalitions, where there are too many parties for a table of all.

With z ∈ {0,1}^n the membership of C, s the parties' sizes, B the sums between parties,
b those between a party and the reference of t points,

    v_c(C) = 2 (z·b) / (t z·s) − (zᵀBz) / (z·s)².
"""

from functools import partial
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Bool, Float

from cgm_jax._shared.precision import in_float64

from .coalitions import checked_sums

if TYPE_CHECKING:
    from cgm_jax.gram.gram_sums import GramSums

__all__ = ["values_of_coalitions"]

_matmul = partial(jnp.matmul, precision="highest")  # no TF32 on a GPU


def values_of_coalitions(
    sums: "GramSums", members: Bool[ArrayLike, "m n"]
) -> Float[Array | np.ndarray, " m"]:
    r"""Value of the pooled data of some coalitions of any number of parties.

    .. math:: v_c(C) = \frac{2}{t\,s_C} \sum_{x \in D_C, x' \in T} k(x, x')
              - \frac{1}{s_C^2} \sum_{x, x' \in D_C} k(x, x')

    Args:
        sums: as in `coalition_values`, of any number n of parties.
        members: which party is in which coalition, shape ``(m, n)``, booleans.

    Returns:
        Values, shape ``(m,)``, float64, in the units of the kernel; 0 for a coalition
        without a point. The time is O(m n²).

    Raises:
        ValueError: if ``between``, ``sizes`` and ``members`` do not fit each other, or
            a sum is not finite.

    Example:
        >>> from cgm_jax.gram import gram_sums
        >>> from cgm_jax.kernels import SquaredExponential
        >>> parties = [np.array([[0.0]]), np.array([[1.0]])]
        >>> sums = gram_sums(SquaredExponential(1.0), parties, np.array([[0.0]]))
        >>> members = np.array([[True, False], [True, True]])
        >>> values_of_coalitions(sums, members).round(4)
        array([0.7377, 0.8033])

    Reference:
        Tay et al. 2022, Sec. 3.
    """
    between, sizes = checked_sums(sums)
    mask = np.asarray(members)
    n = len(sizes) - 1
    if mask.ndim != 2 or mask.shape[1] != n or mask.dtype != bool:
        raise ValueError(
            f"Expected booleans of shape (m, {n}), one column a party, got "
            f"{mask.dtype} of shape {mask.shape}."
        )
    return in_float64(_values, between, sizes, mask)


@jax.jit
def _values(
    between: Float[Array, "blocks blocks"],
    sizes: Float[Array, " blocks"],
    members: Bool[Array | np.ndarray, "m n"] | Float[Array, "m n"],
) -> Float[Array, " m"]:
    z = jnp.asarray(members, between.dtype)
    size = _matmul(z, sizes[:-1])
    safe_size = jnp.where(size > 0, size, 1)  # a coalition of empty parties is worth 0
    total = jnp.where(size > 0, jnp.sum(sizes), 1)
    across = _matmul(z, jnp.sum(between[:-1], axis=1))
    within = jnp.sum(_matmul(z, between[:-1, :-1]) * z, axis=1)
    return (2 * across / total - within / safe_size) / safe_size

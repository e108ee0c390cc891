"""What one more point does to the value of a set: pure pieces, in the paper's terms.

With S of s points, T the reference set of t points, and

    σ_S = (1/s²) Σ_{S×S} k,      σ_ST = (2/(st)) Σ_{S×T} k,      v(S) = σ_ST − σ_S,

adding x changes both by sums that need no pass over S × S or S × T (App. H). All
functions broadcast, and may be used under `jit`, `vmap` and `grad`. The sampler runs
`pick_many`, the same algebra with one number kept for every candidate.
"""

import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

__all__ = ["marginal_values", "updated_sigma_s", "updated_sigma_st"]

Numbers = Float[ArrayLike, "..."]


def updated_sigma_s(
    sigma_s: Numbers, size: Numbers, subset_sum: Numbers, diagonal: Numbers
) -> Float[Array, "..."]:
    r"""σ_S after a point joined S.

    .. math:: \sigma_S^* = \frac{s^2 \sigma_S + 2 \sum_{x \in S} k(x, x^*)
              + k(x^*, x^*)}{(s + 1)^2}

    Args:
        sigma_s: σ_S, the mean of k over S × S.
        size: s.
        subset_sum: Σ_{x∈S} k(x, x*).
        diagonal: k(x*, x*).

    Returns:
        σ_S of S ∪ {x*}, in the shape that the arguments broadcast to.

    Example:
        >>> float(updated_sigma_s(1.0, 1.0, 0.5, 1.0))  # two points with k = 1/2
        0.75

    Reference:
        Tay et al. 2022, Eq. 22.
    """
    size = 1.0 * jnp.asarray(size)  # s² of whole numbers would overflow
    within = size**2 * sigma_s + 2 * jnp.asarray(subset_sum) + diagonal
    return within / (size + 1) ** 2


def updated_sigma_st(
    sigma_st: Numbers, size: Numbers, reference_size: Numbers, reference_sum: Numbers
) -> Float[Array, "..."]:
    r"""σ_ST after a point joined S.

    .. math:: \sigma_{ST}^* = \frac{s}{s+1} \sigma_{ST}
              + \frac{2}{t(s+1)} \sum_{x \in T} k(x, x^*)

    Args:
        sigma_st: σ_ST, twice the mean of k over S × T.
        size: s.
        reference_size: t.
        reference_sum: Σ_{x∈T} k(x, x*).

    Returns:
        σ_ST of S ∪ {x*} and T, in the shape that the arguments broadcast to.

    Example:
        >>> float(updated_sigma_st(2.0, 1.0, 4.0, 1.0))
        1.25

    Reference:
        Tay et al. 2022, Eq. 23.
    """
    size = jnp.asarray(size)
    gain = 2 * jnp.asarray(reference_sum) / reference_size
    return (size * sigma_st + gain) / (size + 1)


def marginal_values(
    sigma_s: Numbers,
    sigma_st: Numbers,
    size: Numbers,
    reference_size: Numbers,
    subset_sums: Numbers,
    reference_sums: Numbers,
    diagonal: Numbers,
) -> Float[Array, "..."]:
    r"""Δ_x = v(S ∪ {x}) − v(S) of every candidate at once.

    Args:
        sigma_s, sigma_st, size, reference_size: σ_S, σ_ST, s and t.
        subset_sums: Σ_{x'∈S} k(x, x') of every candidate x, shape ``(g,)``.
        reference_sums: Σ_{x'∈T} k(x, x') of every candidate, shape ``(g,)``.
        diagonal: k(x, x) of every candidate, shape ``(g,)``.

    Returns:
        Δ, shape ``(g,)``.

    Example:
        >>> marginal_values(1.0, 2.0, 1.0, 4.0, jnp.array([0.5]), jnp.array([1.0]), 1.0)
        Array([-0.5], dtype=float32)

    Reference:
        Tay et al. 2022, Sec. 4.2 and App. H.
    """
    after = updated_sigma_st(
        sigma_st, size, reference_size, reference_sums
    ) - updated_sigma_s(sigma_s, size, subset_sums, diagonal)
    return after - (jnp.asarray(sigma_st) - sigma_s)

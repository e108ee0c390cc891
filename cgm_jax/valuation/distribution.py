r"""What a party's distribution is worth: how near it is to a reference distribution.

The value of party i's distribution P_i is −MMD(P_i, Q), and Q a mixture of what is at
hand: of the parties with weights w_j, or the candidates. With B the sums of the kernel,
s the sizes and K_jk = B_jk / (s_j s_k) its means,

    V_i = −MMD_i,     MMD_i² = K_ii − 2 Σ_j w_j K_ij + Σ_jk w_j w_k K_jk.

With no agreed reference the uniform mixture w_j = 1/n is the choice whose worst error
over all references is least (Xu et al., their Huber model: P_i = (1 − ε_i) P* + ε_i
Q_i). Against the pool, w_j ∝ s_j, V_i² = v(T) − v(D_i) with the values of Eq. 2.

MMD_i² is the biased estimate, which is >= 0. It is larger by about 1/s_i times what the
kernel of a point with itself has more than that of two points: a party of fewer points
looks a little worse, and parties are compared fairly where their sizes are alike.

**How sure it is.** `bootstrap_sums` draws the parties' points once more. The spread of
V_i over resamples is its standard error, and the share of the resamples in which
V_i > V_j the probability that i is better than j. Near 0, where what is left of MMD_i²
is mostly its bias, the standard errors are too large rather than too small.

Reference: X. Xu, S. Wang, C.-S. Foo, B. K. H. Low, G. Fanti, *Data Distribution
Valuation*, NeurIPS 2024, arXiv:2410.04386.
"""

from dataclasses import dataclass
from typing import Literal

import jax
import numpy as np
from jaxtyping import Float

from cgm_jax._shared.arrays import AnyArray, ArrayLike, array_module, is_traced
from cgm_jax._shared.precision import in_float64, matmul
from cgm_jax._shared.results import Result
from cgm_jax.gram import GramSums

from .coalitions import checked_sums

__all__ = [
    "DistributionValues",
    "Reference",
    "distribution_values",
    "reference_weights",
]

NAMES = "uniform mixture", "pool", "candidates"
Reference = Literal["uniform mixture", "pool", "candidates"] | Float[ArrayLike, " n"]


@jax.tree_util.register_dataclass
@dataclass(frozen=True, eq=False, repr=False)
class DistributionValues(Result):
    """Values of the parties' distributions, and how sure they are."""

    values: Float[AnyArray, " n"]
    """−MMD of every party to the reference, shape ``(n,)``; 0 is best."""

    standard_errors: Float[AnyArray, " n"] | None
    """Their standard errors, shape ``(n,)``; None without resamples."""

    better: Float[AnyArray, "n n"] | None
    """Probability that the party of the row is better than that of the column, shape
    ``(n, n)``, 1/2 on the diagonal; None without resamples."""


def distribution_values(
    sums: GramSums,
    reference: Reference = "uniform mixture",
    *,
    resampled: Float[ArrayLike, "resamples blocks blocks"] | None = None,
) -> DistributionValues:
    r"""Minus the MMD of every party to a reference distribution.

    .. math:: V_i = -\mathrm{MMD}(P_i, \sum_j w_j P_j)

    Args:
        sums: sums between n parties, all with points, and the candidates.
        reference: ``"uniform mixture"`` of the parties, every party alike; ``"pool"``,
            every point alike; ``"candidates"``; or weights of the parties, shape
            ``(n,)``, >= 0 and of sum 1.
        resampled: ``between`` of at least two resamples, shape ``(resamples, n+1,
            n+1)``, as from `bootstrap_sums`, for standard errors.

    Returns:
        The values, in the units of the kernel's root, float64 (or as in
        `mmd_shapley_values`), and how sure they are.

    Raises:
        ValueError: if shapes do not fit, a party has no points, there is no such
            reference, or a sum is not finite.

    Example:
        >>> from cgm_jax.gram import gram_sums
        >>> from cgm_jax.kernels import SquaredExponential
        >>> from cgm_jax.valuation import bootstrap_sums
        >>> kernel, random = SquaredExponential(1.0), np.random.default_rng(0)
        >>> parties = [random.normal(x, 1, size=(200, 1)) for x in (0.0, 0.2, 1.5)]
        >>> candidates = random.normal(size=(200, 1))
        >>> sums = gram_sums(kernel, parties, candidates)
        >>> distribution_values(sums, "candidates").values.round(2)
        array([-0.04, -0.06, -0.62])
        >>> resampled = bootstrap_sums(
        ...     jax.random.key(0), kernel, parties, candidates, sums, num_resamples=200
        ... )
        >>> found = distribution_values(sums, "candidates", resampled=resampled)
        >>> found.standard_errors.round(2)
        array([0.03, 0.02, 0.03])
        >>> found.better.round(1)
        array([[0.5, 0.7, 1. ],
               [0.3, 0.5, 1. ],
               [0. , 0. , 0.5]])

    Reference:
        Xu et al. 2024; Efron, Tibshirani: An Introduction to the Bootstrap, 1993.
    """
    between, sizes = checked_sums(sums)
    if not is_traced(sizes) and not sizes[:-1].all():
        raise ValueError(
            "Expected points of every party, got a party of none, which has no "
            "distribution; leave it out."
        )
    weights = reference_weights(reference, sizes)
    values = in_float64(_values, between, sizes, weights)
    if resampled is None:
        return DistributionValues(values, None, None)
    shape = np.shape(resampled)
    if len(shape) != 3 or shape[0] < 2 or shape[1:] != between.shape:
        raise ValueError(
            f"Expected at least two resamples of `between` of shape {between.shape}, "
            f"got an array of shape {shape}; make them with `bootstrap_sums`."
        )
    redrawn = in_float64(_values, resampled, sizes, weights)
    sign = array_module(redrawn).sign(redrawn[:, :, None] - redrawn[:, None])
    better = (1 + sign.mean(axis=0)) / 2
    return DistributionValues(values, redrawn.std(axis=0, ddof=1), better)


def reference_weights(
    reference: Reference, sizes: Float[AnyArray, " blocks"]
) -> Float[AnyArray, " blocks"]:
    """The weight of every block in the reference; of sum one."""
    xp, n = array_module(reference, sizes), len(sizes) - 1
    is_party = np.arange(n + 1) < n
    if isinstance(reference, str):
        if reference not in NAMES:
            raise ValueError(
                f"Expected the reference {', '.join(map(repr, NAMES))}, or weights of "
                f"the parties, got {reference!r}."
            )
        if reference == "uniform mixture":
            return is_party / n
        if reference == "pool":
            return sizes * is_party / (sizes * is_party).sum()
        if not is_traced(sizes) and not sizes[-1]:
            raise ValueError(
                "Expected candidates to compare with, got sums without any; take "
                'another reference, such as "uniform mixture".'
            )
        return (~is_party).astype(float)
    weights = xp.asarray(reference)
    if weights.shape != (n,):
        raise ValueError(
            f"Expected a weight for each of {n} parties, got weights of shape "
            f"{weights.shape}."
        )
    is_fine = is_traced(weights) or (
        bool((weights >= 0).all()) and abs(float(weights.sum()) - 1) < 1e-6
    )
    if not is_fine:
        raise ValueError(
            f"Expected weights >= 0 whose sum is 1, got {weights}; divide them by "
            "their sum."
        )
    return xp.append(weights, xp.zeros(1, weights.dtype))


def _values(
    between: Float[AnyArray, "*resamples blocks blocks"],
    sizes: Float[AnyArray, " blocks"],
    weights: Float[AnyArray, " blocks"],
) -> Float[AnyArray, "*resamples n"]:
    xp = array_module(between, sizes, weights)
    size = xp.where(sizes > 0, sizes, 1)
    means = between / (size[:, None] * size[None])
    across = matmul(means, weights)
    within = xp.sum(across * weights, axis=-1, keepdims=True)
    own = xp.diagonal(means, axis1=-2, axis2=-1)
    mmd2 = (own - 2 * across + within)[..., :-1]
    # `where` in the root keeps NaN out of the gradient too.
    # 0 * mmd2, and not 0: NaN stays NaN.
    return xp.where(mmd2 > 0, -xp.sqrt(xp.where(mmd2 > 0, mmd2, 1)), 0 * mmd2)

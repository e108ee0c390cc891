r"""Semivalues of parties in time O(n²), from block sums: no sum over 2^n coalitions.

Notation: party i has s_i points, B_ij is the sum of the kernel between parties i and j,
b_i that between party i and the reference of t points. For a coalition C let s_C, b_C
and B_CC be the sums of s_j, b_j and B_jk over its members: the game of Eq. 2 is

    v(C) = (2/t) b_C / s_C − B_CC / s_C²,     v(∅) = 0.

**1. A mean over q.** A semivalue, the Shapley value among them, is a mean of marginal
contributions over random coalitions of independent members (Owen 1972; Dubey, Neyman
and Weber 1981):

    φ_i = ∫ E_q[v(C ∪ i) − v(C)] dμ(q),   every j ≠ i is in C with probability q,

with μ uniform for the Shapley value.

**2. No division.** 1/s = ∫₀^∞ e^{−us} du and 1/s² = ∫₀^∞ u e^{−us} du make of v(C) an
integral over u of products over the members of C, and means of products of independent
factors are products of means. With

    e_j = e^{−u s_j},     d_j = E[e_j^{[j ∈ C]}] = 1 − q + q e_j,     y_j = q e_j / d_j

(y_j is the probability that j is in C once coalitions are tilted by e^{−u s_C}) and
P_{−i} = Π_{j≠i} d_j,

    E_q[e^{−u s_C}]      = P_{−i}
    E_q[b_C e^{−u s_C}]  = P_{−i} Σ_{j≠i} b_j y_j                         = P_{−i} β_i
    E_q[B_CC e^{−u s_C}] = P_{−i} (Σ_{j≠k} B_jk y_j y_k + Σ_j B_jj y_j)   = P_{−i} κ_i

over j, k ≠ i. The empty coalition adds nothing to either, as it should.

**3. The marginal contribution.** Joining multiplies e^{−u s_C} by e_i and adds b_i to
b_C and 2 Σ_{j∈C} B_ij + B_ii to B_CC. With r_i = Σ_{j≠i} B_ij y_j,

    φ_i = ∫∫ P_{−i} { (2/t) [e_i b_i − (1 − e_i) β_i]
                      − u [e_i (2 r_i + B_ii) − (1 − e_i) κ_i] } du dμ(q).

**4. O(n²) per node.** Σ_j b_j y_j and Σ_j B_ij y_j are one product of (b, B) with the
matrix of all y_j at all nodes; without i they are

    β_i = Σ_j b_j y_j − b_i y_i,       κ_i = Σ_j y_j (By)_j + Σ_j B_jj y_j (1 − y_j)
                                             − 2 y_i r_i − B_ii y_i,

and P_{−i} = exp(Σ_j ln d_j) / d_i. The nodes are those of `size_quadrature`: about 20
in q times 50 to 80 in u, whatever n. φ is linear in b and B, hence differentiable.

References: G. Owen, *Multilinear Extensions of Games*, Management Science 18, 1972;
P. Dubey, A. Neyman, R. Weber, *Value Theory Without Efficiency*, Mathematics of
Operations Research 6, 1981; Y. Kwon, J. Zou, *Beta Shapley*, AISTATS 2022.
"""

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from cgm_jax._shared.arrays import AnyArray, is_traced
from cgm_jax._shared.precision import in_float64, matmul
from cgm_jax._shared.results import Result
from cgm_jax.valuation.coalitions import checked_sums, value_from_sums

from .equal_sizes import equal_size_semivalues
from .size_quadrature import Nodes, nodes_for
from .weighting import SHAPLEY, Weighting, as_weighting, size_probabilities

if TYPE_CHECKING:
    from cgm_jax.gram.gram_sums import GramSums

__all__ = [
    "ExactShapleyValues",
    "block_semivalues",
    "mmd_semivalues",
    "mmd_shapley_values",
]

_TOLERANCE = 1e-10
_WIDTH = 128  # nodes at a time: memory O(128 n), and a product worth its call
# A marginal contribution is a difference: it has fewer digits than its terms. The rules
# themselves are good to the second number.
_MARGIN, _BEST = 1e-3, 1e-13


@jax.tree_util.register_dataclass
@dataclass(frozen=True, eq=False, repr=False)
class ExactShapleyValues(Result):
    """Shapley values, and how far they are from sharing out v(N)."""

    shapley_values: Float[AnyArray, " n"]
    """φ, shape ``(n,)``, in the units of the kernel."""

    efficiency_gap: Float[AnyArray, ""] | np.floating
    """Σ φ_i − v(N): zero up to the tolerance, or something went wrong."""


def mmd_shapley_values(
    sums: "GramSums", *, tolerance: float = _TOLERANCE
) -> ExactShapleyValues:
    r"""Shapley value of every party, for any number of parties of any sizes.

    .. math:: \phi_i = \int_0^1 \mathbb{E}_q[v(C \cup i) - v(C)]\,dq, \qquad
              \text{every } j \ne i \text{ is in } C \text{ with probability } q

    Args:
        sums: sums between the n parties and the candidates; its sizes must not be
            traced.
        tolerance: error relative to the largest value, 1e-12 to 0.01, which decides the
            number of nodes; parties of one size need none.

    Returns:
        The Shapley values, float64, and their efficiency gap. Inside the user's own
        transformation, where ``between`` may be mapped over and differentiated, its
        dtype decides.

    Raises:
        ValueError: if ``between`` and ``sizes`` do not fit, a sum is not finite, or the
            tolerance is out of range.
        TypeError: if the sizes are traced.

    Example:
        >>> from cgm_jax.gram import gram_sums
        >>> from cgm_jax.kernels import SquaredExponential
        >>> parties = [np.array([[0.0]]), np.array([[0.0], [1.0]]), np.array([[3.0]])]
        >>> sums = gram_sums(SquaredExponential(1.0), parties, np.array([[1.0]]))
        >>> found = mmd_shapley_values(sums)
        >>> found.shapley_values.round(4)
        array([ 0.2432,  0.4291, -0.1096])
        >>> abs(found.efficiency_gap) < 1e-10
        np.True_

    Reference:
        Derived in `block_semivalues`; Owen 1972; Tay et al. 2022, Eq. 2 and 5.
    """
    values = mmd_semivalues(sums, SHAPLEY, tolerance=tolerance)
    between, sizes = sums.between[:-1], sums.sizes
    size, total = float(sizes[:-1].sum()), float(sizes.sum())
    of_all = value_from_sums(between.sum(), between[:, :-1].sum(), size, total)
    return ExactShapleyValues(values, values.sum() - of_all)


def mmd_semivalues(
    sums: "GramSums", weighting: Weighting, *, tolerance: float = _TOLERANCE
) -> Float[AnyArray, " n"]:
    r"""Another mean of marginal contributions than Shapley's, for every party.

    .. math:: \psi_i = \sum_{C \subseteq N \setminus i} p_{|C|}\,[v(C \cup i) - v(C)]

    Semivalues do not sum to v(N): what matters is how they compare.

    Args:
        sums: as in `mmd_shapley_values`.
        weighting: ``"banzhaf"``, all coalitions alike; ``"leave-one-out"``, only all
            others, v(N) − v(N∖i); or ``BetaShapley(alpha, beta)``, more weight on small
            coalitions the larger α is, on large ones the larger β is.
        tolerance: as in `mmd_shapley_values`.

    Returns:
        Semivalues, shape ``(n,)``, as in `mmd_shapley_values`.

    Raises:
        ValueError: as `mmd_shapley_values`, or if there is no such weighting.
        TypeError: if the sizes are traced.

    Example:
        >>> from cgm_jax.gram import gram_sums
        >>> from cgm_jax.kernels import SquaredExponential
        >>> parties = [np.array([[0.0]]), np.array([[0.0], [1.0]]), np.array([[3.0]])]
        >>> sums = gram_sums(SquaredExponential(1.0), parties, np.array([[1.0]]))
        >>> mmd_semivalues(sums, "leave-one-out").round(4)
        array([0.0146, 0.1648, 0.0815])
        >>> mmd_semivalues(sums, "banzhaf").round(4)
        array([ 0.2887,  0.4746, -0.0641])

    Reference:
        Dubey, Neyman, Weber 1981; Banzhaf 1965; Kwon and Zou 2022.
    """
    if is_traced(sums) and is_traced(sums.sizes):
        raise TypeError(
            "Expected sizes that are plain numbers, got traced ones: they decide where "
            "the nodes of the quadrature are. Pass `between` to your function, and "
            "build the sums inside it."
        )
    between, sizes = checked_sums(sums)
    return block_semivalues(
        between[:-1, :-1],
        between[:-1].sum(1),
        np.asarray(sizes[:-1]),
        float(sizes.sum()),
        weighting=weighting,
        tolerance=tolerance,
    )


def block_semivalues(
    between: Float[AnyArray, "n n"],
    across: Float[AnyArray, " n"],
    sizes: Float[np.ndarray, " n"],
    reference_size: float,
    *,
    weighting: Weighting = SHAPLEY,
    tolerance: float = _TOLERANCE,
) -> Float[AnyArray, " n"]:
    """Semivalue of every party, a pure function of the sums of the kernel.

    It can be mapped over games of the same sizes (``jax.vmap`` over the first two
    arguments), compiled and differentiated.

    Args:
        between: B, sums between the parties, shape ``(n, n)``, symmetric.
        across: b, sums between a party and the reference, shape ``(n,)``.
        sizes: number of points of every party, shape ``(n,)``, not traced.
        reference_size: t, number of points of the reference, not traced.
        weighting: how coalitions are weighed, by default for the Shapley value.
        tolerance: error relative to the largest semivalue, 1e-12 to 0.01.

    Returns:
        Semivalues, shape ``(n,)``, in the units of the kernel, float64; inside the
        user's own transformation in the dtype of the sums. A party of no points gets 0.

    Raises:
        ValueError: if there is no such weighting, or the tolerance is out of range.

    Example:
        Two games of the same sizes at once:

        >>> between = np.array([np.eye(2), np.ones((2, 2))])
        >>> sizes = np.array([1.0, 3.0])
        >>> games = lambda B: block_semivalues(B, B.sum(1), sizes, 4.0)
        >>> np.asarray(jax.vmap(games)(between), float).round(4)
        array([[-0.2153,  0.3403],
               [ 0.0139,  0.2361]])
    """
    as_weighting(weighting)
    if not 1e-12 <= tolerance <= 0.01:
        raise ValueError(
            f"Expected a tolerance between 1e-12 and 0.01, got {tolerance}: float64 "
            "has no more digits."
        )
    sizes = np.asarray(sizes, float)
    if not sizes.size:
        return in_float64(jnp.asarray, across)
    if not sizes.all():  # parties of no points change no value
        keep = np.flatnonzero(sizes)
        rest = block_semivalues(
            between[np.ix_(keep, keep)],
            across[keep],
            sizes[keep],
            reference_size,
            weighting=weighting,
            tolerance=tolerance,
        )
        return in_float64(
            lambda x: jnp.zeros(len(sizes), x.dtype).at[keep].set(x), rest
        )
    work = partial(
        _semivalues,
        sizes=sizes,
        total=float(reference_size),
        weighting=weighting,
        tolerance=tolerance,
    )
    return in_float64(work, between, across)


def _semivalues(
    between: Float[AnyArray, "n n"],
    across: Float[AnyArray, " n"],
    *,
    sizes: Float[np.ndarray, " n"],
    total: float,
    weighting: Weighting,
    tolerance: float,
) -> Float[AnyArray, " n"]:
    """Choose the way that fits the sizes and the weighting; no party is empty."""
    if weighting != "leave-one-out" and sizes.min() == sizes.max():
        diagonal = jnp.diag(between)
        return equal_size_semivalues(
            across,
            diagonal,
            jnp.sum(between, axis=1) - diagonal,
            size_probabilities(weighting, len(sizes)),
            size=float(sizes[0]),
            reference_size=total,
        )

    def constants(*numbers: ArrayLike) -> list[Array]:
        return [jnp.asarray(x, across.dtype) for x in numbers]

    if weighting == "leave-one-out":
        return _leave_one_out(between, across, *constants(sizes, total))
    nodes = nodes_for(sizes, weighting, max(_MARGIN * tolerance, _BEST))
    return _by_quadrature(between, across, *constants(sizes, total, *_chunks(nodes)))


@jax.jit
def _leave_one_out(
    between: Float[AnyArray, "n n"],
    across: Float[AnyArray, " n"],
    sizes: Float[AnyArray, " n"],
    total: Float[AnyArray, ""],
) -> Float[AnyArray, " n"]:
    """v(N) − v(N∖i), from the sums over N∖i."""
    all_across, all_within = jnp.sum(across), jnp.sum(between)
    everything = value_from_sums(all_across, all_within, jnp.sum(sizes), total)
    own = 2 * jnp.sum(between, axis=1) - jnp.diag(between)
    b, within = all_across - across, all_within - own
    # Of a party that holds nearly all, no digits would be left of the others.
    largest = jnp.argmax(sizes)
    is_other = jnp.arange(len(sizes)) != largest
    others = is_other.astype(across.dtype)
    b = jnp.where(is_other, b, matmul(others, across))
    within = jnp.where(is_other, within, matmul(others, matmul(between, others)))
    return everything - value_from_sums(b, within, jnp.sum(sizes) - sizes, total)


def _chunks(nodes: Nodes) -> Nodes:
    """Nodes in rows of equal length, filled up with nodes of weight zero."""
    num_nodes = len(nodes.u)
    num_chunks = -(-num_nodes // _WIDTH)
    width = -(-num_nodes // num_chunks)
    padding = num_chunks * width - num_nodes
    return Nodes(*(np.pad(x, (0, padding)).reshape(num_chunks, width) for x in nodes))


@jax.jit
def _by_quadrature(
    between: Float[AnyArray, "n n"],
    across: Float[AnyArray, " n"],
    sizes: Float[AnyArray, " n"],
    total: Float[AnyArray, ""],
    *chunks: Float[AnyArray, "chunks width"],
) -> Float[AnyArray, " n"]:
    own, b = jnp.diag(between)[None], (2 / total * across)[None]

    # One row a node: XLA's CPU sums along the last axis are many times faster.
    def add(semivalues: Float[AnyArray, " n"], nodes: tuple) -> tuple[Array, None]:
        q, u, w = (x[:, None] for x in nodes)
        e, gone = jnp.exp(-u * sizes[None]), -jnp.expm1(-u * sizes[None])
        d = (1 - q) + q * e
        y = q * e / d
        rest = matmul(y, between) - own * y  # r_i
        linear = jnp.sum(b * y, axis=1, keepdims=True) - b * y
        pairs = jnp.sum(y * (rest + own), axis=1, keepdims=True)
        pairs = pairs - 2 * y * rest - own * y
        marginal = (e * b - gone * linear) - u * (e * (2 * rest + own) - gone * pairs)
        log_all = jnp.sum(jnp.log1p(-q * gone), axis=1)
        weight = w[:, 0] * jnp.exp(log_all)
        return semivalues + matmul(weight, marginal / d), None

    return jax.lax.scan(add, jnp.zeros_like(across), chunks)[0]

r"""Semivalues of parties in time O(n²), from block sums: no sum over 2^n coalitions.

Notation: party i has s_i points, B_ij is the sum of the kernel between parties i and j,
b_i that between party i and the reference of t points. For a coalition C let s_C, b_C
and B_CC be the sums of s_j, b_j and B_jk over its members: the game of Eq. 2 is

    v(C) = (2/t) b_C / s_C − B_CC / s_C²,     v(∅) = 0.

**1. A mean over q.** A semivalue, the Shapley value among them, is a mean of marginal
contributions over random coalitions of independent members (Owen 1972; Dubey, Neyman
and Weber 1981):

    φ_i = ∫ E_q[v(C ∪ i) − v(C)] dμ(q),   every j ≠ i is in C with probability q,

with μ uniform for the Shapley value. Nothing below needs the others to be alike: party
j is in C with probability p_j = a_j + b_j q, a_j and b_j >= 0 and a_j + b_j <= 1. A
semivalue has p_j = q, parties that may leave p_j = q · stay_j, and those who came
before i for sure p_j = 1.

**2. No division.** 1/s = ∫₀^∞ e^{−us} du and 1/s² = ∫₀^∞ u e^{−us} du make of v(C) an
integral over u of products over the members of C, and means of products of independent
factors are products of means. With

    e_j = e^{−u s_j},  d_j = E[e_j^{[j ∈ C]}] = 1 − p_j + p_j e_j,  y_j = p_j e_j / d_j

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

and P_{−i} = exp(Σ_j ln d_j) / d_i. Where p_j = 1, y_j = 1 and d_j = e_j, which may be 0
in floating point: such factors are e^{−u(S − s_i)} with S the size of all of them. The
nodes are those of `size_quadrature`: about 20 in q times 50 to 80 in u, whatever n. φ
is linear in b and B, hence differentiable.

References: G. Owen, *Multilinear Extensions of Games*, Management Science 18, 1972;
P. Dubey, A. Neyman, R. Weber, *Value Theory Without Efficiency*, Mathematics of
Operations Research 6, 1981; Y. Kwon, J. Zou, *Beta Shapley*, AISTATS 2022.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from cgm_jax._shared.arrays import AnyArray, ArrayLike, to_host
from cgm_jax._shared.checks import as_list, as_number, as_real, as_vectors
from cgm_jax._shared.precision import in_float64, matmul
from cgm_jax.valuation.coalitions import value_from_sums

from .equal_sizes import equal_size_semivalues
from .size_quadrature import Nodes, nodes_for
from .weighting import SHAPLEY, Weighting, as_weighting, size_probabilities

__all__ = ["TOLERANCE", "Inclusion", "block_semivalues"]

TOLERANCE = 1e-10
Inclusion = tuple[Float[np.ndarray, " n"], Float[np.ndarray, " n"]]
_WIDTH = 128  # nodes at a time: memory O(128 n), and a product worth its call
_STEP = 32  # of that width: how many nodes there are depends on the sizes
# A marginal contribution is a difference: it has fewer digits than its terms. The rules
# themselves are good to the second number.
_MARGIN, _BEST = 1e-3, 1e-13


def block_semivalues(
    between: Float[AnyArray, "n n"],
    across: Float[AnyArray, " n"],
    sizes: Float[np.ndarray, " n"],
    reference_size: float | int,
    *,
    weighting: Weighting = SHAPLEY,
    inclusion: Inclusion | None = None,
    tolerance: float = TOLERANCE,
) -> Float[AnyArray, " n"]:
    """Semivalue of every party, a pure function of the sums of the kernel.

    It can be mapped over games of the same sizes (``jax.vmap`` over the first two
    arguments), compiled and differentiated.

    Args:
        between: B, sums between the parties, shape ``(n, n)``, symmetric.
        across: b, sums between a party and the reference, shape ``(n,)``.
        sizes: number of points of every party, shape ``(n,)``, not traced.
        reference_size: t, number of points of the reference, not traced.
        weighting: how coalitions are weighed, by default for the Shapley value: the law
            of q.
        inclusion: a and b, two arrays of shape ``(n,)``, >= 0 with a + b <= 1, not
            traced: in the coalitions that party i joins is any other party j,
            independently, with probability ``a[j] + b[j] * q``. By default all are
            with probability q. A party's own a and b do not matter for its value.
        tolerance: error relative to the largest semivalue, 1e-12 to 0.01.

    Returns:
        Semivalues, shape ``(n,)``, in the units of the kernel, float64; inside the
        user's own transformation in the dtype of the sums. A party of no points gets 0.

    Raises:
        ValueError: if there is no such weighting or inclusion, or the tolerance is out
            of range.

    Example:
        Two games of the same sizes at once:

        >>> between = np.array([np.eye(2), np.ones((2, 2))])
        >>> sizes = np.array([1.0, 3.0])
        >>> games = lambda B: block_semivalues(B, B.sum(1), sizes, 4.0)
        >>> np.asarray(jax.vmap(games)(between), float).round(4)
        array([[-0.2153,  0.3403],
               [ 0.0139,  0.2361]])

        The first party is always there before the second joins:

        >>> first = np.array([1.0, 0.0]), np.zeros(2)
        >>> block_semivalues(between[0], np.ones(2), sizes, 4.0, inclusion=first)
        array([-0.5  ,  0.625])
    """
    as_weighting(weighting)
    if not 1e-12 <= as_number(tolerance, "as the tolerance") <= 0.01:
        raise ValueError(
            f"Expected a tolerance between 1e-12 and 0.01, got {tolerance}: float64 "
            "has no more digits."
        )
    (sizes,) = as_vectors(sizes=sizes) if np.size(sizes) else (np.zeros(0),)
    reference_size = as_real(reference_size, "as the reference_size", smallest=0.0)
    if sizes.min(initial=0) < 0:
        raise ValueError(f"Expected sizes >= 0, got {sizes}.")
    n = len(sizes)
    if np.shape(between) != (n, n) or np.shape(across) != (n,):
        raise ValueError(
            f"Expected sums of {n} parties, of shapes ({n}, {n}) and ({n},), got "
            f"{np.shape(between)} and {np.shape(across)}."
        )
    inclusion = _as_inclusion(inclusion, n)
    if not sizes.size:
        return in_float64(jnp.asarray, across)
    if not sizes.all():  # parties of no points change no value
        keep = np.flatnonzero(sizes)
        a, b = inclusion or (np.zeros(len(sizes)), np.ones(len(sizes)))
        rest = block_semivalues(
            between[np.ix_(keep, keep)],
            across[keep],
            sizes[keep],
            reference_size,
            weighting=weighting,
            inclusion=(a[keep], b[keep]),
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
        inclusion=inclusion,
        tolerance=tolerance,
    )
    return in_float64(work, between, across)


def _as_inclusion(inclusion: Inclusion | None, n: int) -> Inclusion | None:
    """Checked; None where every party is in a coalition with probability q."""
    if inclusion is None:
        return None
    if len(both := as_list(inclusion, "two arrays as the inclusion")) != 2:
        raise ValueError(f"Expected two arrays as the inclusion, got {len(both)}.")
    a, b = map(to_host, both)
    if a.shape != (n,) or b.shape != (n,):
        raise ValueError(
            f"Expected two arrays of shape ({n},), one number per party, as the "
            f"inclusion, got {a.shape} and {b.shape}."
        )
    if not ((a >= 0) & (b >= 0) & (a + b <= 1)).all():
        raise ValueError(
            "Expected an inclusion of a >= 0 and b >= 0 with a + b <= 1, so that a + b "
            f"q is a probability for every q, got a = {a} and b = {b}."
        )
    return None if not a.any() and (b == 1).all() else (a, b)


def _semivalues(
    between: Float[AnyArray, "n n"],
    across: Float[AnyArray, " n"],
    *,
    sizes: Float[np.ndarray, " n"],
    total: float,
    weighting: Weighting,
    inclusion: Inclusion | None,
    tolerance: float,
) -> Float[AnyArray, " n"]:
    """Choose the way that fits the sizes and the weighting; no party is empty."""

    def constants(*numbers: ArrayLike) -> list[np.ndarray]:
        return [np.asarray(x, across.dtype) for x in numbers]

    if inclusion is None and weighting == "leave-one-out":
        return _leave_one_out(between, across, *constants(sizes, total))
    if inclusion is None and sizes.min() == sizes.max():
        diagonal = jnp.diag(between)
        return equal_size_semivalues(
            across,
            diagonal,
            jnp.sum(between, axis=1) - diagonal,
            size_probabilities(weighting, len(sizes)),
            size=float(sizes[0]),
            reference_size=total,
        )
    a, b = inclusion or (np.zeros(len(sizes)), np.ones(len(sizes)))
    nodes = nodes_for(sizes, weighting, max(_MARGIN * tolerance, _BEST), (a, b))
    is_sure = a + b * nodes.q.max() > 1 - 1e-6  # in float32 that is 1
    largest = np.arange(len(sizes)) == np.argmax(sizes * is_sure)
    numbers = constants(sizes, total, a, b, largest, *_chunks(nodes))
    some_sure = bool(is_sure.any())
    return _by_quadrature(between, across, *numbers, some_sure=some_sure)


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
    """Nodes in rows of equal length, filled up with nodes of weight zero.

    Lengths are few: parties of other sizes share a compiled program.
    """
    num_nodes = len(nodes.u)
    num_chunks = -(-num_nodes // _WIDTH)
    width = -(-num_nodes // (num_chunks * _STEP)) * _STEP
    padding = num_chunks * width - num_nodes
    return Nodes(*(np.pad(x, (0, padding)).reshape(num_chunks, width) for x in nodes))


@partial(jax.jit, static_argnames="some_sure")
def _by_quadrature(
    between: Float[AnyArray, "n n"],
    across: Float[AnyArray, " n"],
    sizes: Float[AnyArray, " n"],
    total: Float[AnyArray, ""],
    first: Float[AnyArray, " n"],
    slope: Float[AnyArray, " n"],
    largest: Float[AnyArray, " n"],
    *chunks: Float[AnyArray, "chunks width"],
    some_sure: bool,
) -> Float[AnyArray, " n"]:
    own, b = jnp.diag(between)[None], (2 / total * across)[None]
    other = 1 - largest[None]
    with_largest = other * matmul(largest, between)[None]

    def over_others(y: Array, rest: Array) -> tuple[Array, Array]:
        linear = jnp.sum(b * y, axis=1, keepdims=True) - b * y
        pairs = jnp.sum(y * (rest + own), axis=1, keepdims=True)
        pairs = pairs - 2 * y * rest - own * y
        return linear, pairs

    # One row a node: XLA's CPU sums along the last axis are many times faster.
    def add(semivalues: Float[AnyArray, " n"], nodes: tuple) -> tuple[Array, None]:
        q, u, w = (x[:, None] for x in nodes)
        e, gone = jnp.exp(-u * sizes[None]), -jnp.expm1(-u * sizes[None])
        p = first[None] + slope[None] * q
        d = (1 - p) + p * e
        if some_sure:
            is_sure = p >= 1
            p, d = jnp.where(is_sure, 0, p), jnp.where(is_sure, 1, d)
            y = jnp.where(is_sure, 1, p * e / d)
            # A party that is always there may hold nearly all, and nothing would be
            # left of the digits of the others: the sums over them leave it out.
            z = other * y
            rest = matmul(z, between) - own * z
            linear_z = jnp.sum(b * z, axis=1, keepdims=True)
            pairs_z = jnp.sum(z * (rest + own), axis=1, keepdims=True)
            rest = rest + jnp.sum(y - z, axis=1, keepdims=True) * with_largest
            linear, pairs = over_others(y, rest)
            linear = jnp.where(other > 0, linear, linear_z)
            pairs = jnp.where(other > 0, pairs, pairs_z)
            sure = jnp.where(is_sure, sizes[None], 0)
            others = jnp.sum(sure, axis=1, keepdims=True) - sure
            of_sure = jnp.exp(-u * others)
        else:
            y = p * e / d
            rest = matmul(y, between) - own * y  # r_i
            linear, pairs = over_others(y, rest)
            of_sure = 1
        marginal = (e * b - gone * linear) - u * (e * (2 * rest + own) - gone * pairs)
        marginal = of_sure * marginal
        log_all = jnp.sum(jnp.log1p(-p * gone), axis=1)
        weight = w[:, 0] * jnp.exp(log_all)
        return semivalues + matmul(weight, marginal / d), None

    return jax.lax.scan(add, jnp.zeros_like(across), chunks)[0]

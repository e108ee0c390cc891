r"""Nodes in q and u that serve any sizes: where semivalues of the MMD game are summed.

In u. The value of a coalition needs 1/s and 1/s² of its size s, from s_min, the
smallest party, to S, all of them:

    1/s = ∫₀^∞ e^{−us} du,      1/s² = ∫₀^∞ u e^{−us} du.

With u = exp(x − e^{−x})/S the integrands fall double-exponentially on the left of
x = 0 and beyond x = ln(S/s_min), and are analytic in a strip, so that the trapezoid
rule of step h is wrong by less than 60 exp(−8.9/h), relative, for *every* s at once
(fitted to the measured error, and tested). 50 to 80 nodes.

In q. For a fixed u the integrand is a polynomial of degree n − 1 in q: a Gauss rule of
⌈n/2⌉ nodes is exact. It is bounded by exp(−qA) times a polynomial of degree two with
A = Σ_k (1 − e^{−u s_k}), and by exp(|q|A) in the complex plane. So beyond q = L/A only
e^{−L} is left, and on [0, min(1, L/A)] a Gauss rule of m nodes that is good for
e^{−Lτ} on [0, 1] is good for all n and all sizes. About 20 nodes.

Where party k is there with probability a_k + b_k q, the factors 1 − (a_k + b_k q) g_k
with g_k = 1 − e^{−u s_k} are 1 − a_k g_k times 1 − q b_k g_k / (1 − a_k g_k), and those
fractions, none above 1, take the place of the g_k in A.

A density q^{β−1} (1−q)^{α−1} goes into the weights of a Gauss–Jacobi rule at 0, and, if
the interval is the whole one, at 1; α − 1 adds to A.

Reference: H. Takahasi and M. Mori, *Double Exponential Formulas for Numerical
Integration*, 1974; L. Trefethen and J. Weideman, *The Exponentially Convergent
Trapezoidal Rule*, 2014.
"""

from bisect import bisect_left
from functools import cache
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from cgm_jax._shared.arrays import AnyArray

from .weighting import BetaShapley, Weighting

__all__ = ["Nodes", "inverse_size_rule", "nodes_for"]


class Nodes(NamedTuple):
    """Σ over nodes of weight · f(q, u) is the mean over q of ∫ f du."""

    q: Float[AnyArray, "..."]
    u: Float[AnyArray, "..."]
    weight: Float[AnyArray, "..."]


def nodes_for(
    sizes: Float[np.ndarray, " n"],
    weighting: Weighting,
    tolerance: float,
    inclusion: tuple[Float[np.ndarray, " n"], Float[np.ndarray, " n"]] | None = None,
) -> Nodes:
    """Nodes for parties of these sizes, who join with probability a + b q."""
    u, du = inverse_size_rule(sizes.min(), sizes.sum(), tolerance)
    if not isinstance(weighting, BetaShapley):
        q = 0.5 if weighting == "banzhaf" else 1.0
        return Nodes(np.full(u.shape, q), u, du)
    gone = -np.expm1(-u[:, None] * sizes[None])
    degree = len(sizes) - 1
    if inclusion is not None:
        a, b = inclusion
        is_open = b > 0
        a, b, gone = a[None, is_open], b[None, is_open], gone[:, is_open]
        gone = b * gone / (1 - a * gone)
        degree = min(degree, gone.shape[1])
    expected = gone.sum(1)  # A, at every u
    q, dq = _mean_over_q(weighting, expected, degree, tolerance)
    return Nodes(
        q.reshape(-1), np.repeat(u, q.shape[1]), (du[:, None] * dq).reshape(-1)
    )


def inverse_size_rule(
    smallest: float, largest: float, tolerance: float
) -> tuple[Float[np.ndarray, " k"], Float[np.ndarray, " k"]]:
    """Exponents u and weights w with Σ w e^{−us} = 1/s and Σ w u e^{−us} = 1/s²."""
    step = 8.9 / np.log(60 / tolerance)
    decay = np.log(1 / tolerance)
    first = -np.log(decay + 2)
    last = np.log(largest / smallest) + np.log(decay + 5)
    x = step * np.arange(np.floor(first / step), np.ceil(last / step) + 1)
    u = np.exp(x - np.exp(-x)) / largest
    return u, step * u * (1 + np.exp(-x))


def _mean_over_q(
    law: BetaShapley, expected: Float[np.ndarray, " k"], degree: int, tolerance: float
) -> tuple[Float[np.ndarray, "k m"], Float[np.ndarray, "k m"]]:
    """Nodes and weights in q for every u; a row of weights alone has sum one."""
    from scipy.special import betaln

    a, b = float(law.alpha), float(law.beta)
    num_exact = degree // 2 + 1
    limit, num_nodes = _decaying_rule(b, tolerance)
    if num_exact <= num_nodes:
        q, dq = _jacobi(num_exact, a, b)
        shape = (len(expected), num_exact)
        return np.broadcast_to(q, shape), np.broadcast_to(dq, shape)
    # Without party i, whose own term is at most one, the decay is A − 1.
    end = limit / np.maximum(expected - 1 + max(a - 1, 0), limit)
    whole, dwhole = _jacobi(num_nodes, a, b)
    part, dpart = _jacobi(num_nodes, 1.0, b)
    q = end[:, None] * part[None]
    density = np.exp(b * np.log(end) - betaln(b, a) - np.log(b))
    dq = density[:, None] * dpart[None] * (1 - q) ** (a - 1)
    is_whole = (end == 1)[:, None]
    return np.where(is_whole, whole[None], q), np.where(is_whole, dwhole[None], dq)


@cache
def _decaying_rule(b: float, tolerance: float) -> tuple[float, int]:
    """L and m: beyond L, Γ(b+2) is complete, and m nodes do for e^{−Lτ} on [0, 1]."""
    from scipy.special import gammainccinv

    limit = float(gammainccinv(b + 2, tolerance))

    def means(num_nodes: int) -> np.ndarray:
        x, w = _jacobi(num_nodes, 1.0, b)
        return (x[None] ** np.arange(3)[:, None]) @ (w * np.exp(-limit * x))

    most = 20 + int(limit)  # twice what e^{−Lτ} ever needs
    exact = means(most)

    def is_enough(num_nodes: int) -> int:
        return int((np.abs(means(num_nodes) / exact - 1) <= tolerance).all())

    return limit, 2 + bisect_left(range(2, most), 1, key=is_enough)


@cache
def _jacobi(m: int, a: float, b: float) -> tuple[np.ndarray, np.ndarray]:
    """Gauss rule for a mean under the density of Beta(b, a) on [0, 1]."""
    from scipy.special import roots_jacobi

    x, w = roots_jacobi(m, a - 1, b - 1)
    return (1 + x) / 2, w / w.sum()

"""How much a coalition counts in a semivalue, by its size.

A semivalue is a mean of marginal contributions v(C ∪ i) − v(C) in which the weight of C
depends on |C| only. Every one of them is a law on [0, 1]: draw a probability q from it,
and let every other party be in C independently with probability q (Dubey, Neyman and
Weber 1981). The law is

    uniform, Beta(1, 1)   Shapley value
    Beta(β, α)            Beta(α, β)-Shapley value (Kwon and Zou 2022)
    the point q = 1/2     Banzhaf value
    the point q = 1       leave-one-out, v(N) − v(N∖i)
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float

from cgm_jax._shared.checks import as_number

__all__ = ["SHAPLEY", "BetaShapley", "Weighting", "as_weighting", "size_probabilities"]

_LARGEST = 500  # Gauss–Jacobi weights overflow at twice that


@dataclass(frozen=True)
class BetaShapley:
    """The Beta(α, β)-Shapley value: q has the law Beta(β, α).

    With α > β small coalitions count more, with α < β large ones; α = β = 1 is the
    Shapley value.

    Reference: Y. Kwon and J. Zou, *Beta Shapley: a Unified and Noise-reduced Data
    Valuation Framework for Machine Learning*, AISTATS 2022.
    """

    alpha: float | int
    """0 < α <= 500."""

    beta: float | int
    """0 < β <= 500."""

    def __post_init__(self) -> None:
        for number in (self.alpha, self.beta):
            if not 0 < as_number(number, "as α and as β") <= _LARGEST:
                raise ValueError(
                    f"Expected 0 < α <= {_LARGEST} and 0 < β <= {_LARGEST}, got {self}."
                )


Weighting = BetaShapley | Literal["banzhaf", "leave-one-out"]
SHAPLEY = BetaShapley(1, 1)
_NAMED = ("banzhaf", "leave-one-out")


def as_weighting(weighting: Weighting) -> Weighting:
    """The same weighting, checked."""
    is_named = isinstance(weighting, str) and weighting in _NAMED
    if not isinstance(weighting, BetaShapley) and not is_named:
        raise ValueError(
            'Expected the weighting "banzhaf", "leave-one-out" or a BetaShapley(alpha, '
            f"beta), got {weighting!r}."
        )
    return weighting


def size_probabilities(weighting: Weighting, n: int) -> Float[np.ndarray, " n"]:
    """Probability that c of the n − 1 others are in the coalition, c = 0 … n − 1."""
    c = np.arange(n)
    if weighting == "leave-one-out":
        return (c == n - 1).astype(float)
    if weighting == SHAPLEY:
        return np.full(n, 1 / n)
    # By ratios of neighbours: Γ of large numbers would cost digits.
    ratio = (n - 1 - c[:-1]) / c[1:]
    if isinstance(weighting, BetaShapley):
        a, b = weighting.alpha, weighting.beta
        ratio = ratio * (b + c[:-1]) / (a + n - 1 - c[1:])
    log_p = np.append(0, np.cumsum(np.log(ratio)))
    p = np.exp(log_p - log_p.max())
    return p / p.sum()

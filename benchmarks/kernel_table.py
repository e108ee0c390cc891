"""The kernels of the package, each beside its formula in plain NumPy."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import ArrayLike, Float

from cgm_jax.kernels import (
    Energy,
    Kernel,
    Laplace,
    Linear,
    Matern,
    Polynomial,
    RationalQuadratic,
    ScaleMixture,
    SquaredExponential,
)

from .plain import squared_distances

__all__ = ["KERNELS", "REFERENCE", "Compared", "Pairs", "plain_sums"]

REFERENCE = "squared exponential"  # what the others are compared with
_RATIOS = (0.5, 1.0, 2.0)
_TILE = 256  # as in `plain`


class Pairs(NamedTuple):
    """What a formula takes, of all pairs of points x and y in units of ℓ."""

    r2: np.ndarray
    """|x − y|², shape (m, n)."""

    product: np.ndarray
    """x·y, shape (m, n)."""

    norms: np.ndarray
    """|x| + |y|, shape (m, n)."""

    @classmethod
    def of(cls, x: np.ndarray, y: np.ndarray) -> "Pairs":
        """Those of two sets of points."""
        lengths_x, lengths_y = (np.linalg.norm(side, axis=1) for side in (x, y))
        norms = lengths_x[:, None] + lengths_y[None]
        return cls(squared_distances(x, y), x @ y.T, norms)

    def over(self, length_scale: float) -> "Pairs":
        """The same points divided by a length scale."""
        square = length_scale**2
        return Pairs(self.r2 / square, self.product / square, self.norms / length_scale)


@dataclass(frozen=True)
class Compared:
    """A kernel and its formula."""

    kernel: Callable[[Float[ArrayLike, ""], int], Kernel]
    """The kernel of a length scale and the number of dimensions."""

    formula: Callable[[Pairs], np.ndarray]
    num_kernels: int = 1
    """How many kernels it is made of."""

    per_dimension: bool = False
    """Whether the length scale is ℓ times `scales`."""


def scales(num_dims: int) -> np.ndarray:
    """A factor of the length scale for every dimension, where there is one."""
    return np.linspace(0.5, 1.5, num_dims)


def plain_sums(
    names: Sequence[str], y: np.ndarray, x: np.ndarray, length_scales: Sequence[float]
) -> dict[str, np.ndarray]:
    """Σ_{y} k(x, y) of some kernels for every x, at several length scales.

    Args:
        names: of the kernels.
        y: the points that are summed over, float64.
        x: shape (m, d).
        length_scales: one or more ℓ.

    Returns:
        By the kernel's name, an array of shape (number of length scales, m).
    """
    sums = {name: np.zeros((len(length_scales), len(x))) for name in names}
    factors = scales(x.shape[1])
    for i in range(0, len(x), _TILE):
        rows = slice(i, i + _TILE)
        for j in range(0, len(y), _TILE):
            tile = x[rows], y[j : j + _TILE]
            alike = Pairs.of(*tile)
            apart = Pairs.of(*(side / factors for side in tile))
            for at, length_scale in enumerate(length_scales):
                pairs, scaled = alike.over(length_scale), apart.over(length_scale)
                for name, total in sums.items():
                    compared = KERNELS[name]
                    k = compared.formula(scaled if compared.per_dimension else pairs)
                    total[at, rows] += k.sum(axis=1)
    return sums


def _squared_exponential(pairs: Pairs) -> np.ndarray:
    return np.exp(-pairs.r2 / 2)


def _laplace(pairs: Pairs) -> np.ndarray:
    return np.exp(-np.sqrt(pairs.r2))


def _rational_quadratic(pairs: Pairs) -> np.ndarray:
    return 1 / (1 + pairs.r2 / 2)


def _matern(smoothness: float) -> Callable[[Pairs], np.ndarray]:
    def formula(pairs: Pairs) -> np.ndarray:
        r = np.sqrt(2 * smoothness * pairs.r2)
        return (1 + r + (smoothness == 2.5) * r**2 / 3) * np.exp(-r)

    return formula


KERNELS = {
    REFERENCE: Compared(
        lambda length, d: SquaredExponential(length), _squared_exponential
    ),
    "ℓ per dimension": Compared(
        lambda length, d: SquaredExponential(length * scales(d)),
        _squared_exponential,
        per_dimension=True,
    ),
    "Laplace": Compared(lambda length, d: Laplace(length), _laplace),
    "rational quadratic": Compared(
        lambda length, d: RationalQuadratic(length), _rational_quadratic
    ),
    "Matérn 3/2": Compared(lambda length, d: Matern(length), _matern(1.5)),
    "Matérn 5/2": Compared(
        lambda length, d: Matern(length, smoothness=2.5), _matern(2.5)
    ),
    "three scales": Compared(
        lambda length, d: ScaleMixture(length, _RATIOS),
        lambda pairs: np.mean(
            [_squared_exponential(pairs.over(q)) for q in _RATIOS], axis=0
        ),
    ),
    "energy": Compared(
        lambda length, d: Energy(length),
        lambda pairs: (pairs.norms - np.sqrt(pairs.r2)) / 2,
    ),
    "linear": Compared(lambda length, d: Linear(length), lambda pairs: pairs.product),
    "polynomial": Compared(
        lambda length, d: Polynomial(length), lambda pairs: (pairs.product + 1) ** 2
    ),
    "sum of two": Compared(
        lambda length, d: SquaredExponential(length) + RationalQuadratic(length),
        lambda pairs: _squared_exponential(pairs) + _rational_quadratic(pairs),
        num_kernels=2,
    ),
    "product of two": Compared(
        lambda length, d: SquaredExponential(length) * RationalQuadratic(length),
        lambda pairs: _squared_exponential(pairs) * _rational_quadratic(pairs),
        num_kernels=2,
    ),
}

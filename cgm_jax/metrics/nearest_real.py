r"""How near synthetic rows are to real ones, beside real rows that nothing was made of.

For a synthetic row with the nearest real row at distance d₁ and the second at d₂,

- DCR, the distance to the closest record, is d₁;
- NNDR, the nearest-neighbour distance ratio, is d₁ / d₂ (1 where both are 0).

Both are given for the rows that the synthetic ones were made of and for as many that
were held out. Rows made without looking at either are nearer to each half of the time,
up to chance: necessary, but no proof that nothing was memorised or that anybody's
privacy is kept. Distances depend on units: bring the columns to one scale first.
"""

from dataclasses import dataclass

import jax
import numpy as np
from jaxtyping import Array, Float, Key

from cgm_jax._shared.arrays import ArrayLike, as_point_sets
from cgm_jax._shared.checks import as_key, as_whole
from cgm_jax._shared.results import Result
from cgm_jax._shared.some_rows import some_rows

from .neighbors import nearest_distances

__all__ = ["NearestReal", "ToReal", "nearest_real", "share_nearer", "to_real"]


@dataclass(frozen=True, eq=False, repr=False)
class ToReal(Result):
    """Synthetic rows beside one set of real rows.

    Attributes:
        distances: DCR of every synthetic row.
        ratios: NNDR of every synthetic row.
        exact_matches: number of synthetic rows that equal a real row.
        rounded_matches: the same, after rounding every number.
    """

    distances: Float[np.ndarray, " m"]
    ratios: Float[np.ndarray, " m"]
    exact_matches: int
    rounded_matches: int

    def quantiles(self, *shares: float) -> tuple[list[float], list[float]]:
        """Quantiles of the distances and of the ratios, such as 0.05 and 0.5."""
        distances, ratios = np.quantile([self.distances, self.ratios], shares, axis=1).T
        return distances.tolist(), ratios.tolist()


@dataclass(frozen=True, eq=False, repr=False)
class NearestReal(Result):
    """Synthetic rows beside rows that they were made of, and as many held-out ones."""

    used: ToReal
    held_out: ToReal
    num_real: int
    decimals: int

    @property
    def nearer_share(self) -> float:
        """Share of synthetic rows nearer to those used; 0.5 if made of neither."""
        return share_nearer(self.used.distances, self.held_out.distances)


def share_nearer(
    near: Float[np.ndarray, "..."], control: Float[np.ndarray, "..."]
) -> float:
    """Share of distances that are smaller than their controls; ties count half."""
    return float(np.mean((near < control) + 0.5 * (near == control)))


def nearest_real(
    key: Key[Array, ""],
    synthetic: Float[ArrayLike, "m d"],
    used: Float[ArrayLike, "n d"],
    held_out: Float[ArrayLike, "h d"],
    *,
    decimals: int = 2,
) -> NearestReal:
    r"""Distances of synthetic rows to real ones, with a control of the same size.

    .. math:: \mathrm{DCR}(x) = \min_{y} \lVert x - y \rVert, \qquad
              \mathrm{NNDR}(x) = d_1(x) / d_2(x)

    Args:
        key: a typed key; if one set of real rows is larger, rows of it are left out.
        synthetic: shape ``(m, d)``, m >= 1.
        used: real rows that the synthetic ones were made of, shape ``(n, d)``, n >= 2.
        held_out: real rows that they were not made of, shape ``(h, d)``, h >= 2.
        decimals: what numbers are rounded to for rounded matches.

    Raises:
        ValueError: for shapes that do not fit, entries that are not finite, or too few
            rows.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> used, held_out = rng.normal(size=(2, 300, 4))
        >>> copied = used[:100] + 0.01
        >>> nearest_real(jax.random.key(0), copied, used, held_out).nearer_share
        1.0

    Reference: Zhao, Kunar, Birke, Chen, *CTAB-GAN*, 2021 (DCR and NNDR); Platzer and
    Reutterer, *Holdout-Based Empirical Assessment of Mixed-Type Synthetic Data*, 2021.
    """
    as_key(key)
    rows, near, control = as_point_sets(
        synthetic=synthetic, used=used, held_out=held_out
    )
    num = min(len(near), len(control))
    if num < 2 or len(rows) < 1:
        raise ValueError(
            "Expected at least one synthetic row and two real rows on either side, got "
            f"{len(rows)}, {len(near)} and {len(control)}."
        )
    beside_used, beside_held_out = (
        to_real(rows, np.asarray(real)[chosen], decimals=decimals)
        for i, real in enumerate((near, control))
        for chosen in [some_rows(jax.random.fold_in(key, i), len(real), num)]
    )
    return NearestReal(beside_used, beside_held_out, num, decimals)


def to_real(
    synthetic: Float[ArrayLike, "m d"],
    real: Float[ArrayLike, "n d"],
    *,
    decimals: int = 2,
) -> ToReal:
    """Distances of synthetic rows to real ones, without a control.

    Args:
        synthetic: shape ``(m, d)``, m >= 1.
        real: shape ``(n, d)``, n >= 2.
        decimals: as in `nearest_real`, and so are the errors.

    Example:
        >>> line = np.array([[0.0], [1.0], [3.0]])
        >>> found = to_real(np.array([[0.0], [2.5]]), line)
        >>> found.distances, found.exact_matches
        (array([0. , 0.5]), 1)
    """
    decimals = as_whole(decimals, "number of decimals", smallest=0)
    nearest = np.asarray(nearest_distances(synthetic, real, num_neighbors=2))
    first, second = nearest[:, 0], nearest[:, 1]
    ratios = np.where(second > 0, first / np.where(second > 0, second, 1), 1.0)
    rounded = (np.round(np.asarray(rows), decimals) for rows in (synthetic, real))
    is_match = nearest_distances(*rounded, num_neighbors=1) == 0
    return ToReal(first, ratios, int((first == 0).sum()), int(is_match.sum()))

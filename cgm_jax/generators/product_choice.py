r"""Which of several fits of a mixture of products is kept.

Likelihood alone does not say whose rows look real. Where columns are nearly functions
of others, such as the balances of six months, it asks for that before all else, and the
months' payments go to balances that they do not belong to. So boosted trees tell rows
that were not learned from as many drawn ones, as in `table_quality`. With n rows of
each, the area under their ROC curve is off by about :math:`1 / \sqrt{6 n}`. Of the fits
whose rows are told at most two such errors better than those of the best, the likeliest
is kept; of a small table, that is the likeliest of all.

A larger mixture is kept where its gain in likelihood is above two standard errors, as
trees are pruned by one (L. Breiman, J. Friedman, R. Olshen and C. Stone,
*Classification and regression trees*, 1984): of a few hundred rows, less is chance, by
which one standard error is passed every sixth time. It is kept, too, where it is not
less likely by as much, and its rows are told less by more than two errors.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from cgm_jax.metrics.detection import areas, boosted_trees, columns_for_trees

from .product_bins import is_missing
from .product_columns import Columns, PointColumn, split_points
from .product_em import Parameters
from .product_tree import Tree

NUM_ERRORS = 2


class Fit(NamedTuple):
    """A fit, and how well it does on the rows that choose."""

    log_densities: Float[np.ndarray, " k"]  # of each
    tree: Tree
    parameters: Parameters
    smoothing: float
    area: float | None = None  # of those who tell them from drawn rows; None: not yet

    @property
    def score(self) -> float:
        """Mean log-density."""
        return float(np.mean(self.log_densities))


def is_likelier(larger: Fit, smaller: Fit) -> bool:
    """Whether it gains more than two of the errors that chance gives the gain."""
    gains = larger.log_densities - smaller.log_densities
    return bool(gains.mean() > NUM_ERRORS * gains.std(ddof=1) / math.sqrt(len(gains)))


def told_apart(
    columns: Columns, real: Float[np.ndarray, "n d"], drawn: Float[np.ndarray, "n d"]
) -> float:
    """Mean area under the ROC curve of boosted trees."""
    points = np.concatenate([real, drawn]).astype(np.float32)
    blocks = zip(columns, split_points(columns, points), strict=True)
    values = [_values(*each) for each in blocks]
    rows, is_category = columns_for_trees(values, [False] * len(values))
    is_real = np.repeat([1, 0], [len(real), len(drawn)])
    return float(areas(rows, boosted_trees(is_category, 0), is_real, 0).mean())


def kept_fit(fits: Sequence[Fit]) -> Fit:
    """The likeliest of those that the rows cannot show to be told more often."""
    least = min(map(_area, fits))
    near = [fit for fit in fits if _area(fit) <= least + _area_error(fit)]
    return max(near, key=lambda fit: fit.score)


def is_told_less(larger: Fit, smaller: Fit) -> bool:
    """Whether its rows pass for real ones more often, and it is not less likely."""
    gained = _area(smaller) - _area(larger) > _area_error(larger)
    return gained and not is_likelier(smaller, larger)


def _area(fit: Fit) -> float:
    return 0.5 if fit.area is None else fit.area


def _area_error(fit: Fit) -> float:
    return NUM_ERRORS / math.sqrt(6 * len(fit.log_densities))


def _values(column: PointColumn, block: Float[np.ndarray, "n c"]) -> np.ndarray:
    """Numbers of categories, or values, NaN where missing."""
    if column.is_category:
        return np.argmax(block, axis=1).astype(np.float32)
    return np.where(is_missing(column, block), np.nan, block[:, 0])

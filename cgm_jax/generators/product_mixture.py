r"""A mixture of products: a density of tables that can be computed exactly.

.. math:: p(x) = \sum_{c=1}^k w_c \prod_j p_{cj}(x_j)

Within a component the columns are independent: a category has probabilities, a number
is normal, or one of the values that many rows have, or missing. Dependence between
columns is in the components. Marginals and conditionals are mixtures of the same kind,
and the likelihood of rows that were not learned says how many components there should
be.

Rows are set aside twice. Those held out are never used: they judge. One in ten of the
rest choose the number of components and the smoothing, and are learned afterwards.

Reference: Dempster, Laird and Rubin 1977; McLachlan and Peel, *Finite Mixture Models*,
2000. Deep circuits for tables (TabPC) are compared with such shallow mixtures.
"""

import math
from dataclasses import dataclass, replace
from operator import itemgetter

import jax
import numpy as np
from jaxtyping import Array, ArrayLike, Float, Int, Key, Num

from cgm_jax._shared.arrays import as_points
from cgm_jax._shared.checks import as_whole
from cgm_jax._shared.precision import at_once, on_numbers
from cgm_jax.tables import TableCodec

from . import product_em
from .product_columns import (
    Columns,
    Units,
    codec_columns,
    features,
    fitted_units,
    plain_columns,
    state_slices,
)
from .product_em import Parameters, Rows
from .product_model import ProductMixtureModel
from .quality import sample_quality

__all__ = ["ProductMixture", "ProductMixtureModel"]

LEAST_POINTS = 20
MOST_COMPONENTS = 1_024
CHOOSING = 0.1  # share of the rows not held out
START = 0.1  # the smoothing with which the number of components is chosen
SMOOTHINGS = (0.01, 0.001, 0.0001), (1.0, 10.0, 100.0)  # tried while likelihood rises
MOST_JUDGED = 10_000, 2_000  # learned and drawn points that are compared
_FACTS = "num_components", "held_out", "min_rows", "max_steps"


@dataclass(frozen=True, kw_only=True)
class ProductMixture:
    """Mixture of products, fitted by expectation and maximisation.

    Points are sampled in float32. With a codec they are its points: rows of tables that
    `TableGenerator` makes rows that may be handed out.

    Args:
        num_components: products that are mixed, at most a fifth (one in ``min_rows``)
            of the rows that are learned. By default doubled from 1 until the likelihood
            of other rows stops rising.
        codec: whose points are fitted; by default each coordinate is a number.
        smoothing: rows like the pool that each component counts besides its own,
            positive. By default 0.1, or that times a power of ten where it makes other
            rows likelier.
        held_out: share of the points that is never used, to be judged by; of 0, there
            is no judgement.
        min_rows: rows, as the sum of their shares, that every component has at least.
        max_steps: steps of a fit, unless it gains nothing before.

    Raises:
        ValueError: for invalid options.

    Example:
        >>> import jax, numpy as np
        >>> generator = ProductMixture(num_components=2)
        >>> fit_key, sample_key = jax.random.split(jax.random.key(0))
        >>> points = np.random.default_rng(0).normal(size=(100, 2))
        >>> model = generator.fit(fit_key, points)
        >>> generator.sample(sample_key, model, 3).shape
        (3, 2)
        >>> model.marginal([0]).log_density(points[:, :1]).shape
        (100,)

    Reference: Dempster, Laird and Rubin 1977; McLachlan and Peel 2000.
    """

    num_components: int | None = None
    codec: TableCodec | None = None
    smoothing: int | float | None = None
    held_out: int | float = 0.1
    min_rows: int = 5
    max_steps: int = 100

    def __post_init__(self) -> None:
        for name in ("num_components", "min_rows", "max_steps"):
            if (value := getattr(self, name)) is not None:
                as_whole(value, name, smallest=1)
        if self.smoothing is not None and not 0 < self.smoothing < math.inf:
            raise ValueError(
                "Expected a smoothing, in rows, positive and finite, got "
                f"{self.smoothing!r}."
            )
        if not 0 <= self.held_out <= 0.5:
            raise ValueError(
                f"Expected held_out to be a share in [0, 0.5], got {self.held_out!r}."
            )

    @on_numbers()
    def fit(
        self, key: Key[Array, ""], points: Num[ArrayLike, "n d"]
    ) -> ProductMixtureModel:
        """Fit the mixture to points.

        Args:
            key: typed random key: rows that are set aside, and those started from.
            points: at least 20 rows, finite, shape ``(n, d)``; of the codec's.

        Raises:
            ValueError: for points that do not fit, or too few for so many components.
            TypeError: if the points are not real numbers.
            ModuleNotFoundError: without scikit-learn.
        """
        with at_once(x64=False):
            array = np.asarray(as_points(points, "points"))
            columns = _columns(self, array)
            held_out, others = _split_rows(key, len(array), held_out=self.held_out)
            _check_number(self, len(others))
            _, choose_key, start_key, sample_key, judge_key = _keys(key)
            learned = array[others]
            # Only numbers by which coordinates are divided; all that follows is chosen
            # and learned in these units.
            fitting = _Fitting(self, columns, fitted_units(columns, learned))
            model = fitting.chosen(choose_key, start_key, learned)
            if not len(held_out):
                return model
            drawn = model.sample(sample_key, MOST_JUDGED[1])
            # The judge compares distances: of a codec's points they are those meant.
            scale = np.ones(array.shape[1])
            if self.codec is None:
                scale = model.units.scale
            judged = [
                x / scale[None]
                for x in (learned[: MOST_JUDGED[0]], array[held_out], drawn)
            ]
            return replace(
                model,
                held_out_log_density=float(model.log_density(array[held_out]).mean()),
                quality=sample_quality(judge_key, *judged),
            )

    def sample(
        self, key: Key[Array, ""], model: ProductMixtureModel, num: int
    ) -> Float[np.ndarray, "num d"]:
        """Draw ``num`` >= 1 points, float32; more points start with fewer."""
        return model.sample(key, num)

    def held_out_rows(self, key: Key[Array, ""], num: int) -> Int[np.ndarray, " h"]:
        """Which of ``num`` points a fit with this key never uses, from 0."""
        return _split_rows(key, num, held_out=self.held_out)[0]


@dataclass(frozen=True)
class _Fitting:
    """What all fits of one choice have in common."""

    options: ProductMixture
    columns: Columns
    units: Units

    def chosen(
        self,
        choose_key: Key[Array, ""],
        start_key: Key[Array, ""],
        points: Float[np.ndarray, "n d"],
    ) -> ProductMixtureModel:
        """The model whose size and smoothing one in ten rows chose; it learns all."""
        options = self.options
        if options.num_components is not None and options.smoothing is not None:
            x, rows = self._rows(points)
            num = options.num_components
            order = product_em.start_rows(start_key, x, self._num_numbers, num)
            return self._fitted(self._started(x[order], rows), rows, options.smoothing)
        chosen_by, learned = _split(choose_key, len(points), CHOOSING)
        x, rows = self._rows(points[learned])
        smoothing = START if options.smoothing is None else options.smoothing
        sizes = _sizes(options, len(learned))
        order = product_em.start_rows(start_key, x, self._num_numbers, sizes[-1])
        scored: list[tuple[float, ProductMixtureModel]] = []
        history: list[tuple[float, float, float, float]] = []

        def score(start: Parameters, smoothing: int | float) -> None:
            model = self._fitted(start, rows, smoothing)
            score = float(model.log_density(points[chosen_by]).mean())
            size = len(start.log_weights)
            history.append((size, model.num_components, smoothing, score))
            scored.append((score, model))

        for size in sizes:
            score(self._started(x[order[:size]], rows), smoothing)
            if len(scored) > 1 and scored[-1][0] <= scored[-2][0]:
                break
        best = max(scored, key=itemgetter(0))[1]
        for values in SMOOTHINGS if options.smoothing is None else ():
            for value in values:
                score(best.parameters, value)
                if scored[-1][0] < max(scored, key=itemgetter(0))[0]:
                    break
        best = max(scored, key=itemgetter(0))[1]
        model = self._fitted(
            best.parameters, self._rows(points)[1], best.fitted_with["smoothing"]
        )
        return replace(model, history=np.array(history))

    def _rows(self, points: Float[np.ndarray, "n d"]) -> tuple[np.ndarray, Rows]:
        x = features(self.columns, self.units, points).astype(np.float32)
        return x, product_em.as_rows(x, self._num_numbers, state_slices(self.columns))

    def _started(self, x: Float[np.ndarray, "k f"], rows: Rows) -> Parameters:
        return product_em.started(x, rows, self._num_numbers)

    def _fitted(
        self, start: Parameters, rows: Rows, smoothing: int | float
    ) -> ProductMixtureModel:
        parameters, _ = product_em.fit(
            start,
            rows,
            smoothing=smoothing,
            min_rows=self.options.min_rows,
            max_steps=self.options.max_steps,
        )
        facts = {name: getattr(self.options, name) for name in _FACTS}
        return ProductMixtureModel(
            self.columns,
            _normalized(parameters, self.columns),
            self.units,
            {**facts, "smoothing": float(smoothing)},
            np.zeros((0, 4)),
        )

    @property
    def _num_numbers(self) -> int:
        return len(self.units.scale)


def _sizes(options: ProductMixture, num_rows: int) -> list[int]:
    """Numbers of components to try."""
    if options.num_components is not None:
        return [options.num_components]
    most = min(MOST_COMPONENTS, max(1, num_rows // options.min_rows))
    return [2**i for i in range(most.bit_length())]


def _normalized(parameters: Parameters, columns: Columns) -> Parameters:
    """In float64, in which probabilities sum to 1."""
    weights, states, *moments = (np.asarray(a, np.float64) for a in parameters)
    weights, states = np.exp(weights), np.exp(states)
    for places in state_slices(columns):
        states[places] /= states[places].sum(axis=0)
    return Parameters(np.log(weights / weights.sum()), np.log(states), *moments)


def _keys(key: Key[Array, ""]) -> Key[Array, " 5"]:
    return jax.random.split(key, 5)


def _split_rows(
    key: Key[Array, ""], num: int, *, held_out: int | float
) -> tuple[Int[np.ndarray, " h"], Int[np.ndarray, " m"]]:
    """Points that a fit with this key never uses, and the others."""
    with at_once(x64=False):
        return _split(_keys(key)[0], num, held_out)


def _split(
    key: Key[Array, ""], num: int, share: int | float
) -> tuple[Int[np.ndarray, " h"], Int[np.ndarray, " m"]]:
    """A share of the rows, at least two unless it is 0, and the others."""
    order = np.asarray(jax.random.permutation(key, num))
    num_chosen = max(2, round(share * num)) if share else 0
    return order[:num_chosen], order[num_chosen:]


def _columns(options: ProductMixture, points: Float[np.ndarray, "n d"]) -> Columns:
    """The columns of points that fit."""
    if len(points) < LEAST_POINTS:
        raise ValueError(
            f"Expected at least {LEAST_POINTS} points, got {len(points)}: a tenth is "
            "held out."
        )
    if options.codec is None:
        return plain_columns(points.shape[1])
    if points.shape[1] != options.codec.num_dimensions:
        raise ValueError(
            f"Expected points of the codec's {options.codec.num_dimensions} "
            f"coordinates, got {points.shape[1]}."
        )
    return codec_columns(options.codec)


def _check_number(options: ProductMixture, num_rows: int) -> None:
    most = num_rows // options.min_rows
    if most < (options.num_components or 1):
        raise ValueError(
            f"Expected at most {most} components, {options.min_rows} of the "
            f"{num_rows} rows that are learned for each, got "
            f"{options.num_components or 1}; ask for fewer, or lower min_rows."
        )

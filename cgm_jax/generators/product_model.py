"""A fitted mixture of products: its density, its marginals and conditionals, a file."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float, Key

from cgm_jax._shared import archive
from cgm_jax._shared.arrays import Points, as_points
from cgm_jax._shared.precision import at_once

from .base import BLOCK_SIZE, sample_in_blocks
from .product_columns import (
    Columns,
    PointColumn,
    Units,
    chosen_columns,
    features,
    split_points,
    state_slices,
)
from .product_em import CHUNK_SIZE, Parameters, coefficients
from .quality import SampleQuality

__all__ = ["ProductMixtureModel"]

KIND, ADVICE = "mixture of products", "fit one with ProductMixture"
_NAMES = "log_weights", "log_probabilities", "means", "variances"


@dataclass(frozen=True, eq=False)
class ProductMixtureModel:
    r"""A mixture of products over the columns of points.

    .. math:: p(x) = \sum_c w_c \prod_j p_{cj}(x_j)

    Attributes:
        columns: what the coordinates are.
        parameters: of the components: logarithms of their weights, shape ``(k,)``, and
            of the probabilities of all columns' states, ``(s, k)``; means and variances
            of the columns of numbers, ``(g, k)``, in standardised units; float64.
        units: shift and scale of the columns of numbers.
        fitted_with: the options, as JSON holds them, with the smoothing that was used.
        history: one row per fit that was tried: components asked for and kept, the
            smoothing, and the mean log-density of the rows that chose between them.
        held_out_log_density: mean over rows that were neither learned nor chosen by.
        quality: how samples compare with these rows.
    """

    columns: Columns
    parameters: Parameters
    units: Units
    fitted_with: dict[str, Any]
    history: Float[np.ndarray, "fits 4"]
    held_out_log_density: float | None = None
    quality: SampleQuality | None = None

    @property
    def num_components(self) -> int:
        """How many products are mixed."""
        return len(self.parameters.log_weights)

    @property
    def num_dimensions(self) -> int:
        """Coordinates of a point."""
        return sum(column.size for column in self.columns)

    @property
    def weights(self) -> Float[np.ndarray, " k"]:
        """Share of each component."""
        return np.exp(np.asarray(self.parameters.log_weights))

    @property
    def means(self) -> Float[np.ndarray, "k g"]:
        """Mean of each component in each column of numbers, in the points' units."""
        means = np.asarray(self.parameters.means)
        return self.units.shift + self.units.scale * means.T

    @property
    def variances(self) -> Float[np.ndarray, "k g"]:
        """Variances, in the points' units."""
        variances = np.asarray(self.parameters.variances)
        return variances.T * self.units.scale**2

    def log_density(self, points: Float[ArrayLike, "n d"]) -> Float[np.ndarray, " n"]:
        """Logarithm of the density of points, shape ``(n,)``, float64.

        Of columns that are categories, of mass points and of missing cells it is the
        probability; a point counts as the row that it is nearest to.

        Raises:
            ValueError: for points of other columns.
        """
        array = np.asarray(as_points(points, "points"), np.float64)
        if array.shape[1] != self.num_dimensions:
            raise ValueError(
                f"Expected points of {self.num_dimensions} coordinates, as those of "
                f"the fit, got {array.shape[1]}."
            )
        chunks = np.split(array, range(CHUNK_SIZE, len(array), CHUNK_SIZE))
        return np.concatenate([_log_sum(self._joint(chunk)) for chunk in chunks])

    def marginal(self, columns: Iterable[str | int]) -> "ProductMixtureModel":
        """The same mixture of some columns alone: the other factors are dropped.

        Args:
            columns: by name, or by place counted from 0. They stay in their order.

        Returns:
            A model of points that have only the coordinates of these columns.

        Raises:
            ValueError: for columns that there are not, or none.
        """
        chosen = chosen_columns(self.columns, columns)
        slices = state_slices(self.columns)
        states = np.concatenate([np.r_[slices[i]] for i in chosen])
        places = np.cumsum([not column.is_category for column in self.columns]) - 1
        numbers = [places[i] for i in chosen if not self.columns[i].is_category]
        log_weights, log_probabilities, means, variances = self.parameters
        return replace(
            self,
            columns=tuple(self.columns[i] for i in chosen),
            parameters=Parameters(
                log_weights,
                log_probabilities[states],
                means[numbers],
                variances[numbers],
            ),
            units=Units(self.units.shift[numbers], self.units.scale[numbers]),
            held_out_log_density=None,
            quality=None,
        )

    def conditional(
        self,
        key: Key[Array, ""],
        given: Float[ArrayLike, " d"] | Mapping[str, ArrayLike],
        num: int,
    ) -> Float[np.ndarray, "num d"]:
        """Draw points whose known columns are those of ``given``.

        A component is as likely as it is after the known columns have been seen.

        Args:
            key: typed random key.
            given: one point, NaN where unknown; a column is known or unknown as a
                whole. Or the coordinates of known columns, by name.
            num: points to draw; more start with fewer.

        Returns:
            Shape ``(num, d)``, float32.

        Raises:
            ValueError: for another shape, a column of which a part is known, or a
                name that no column has.
        """
        if isinstance(given, Mapping):
            given = self._point(given)
        row = np.asarray(given, np.float64)
        if row.shape != (self.num_dimensions,) or np.isinf(row).any():
            raise ValueError(
                f"Expected one point given, of {self.num_dimensions} finite "
                f"coordinates, NaN where unknown, got shape {row.shape} or infinity."
            )
        known = []
        for i, block in enumerate(split_points(self.columns, row[None])):
            is_nan = np.isnan(block)
            if is_nan.any() and not is_nan.all():
                raise ValueError(
                    "Expected all coordinates of a column or none, got a part of those "
                    f"of {self.columns[i].name}; set the others to NaN, too."
                )
            if not is_nan.any():
                known.append(i)
        log_weights = self.parameters.log_weights
        is_known = ~np.isnan(row)
        if known:
            joint = self.marginal(known)._joint(row[None, is_known])
            log_weights = (joint - _log_sum(joint)[:, None])[0]
        points = np.array(self._sampled(key, num, np.exp(log_weights)))
        points[:, is_known] = row[is_known].astype(np.float32)
        return points

    def sample(self, key: Key[Array, ""], num: int) -> Float[np.ndarray, "num d"]:
        """Draw ``num`` >= 1 points, float32; more points start with fewer."""
        return self._sampled(key, num, self.weights)

    def save(self, path: str | Path) -> None:
        """Write the model to a file, by custom ``.npz``, in place of what is there."""
        archive.write_archive(path, KIND, *self.parts())

    @classmethod
    def load(cls, path: str | Path) -> "ProductMixtureModel":
        """Read a model that `save` wrote; a ``ValueError`` if the file is damaged."""
        facts, arrays = archive.read_archive(path, KIND, advice=ADVICE)
        with archive.archive_errors(path, KIND, advice=ADVICE):
            return cls.of_parts(facts, arrays)

    def parts(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Facts and arrays, as an archive holds them."""
        facts = {
            "columns": [asdict(column) for column in self.columns],
            "options": self.fitted_with,
            "held_out_log_density": self.held_out_log_density,
            "quality": self.quality and asdict(self.quality),
        }
        arrays = {**self.parameters._asdict(), **vars(self.units)}
        return facts, {**arrays, "history": self.history}

    @classmethod
    def of_parts(
        cls, facts: Mapping[str, Any], arrays: archive.Arrays
    ) -> "ProductMixtureModel":
        """The model of `parts`; within `archive_errors`, as others may be read."""
        columns = tuple(
            PointColumn(**{k: _tuple(v) for k, v in column.items()})
            for column in facts["columns"]
        )
        model = cls(
            columns,
            Parameters(*(arrays[name] for name in _NAMES)),
            Units(arrays["shift"], arrays["scale"]),
            facts["options"],
            arrays["history"],
            facts["held_out_log_density"],
            facts["quality"]
            and SampleQuality(**{k: _tuple(v) for k, v in facts["quality"].items()}),
        )
        _check(model)
        return model

    def _point(self, given: Mapping[str, ArrayLike]) -> Float[np.ndarray, " d"]:
        """The point with some columns, NaN in the others."""
        row = np.full(self.num_dimensions, np.nan)
        blocks = split_points(self.columns, row[None])  # views of the row
        places = {column.name: i for i, column in enumerate(self.columns)}
        for name, value in given.items():
            chosen_columns(self.columns, [name])
            block = blocks[places[name]][0]
            if np.size(value) != len(block):
                raise ValueError(
                    f"Expected {len(block)} coordinates of {name}, got "
                    f"{np.size(value)}."
                )
            block[:] = np.ravel(value)
        return row

    def _joint(self, points: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n k"]:
        """Logarithms of w_c p_c(x)."""
        x = features(self.columns, self.units, points)
        log_weights = self.parameters.log_weights
        # Every number's state 0 has a value, whose density is in the points' units.
        num = len(self.units.scale)
        start = x.shape[1] - 3 * num
        volume = x[:, start : start + num] @ np.log(self.units.scale)
        return x @ coefficients(self.parameters) + log_weights[None] - volume[:, None]

    def _sampled(
        self, key: Key[Array, ""], num: int, weights: Float[np.ndarray, " k"]
    ) -> Float[np.ndarray, "num d"]:
        probabilities = np.exp(self.parameters.log_probabilities).T
        tables = [np.cumsum(weights)[None]]
        for states in state_slices(self.columns):
            tables.append(np.cumsum(probabilities[:, states], axis=1))
        tables = [table / table[:, -1:] for table in tables]
        with at_once(key, x64=False):
            draw = partial(_draw, self, tables)
            return np.asarray(sample_in_blocks(draw, key, num))


def _draw(
    model: ProductMixtureModel, tables: list[np.ndarray], key: Key[Array, ""]
) -> Points:
    """A block of points; the tables are cumulative: of components, then of states."""
    uniform_key, normal_key = jax.random.split(key)
    shapes = (BLOCK_SIZE, len(tables)), (BLOCK_SIZE, len(model.units.scale))
    uniform = np.asarray(jax.random.uniform(uniform_key, shapes[0], jnp.float32))
    normal = np.asarray(jax.random.normal(normal_key, shapes[1], jnp.float32))
    component = _inverse(tables[0], uniform[:, 0])
    z = model.parameters.means.T[component]
    z = z + np.sqrt(model.parameters.variances.T[component]) * normal
    values = iter((model.units.shift[None] + model.units.scale[None] * z).T)
    blocks = []
    for i, column in enumerate(model.columns, 1):
        state = _inverse(tables[i][component], uniform[:, i])
        number = None if column.is_category else next(values)
        blocks.append(column.block(state, number))
    return np.concatenate(blocks, axis=1).astype(np.float32)


def _inverse(table: np.ndarray, uniform: np.ndarray) -> np.ndarray:
    """The first place whose cumulative probability is above a number in [0, 1)."""
    if len(table) == 1:
        return np.searchsorted(table[0], uniform, side="right")
    return np.count_nonzero(table <= uniform[:, None], axis=1)


def _log_sum(joint: Float[np.ndarray, "n k"]) -> Float[np.ndarray, " n"]:
    largest = joint.max(axis=1)
    return largest + np.log(np.exp(joint - largest[:, None]).sum(axis=1))


def _check(model: ProductMixtureModel) -> None:
    """Raise unless arrays fit together and are parameters of densities."""
    num_states = sum(column.num_states for column in model.columns)
    num_numbers = sum(not column.is_category for column in model.columns)
    k = len(model.parameters.log_weights)
    shapes = (k,), (num_states, k), (num_numbers, k), (num_numbers, k)
    arrays = *model.parameters, model.units.shift, model.units.scale
    expected = *shapes, (num_numbers,), (num_numbers,)
    for array, shape in zip(arrays, expected, strict=True):
        if array.shape != shape or array.dtype != np.float64 or not k:
            raise archive.Mismatch("one whose arrays do not fit together")
        if not np.isfinite(array).all():
            raise archive.Mismatch("one whose numbers are not finite")
    is_scale = (model.units.scale > 0).all() and (model.parameters.variances > 0).all()
    sums = [model.weights.sum()]
    probabilities = np.exp(model.parameters.log_probabilities)
    for states in state_slices(model.columns):
        sums.extend(probabilities[states].sum(axis=0))
    if not is_scale or not np.allclose(sums, 1, rtol=0, atol=1e-6):
        raise archive.Mismatch("one whose probabilities do not sum to 1")


def _tuple(value: Any) -> Any:
    """JSON holds tuples as lists."""
    return tuple(value) if isinstance(value, list) else value

"""A fitted mixture of products: its density, its marginals and conditionals, a file."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Array, Float, Int, Key

from cgm_jax._shared import archive
from cgm_jax._shared.arrays import AnyArray, ArrayLike, as_points, to_host
from cgm_jax._shared.precision import at_once, compiled

from .base import BLOCK_SIZE, sample_in_blocks
from .product_bins import Bins, states_of
from .product_columns import Columns, PointColumn, chosen_columns, split_points
from .product_em import Parameters, chunk_size, kept, messages, padded
from .product_tree import Tree
from .quality import SampleQuality

__all__ = ["ProductMixtureModel"]

KIND, ADVICE = "mixture of products", "fit one with ProductMixture"
_PIECES = "low", "high", "share", "bin"


@dataclass(frozen=True, eq=False)
class ProductMixtureModel:
    r"""A hierarchical mixture of products over the columns of points.

    .. math:: p(x) = \sum_z w(z_1) \prod_{i>1} T_i(z_{p(i)}, z_i) \prod_j p_j(x_j | z)

    Attributes:
        bins: what the coordinates are: the states of each column.
        tree: the parent of each node, and the node of each column.
        parameters: probabilities of the hidden states, of the root ``(h,)`` and of the
            other nodes given the parent's ``(m - 1, h, h)``, and of the states of each
            column ``(c, s, h)``; float64.
        fitted_with: the options, as JSON holds them, with the smoothing that was used.
        history: one row per fit that was tried: components asked for and kept, the
            smoothing, and the mean log-density of the rows that chose between them.
        held_out_log_density: mean over rows that were neither learned nor chosen by.
        quality: how samples compare with these rows.
    """

    bins: tuple[Bins, ...]
    tree: Tree
    parameters: Parameters
    fitted_with: dict[str, Any]
    history: Float[np.ndarray, "fits 4"]
    held_out_log_density: float | None = None
    quality: SampleQuality | None = None

    @property
    def columns(self) -> Columns:
        """What the coordinates are."""
        return tuple(one.column for one in self.bins)

    @property
    def num_components(self) -> int:
        """Hidden states that are left at the node that has most of them."""
        return int(kept(self.parameters).sum(axis=1).max())

    @property
    def num_dimensions(self) -> int:
        """Coordinates of a point."""
        return sum(column.size for column in self.columns)

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
        states, within = states_of(self.bins, array)
        num_nodes = len(self.tree.parents)
        with at_once(x64=True):
            size = chunk_size(len(array), num_nodes, len(self.parameters.weights))
            chunks = [states[i : i + size] for i in range(0, len(states), size)]
            sums = [
                np.asarray(_log_density(self.parameters, self.tree, padded(x, size)[0]))
                for x in chunks
            ]
        return np.concatenate(sums)[: len(array)] + within

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
        emissions = self.parameters.emissions[np.array(chosen)]
        return replace(
            self,
            bins=tuple(self.bins[i] for i in chosen),
            tree=self.tree._replace(nodes=self.tree.nodes[np.array(chosen)]),
            parameters=self.parameters._replace(emissions=emissions),
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
        row = to_host(given)
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
        is_known = ~np.isnan(row)
        model = self
        if known:
            model = self._after(self.marginal(known), row[None, is_known])
        points = np.array(model.sample(key, num))
        points[:, is_known] = row[is_known].astype(np.float32)
        return points

    def sample(self, key: Key[Array, ""], num: int) -> Float[np.ndarray, "num d"]:
        """Draw ``num`` >= 1 points, float32; more points start with fewer.

        Each is a draw from the density. Those of a block of 4,096 are not independent:
        together the shares of values are nearer to the density's than by chance.
        """
        tables = _Tables.of(self)
        with at_once(key, x64=False):
            return np.asarray(sample_in_blocks(partial(_draw, self, tables), key, num))

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
        pieces = {
            name: np.concatenate([getattr(one, name) for one in self.bins])
            for name in _PIECES
        }
        arrays = {**self.parameters._asdict(), **self.tree._asdict(), **pieces}
        num_pieces = np.array([len(one.low) for one in self.bins])
        return facts, {**arrays, "num_pieces": num_pieces, "history": self.history}

    @classmethod
    def of_parts(
        cls, facts: Mapping[str, Any], arrays: archive.Arrays
    ) -> "ProductMixtureModel":
        """The model of `parts`; within ``archive_errors``, as others may be read."""
        columns = tuple(
            PointColumn(**{k: _tuple(v) for k, v in column.items()})
            for column in facts["columns"]
        )
        ends = np.cumsum(arrays["num_pieces"])[:-1]
        pieces = [np.split(arrays[name], ends) for name in _PIECES]
        model = cls(
            tuple(Bins(*one) for one in zip(columns, *pieces, strict=True)),
            Tree(*(arrays[name] for name in Tree._fields)),
            Parameters(*(arrays[name] for name in Parameters._fields)),
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

    def _after(
        self, known: "ProductMixtureModel", point: Float[np.ndarray, "1 _"]
    ) -> "ProductMixtureModel":
        """The mixture after columns have been seen: a message from each node below."""
        states, _ = states_of(known.bins, point)
        with at_once(x64=True):
            _, below, _ = messages(known.parameters, known.tree, states)
        below = np.asarray(below)[:, 0]
        weights, transitions, emissions = self.parameters
        weights = weights * below[0]
        transitions = transitions * below[1:, None]
        sums = transitions.sum(axis=2, keepdims=True)
        # A parent's state that cannot be, whose children's states do not matter.
        transitions = np.where(sums > 0, transitions / np.where(sums > 0, sums, 1), 0)
        parameters = Parameters(weights / weights.sum(), transitions, emissions)
        return replace(self, parameters=parameters)


class _Tables(NamedTuple):
    """Cumulative probabilities."""

    root: Float[np.ndarray, " h"]
    transitions: Float[np.ndarray, "e h h"]
    emissions: list[Float[np.ndarray, "h s"]]

    @classmethod
    def of(cls, model: ProductMixtureModel) -> "_Tables":
        weights, transitions, emissions = model.parameters
        states = [
            np.cumsum(emission[: one.num_states].T, axis=1)
            for one, emission in zip(model.bins, emissions, strict=True)
        ]
        return cls(np.cumsum(weights), np.cumsum(transitions, axis=2), states)


def _draw(
    model: ProductMixtureModel, tables: _Tables, key: Key[Array, ""]
) -> Float[np.ndarray, "m d"]:
    """A block of points, from the root to the columns."""
    num_nodes, num_columns = len(model.tree.parents), len(model.bins)
    uniform = iter(_even_numbers(key, num_nodes + 2 * num_columns).T)
    hidden = [np.searchsorted(tables.root, next(uniform) * tables.root[-1], "right")]
    for table, parent in zip(tables.transitions, model.tree.parents[1:], strict=True):
        hidden.append(_inverse(table[hidden[parent]], next(uniform)))
    blocks = []
    for one, table, node in zip(
        model.bins, tables.emissions, model.tree.nodes, strict=True
    ):
        states = _inverse(table[hidden[node]], next(uniform))
        blocks.append(one.block(states, next(uniform)))
    return np.concatenate(blocks, axis=1).astype(np.float32)


def _even_numbers(key: Key[Array, ""], num: int) -> Float[np.ndarray, "m _"]:
    """Numbers in [0, 1) for a block: a Latin hypercube, no two in one m-th of a column.

    Means over a block's points have at most m / (m - 1) times the variance of those of
    independent points, and far less where few columns make them (M. Stein 1987).
    """
    from scipy.stats.qmc import LatinHypercube  # slow to import

    rng = np.random.default_rng(np.asarray(jax.random.key_data(key)))
    return LatinHypercube(num, rng=rng).random(BLOCK_SIZE)


def _inverse(table: np.ndarray, uniform: np.ndarray) -> np.ndarray:
    """The first place whose cumulative probability is above a number in [0, 1)."""
    return np.count_nonzero(table <= (uniform * table[:, -1])[:, None], axis=1)


@compiled()
def _log_density(
    parameters: Parameters, tree: Tree, states: Int[AnyArray, "n c"]
) -> Float[Array, " n"]:
    return messages(parameters, tree, states)[0]


def normalized(parameters: Parameters, bins: tuple[Bins, ...]) -> Parameters:
    """In float64, in which probabilities sum to 1; 0 beyond a column's states."""
    weights, transitions, emissions = (np.asarray(a, np.float64) for a in parameters)
    num_states = np.array([one.num_states for one in bins])
    is_state = np.arange(emissions.shape[1])[None] < num_states[:, None]
    emissions = emissions * is_state[:, :, None]
    return Parameters(
        weights / weights.sum(),
        transitions / transitions.sum(axis=2, keepdims=True),
        emissions / emissions.sum(axis=1, keepdims=True),
    )


def _check(model: ProductMixtureModel) -> None:
    """Raise unless arrays fit together and are parameters of densities."""
    (weights, transitions, emissions), (parents, nodes) = model.parameters, model.tree
    h, m, c = len(weights), len(parents), len(model.bins)
    pieces = [[getattr(one, name) for name in _PIECES] for one in model.bins]
    fits = [
        transitions.shape == (m - 1, h, h),
        emissions.shape == (c, emissions.shape[1], h),
        nodes.shape == (c,),
        emissions.shape[1] >= max(one.num_states for one in model.bins),
        all(array.dtype == np.float64 for array in model.parameters),
        all(len({len(array) for array in one}) == 1 for one in pieces),
        (parents[1:] < np.arange(1, m)).all() and (parents >= 0).all(),
        ((nodes >= 0) & (nodes < m)).all(),
    ]
    if not all(fits):
        raise archive.Mismatch("one whose arrays do not fit together")
    numbers = [*model.parameters, *(array for one in pieces for array in one)]
    if not all(np.isfinite(array).all() for array in numbers):
        raise archive.Mismatch("one whose numbers are not finite")
    is_share = all((array >= 0).all() for array in model.parameters)
    sums = [np.ravel(a) for a in (weights.sum(), transitions.sum(2), emissions.sum(1))]
    if not is_share or not np.allclose(np.concatenate(sums), 1, rtol=0, atol=1e-6):
        raise archive.Mismatch("one whose probabilities do not sum to 1")


def _tuple(value: Any) -> Any:
    """JSON holds tuples as lists."""
    return tuple(value) if isinstance(value, list) else value

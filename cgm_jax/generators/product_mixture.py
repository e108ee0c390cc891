r"""A mixture of products: a density of tables that can be computed exactly.

.. math:: p(x) = \sum_z w(z_1) \prod_{i>1} T_i(z_{p(i)}, z_i) \prod_j p_j(x_j | z_j)

Given the components z, the columns are independent: each has one of the states of a
column, a category or a bin of its numbers, in which the value is drawn. Each column has
its own component, one of h; the components form a tree, so that columns that say much
of each other are near. A mixture of a few products of all columns would be the case in
which all components are equal; here the sum is over as many products as there are
ways through the tree. It is a product of matrices, and so are marginals, conditionals
and both steps of the fit.

Rows are set aside twice. Those held out are never used: they judge. One in five of the
rest choose the number of components, the smoothing and when to stop, and are learned
in the last steps.

Reference: C. Chow and C. Liu 1968; M. Meila and M. Jordan, *Learning with mixtures of
trees*, 2000; A. Liu and G. Van den Broeck, *Tractable regularization of probabilistic
circuits*, 2021, for hidden Chow-Liu trees.
"""

import math
from dataclasses import dataclass, replace
from operator import attrgetter

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key, Num

from cgm_jax._shared.arrays import AnyArray, ArrayLike, as_points
from cgm_jax._shared.checks import as_key, as_number, as_whole, check_kind
from cgm_jax._shared.precision import at_once, on_numbers
from cgm_jax.tables import TableCodec

from . import product_em
from .held_out import split_rows
from .product_bins import Bins, fitted_bins, states_of
from .product_choice import Fit, is_likelier, is_told_less, kept_fit, told_apart
from .product_columns import Columns, codec_columns, plain_columns
from .product_em import Parameters
from .product_model import ProductMixtureModel, normalized
from .product_tree import Tree, trees
from .quality import sample_quality

__all__ = ["ProductMixture", "ProductMixtureModel"]

LEAST_POINTS = 20
SIZES = 1, 8, 64, 256  # components, tried while other rows show a gain
MODEST = 64  # components with which the tree and the smoothing are chosen
CHOOSING = 0.2  # share of the rows not held out; of fewer, trees look alike
FEW, NUM_STARTS = 8, 4  # few can get stuck: of four starts the likeliest is kept
START = 1.0  # the smoothing with which the tree is chosen
SMOOTHINGS = 0.3, 0.1  # tried while likelihood rises; of more, rows show the pool
WARM_UP = 2  # passes before the first hidden state may be dropped
TOLERANCE = 5e-3, 4e-4  # gain a row, in nats; at most this for each column
PATIENCE = 1  # passes without it
LEAST_JUDGED = 100  # rows that choose: of fewer, the likelihood says more
MOST_JUDGED = 4_000, 2_000  # learned and drawn points that are compared
_FACTS = "num_components", "held_out", "min_rows", "max_steps"


@dataclass(frozen=True, kw_only=True)
class ProductMixture:
    """Mixture of products along a tree, fitted by expectation and maximisation.

    Numbers are drawn in bins of about equally many rows, and values that many rows have
    are drawn exactly. Points are sampled in float32. With a codec they are its points:
    rows of tables that `TableGenerator` makes rows that may be handed out.

    Args:
        num_components: hidden states of each column, at most one in ``min_rows`` of
            the rows that are learned. By default from 1 to 256, more as long as other
            rows are likelier, or drawn ones more like them, by more than chance.
        codec: whose points are fitted; by default each coordinate is a number.
        smoothing: rows like the pool that each hidden state counts besides its own,
            positive. By default 1, .3 or .1, as other rows choose.
        held_out: share of the points, the same of each of 16 parts of the pool, that
            no fit uses, to be judged by; with 0 there is no judgement, ``quality`` and
            ``held_out_log_density`` are None.
        min_rows: rows, as the sum of their shares, that every hidden state has at
            least; a value that fewer rows have is never drawn for itself.
        max_steps: passes over the rows in a fit, unless it gains nothing before.

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

    Reference: Chow and Liu 1968; Meila and Jordan 2000; Liu and Van den Broeck 2021.
    """

    num_components: int | None = None
    codec: TableCodec | None = None
    smoothing: int | float | None = None
    held_out: int | float = 0.1
    min_rows: int = 5
    max_steps: int = 20

    def __post_init__(self) -> None:
        for name in ("num_components", "min_rows", "max_steps"):
            if (value := getattr(self, name)) is not None:
                as_whole(value, name, smallest=1)
        if self.codec is not None:
            check_kind(self.codec, TableCodec)
        if self.smoothing is not None and not (
            0 < as_number(self.smoothing, "as the smoothing") < math.inf
        ):
            raise ValueError(
                "Expected a smoothing, in rows, positive and finite, got "
                f"{self.smoothing!r}."
            )
        if not 0 <= as_number(self.held_out, "held_out") <= 0.5:
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
        as_key(key)
        with at_once(x64=False):
            array = np.asarray(as_points(points, "points"))
            columns = _columns(self, array)
            held_out, others = _split_rows(key, self, array)
            _check_number(self, len(others))
            _, choose_key, start_key, sample_key, judge_key = _keys(key)
            learned = array[others]
            bins = fitted_bins(columns, learned, min_rows=self.min_rows)
            keys = jnp.stack([choose_key, start_key])
            model = _Fitting(self, bins).chosen(keys, learned)
            if not self.held_out:
                return model
            drawn = model.sample(sample_key, MOST_JUDGED[1])
            scale = _scale(self, learned)
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
        check_kind(model, ProductMixtureModel, "`fit`")
        return model.sample(key, num)

    @on_numbers()
    def held_out_rows(
        self, key: Key[Array, ""], points: Num[ArrayLike, "n d"]
    ) -> Int[np.ndarray, " h"]:
        """Which of the points a fit with this key never uses, from 0."""
        as_key(key)
        with at_once(x64=False):
            return _split_rows(key, self, np.asarray(as_points(points, "points")))[0]


@dataclass(frozen=True)
class _Fitting:
    """What all fits of one choice have in common."""

    options: ProductMixture
    bins: tuple[Bins, ...]

    def chosen(
        self, keys: Key[Array, " 2"], points: Float[np.ndarray, "n d"]
    ) -> ProductMixtureModel:
        """The model whose size and smoothing one in five rows chose; it learns all."""
        options, (choose_key, start_key) = self.options, keys
        draw_key = jax.random.fold_in(start_key, options.max_steps)  # after the passes
        states, density = states_of(self.bins, points)
        others, learned = _split(choose_key, len(points), CHOOSING)
        num_states = np.array([one.num_states for one in self.bins])
        pool = jnp.asarray(product_em.pool_shares(states[learned], num_states))
        choosing = states[others], density[others]
        order = np.asarray(jax.random.permutation(start_key, len(learned)))
        smoothing = START if options.smoothing is None else options.smoothing
        history: list[tuple[float, float, float, float]] = []

        def fit(tree: Tree, start: Parameters, smoothing: int | float) -> Fit:
            rows = _Rows(states[learned], pool, tree)
            one = rows.fitted(
                start_key, start, options, smoothing=smoothing, choosing=choosing
            )
            num_kept = int(product_em.kept(one.parameters).sum(axis=1).max())
            history.append((len(start.weights), num_kept, smoothing, one.score))
            return one

        # By the tree, which its fit holds, the size and the smoothing.
        sized_once: dict[tuple[int, int, int | float], Fit] = {}

        def sized(size: int, tree: Tree, smoothing: int | float) -> Fit:
            choice = id(tree), size, smoothing
            if choice not in sized_once:
                num = min(NUM_STARTS, len(order) // size) if 1 < size <= FEW else 1
                rows = np.array_split(states[learned][order[: num * size]], num)
                starts = [product_em.started(x, pool, len(tree.parents)) for x in rows]
                fits = [fit(tree, start, smoothing) for start in starts]
                sized_once[choice] = max(fits, key=_SCORE)
            return sized_once[choice]

        def grown(best: Fit, sizes: list[int]) -> Fit:
            for size in sizes:
                one = sized(size, best.tree, best.smoothing)
                if not is_likelier(one, best):
                    one, best = judged(one), judged(best)
                    if not is_told_less(one, best):
                        return best
                best = one
            return best

        def judged(one: Fit) -> Fit:
            if one.area is not None or len(others) < LEAST_JUDGED:
                return one
            drawn = self._drawn(draw_key, one, len(others))
            area = told_apart(tuple(x.column for x in self.bins), points[others], drawn)
            return one._replace(area=area)

        def kept(fits: list[Fit]) -> Fit:
            return kept_fit(list(map(judged, fits)) if len(fits) > 1 else fits)

        sizes = _sizes(options, len(learned))
        modest = [x for x in sizes if x <= MODEST] or sizes
        fits = []
        for tree in trees(states[learned], num_states):
            tree = Tree(*map(jnp.asarray, tree))  # on the device
            smallest = sized(modest[0], tree, smoothing)
            fits.append(grown(smallest, modest[1:]))
            modest = [len(max(fits, key=_SCORE).parameters.weights)]
        best = kept(fits)
        fits = [best]
        for value in SMOOTHINGS if options.smoothing is None else ():
            fits.append(fit(best.tree, best.parameters, value))
            if fits[-1].score < max(map(_SCORE, fits)):
                break
        best = kept(fits)
        best = grown(best, [x for x in sizes if x > len(best.parameters.weights)])
        parameters = product_em.settled(
            *(best.parameters, best.tree, states, pool),
            smoothing=best.smoothing,
            min_rows=options.min_rows,
        )
        return self._model(best._replace(parameters=parameters), np.array(history))

    def _model(
        self, fit: Fit, history: Float[np.ndarray, "fits 4"]
    ) -> ProductMixtureModel:
        facts = {name: getattr(self.options, name) for name in _FACTS}
        return ProductMixtureModel(
            self.bins,
            Tree(*map(np.asarray, fit.tree)),
            normalized(fit.parameters, self.bins),
            {**facts, "smoothing": fit.smoothing},
            history,
        )

    def _drawn(
        self, key: Key[Array, ""], fit: Fit, num: int
    ) -> Float[np.ndarray, "num d"]:
        """Rows of a fit, as they may be handed out."""
        points = self._model(fit, np.empty((0, 4))).sample(key, num)
        codec = self.options.codec
        return points if codec is None else codec.handed_out(points)


_SCORE = attrgetter("score")


@dataclass(frozen=True, eq=False)
class _Rows:
    """States of rows that are learned, their shares, and the tree of the columns."""

    states: Int[np.ndarray, "n c"]
    pool: Float[AnyArray, "c s"]
    tree: Tree

    def fitted(
        self,
        key: Key[Array, ""],
        parameters: Parameters,
        options: ProductMixture,
        *,
        smoothing: int | float,
        choosing: tuple[Int[np.ndarray, "k c"], Float[np.ndarray, " k"]],
    ) -> Fit:
        """Passes until other rows get no likelier, and how likely they are."""
        others, density = choosing
        counts = product_em.no_counts(parameters)
        least = min(TOLERANCE[0], TOLERANCE[1] * self.states.shape[1])
        nothing = np.full(1, -np.inf)
        best, num_flat = Fit(nothing, self.tree, parameters, float(smoothing)), 0
        for i in range(options.max_steps):
            parameters, counts = product_em.one_pass(
                jax.random.fold_in(key, i),
                *(parameters, counts, self.tree, self.states, self.pool),
                num_before=i,
                smoothing=smoothing,
                min_rows=options.min_rows if i >= WARM_UP else 0,
            )
            rows = product_em.log_likelihoods(parameters, self.tree, others)
            one = best._replace(log_densities=rows + density, parameters=parameters)
            num_flat = 0 if one.score > best.score + least else num_flat + 1
            if one.score > best.score:
                best = one
            if num_flat > PATIENCE:
                break
        return best


def _sizes(options: ProductMixture, num_rows: int) -> list[int]:
    """Numbers of components to try."""
    if options.num_components is not None:
        return [options.num_components]
    return [
        size
        for size in SIZES
        if size * options.min_rows <= max(num_rows, options.min_rows)
    ]


def _keys(key: Key[Array, ""]) -> Key[Array, " 5"]:
    return jax.random.split(key, 5)


def _split_rows(
    key: Key[Array, ""], options: ProductMixture, points: Float[np.ndarray, "n d"]
) -> tuple[Int[np.ndarray, " h"], Int[np.ndarray, " m"]]:
    """Points that a fit with this key never uses, and the others."""
    return split_rows(_keys(key)[0], points / _scale(options, points), options.held_out)


def _scale(
    options: ProductMixture, points: Float[np.ndarray, "n d"]
) -> Float[np.ndarray, " d"]:
    """Units in which distances count: of a codec's points they are those meant."""
    if options.codec is not None:
        return np.ones(points.shape[1], points.dtype)
    return np.where(np.ptp(points, axis=0) > 0, points.std(axis=0), 1)


def _split(
    key: Key[Array, ""], num: int, share: int | float
) -> tuple[Int[np.ndarray, " h"], Int[np.ndarray, " m"]]:
    """A share of the rows, at least two, and the others."""
    order = np.asarray(jax.random.permutation(key, num))
    num_chosen = max(2, round(share * num))
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

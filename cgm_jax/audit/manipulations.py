"""What a party may hand in instead of its data: names, and points.

A `Manipulation` turns what a party could know at most, its `Position`, into the data
sets that it hands in. A data set is a tuple of arrays, one below the other, so that
sums over an array that several have in common are taken once.

Rows that are rare are those of the party's rarest label. Without labels they are the
smallest of five clusters of its rows (k-means, started at its rows at the tenth, third,
fifth, seventh and ninth tenth along the longest axis).
"""

import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import jax
import numpy as np
from jaxtyping import Array, Float, Int, Key, Shaped

from cgm_jax._shared.checks import as_list, as_real, check_callable

__all__ = [
    "MANIPULATIONS",
    "DataSet",
    "Manipulation",
    "Position",
    "check_labels",
    "outlier",
]

Rows = Float[np.ndarray, "_ _"]
DataSet = tuple[Rows, ...]
SPLITS = (2, 3, 5)
JITTERS = (0.05, 0.2)  # standard deviations of the columns that are copied
_QUANTILES = (0.1, 0.3, 0.5, 0.7, 0.9)  # where clusters start


@dataclass(frozen=True, eq=False)
class Position:
    """What a party that cheats could know at most.

    Attributes:
        key: of all that it draws.
        parties: everybody's points, arrays of shape ``(n_i, d)``.
        party: who it is.
        best_other: who contributes most of the others.
        candidates: the synthetic points, shape ``(g, d)``.
        labels: of its own rows, shape ``(n_i,)``, where they are known.
    """

    key: Key[Array, ""]
    parties: list[Rows]
    party: int
    best_other: int
    candidates: Rows
    labels: Shaped[np.ndarray, " rows"] | None = None

    @cached_property
    def _keys(self) -> list[Key[Array, ""]]:
        return list(jax.random.split(self.key, 6))

    @cached_property
    def own(self) -> Rows:
        """Its points."""
        return self.parties[self.party]

    @cached_property
    def best(self) -> Rows:
        """The points of the other that contributes most."""
        return self.parties[self.best_other]

    @cached_property
    def shuffled(self) -> Rows:
        """Its points in random order."""
        return self.own[self._order(0, len(self.own))]

    @cached_property
    def shuffled_best(self) -> Rows:
        """The points of the best other in random order."""
        return self.best[self._order(2, len(self.best))]

    @cached_property
    def pool(self) -> Rows:
        """Everybody's points, one below the other."""
        return np.concatenate([np.asarray(x) for x in self.parties])

    @cached_property
    def noise(self) -> Rows:
        """As many rows as it has, each entry uniform between the pool's extremes."""
        share = np.asarray(
            jax.random.uniform(self._keys[1], self.own.shape, np.float32)
        )
        low, high = self.pool.min(axis=0), self.pool.max(axis=0)
        return self._like(low[None] + np.asarray(share) * (high - low)[None])

    @cached_property
    def gaussian_noise(self) -> Rows:
        """As many rows as it has, normal with the mean and covariance of the pool."""
        pool = self.pool.astype(float)
        # A column may be constant, or the sum of others: no Cholesky factor then.
        scales, axes = np.linalg.eigh(np.atleast_2d(np.cov(pool.T, bias=True)))
        normal = self._normal(3, self.own.shape)
        spread = normal * np.sqrt(np.maximum(scales, 0))[None] @ axes.T
        return self._like(pool.mean(axis=0)[None] + spread)

    @cached_property
    def drawn(self) -> Rows:
        """As many of the candidates, at random, or all of them."""
        order = self._order(4, len(self.candidates))
        return np.asarray(self.candidates)[order[: len(self.own)]]

    @cached_property
    def without_rare(self) -> Rows:
        """Its points without the rare ones; none if they are all alike."""
        kinds = _clusters(self.own) if self.labels is None else self.labels
        names, kind, counts = np.unique(kinds, return_inverse=True, return_counts=True)
        return self.own[kind != np.argmin(counts)] if len(names) > 1 else self.own[:0]

    def jittered_best(self, deviations: float) -> Rows:
        """The best other's points, each moved by so many standard deviations."""
        normal = self._normal(5, self.best.shape)
        scales = deviations * self.best.std(axis=0, dtype=float)
        return self._like(self.best + normal * scales[None])

    def _normal(
        self, number: int, shape: tuple[int, ...]
    ) -> Float[np.ndarray, "rows d"]:
        return np.asarray(jax.random.normal(self._keys[number], shape, np.float32))

    def _order(self, number: int, count: int) -> Int[np.ndarray, " count"]:
        return np.asarray(jax.random.permutation(self._keys[number], count))

    def _like(self, points: Float[np.ndarray, "n d"]) -> Rows:
        return points.astype(self.pool.dtype)


@dataclass(frozen=True)
class Manipulation:
    """A name, and what a party hands in: data sets, or none where it has too few rows.

    Example:
        >>> only_copy = Manipulation("hand in a copy", lambda at: [(at.best,)])
        >>> parties = [np.zeros((2, 1)), np.ones((3, 1))]
        >>> at = Position(jax.random.key(0), parties, 0, 1, np.ones((4, 1)))
        >>> [[len(piece) for piece in pieces] for pieces in only_copy.hand_in(at)]
        [[3]]
    """

    name: str
    hand_in: Callable[[Position], list[DataSet]]

    def data_sets(self, at: Position) -> list[DataSet]:
        """What is handed in, which may be a user's."""
        check_callable(self.hand_in, f"hand_in of {self.name!r}")
        sets = self.hand_in(at)
        if isinstance(sets, list) and all(isinstance(one, tuple) for one in sets):
            return sets
        raise TypeError(
            "Expected a list of data sets, each a tuple of arrays, from hand_in of "
            f"{self.name!r}, got {type(sets).__name__}."
        )


def outlier(deviations: float) -> Manipulation:
    """One row more, so many standard deviations of the pool away along the diagonal.

    Args:
        deviations: how many; the distance from the pool's mean if each column is
            divided by its standard deviation.

    Returns:
        The manipulation, which has the number in its name.

    Example:
        >>> outlier(1e3).name
        'an outlier at 1e+03'
    """

    deviations = as_real(deviations, "of deviations", smallest=0.0)

    def hand_in(at: Position) -> list[DataSet]:
        pool = at.pool
        away = deviations * pool.std(axis=0) / np.sqrt(pool.shape[1])
        return [(at.own, (pool.mean(axis=0) + away)[None].astype(pool.dtype))]

    return Manipulation(f"an outlier at {deviations:.0e}", hand_in)


def _manipulations() -> Iterator[Manipulation]:
    for k in SPLITS:
        yield Manipulation(f"split in {k}", lambda at, k=k: _split(at.shuffled, k))
    yield Manipulation("hand in twice", lambda at: [(at.own, at.own)])
    yield Manipulation("copy the best other", lambda at: [(at.own, at.best)])
    yield Manipulation("withhold half", lambda at: [(_share(at.shuffled, 2),)])
    yield Manipulation("withhold nine tenths", lambda at: [(_share(at.shuffled, 10),)])
    yield Manipulation("add as much noise", lambda at: [(at.own, at.noise)])
    yield Manipulation(
        "add as much Gaussian noise", lambda at: [(at.own, at.gaussian_noise)]
    )
    yield Manipulation("add as many candidates", lambda at: [(at.own, at.drawn)])
    for jitter in JITTERS:
        yield Manipulation(
            f"copy with jitter of {jitter:g}",
            lambda at, jitter=jitter: [(at.own, at.jittered_best(jitter))],
        )
    yield Manipulation(
        "copy a quarter", lambda at: [(at.own, _share(at.shuffled_best, 4))]
    )
    yield Manipulation("hand in a copy instead", lambda at: [(at.best,)])
    yield Manipulation(
        "withhold the rare rows",
        lambda at: [(at.without_rare,)] if len(at.without_rare) else [],
    )
    yield Manipulation(
        "half a copy, half noise",
        lambda at: [(at.own, _share(at.shuffled_best, 2), at.noise[::2])],
    )
    yield Manipulation(
        "jittered copy, half withheld",
        lambda at: [(_share(at.shuffled, 2), at.jittered_best(JITTERS[0]))],
    )


def _share(points: Rows, k: int) -> Rows:
    """The first of k parts, at least one row."""
    return points[: max(1, len(points) // k)]


def _split(points: Rows, k: int) -> list[DataSet]:
    """In k parts of nearly the same sizes; nothing if there are fewer rows."""
    if len(points) < k:
        return []
    edges = np.arange(1, k) * len(points) // k
    return [(part,) for part in np.split(np.asarray(points), edges)]


def _clusters(points: Rows) -> Int[np.ndarray, " n"]:
    """Five clusters of rows, or fewer."""
    from scipy.cluster.vq import kmeans2

    rows = np.asarray(points, float)
    centred = rows - rows.mean(axis=0)[None]
    _, _, axes = np.linalg.svd(centred, full_matrices=False)
    along = np.argsort(centred @ axes[0])
    places = along[[int(share * len(rows)) for share in _QUANTILES]]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a cluster may stay empty
        return kmeans2(rows, rows[places], minit="matrix", iter=20)[1]


MANIPULATIONS = tuple(_manipulations())
"""All that are tried but outliers, which `outlier` makes."""


def check_labels(
    labels: Sequence[Shaped[np.ndarray, " _"]], num_rows: list[int]
) -> None:
    """Raise unless every row of every party has a label."""
    found = [np.shape(given) for given in as_list(labels, "labels")]
    if found != [(num,) for num in num_rows]:
        raise ValueError(
            f"Expected labels of {num_rows} rows of the parties, got arrays of shapes "
            f"{found}."
        )

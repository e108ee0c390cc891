r"""What a value of ε costs in accuracy, before anybody decides on one.

Releases of public or made-up rows are simulated; with α = φ / max φ of the rows and α̂
of the releases, the error is :math:`\max_i |\hat\alpha_i - \alpha_i|`. No party's rows
are needed, and so none of anybody's privacy is spent on the choice of ε.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from cgm_jax._shared.arrays import ArrayLike, Points, as_parties, as_points
from cgm_jax._shared.checks import as_key, as_whole, one_each
from cgm_jax._shared.precision import at_once, on_numbers
from cgm_jax._shared.results import Result
from cgm_jax.embeddings import FeatureMap
from cgm_jax.gram import GramSums, gram_sums
from cgm_jax.valuation import mmd_shapley_values

from .gaussian import Neighbours, noise_of_sums, with_noise
from .release_sums import between_of_totals
from .shortened import sum_of_features

__all__ = ["PrivacyPlan", "plan_privacy"]


@dataclass(frozen=True, eq=False, repr=False)
class PrivacyPlan(Result):
    """Errors to expect at every ε."""

    epsilons: Float[np.ndarray, " epsilons"]
    """ε, as they were given."""

    alpha_errors: Float[np.ndarray, "epsilons repeats"]
    """The largest error of α among the parties, in every simulation."""

    shapley_errors: Float[np.ndarray, "epsilons repeats"]
    """The largest error of φ, over the largest φ."""

    rank_correlations: Float[np.ndarray, "epsilons repeats"]
    """Kendall's τ between φ of the rows and of the releases."""

    @property
    def expected_error(self) -> Float[np.ndarray, " epsilons"]:
        """The mean of the largest error of α, shape ``(epsilons,)``."""
        return self.alpha_errors.mean(axis=1)


@on_numbers()
def plan_privacy(
    key: Key[Array, ""],
    sizes: Sequence[int],
    features: FeatureMap | Callable[[Key[Array, ""]], FeatureMap],
    *,
    epsilons: Sequence[int | float] = (0.2, 1.0, 3.0, 10.0, np.inf),
    delta: float = 1e-5,
    neighbours: Neighbours = "replace one",
    points: Sequence[Float[ArrayLike, "_ d"]] | None = None,
    candidates: Float[ArrayLike, "g d"] | None = None,
    num_repeats: int = 20,
) -> PrivacyPlan:
    r"""The error of contributions to expect of releases, by simulation.

    .. math:: \max_i |\hat\alpha_i - \alpha_i|, \qquad \alpha = \phi / \max \phi

    Args:
        key: a typed key.
        sizes: how many rows each party has.
        features: those to be agreed on; or a function that draws some, as random
            features are, so that their error is averaged over, too.
        epsilons: the ε to compare; infinity shows the error of the features alone.
        delta: δ.
        neighbours: as in `release`.
        points: public or made-up rows that resemble each party's, arrays of shape
            ``(m_i, d)``: as many as its size are taken as they are, otherwise rows are
            drawn with replacement. By default standard normal numbers, of which all
            parties are worth the same but for their sizes. Never a party's own.
        candidates: G, shape ``(g, d)``; by default none, the pool is the reference.
        num_repeats: simulations of every ε.

    Returns:
        The errors.

    Raises:
        ValueError: if shapes do not fit, or a number is out of range.

    Example:
        >>> from cgm_jax.embeddings import hermite_features
        >>> from cgm_jax.kernels import SquaredExponential
        >>> edge = np.full(1, 5.0)
        >>> features = hermite_features(SquaredExponential(1.0), -edge, edge)
        >>> sizes = [200, 400, 800]
        >>> plan = plan_privacy(jax.random.key(0), sizes, features, num_repeats=3)
        >>> bool(plan.expected_error[0] > plan.expected_error[3])
        True
    """
    points_key, features_key, noise_key = jax.random.split(as_key(key), 3)
    num = as_whole(num_repeats, "num_repeats", smallest=1)
    sizes, epsilons = one_each(sizes, "sizes"), one_each(epsilons, "ε")
    if not callable(features):
        raise TypeError(
            "Expected features of cgm_jax.embeddings, or a function of a key that "
            f"makes them, got {type(features).__name__}."
        )
    numbers = [as_whole(n, f"sizes[{i}]", smallest=1) for i, n in enumerate(sizes)]
    noises = [noise_of_sums(each, delta, neighbours) for each in epsilons]
    maps = (
        [features]
        if isinstance(features, FeatureMap)
        else [features(jax.random.fold_in(features_key, i)) for i in range(num)]
    )
    num_columns = maps[0].num_dimensions
    parties = _parties(points_key, numbers, num_columns, points)
    nothing = np.zeros((0, num_columns))
    drawn = as_points(nothing if candidates is None else candidates, "candidates")
    exact = gram_sums(maps[0].kernel, parties, drawn)
    phi = np.asarray(mmd_shapley_values(exact).shapley_values)
    sums_of_maps = [
        (
            np.stack([sum_of_features(used, party) for party in parties]),
            sum_of_features(used, drawn),
        )
        for used in maps
    ]
    figures = []
    for repeat in range(num):
        totals, edge = sums_of_maps[repeat % len(maps)]
        keys = jax.random.split(jax.random.fold_in(noise_key, repeat), len(noises))
        for noise, each in zip(noises, keys, strict=True):
            sums = _noisy_sums(each, totals, edge, noise, exact, neighbours)
            figures.append(_errors(phi, mmd_shapley_values(sums).shapley_values))
    table = np.array(figures).reshape(num, len(noises), 3)
    alpha, shapley, tau = np.moveaxis(table, (0, 2), (2, 0))
    return PrivacyPlan(np.array(epsilons, float), alpha, shapley, tau)


def _parties(
    key: Key[Array, ""],
    sizes: list[int],
    num_dimensions: int,
    points: Sequence[Float[ArrayLike, "_ d"]] | None,
) -> list[Points]:
    """Rows that stand for the parties' own."""
    keys = jax.random.split(key, len(sizes))
    if points is None:
        with at_once():
            shapes = [(n, num_dimensions) for n in sizes]
            return [
                np.asarray(jax.random.normal(one, shape, jnp.float64))
                for one, shape in zip(keys, shapes, strict=True)
            ]
    given = as_parties(points)
    if len(given) != len(sizes):
        raise ValueError(
            f"Expected points that resemble those of {len(sizes)} parties, got those "
            f"of {len(given)}."
        )
    return [
        rows
        if len(rows) == n
        else rows[np.asarray(jax.random.randint(one, (n,), 0, len(rows), np.int32))]
        for one, n, rows in zip(keys, sizes, given, strict=True)
    ]


def _noisy_sums(
    key: Key[Array, ""],
    totals: Float[np.ndarray, "n D"],
    edge: Float[np.ndarray, " D"],
    noise: float,
    exact: GramSums,
    neighbours: Neighbours,
) -> GramSums:
    """Sums of releases of these sums of features."""
    sizes = exact.sizes.copy()
    with at_once():
        noisy: Any = [
            with_noise(
                one, jnp.asarray(s), jnp.asarray(n), noise, neighbours=neighbours
            )
            for one, s, n in zip(
                jax.random.split(key, len(totals)), totals, sizes[:-1], strict=True
            )
        ]
    sent, counts = (np.stack([*map(np.asarray, x)]) for x in zip(*noisy, strict=True))
    sizes[:-1] = np.maximum(counts, 1.0)
    between = np.array(exact.between)
    between[:-1, :-1] = between_of_totals(sent, np.full(len(sent), noise))
    between[-1, :-1] = between[:-1, -1] = sent @ edge
    return GramSums(between, exact.candidate_rows[:0], sizes)


def _errors(phi: Any, found: Any) -> tuple[float, float, float]:
    """Errors of α, of φ over the largest, and τ."""
    from scipy.stats import kendalltau  # slow to import

    alpha = [each / each.max() for each in (phi, found)]
    return (
        float(np.max(np.abs(alpha[1] - alpha[0]))),
        float(np.max(np.abs(found - phi)) / phi.max()),
        float(kendalltau(phi, found).statistic),
    )

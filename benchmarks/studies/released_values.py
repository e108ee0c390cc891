"""What releases cost in accuracy on the credit ratings, beside exact values.

Every bank releases one noisy mean embedding (`cgm_jax.privacy`). For both ways to share
the data, two length scales and several kinds of features: the largest error of φ over
the largest φ, and Kendall's τ of the ranks, over seeds of noise and features. And with
more rows a bank, how far promised reward values are from the exact ones.

    python -m benchmarks.studies released
"""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import jax
import numpy as np

from cgm_jax.datasets import credit_ratings
from cgm_jax.datasets.splits import Split, paper_proportions
from cgm_jax.embeddings import (
    FeatureMap,
    hermite_features,
    random_fourier_features,
)
from cgm_jax.gram import gram_sums
from cgm_jax.kernels import SquaredExponential
from cgm_jax.privacy import plan_privacy, release, sums_from_releases
from cgm_jax.rewards import scheme_from_sums

__all__ = [
    "DELTA",
    "ErrorRow",
    "RewardRow",
    "line_of_errors",
    "line_of_rewards",
    "measure_errors",
    "measure_rewards",
    "plain_row",
]

SPLITS: tuple[Split, ...] = ("equal-disjoint", "unequal")
LENGTH_SCALES = 0.3, 0.0672
EPSILONS = 0.2, 1.0, 3.0, 10.0, np.inf
DELTA = 1e-5
NUM_FEATURES = 2_000
LOW, HIGH = np.full(2, -0.35), np.full(2, 1.35)  # public: means in [0, 1], ±5 σ
# An error of k that noise hides, so that fewer features carry less noise.
TOLERANCES = 1e-3, 1e-8

Maker = FeatureMap | Callable[[jax.Array], FeatureMap]


@dataclass(frozen=True)
class ErrorRow:
    """Mean errors over seeds, for one split, length scale, kind of features and ε."""

    split: str
    length_scale: float
    features: str
    num_features: int
    epsilon: float
    shapley_error: float
    alpha_error: float
    rank_correlation: float


@dataclass(frozen=True)
class RewardRow:
    """The largest relative error of r among the banks, over seeds."""

    split: str
    length_scale: float
    rows_a_bank: int
    features: str
    epsilon: float
    mean_error: float
    largest_error: float


def measure_errors(
    *, num_repeats: int = 20, num_candidates: int = 2_000
) -> Iterator[ErrorRow]:
    """Errors of φ and α, and τ, of everything that is compared."""
    for split in SPLITS:
        data = credit_ratings(split, num_candidates=num_candidates)
        points = [np.asarray(party, np.float64) for party in data.parties]
        for scale in LENGTH_SCALES:
            for name, maker in _makers(scale).items():
                plan = plan_privacy(
                    jax.random.key(0),
                    [len(party) for party in points],
                    maker,
                    epsilons=EPSILONS,
                    delta=DELTA,
                    points=points,
                    candidates=np.asarray(data.candidates, np.float64),
                    num_repeats=num_repeats,
                )
                for i, epsilon in enumerate(EPSILONS):
                    yield ErrorRow(
                        split,
                        scale,
                        name,
                        _made(maker).num_features,
                        epsilon,
                        float(plan.shapley_errors[i].mean()),
                        float(plan.alpha_errors[i].mean()),
                        float(plan.rank_correlations[i].mean()),
                    )


def measure_rewards(
    *, num_rows: int = 10_000, num_repeats: int = 20, num_candidates: int = 2_000
) -> Iterator[RewardRow]:
    """Errors of reward values, by the features with the least error in the other."""
    scale = LENGTH_SCALES[0]
    kernel = SquaredExponential(scale)
    features = hermite_features(kernel, LOW, HIGH, tolerance=TOLERANCES[0])
    for split in SPLITS:
        data = credit_ratings(split, num_candidates=num_candidates)
        points = _more_rows(split, np.asarray(data.means, np.float64), num_rows)
        candidates = np.asarray(data.candidates, np.float64)
        options: dict[str, Any] = {"relax": True, "solver": "closed form"}
        exact = scheme_from_sums(gram_sums(kernel, points, candidates), **options)
        for epsilon in (1.0, 3.0):
            errors = []
            for seed in range(num_repeats):
                keys = jax.random.split(jax.random.key(seed), len(points))
                sent = [
                    release(key, features, party, epsilon=epsilon, delta=DELTA)
                    for key, party in zip(keys, points, strict=True)
                ]
                sums = sums_from_releases(sent, features, candidates)
                found = scheme_from_sums(sums, **options).reward_values
                errors.append(np.max(np.abs(found / exact.reward_values - 1)))
            yield RewardRow(
                split,
                scale,
                num_rows,
                "quadrature 1e-03",
                epsilon,
                float(np.mean(errors)),
                float(np.max(errors)),
            )


def line_of_errors(row: ErrorRow) -> str:
    """A row for the screen."""
    return (
        f"{row.split:15} ℓ = {row.length_scale:<7g} {row.features:17} "
        f"D = {row.num_features:<6,} ε = {row.epsilon:<5g} φ {row.shapley_error:8.2%}"
        f"  α {row.alpha_error:8.2%}  τ {row.rank_correlation:.2f}"
    )


def line_of_rewards(row: RewardRow) -> str:
    """A row for the screen."""
    return (
        f"{row.split:15} ℓ = {row.length_scale:<7g} {row.rows_a_bank:,} rows a bank, "
        f"{row.features}, ε = {row.epsilon:g}: r within {row.mean_error:.2%} "
        f"(at most {row.largest_error:.2%})"
    )


def plain_row(row: ErrorRow | RewardRow) -> dict[str, Any]:
    """A row in what JSON can hold."""
    numbers = asdict(row)
    return numbers | ({"epsilon": "infinity"} if np.isinf(row.epsilon) else {})


def _makers(scale: float) -> dict[str, Maker]:
    """Every kind of features that is compared, by its name."""
    kernel = SquaredExponential(scale)

    def random(kind: Any) -> Maker:
        groups = 1 if kind == "quasi-random" else None

        def draw(key: jax.Array) -> FeatureMap:
            return random_fourier_features(
                key, kernel, 2, NUM_FEATURES, kind=kind, num_groups=groups
            )

        return draw

    kinds = "independent", "orthogonal", "quasi-random"
    exact = {
        f"quadrature {tolerance:.0e}": hermite_features(
            kernel, LOW, HIGH, tolerance=tolerance
        )
        for tolerance in TOLERANCES
    }
    return {kind: random(kind) for kind in kinds} | exact


def _made(maker: Maker) -> FeatureMap:
    return maker if isinstance(maker, FeatureMap) else maker(jax.random.key(0))


def _more_rows(split: Split, means: np.ndarray, num_rows: int) -> list[np.ndarray]:
    """More rows of every bank, from the mixture with its shares of the classes."""
    rng = np.random.default_rng(0)
    banks = []
    for shares in paper_proportions(split, num_classes=len(means)):
        classes = rng.choice(len(means), size=num_rows, p=shares)
        banks.append(rng.normal(means[classes], np.sqrt(1 / 200)))
    return banks

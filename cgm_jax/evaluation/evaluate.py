"""Every metric of the paper for every party, before and after its reward.

D_i and D_i ∪ G_i are compared with the reference T = D_1 ∪ … ∪ D_n ∪ G.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from cgm_jax._shared.arrays import ArrayLike
from cgm_jax._shared.checks import check_callable
from cgm_jax._shared.precision import on_numbers
from cgm_jax._shared.progress import Progress, silent
from cgm_jax._shared.results import Result
from cgm_jax.collaboration import Draw, Promises
from cgm_jax.metrics import (
    CorrelationSummary,
    class_imbalance,
    correlation,
    correlation_summary,
    mmd2_to_reference,
    reverse_kl_divergences,
    svm_accuracies,
    wasserstein2_gaussians,
)

__all__ = ["LOWER_IS_BETTER", "Evaluation", "Measurements", "evaluate_rewards"]

LOWER_IS_BETTER = ("mmd2_unbiased", "reverse_kl", "wasserstein2", "class_imbalance")
"""Metrics that Figure 2 shows the negative of."""


@dataclass(frozen=True, eq=False, repr=False)
class Measurements(Result):
    """Metrics of what each party holds, the last axis one party each."""

    mmd2_unbiased: Float[np.ndarray, "*betas n"]  # to the reference, signed
    reverse_kl: Float[np.ndarray, "*betas n"]  # to the reference, in nats
    wasserstein2: Float[np.ndarray, "*betas n"]  # of fitted Gaussians, squared units
    class_imbalance: Float[np.ndarray, "*betas n"]  # mean of squared shares of classes
    svm_accuracy: Float[np.ndarray, "*betas n"]  # on all others' real data, in [0, 1]


@dataclass(frozen=True, eq=False, repr=False)
class Evaluation(Result):
    """What n parties hold before and after the rewards of several draws.

    Attributes:
        inverse_temperatures: β of every draw.
        normalized_shapley: α.
        num_points: |G_i|.
        before: metrics of D_i, arrays of shape ``(n,)``.
        after: metrics of D_i ∪ G_i, arrays of shape ``(betas, n)``.
    """

    inverse_temperatures: Float[np.ndarray, " betas"]
    normalized_shapley: Float[np.ndarray, " n"]
    num_points: Float[np.ndarray, "betas n"]
    before: Measurements
    after: Measurements

    @property
    def alpha_correlations(self) -> dict[str, CorrelationSummary]:
        """Correlation over the parties with α, as mean and standard error over β.

        Of "num_points", the negative of all ``LOWER_IS_BETTER`` (Figure 2), and of
        "svm_accuracy" (Sec. 6). The higher, the better.
        """
        better = {name: -getattr(self.after, name) for name in LOWER_IS_BETTER}
        better["num_points"] = self.num_points
        better["svm_accuracy"] = self.after.svm_accuracy
        return {
            name: correlation_summary(correlation(values, self.normalized_shapley))
            for name, values in better.items()
        }

    @property
    def beta_correlations(self) -> dict[str, CorrelationSummary]:
        """Correlation over the draws with β, as mean and standard error over parties.

        Of "num_points" and "mmd2_unbiased" (Tables 7 and 8): the lower, the better. NaN
        where there is one draw only.
        """
        measured = {
            "num_points": self.num_points,
            "mmd2_unbiased": self.after.mmd2_unbiased,
        }
        if len(self.inverse_temperatures) < 2:
            return dict.fromkeys(measured, correlation_summary(np.zeros(0)))
        return {
            name: correlation_summary(correlation(values.T, self.inverse_temperatures))
            for name, values in measured.items()
        }


@on_numbers()
def evaluate_rewards(
    promises: Promises,
    draws: Sequence[Draw],
    labels: Sequence[Int[ArrayLike, " _"]],
    candidate_labels: Int[ArrayLike, " g"],
    *,
    num_classes: int,
    max_training_points: int | None = 20_000,
    measured: tuple[Sequence[Float[ArrayLike, "_ f"]], Float[ArrayLike, "g f"]]
    | None = None,
    progress: Progress = silent,
) -> Evaluation:
    """Measure what every party holds before and after its reward.

    Args:
        promises: what was promised.
        draws: at least one draw that keeps it.
        labels: the class of every point of every party, whole numbers from 0, arrays of
            shape ``(n_i,)``.
        candidate_labels: the class of every candidate, shape ``(g,)``.
        num_classes: m, counting classes without a point.
        max_training_points: as in `metrics.svm_accuracy`.
        measured: the parties' points and the candidates in the coordinates of all
            metrics but MMD²_u, row by row the same points; by default as valued.
        progress: called with "metrics" and the share of it that is done.

    Returns:
        The measurements, float64.

    Raises:
        ValueError: if labels or measured rows do not match the points one to one, or a
            party has fewer than 7 points, too few for six neighbours.
        ModuleNotFoundError: if scikit-learn is not installed.

    Example:
        >>> import jax, cgm_jax
        >>> rng, grid = np.random.default_rng(0), np.linspace(-3, 4, 200)[:, None]
        >>> parties = [rng.normal(size=(20, 1)), rng.normal(1, size=(30, 1))]
        >>> *labels, classes = (np.array(x[:, 0] > 0.5, int) for x in (*parties, grid))
        >>> result = cgm_jax.collaborate(jax.random.key(0), parties, grid)
        >>> evaluation = evaluate_rewards(
        ...     result.promises, [result.draw], labels, classes, num_classes=2
        ... )
        >>> evaluation.before.svm_accuracy.shape, evaluation.after.reverse_kl.shape
        ((2,), (1, 2))

    Reference: Tay et al. 2022, Sec. 6.
    """
    check_callable(progress, "progress")
    classes = [np.asarray(party_labels) for party_labels in labels]
    candidate_classes = np.asarray(candidate_labels)
    valued = promises.points_for("metrics of what is held")
    parties = [np.asarray(x) for x in (measured[0] if measured else valued)]
    candidates = np.asarray(measured[1] if measured else promises.candidates)
    expected = [*map(len, valued), len(promises.candidates)]
    for what, given in (
        ("a label of", [*classes, candidate_classes]),
        ("a measured row for", [*parties, candidates]),
    ):
        lengths = [len(rows) for rows in given]
        if lengths != expected:
            raise ValueError(
                f"Expected {what} every point of every party and every candidate, "
                f"{expected}, got {lengths}."
            )
    reference = np.concatenate([*parties, candidates])

    def measure(
        picks: Sequence[Int[np.ndarray, " _"]], values: Float[np.ndarray, " n"]
    ) -> dict[str, Float[np.ndarray, " n"]]:
        """All metrics of what the parties hold with some candidates."""
        drawn = [candidates[indices] for indices in picks]
        drawn_classes = [candidate_classes[indices] for indices in picks]
        held = [np.concatenate(both) for both in zip(parties, drawn, strict=True)]
        held_classes = map(np.concatenate, zip(classes, drawn_classes, strict=True))
        return {
            "mmd2_unbiased": mmd2_to_reference(
                promises.kernel,
                valued,
                promises.candidates,
                promises.sums,
                picks,
                values,
            ),
            "reverse_kl": np.asarray(reverse_kl_divergences(held, reference)),
            "wasserstein2": np.array(
                [wasserstein2_gaussians(s, reference) for s in held]
            ),
            "class_imbalance": np.array(
                [class_imbalance(y, num_classes=num_classes) for y in held_classes]
            ),
            "svm_accuracy": svm_accuracies(
                parties,
                classes,
                drawn,
                drawn_classes,
                max_training_points=max_training_points,
            ),
        }

    num_stages = 1 + len(draws)
    progress("metrics", 0.0)
    nothing = [np.zeros(0, np.int64) for _ in parties]
    before = measure(nothing, promises.scheme.own_values)
    after = []
    for done, draw in enumerate(draws, start=1):
        progress("metrics", done / num_stages)
        final_values = np.array([reward.final_value for reward in draw.rewards])
        picks = [reward.indices for reward in draw.rewards]
        after.append(measure(picks, final_values))
    progress("metrics", 1.0)
    num_points = [[len(reward.indices) for reward in draw.rewards] for draw in draws]
    return Evaluation(
        np.array([draw.inverse_temperature for draw in draws], np.float64),
        promises.scheme.normalized_shapley,
        np.array(num_points, np.float64),
        Measurements(**before),
        Measurements(**{name: np.stack([m[name] for m in after]) for name in before}),
    )

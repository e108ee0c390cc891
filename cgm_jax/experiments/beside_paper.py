"""Our numbers beside the printed ones, each pair a line of one long table.

Reference: Tay et al. 2022, Sec. 6, Tables 5 to 16.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from .run import Experiment

__all__ = ["Comparison", "compare"]


@dataclass(frozen=True)
class Comparison:
    """One number of ours and what the paper prints for it."""

    place: str
    """Where the paper prints it, such as "Table 9"."""

    quantity: str
    """What it is, by the name of the attribute that holds it."""

    ours: float

    printed: float

    party: int | None = None
    """Counted from 0."""

    beta: float | None = None

    @property
    def difference(self) -> float:
        """Ours minus the printed one."""
        return self.ours - self.printed


def compare(experiment: Experiment) -> list[Comparison]:
    """Every number that the paper prints for an experiment, beside ours.

    Args:
        experiment: with its metrics or without; numbers that were not computed, or do
            not exist for a single draw, are left out, and so are draws at a β that the
            paper does not have.

    Returns:
        The pairs, in the order of the paper's tables.

    Example:
        >>> import jax
        >>> from cgm_jax.experiments import credit_ratings_data, run_experiment
        >>> (data,) = credit_ratings_data(["unequal"], num_candidates=1_000)
        >>> experiment = run_experiment(
        ...     jax.random.key(0),
        ...     data,
        ...     inverse_temperatures=[8],
        ...     evaluate=False,
        ...     relax=True,
        ...     max_candidates=1_000,  # the paper has 100,000
        ... )
        >>> lines = compare(experiment)
        >>> [f"{line.ours:.2f} {line.printed}" for line in lines[:2]]
        ['1.00 0.996', '1.00 1.0']

    Reference: Tay et al. 2022, Tables 5 to 16 and Sec. 6.
    """
    lines = _comparisons(experiment)
    return [line for line in lines if not math.isnan(line.ours)]


def _comparisons(experiment: Experiment) -> Iterator[Comparison]:
    paper, promises = experiment.data.paper, experiment.promises
    scheme = promises.scheme
    evaluation = experiment.evaluation
    shapley_table, beta_table = {"equal-disjoint": (5, 7), "unequal": (6, 8)}[
        experiment.data.split
    ]
    place = f"Table {shapley_table}"
    pairs = zip(scheme.normalized_shapley, paper.normalized_shapley, strict=True)
    for i, (ours, printed) in enumerate(pairs):
        yield Comparison(place, "normalized_shapley", float(ours), printed, party=i)

    if evaluation is not None:
        for name, printed in paper.beta_correlations.items():
            ours = evaluation.beta_correlations[name].mean
            place = f"Table {beta_table}"
            yield Comparison(place, f"beta_correlation_{name}", ours, printed.mean)

    place = f"Table {paper.table}"
    for name, ours in (
        ("length_scale", promises.length_scale),
        ("max_reward_value", scheme.max_reward_value),
        ("rho", scheme.rho),
    ):
        yield Comparison(place, name, ours, getattr(paper, name))
    pairs = zip(scheme.reward_values, paper.reward_values, strict=True)
    for i, (ours, printed) in enumerate(pairs):
        yield Comparison(place, "reward_value", float(ours), printed, party=i)
    for row, (beta, draw) in enumerate(experiment.draws.items()):
        if beta not in paper.num_points:
            continue
        for i, printed in enumerate(paper.num_points[beta]):
            ours = float(len(draw.rewards[i].indices))
            yield Comparison(place, "num_points", ours, float(printed), i, beta)
        if evaluation is None:
            continue
        for i, printed in enumerate(paper.mmd2_unbiased[beta]):
            ours = float(evaluation.after.mmd2_unbiased[row, i])
            yield Comparison(place, "mmd2_unbiased", ours, float(printed), i, beta)

    if evaluation is not None and paper.accuracy_correlation is not None:
        ours = evaluation.alpha_correlations["svm_accuracy"].mean
        yield Comparison(
            "Sec. 6", "alpha_correlation_svm_accuracy", ours, paper.accuracy_correlation
        )

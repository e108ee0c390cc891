"""Our numbers beside those of Section 6 and Tables 5 to 16, one line for each pair."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from .run import Experiment

__all__ = ["Comparison", "compare"]


@dataclass(frozen=True)
class Comparison:
    """One number of ours and what the paper prints for it.

    Attributes:
        place: where the paper prints it, such as "Table 9".
        quantity: what it is, by the name of the attribute that holds it.
        party: counted from 0.
    """

    place: str
    quantity: str
    ours: float
    printed: float
    party: int | None = None
    beta: float | None = None

    @property
    def difference(self) -> float:
        """Ours minus the printed one."""
        return self.ours - self.printed


def compare(experiment: Experiment) -> list[Comparison]:
    """Every number that the paper prints for an experiment, beside ours.

    Args:
        experiment: numbers that were not computed, do not exist for a single draw, or
            are of a β that the paper does not have, are left out.

    Returns:
        The pairs, in the order of the paper's tables.

    Example:
        >>> import jax
        >>> from cgm_jax.experiments import credit_ratings_data, run_experiment
        >>> (data,) = credit_ratings_data(["unequal"], num_candidates=200)
        >>> few = {"relax": True, "max_candidates": 200}  # the paper has 100,000
        >>> options = {"inverse_temperatures": [8], "evaluate": False, **few}
        >>> lines = compare(run_experiment(jax.random.key(0), data, **options))
        >>> [f"{line.ours:.2f} {line.printed}" for line in lines[:2]]
        ['1.00 0.996', '1.00 1.0']
    """
    lines = []
    for place, quantity, ours, printed, *beta in _printed(experiment):
        by_party = np.ndim(printed) > 0
        pairs = zip(np.atleast_1d(ours), np.atleast_1d(printed), strict=True)
        for i, (one, other) in enumerate(pairs):
            party = i if by_party else None
            pair = float(one), float(other)
            lines.append(Comparison(place, quantity, *pair, party, *beta))
    return [line for line in lines if not math.isnan(line.ours)]


def _printed(experiment: Experiment) -> Iterator[tuple[Any, ...]]:
    """Where it is printed, what it is, ours and theirs (or all parties'), and any β."""
    paper, promises = experiment.data.paper, experiment.promises
    scheme, evaluation = promises.scheme, experiment.evaluation
    tables = {
        "equal-disjoint": ("Table 5", "Table 7"),
        "unequal": ("Table 6", "Table 8"),
    }
    shapley_table, beta_table = tables[experiment.data.split]
    name = "normalized_shapley"
    yield shapley_table, name, scheme.normalized_shapley, paper.normalized_shapley
    if evaluation is not None:
        for name, printed in paper.beta_correlations.items():
            ours = evaluation.beta_correlations[name].mean
            yield beta_table, f"beta_correlation_{name}", ours, printed.mean

    place = f"Table {paper.table}"
    yield place, "length_scale", promises.length_scale, paper.length_scale
    for name in ("max_reward_value", "rho"):
        yield place, name, getattr(scheme, name), getattr(paper, name)
    yield place, "reward_value", scheme.reward_values, paper.reward_values
    for row, (beta, draw) in enumerate(experiment.draws.items()):
        if beta not in paper.num_points:
            continue
        sizes = [len(reward.indices) for reward in draw.rewards]
        yield place, "num_points", sizes, paper.num_points[beta], beta
        if evaluation is not None:
            ours = evaluation.after.mmd2_unbiased[row]
            yield place, "mmd2_unbiased", ours, paper.mmd2_unbiased[beta], beta

    if evaluation is not None and paper.accuracy_correlation is not None:
        name = "svm_accuracy"
        ours = evaluation.alpha_correlations[name].mean
        yield "Sec. 6", f"alpha_correlation_{name}", ours, paper.accuracy_correlation

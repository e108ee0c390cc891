"""The numbers that the paper prints, to compare with."""

import json
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from .splits import Split

__all__ = ["PaperResults", "PrintedCorrelation", "paper_results"]


class PrintedCorrelation(NamedTuple):
    """A correlation as the paper prints it."""

    mean: float
    standard_error: float


@dataclass(frozen=True, eq=False)
class PaperResults:
    """One of Tables 9 to 16, and what Tables 5 to 8 and Section 6 print beside it.

    Attributes:
        length_scale: ℓ.
        normalized_shapley: α.
        max_reward_value: v*.
        rho: ρ.
        reward_values: r.
        num_points: |G_i| for each β.
        mmd2_unbiased: MMD²_u(D_i ∪ G_i, T) for each β.
        beta_correlations: of β with the former two, by name (Tables 7 and 8).
        accuracy_correlation: of SVM accuracy with α; not printed for credit ratings.
        normalized_shapley_caption: α to four digits, in the captions of App. I.
        table: number of the table.
    """

    length_scale: float
    normalized_shapley: Float[np.ndarray, " n"]
    max_reward_value: float
    rho: float
    reward_values: Float[np.ndarray, " n"]
    num_points: dict[int | float, Int[np.ndarray, " n"]]
    mmd2_unbiased: dict[int | float, Float[np.ndarray, " n"]]
    beta_correlations: dict[str, PrintedCorrelation] = field(default_factory=dict)
    accuracy_correlation: float | None = None
    normalized_shapley_caption: Float[np.ndarray, " n"] | None = None
    table: int | None = None


def paper_results(dataset: str, split: Split) -> PaperResults:
    """What the paper prints for a data set and a split, to three digits.

    Args:
        dataset: "credit-ratings", "credit-card", "mnist" or "cifar10".
        split: "equal-disjoint" or "unequal"; any other is a ``ValueError``.

    Example:
        >>> paper_results("credit-ratings", "unequal").max_reward_value
        0.0898

    Reference: Tay et al. 2022, App. I.9.
    """
    results = _results()
    if dataset not in results.get(split, {}):
        known = sorted(results["unequal"])
        raise ValueError(
            f'Expected one of {known} and the split "equal-disjoint" or "unequal", got '
            f'"{dataset}" and "{split}".'
        )
    table = dict(results[split][dataset])
    for name in ("normalized_shapley", "normalized_shapley_caption", "reward_values"):
        table[name] = np.array(table[name], float)
    for name in ("num_points", "mmd2_unbiased"):
        table[name] = {int(beta): np.array(ns) for beta, ns in table[name].items()}
    correlations = table["beta_correlations"].items()
    table["beta_correlations"] = {k: PrintedCorrelation(*c) for k, c in correlations}
    return PaperResults(**table)


@cache
def _results() -> dict[str, Any]:
    path = resources.files("cgm_jax.datasets").joinpath("paper_tables.json")
    return json.loads(path.read_text("utf-8"))["results"]

"""The numbers that the paper prints, to compare with."""

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from .splits import Split

__all__ = ["PaperResults", "paper_results"]


@dataclass(frozen=True, eq=False)
class PaperResults:
    """One of Tables 9 to 16, with the Shapley values of Tables 5 and 6."""

    length_scale: float
    """ℓ."""

    normalized_shapley: Float[np.ndarray, " n"]
    """α."""

    max_reward_value: float
    """v*."""

    rho: float
    """ρ."""

    reward_values: Float[np.ndarray, " n"]
    """r."""

    num_points: dict[int, Int[np.ndarray, " n"]]
    """|G_i| for each β."""

    mmd2_unbiased: dict[int, Float[np.ndarray, " n"]]
    """MMD²_u(D_i ∪ G_i, T) for each β."""


def paper_results(dataset: str, split: Split) -> PaperResults:
    """What the paper prints for a data set and a split, to three digits.

    Args:
        dataset: "credit-ratings", "credit-card", "mnist" or "cifar10".
        split: "equal-disjoint" or "unequal".

    Returns:
        The printed numbers.

    Raises:
        ValueError: for a data set or a split that is not in the paper.

    Example:
        >>> paper_results("credit-ratings", "unequal").max_reward_value
        0.0898

    Reference:
        Tay et al. 2022, App. I.9.
    """
    tables = _tables()
    of_split = tables["rewards_tables_9_16"].get(split, {})
    if dataset not in of_split:
        known = sorted(tables["rewards_tables_9_16"]["unequal"])
        raise ValueError(
            f'Expected one of {known} and the split "equal-disjoint" or "unequal", got '
            f'"{dataset}" and "{split}".'
        )
    table = of_split[dataset]
    shapley = tables["normalized_shapley_tables_5_6"][split][dataset]
    runs = {int(beta): run for beta, run in table["runs"].items()}
    return PaperResults(
        length_scale=table["length_scale"],
        normalized_shapley=np.array(shapley, float),
        max_reward_value=table["max_reward_value"],
        rho=table["rho"],
        reward_values=np.array(table["reward_values"], float),
        num_points={b: np.array(run["num_points"]) for b, run in runs.items()},
        mmd2_unbiased={b: np.array(run["mmd2_unbiased"]) for b, run in runs.items()},
    )


@cache
def _tables() -> dict[str, Any]:
    path = resources.files("cgm_jax.datasets").joinpath("paper_tables.json")
    return json.loads(path.read_text("utf-8"))

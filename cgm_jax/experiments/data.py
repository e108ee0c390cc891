"""What an experiment runs on: the parties' points, the candidates, and their classes.

Points are those that are valued: the numbers of a table as they are, images as eight
features. Both splits of the paper share the same real points (up to rounding), so that
the generator, the classifier and the features are made once and serve both.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Array, Float, Int, Key

from cgm_jax.datasets import PaperResults, credit_ratings, paper_results
from cgm_jax.datasets.splits import Split, split_by_proportions

if TYPE_CHECKING:
    from cgm_jax.generators import MMDGANModel

__all__ = ["SPLITS", "ExperimentData", "Sharing", "credit_ratings_data", "share"]

SPLITS: tuple[Split, ...] = ("equal-disjoint", "unequal")


@dataclass(frozen=True, eq=False)
class ExperimentData:
    """Who owns what, and what is handed out, in the points that are valued.

    Attributes:
        title: for headings.
        parties: the parties' points, float32, arrays of shape ``(n_i, d)``.
        labels: the class of every point of every party, from 0.
        candidates: G, float32.
        columns: what the d numbers of a point are.
        candidates_note: where the candidates and their classes come from, in sentences.
        paper: what the paper prints for this split.
        is_stand_in: whether the paper's numbers are for other data of the same kind.
        places: two coordinates of every party's points and of the candidates, to draw.
        model: the generator, where one was trained.
        images: the same in pixels, where the points that are valued are features.
        grown: the same data with so many candidates, which begin with these; None
            where they are a file's.
    """

    title: str
    split: Split
    parties: list[np.ndarray]
    labels: list[Int[np.ndarray, " _"]]
    candidates: Float[np.ndarray, "g d"]
    candidate_labels: Int[np.ndarray, " g"]
    num_classes: int
    columns: tuple[str, ...]
    candidates_note: str
    paper: PaperResults
    is_stand_in: bool
    places: tuple[list[np.ndarray], np.ndarray] | None = None
    model: "MMDGANModel | None" = None
    images: tuple[list[np.ndarray], np.ndarray] | None = None
    grown: "Callable[[int], ExperimentData] | None" = None


@dataclass(frozen=True, eq=False)
class Sharing:
    """Who owns which rows of a data set, as positions in the pool of all owned ones."""

    pool: Int[np.ndarray, " m"]
    owned: dict[Split, list[Int[np.ndarray, " _"]]]


def share(
    key: Key[Array, ""],
    labels: Int[np.ndarray, " rows"],
    *,
    party_size: int | None = None,
    max_party_size: int | None = None,
) -> Sharing:
    """Share the same rows in both ways of the paper."""
    points = np.zeros((len(labels), 1), np.int8)  # which rows, is all that is asked
    rows = partial(
        split_by_proportions, party_size=party_size, max_party_size=max_party_size
    )
    owned = {split: rows(key, points, labels, split).rows for split in SPLITS}
    pool = np.unique(np.concatenate([party for ps in owned.values() for party in ps]))
    positions: dict[Split, list[np.ndarray]] = {
        split: [np.searchsorted(pool, party) for party in owned[split]]
        for split in SPLITS
    }
    return Sharing(pool, positions)


def credit_ratings_data(
    splits: Sequence[Split] = SPLITS, *, num_candidates: int = 100_000
) -> list[ExperimentData]:
    """The paper's five banks, to the digit.

    Args:
        splits: "equal-disjoint" or "unequal" or both.
        num_candidates: |G|; the paper's numbers are for 100,000.

    Returns:
        One per split; candidates and classes are the same in all.

    Raises:
        ValueError: for an unknown split or no candidates.

    Example:
        >>> (data,) = credit_ratings_data(["unequal"], num_candidates=10)
        >>> len(data.parties), data.candidates.shape
        (5, (10, 2))
    """
    drawn = [credit_ratings(split, num_candidates=num_candidates) for split in splits]
    return [
        ExperimentData(
            title="Credit ratings",
            split=split,
            parties=data.parties,
            labels=data.labels,
            candidates=data.candidates,
            candidate_labels=data.candidate_labels,
            num_classes=5,
            columns=("credit score", "likelihood of default"),
            candidates_note="The candidates come from the mixture that the banks' "
            "customers were drawn from, as in the paper.",
            paper=paper_results("credit-ratings", split),
            is_stand_in=False,
        )
        for split, data in zip(splits, drawn, strict=True)
    ]

"""What an experiment runs on: the parties' points, the candidates, and their classes.

`ExperimentData` is one way of sharing a data set. The points are those that are valued:
the numbers of a table as they are, images as eight features. Both splits of the paper
share the same real points between the same five parties (up to rounding), so
that the generator, the classifier and the features are made once and serve both.

Reference: Tay et al. 2022, Sec. 6, App. I.1 to I.6.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Array, Float, Int, Key

from cgm_jax.datasets import (
    PaperResults,
    credit_ratings,
    paper_results,
    split_by_proportions,
)
from cgm_jax.datasets.splits import Split

if TYPE_CHECKING:
    from cgm_jax.generators import MMDGANModel

__all__ = ["SPLITS", "ExperimentData", "Sharing", "credit_ratings_data", "share"]

SPLITS: tuple[Split, ...] = ("equal-disjoint", "unequal")


@dataclass(frozen=True, eq=False)
class ExperimentData:
    """Who owns what, and what is handed out, in the points that are valued."""

    title: str
    """What the data are, for headings."""

    split: Split
    """How the points are shared."""

    parties: list[np.ndarray]
    """The parties' points, float32, arrays of shape ``(n_i, d)``."""

    labels: list[Int[np.ndarray, " _"]]
    """The class of every point of every party, from 0."""

    candidates: Float[np.ndarray, "g d"]
    """G, float32."""

    candidate_labels: Int[np.ndarray, " g"]
    """The class of every candidate."""

    num_classes: int

    columns: tuple[str, ...]
    """What the d numbers of a point are."""

    candidates_note: str
    """Where the candidates and their classes come from, in sentences."""

    paper: PaperResults
    """What the paper prints for this split."""

    is_stand_in: bool
    """Whether the paper's numbers are for other data of the same kind."""

    places: tuple[list[np.ndarray], np.ndarray] | None = None
    """Two coordinates of every party's points and of the candidates, for pictures."""

    model: "MMDGANModel | None" = None
    """The generator, where one was trained."""

    images: tuple[list[np.ndarray], np.ndarray] | None = None
    """The parties' points and the candidates in pixels, where those that are valued
    are features of images."""

    grown: "Callable[[int], ExperimentData] | None" = None
    """The same with so many candidates, which begin with these; None for a file's."""


@dataclass(frozen=True, eq=False)
class Sharing:
    """Which rows of a data set are in the pool, and who owns which of them."""

    pool: Int[np.ndarray, " m"]
    """Rows of the data set that any party owns in any split, ascending."""

    owned: dict[Split, list[Int[np.ndarray, " _"]]]
    """In each split, every party's rows as positions in the pool."""


def share(
    key: Key[Array, ""],
    labels: Int[np.ndarray, " rows"],
    *,
    party_size: int | None = None,
    max_party_size: int | None = None,
) -> Sharing:
    """Share the same rows in both ways of the paper.

    Example:
        >>> import jax
        >>> shared = share(jax.random.key(0), np.arange(900) % 5, party_size=100)
        >>> len(shared.pool), [len(rows) for rows in shared.owned["unequal"]]
        (500, [100, 100, 100, 100, 100])

    Reference: Tay et al. 2022, App. I.6.
    """
    points = np.zeros((len(labels), 1), np.int8)  # which rows, is all that is asked
    owned: dict[Split, list[np.ndarray]] = {
        split: split_by_proportions(
            key,
            points,
            labels,
            split,
            party_size=party_size,
            max_party_size=max_party_size,
        ).rows
        for split in SPLITS
    }
    pool = np.unique(np.concatenate([party for ps in owned.values() for party in ps]))
    return Sharing(
        pool,
        {
            split: [np.searchsorted(pool, party) for party in parties]
            for split, parties in owned.items()
        },
    )


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

    Reference: Tay et al. 2022, App. I.1.
    """
    experiments = []
    for split in splits:
        data = credit_ratings(split, num_candidates=num_candidates)
        experiments.append(
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
        )
    return experiments

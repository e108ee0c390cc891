"""Sharing labelled points among parties, class by class (App. I.6, Tables 1-4).

A split is a table p with one row per party, one column per class: party i has the share
p[i, c] of its points from class c, so every row sums to 1. The paper names two of them:

- "equal-disjoint": every party owns nearly all of its points from classes of its own;
- "unequal": two parties see every class alike, three see only some.
"""

from dataclasses import dataclass
from typing import Literal, cast

import jax
import numpy as np
from jaxtyping import Float, Int, Key, Num, Shaped

from cgm_jax._shared.arrays import ArrayLike
from cgm_jax._shared.checks import check_classes

__all__ = ["LabelledParties", "Split", "paper_proportions", "split_by_proportions"]

Split = Literal["equal-disjoint", "unequal"]

# Tables 1 and 2. Tables 3 and 4 are these with every class cut in two.
_FIVE_CLASSES = {
    "equal-disjoint": np.where(np.eye(5) == 1, 0.96, 0.01),
    "unequal": [
        [0.20, 0.20, 0.20, 0.20, 0.20],
        [0.20, 0.20, 0.20, 0.20, 0.20],
        [0.58, 0.39, 0.01, 0.01, 0.01],
        [0.01, 0.20, 0.58, 0.20, 0.01],
        [0.01, 0.01, 0.01, 0.39, 0.58],
    ],
}


@dataclass(frozen=True, eq=False)
class LabelledParties:
    """Every party's points, and the class of each point.

    Attributes:
        parties: one array per party, shape ``(s_i, d)``.
        labels: one array per party, shape ``(s_i,)``.
        rows: the row of the data of each point, as the labels.
        held_out: rows of the data that no party owns, in random order.
    """

    parties: list[np.ndarray]
    labels: list[np.ndarray]
    rows: list[np.ndarray]
    held_out: Int[np.ndarray, " rest"]


def paper_proportions(
    split: Split, *, num_classes: int
) -> Float[np.ndarray, "n classes"]:
    r"""The share of each class in each party's data, Tables 1-4 of the paper.

    .. math:: p^{(10)}_{i,2c} = p^{(10)}_{i,2c+1} = p^{(5)}_{ic} / 2

    Args:
        split: "equal-disjoint" or "unequal".
        num_classes: 5 (Tables 1 and 2) or 10 (Tables 3 and 4).

    Returns:
        Proportions in [0, 1], shape ``(5, num_classes)``; every row sums to 1.

    Raises:
        ValueError: if the paper has no such table.

    Example:
        >>> paper_proportions("unequal", num_classes=5)[2]
        array([0.58, 0.39, 0.01, 0.01, 0.01])
    """
    if split not in _FIVE_CLASSES:
        raise ValueError(
            f"Expected split to be one of {', '.join(_FIVE_CLASSES)}, got {split!r}."
        )
    table = np.array(_FIVE_CLASSES[split])
    if num_classes == 5:
        return table
    if num_classes == 10:
        return np.repeat(table, 2, axis=1) / 2
    raise ValueError(
        f"The paper splits 5 or 10 classes, got num_classes={num_classes}; "
        "pass your own table of proportions, one row per party, one column per class."
    )


def split_by_proportions(
    key: Key[jax.Array, ""],
    points: Num[ArrayLike, "rows d"],
    labels: Shaped[ArrayLike, " rows"],
    proportions: Split | Float[ArrayLike, "n classes"],
    *,
    party_size: int | None = None,
    max_party_size: int | None = None,
) -> LabelledParties:
    r"""Share real points among parties of one size, without replacement.

    .. math:: |\{x \in D_i : \text{class}(x) = c\}| = m \, p_{ic}
              \quad \text{(rounded, so that party } i \text{ has } m \text{ points)}

    Every class is put in one random order, and the parties take their shares from it
    one after the other. A party appended to ``proportions`` takes what the others left:
    with ``party_size`` given, it changes nobody's points.

    Args:
        key: typed random key.
        points: all points, shape ``(rows, d)``.
        labels: the class of every point, shape ``(rows,)``, numbers or strings.
        proportions: share of each class in each party, shape ``(n, classes)``, columns
            in the sorted order of the classes; or a split of `paper_proportions`.
        party_size: points a party, at least 1; by default as many as the data allow.
        max_party_size: but no more than these, such as the paper's 5,000.

    Returns:
        The parties, in random row order, with their labels, and the rows left.

    Raises:
        ValueError: for proportions that are not a table of shares with one column a
            class, too few points of a class, lengths that differ, or a label that is
            missing.
        TypeError: for labels of which some are text and others are not.

    Example:
        >>> points, labels = np.arange(12.0).reshape(6, 2), np.array(list("aaabbb"))
        >>> halves = np.array([[0.5, 0.5], [1.0, 0.0]])
        >>> data = split_by_proportions(jax.random.key(0), points, labels, halves)
        >>> [sorted(party_labels.tolist()) for party_labels in data.labels]
        [['a', 'b'], ['a', 'a']]

    Reference: Tay et al. 2022, Sec. 6 and App. I.6.
    """
    points, labels = np.asarray(points), np.asarray(labels)
    if points.ndim != 2 or labels.shape != points.shape[:1]:
        raise ValueError(
            "Expected points of shape (rows, d) and labels of shape (rows,), "
            f"got {points.shape} and {labels.shape}."
        )
    check_classes(labels)
    classes, class_of_row, available = np.unique(
        labels, return_inverse=True, return_counts=True
    )
    if isinstance(proportions, str):
        split = cast(Split, proportions)
        proportions = paper_proportions(split, num_classes=len(classes))
    shares = _checked_shares(np.asarray(proportions, np.float64), len(classes))
    if max_party_size is not None and max_party_size < 1:
        raise ValueError(
            f"Expected a max_party_size of at least 1, got {max_party_size}."
        )
    if party_size is None:
        # If not one point per party fits, the check below says which class is short.
        party_size = max(_largest_party_size(shares, available, max_party_size), 1)
    counts = _counts(shares, party_size)
    needed = counts.sum(axis=0)
    if (needed > available).any():
        c = np.argmax(needed > available)
        raise ValueError(
            f"Class {classes[c]} has {available[c]} points, but parties of "
            f"{counts[0].sum()} need {needed[c]}; ask for a smaller party_size (at "
            f"most {_largest_party_size(shares, available)} fits) or other proportions."
        )

    order_key, party_key = jax.random.split(key)
    order = np.asarray(jax.random.permutation(order_key, len(labels)))
    queues = [order[class_of_row[order] == c] for c in range(len(classes))]
    rows, ends = [], np.cumsum(counts, axis=0)
    for i, (end, count) in enumerate(zip(ends, counts, strict=True)):
        taken = [q[e - m : e] for q, e, m in zip(queues, end, count, strict=True)]
        shuffle = jax.random.permutation(jax.random.fold_in(party_key, i), party_size)
        rows.append(np.concatenate(taken)[np.asarray(shuffle)])
    free = order[~np.isin(order, np.concatenate(rows))]
    return LabelledParties(
        [points[own] for own in rows], [labels[own] for own in rows], rows, free
    )


def _checked_shares(shares: np.ndarray, num_classes: int) -> np.ndarray:
    if shares.ndim != 2 or shares.shape[0] < 1 or shares.shape[1] != num_classes:
        raise ValueError(
            f"The labels have {num_classes} classes: expected proportions of shape "
            f"(parties, {num_classes}), got {shares.shape}."
        )
    if not (shares >= 0).all():  # written so that NaN fails too
        raise ValueError("Expected proportions of at least 0; got a negative or NaN.")
    totals = shares.sum(axis=1)
    wrong = np.flatnonzero(np.abs(totals - 1) > 1e-6)  # 1e-6 lets float32 tables pass
    if wrong.size:
        raise ValueError(
            f"Expected the proportions of every party to sum to 1; those of party "
            f"{wrong[0]} (counted from 0) sum to {totals[wrong[0]]:.6g}."
        )
    return shares


def _counts(shares: np.ndarray, party_size: int) -> np.ndarray:
    """Points of each class a party takes: rounding the running total keeps the sum."""
    if party_size < 1:
        raise ValueError(f"Expected a party_size of at least 1, got {party_size}.")
    running = np.rint(party_size * np.cumsum(shares, axis=1)).astype(np.int64)
    return np.diff(running, prepend=0, axis=1)


def _largest_party_size(
    shares: np.ndarray, available: np.ndarray, limit: int | None = None
) -> int:
    # Rounding saves a party less than one point of a class, hence the bound. The counts
    # are not monotone in the size, so come down from it to the first that fits.
    per_size = shares.sum(axis=0)
    asked = per_size > 0
    bound = int(((available + len(shares)) / np.where(asked, per_size, 1))[asked].min())
    for size in range(bound if limit is None else min(bound, limit), 0, -1):
        if (_counts(shares, size).sum(axis=0) <= available).all():
            return size
    return 0

"""What became of the labels, in words."""

import math

import numpy as np

from cgm_jax.features.labels import LabelShares

from .names import Names, party_names

__all__ = ["label_sentences"]

_MOST_NAMED = 10  # labels in a sentence, and sentences
_EXPECTED = 3.0  # rows; where fewer are expected, none is chance
_RARE = 1 / 3  # of the expected number of rows


def label_sentences(shares: LabelShares, names: Names = None) -> list[str]:
    """Labels that vanish from rewards or nearly do, and guesses that say little."""
    total, sizes = shares.pool.sum(), shares.rewards.sum(axis=1)
    expected = sizes[:, None] * shares.pool / total
    in_none = np.flatnonzero((shares.rewards == 0).all(axis=0))
    sentences = []
    if len(in_none) and sizes.any():
        sentences.append(
            f"{len(in_none):,} of {len(shares.labels):,} labels are in no reward: "
            f"{_listed(shares, in_none)}."
        )
    is_lacking = (shares.rewards < _RARE * expected) & (expected >= _EXPECTED)
    found = [k for k in np.flatnonzero(is_lacking.any(axis=0)) if k not in in_none]
    for k in found[:_MOST_NAMED]:
        lacking = np.flatnonzero(is_lacking[:, k])
        them = party_names(lacking.tolist(), names)
        sentences.append(
            f"Label {shares.labels[k]}, of {shares.pool[k] / total:.1%} of the parties'"
            f" rows, is in few or no rows of the rewards of {them}: "
            f"{int(shares.rewards[lacking, k].sum()):,} of "
            f"{int(sizes[lacking].sum()):,}."
        )
    if len(found) > _MOST_NAMED:
        sentences.append(
            f"So it is with {len(found) - _MOST_NAMED:,} more labels: see the table."
        )
    usual = shares.pool.max() / total
    if math.isnan(shares.accuracy):
        sentences.append(
            "How often the labels of synthetic rows are right is not known: some label "
            "is too rare to hold rows out."
        )
    elif shares.accuracy < usual + 0.1 * (1 - usual):
        sentences.append(
            f"The labels of synthetic rows say little: of held-out real rows, "
            f"{shares.accuracy:.1%} are labelled right, and {usual:.1%} would be by "
            f"calling all {shares.labels[int(np.argmax(shares.pool))]}."
        )
    return sentences


def _listed(shares: LabelShares, chosen: np.ndarray) -> str:
    total = shares.pool.sum()
    words = [
        f"{shares.labels[k]} ({shares.pool[k] / total:.1%} of the parties' rows)"
        for k in chosen[:_MOST_NAMED]
    ]
    more = len(chosen) - _MOST_NAMED
    return ", ".join(words) + (f" and {more:,} more" if more > 0 else "")

"""What releases promise, what they cost and what they do not cover, in words."""

from collections.abc import Mapping, Sequence

import numpy as np

from cgm_jax.collaboration import Uncertainty
from cgm_jax.privacy import Release

from .names import Names, party_names

__all__ = ["own_release_sentences", "release_sentences"]

_RELATION = {
    "replace one": "one row's content is exchanged for another's",
    "add or remove one": "one row more or less is in the data",
}


def release_sentences(
    releases: Sequence[Release], uncertainty: Uncertainty, names: Names = None
) -> list[str]:
    """What was released and promised, what it cost in accuracy, what is not covered."""
    sentences = [
        _promise(sent, party_names([i], names)) for i, sent in enumerate(releases)
    ]
    sentences.append(
        "Each party released one vector, the noisy mean of features of its rows, and "
        "nothing else; values, promises and synthetic rows were computed from these, "
        "which costs no more privacy."
    )
    errors = uncertainty.normalized_shapley_errors
    if np.isfinite(errors).all():
        sentences.append(
            f"Noise and features make contributions α uncertain by up to "
            f"± {errors.max():.3f} (one standard error)."
        )
    sentences.append(
        "Not covered: how the columns, ranges and categories of the agreement were "
        "chosen, numbers of rows where one is replaced, further releases of the same "
        "rows, whose ε add up, the time a release takes, and attacks on the noise's "
        "floating-point numbers."
    )
    return sentences


def own_release_sentences(
    sent: Release, left_out: Sequence[str], num_beyond: Mapping[str, int]
) -> list[str]:
    """For the party alone: what it promised, and what of its file is not in it."""
    sentences = [
        _promise(sent, "This release"),
        "A second release of the same rows would add its ε to this one's.",
    ]
    if left_out:
        sentences.append(f"Not agreed on, and left out: {', '.join(left_out)}.")
    for column, number in num_beyond.items():
        sentences.append(
            f"Column {column}: {number:,} numbers beyond the agreed range count as its "
            "end."
        )
    return sentences


def _promise(sent: Release, party: str) -> str:
    if np.isinf(sent.epsilon):
        return f"{party}: released without noise (ε is infinite); nothing is promised."
    return (
        f"{party}: private with ε = {sent.epsilon:g}, δ = {sent.delta:g}, where "
        f"{_RELATION[sent.neighbours]}."
    )

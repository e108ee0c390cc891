"""What releases promise, what they cost and what they do not cover, in words."""

from collections.abc import Mapping, Sequence

import numpy as np

from cgm_jax.collaboration import Uncertainty
from cgm_jax.privacy import Release

from .names import Names, party_names

__all__ = ["own_release_sentences", "release_sentences"]

_RELATION = {
    "replace one": "differ in the content of one row",
    "add or remove one": "differ by one row more or less",
}


def release_sentences(
    releases: Sequence[Release], uncertainty: Uncertainty, names: Names = None
) -> list[str]:
    """What was released and promised, what it cost in accuracy, what is not covered."""
    parties = [party_names([i], names) for i in range(len(releases))]
    sentences = [
        _promise(sent, party) for sent, party in zip(releases, parties, strict=True)
    ]
    sentences += _large_deltas(releases, parties)
    counts = {
        "with noise" if sent.neighbours == "add or remove one" else "exact"
        for sent in releases
    }
    sentences.append(
        "Each party released one vector, the noisy mean of features of its rows, and "
        f"their number ({', '.join(sorted(counts))}); values, promises and synthetic "
        "rows were computed from these, which adds nothing to ε or δ."
    )
    errors = uncertainty.normalized_shapley_errors
    if np.isfinite(errors).all():
        sentences.append(
            f"Noise and features make contributions α uncertain by up to "
            f"± {errors.max():.3f} (one standard error)."
        )
    sentences.append(
        "Not covered: several rows of one person; how the columns, ranges and "
        "categories of the agreement were chosen; numbers of rows where one is "
        "replaced; further releases of the same rows, whose ε and δ add up, and which "
        "nobody else can notice; that a party takes part, and the time its release "
        "takes; whoever finds the noise's key, of 64 bits; and attacks on its "
        "floating-point numbers."
    )
    return sentences


def own_release_sentences(
    sent: Release, left_out: Sequence[str], num_beyond: Mapping[str, int]
) -> list[str]:
    """For the party alone: what it promised, and what of its file is not in it."""
    sentences = [
        _promise(sent, "This release"),
        *_large_deltas([sent], ["This release"]),
        "A second release of the same rows would add its ε and δ to this one's.",
    ]
    if left_out:
        sentences.append(f"Not agreed on, and left out: {', '.join(left_out)}.")
    for column, number in num_beyond.items():
        sentences.append(
            f"Column {column}: {number:,} numbers beyond the agreed range count as its "
            "end."
        )
    return sentences


def _large_deltas(releases: Sequence[Release], parties: Sequence[str]) -> list[str]:
    """Noise that could be left out in one of n cases has δ = 1/n, and shows a row."""
    large = [
        party
        for sent, party in zip(releases, parties, strict=True)
        if sent.delta * sent.size >= 1 and np.isfinite(sent.epsilon)
    ]
    if not large:
        return []
    return [
        f"{', '.join(large)}: δ is one over the number of rows or more, which allows "
        "that a whole row is given away; agree on a smaller δ."
    ]


def _promise(sent: Release, party: str) -> str:
    if np.isinf(sent.epsilon):
        return f"{party}: released without noise (ε is infinite); nothing is promised."
    return (
        f"{party}: private with ε = {sent.epsilon:g}, δ = {sent.delta:g}, for data "
        f"that {_RELATION[sent.neighbours]}."
    )

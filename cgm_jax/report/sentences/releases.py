"""What releases promise, what they cost and what they do not cover, in words."""

from collections.abc import Mapping, Sequence

import numpy as np

from cgm_jax.collaboration import Uncertainty
from cgm_jax.privacy import Neighbours, Release

from .names import Names, party_names
from .warnings import uncertainty_warnings

__all__ = [
    "cost_sentences",
    "own_release_sentences",
    "promise_sentences",
    "release_sentences",
    "released_sentence",
    "uncovered",
]

_RELATION: dict[Neighbours, str] = {
    "replace one": "differ in the content of one row",
    "add or remove one": "differ by one row more or less",
}


def release_sentences(
    releases: Sequence[Release], uncertainty: Uncertainty, names: Names = None
) -> list[str]:
    """What was released and promised, what it cost in accuracy, what is not covered."""
    return [
        *promise_sentences(releases, names),
        released_sentence(releases),
        *cost_sentences(uncertainty, names),
        f"Not covered: {'; '.join(uncovered(releases))}.",
    ]


def promise_sentences(releases: Sequence[Release], names: Names = None) -> list[str]:
    """(ε, δ) of each party, and whose δ is too large to mean anything."""
    parties = [party_names([i], names) for i in range(len(releases))]
    promised = [
        _promise(sent, party) for sent, party in zip(releases, parties, strict=True)
    ]
    return [*promised, *_large_deltas(releases, parties)]


def released_sentence(releases: Sequence[Release]) -> str:
    """What left the parties, and what was made of it."""
    kinds = {sent.neighbours: len(sent.embedding) for sent in releases}
    counts = [
        "with noise" if kind == "add or remove one" else "exact" for kind in kinds
    ]
    return (
        f"Each party released one vector of {max(kinds.values()):,} numbers, the noisy "
        f"mean of features of its rows, and their number ({', '.join(sorted(counts))}),"
        " and nothing else; values, promises and synthetic rows were computed from "
        "these, which adds nothing to ε or δ."
    )


def uncovered(releases: Sequence[Release]) -> list[str]:
    """What no (ε, δ) here says anything about, a phrase each."""
    is_public = any(sent.neighbours == "replace one" for sent in releases)
    sizes = ["numbers of rows, which are in the releases as they are"]
    return [
        "several rows of one person: what is hidden is one row",
        "how the agreement was made: columns, ranges, categories and the length scale "
        "must not come from the rows",
        *(sizes if is_public else []),
        "further releases of the same rows, whose ε and δ add up, and which nobody "
        "else can notice",
        "that a party takes part, and the time its release takes",
        "whether a party added the noise that it states, which nobody else can check",
        "attacks on the floating-point numbers of the noise",
        "whoever finds the key of the noise, of 64 bits, in a generator of random "
        "numbers that is not made for cryptography",
    ]


def cost_sentences(uncertainty: Uncertainty, names: Names = None) -> list[str]:
    """How sure contributions and rewards are, and who cannot be told apart."""
    alphas = uncertainty.normalized_shapley_errors
    rewards = uncertainty.reward_value_errors
    sentences = []
    if np.isfinite(alphas).all():
        reward = uncertainty.scheme.reward_values
        share = np.max(rewards / np.where(reward > 0, reward, np.nan))
        most = f", and reward values by up to {share:.1%}" if np.isfinite(share) else ""
        sentences.append(
            "Noise, and features where they are random, make contributions α "
            f"uncertain by up to ± {alphas.max():.3f}{most} (one standard error)."
        )
    redrawn = "noise or random features"
    return sentences + uncertainty_warnings(uncertainty, names, redrawn=redrawn)


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

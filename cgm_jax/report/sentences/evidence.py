"""What parties' rows say of how they were made, in words, for the mediator alone."""

from collections.abc import Iterator

import numpy as np

from cgm_jax.evidence import Evidence, NearDuplicates, NoiseRows, Resamples

from .names import Names, party_name, party_names

_MOST_SENTENCES = 10


def evidence_sentences(evidence: Evidence, names: Names = None) -> list[str]:
    """Sentences about rows that parties share, about noise, and data too much alike."""
    near = evidence.near
    return [
        *near_duplicate_sentences(near, names),
        *_on_noise(evidence.noise, names),
        *_on_resamples(evidence.resamples, near, names),
    ]


def near_duplicate_sentences(near: NearDuplicates, names: Names = None) -> list[str]:
    """One sentence for each pair of parties that share more rows than chance explains.

    Equal rows are told wherever columns are not coarse. If they are, one sentence tells
    for all pairs of rows shared by chance.
    """
    is_equal = near.exact > 0
    is_told = near.is_beyond_chance | (is_equal & (not near.is_coarse))
    pairs = np.argwhere(np.triu(is_told)).tolist()
    sentences = [_of_pair(near, i, j, names) for i, j in pairs[:_MOST_SENTENCES]]
    sentences += _of_more(len(pairs))
    by_chance = np.where(is_told, 0, near.exact / near.sizes[:, None])
    if by_chance.any():
        most, other = np.unravel_index(np.argmax(by_chance), by_chance.shape)
        sentences.append(
            "The columns are so coarse that parties have rows in common by chance, up "
            f"to {near.exact[most, other]:,} of the {near.sizes[most]:,} rows of "
            f"{party_name(int(most), names)}."
        )
    return sentences


def _of_pair(near: NearDuplicates, i: int, j: int, names: Names) -> str:
    who = party_names([i, j], names)
    contested = np.maximum(near.contested, near.exact)
    if not (contested[i, j] or contested[j, i]):
        one, other = (i, j) if near.num_copied[i, j] else (j, i)
        return (
            f"{who}: the rows of these are nearer to each other than chance explains, "
            f"about {round(near.num_copied[one, other]):,} of the "
            f"{near.sizes[one]:,} rows of {party_name(one, names)}, as copies with "
            "noise are; which ones cannot be told."
        )
    parts = []
    for one, other in ((i, j), (j, i)):
        exact = near.exact[one, other]
        more = contested[one, other] - exact
        nearly = f" and {more:,} more nearly" if more else ""
        name = party_name(one, names)
        parts.append(f"{exact:,} of the {near.sizes[one]:,} rows of {name}{nearly}")
    return f"{who}: these have rows in common, {parts[0]}, and {parts[1]}."


def _on_noise(noise: NoiseRows, names: Names) -> Iterator[str]:
    for i in np.flatnonzero(noise.is_beyond_chance).tolist():
        yield (
            f"{party_name(i, names)}{_counted(names)}: about "
            f"{100 * noise.noise_shares[i]:.0f} % of the rows lie no more densely "
            "than noise would. They are noise, or few honest rows of a kind that "
            "nobody else has: look at them before you ask."
        )


def _on_resamples(alike: Resamples, near: NearDuplicates, names: Names) -> list[str]:
    """Pairs that are not told of for their rows already."""
    is_told = alike.is_beyond_chance & ~near.is_beyond_chance
    pairs = np.argwhere(np.triu(is_told)).tolist()
    sentences = [
        f"{party_names(pair, names)}: the data of these are more alike than "
        "independent samples are, as a copy with noise is."
        for pair in pairs[:_MOST_SENTENCES]
    ]
    return sentences + _of_more(len(pairs))


def _of_more(num_pairs: int) -> list[str]:
    rest = num_pairs - _MOST_SENTENCES
    return [f"So it is with {rest:,} more pairs of parties."] if rest > 0 else []


def _counted(names: Names) -> str:
    return " (counted from 0)" if names is None else ""

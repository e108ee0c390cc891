"""Rows that parties have in common, in words."""

import numpy as np

from cgm_jax.metrics import SharedRows

from .names import Names, party_name, party_names

_LEAST_SHARE = 0.01  # of nearly shared rows that is worth a sentence
_MOST_SENTENCES = 10


def shared_rows_sentences(shared: SharedRows, names: Names = None) -> list[str]:
    """One sentence for each pair of parties that share more rows than chance explains.

    Rows that are only nearly shared count if they are more than 1 % of a party's. Of
    rows shared by chance, in coarse tables, one sentence tells for all.
    """
    is_worth_it = shared.near > _LEAST_SHARE * shared.sizes[:, None]
    is_shared = (shared.near > 0) & ((shared.exact > 0) | is_worth_it)
    is_told = is_shared & shared.is_beyond_chance
    pairs = np.argwhere(np.triu(is_told | is_told.T)).tolist()
    sentences = [_of_pair(shared, i, j, names) for i, j in pairs[:_MOST_SENTENCES]]
    if len(pairs) > _MOST_SENTENCES:
        sentences.append(
            f"So it is with {len(pairs) - _MOST_SENTENCES:,} more pairs of parties."
        )
    by_chance = is_shared & ~(is_told | is_told.T)
    if by_chance.any():
        shares = np.where(by_chance, shared.near / shared.sizes[:, None], 0)
        most, other = np.unravel_index(np.argmax(shares), shares.shape)
        sentences.append(
            "The columns are so coarse that parties have rows in common by chance, up "
            f"to {shared.near[most, other]:,} of the {shared.sizes[most]:,} rows of "
            f"{party_name(int(most), names)}."
        )
    return sentences


def _of_pair(shared: SharedRows, i: int, j: int, names: Names) -> str:
    parts = []
    for one, other in ((i, j), (j, i)):
        exact, near = shared.exact[one, other], shared.near[one, other]
        nearly = f" and {near - exact:,} more nearly" if near > exact else ""
        who = party_name(one, names)
        parts.append(f"{exact:,} of the {shared.sizes[one]:,} rows of {who}{nearly}")
    return (
        f"{party_names([i, j], names)}: these have rows in common, {parts[0]}, and "
        f"{parts[1]}."
    )

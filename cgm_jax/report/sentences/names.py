"""Parties as they are called in a sentence."""

from collections.abc import Iterable, Sequence

Names = Sequence[str] | None
"""The parties' names; where there are none, parties are numbered from 0."""

_MOST_NAMED = 10  # parties in a sentence


def party_names(parties: Iterable[int], names: Names = None) -> str:
    """Parties as they are called in a sentence, the first ten of very many."""
    them = list(parties)
    named = [f"party {i}" if names is None else names[i] for i in them[:_MOST_NAMED]]
    rest = [f"and {len(them) - _MOST_NAMED} more"] if len(them) > _MOST_NAMED else []
    counted = " (counted from 0)" if names is None else ""
    return ", ".join(named + rest) + counted


def party_name(party: int, names: Names = None) -> str:
    """One party, where others are in the same sentence."""
    return f"party {party}" if names is None else names[party]

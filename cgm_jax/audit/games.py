"""The values of coalitions that conditions on them ask for: all, or those of a sample.

Conditions are about C and C ∪ i (who adds what), C ∪ i and C ∪ j (who adds more), and
coalitions in which nobody has more than party i. Of more than 20 parties, a sample is
looked at: coalitions of all sizes, ∅ and N among them, and every one that differs from
these by one party. What holds for a sample may fail elsewhere.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from cgm_jax._shared.arrays import ArrayLike, to_host
from cgm_jax.gram import GramSums
from cgm_jax.valuation import coalition_values, values_of_coalitions
from cgm_jax.valuation.coalitions import MAX_TABLE_PARTIES, num_parties

NUM_SAMPLED = 2**16  # values of the sample, about

ValueFunction = Callable[[Bool[np.ndarray, "m n"]], Float[np.ndarray, " m"]]
Coalition = Callable[[int], tuple[int, ...]]  # the members of a case


class Joins(NamedTuple):
    """Party i joins coalitions without it; it is among the members of a case."""

    before: Float[np.ndarray, " cases"]
    after: Float[np.ndarray, " cases"]
    coalition: Coalition


class Swap(NamedTuple):
    """The largest and smallest v(C ∪ i) − v(C ∪ j) of C without both; members of C."""

    other: int  # party j
    most: float
    least: float
    at_most: Callable[[], tuple[int, ...]]
    at_least: Callable[[], tuple[int, ...]]


class TabulatedGame:
    """All 2^n values."""

    is_exact = True

    def __init__(self, values: Float[np.ndarray, " coalitions"]):
        self.num_parties = num_parties(len(values))
        self.known = values

    def value_of(self, members: Bool[np.ndarray, "m n"]) -> Float[np.ndarray, " m"]:
        """Values of the coalitions in the rows."""
        return self.known[members @ (1 << np.arange(self.num_parties))]

    def joins(self, party: int) -> Joins:
        """The party joins all coalitions without it."""
        without = coalitions_without(self.num_parties, party)
        joined = without | 1 << party
        return Joins(
            self.known[without],
            self.known[joined],
            lambda case: members_of(int(joined[case])),
        )

    def swaps(self, party: int) -> Iterator[Swap]:
        """The party instead of those after it, in all coalitions without both."""
        for other in range(party + 1, self.num_parties):
            without = coalitions_without(self.num_parties, party, other)
            gain = self.known[without | 1 << party] - self.known[without | 1 << other]
            yield _swap(other, gain, without, members_of)

    def led_by(
        self, party: int, no_more: Bool[np.ndarray, " n"]
    ) -> tuple[Float[np.ndarray, " cases"], Coalition]:
        """Values of all coalitions of the party and some of others, some repeatedly."""
        allowed = int(no_more @ (1 << np.arange(self.num_parties)))
        inside = coalitions_without(self.num_parties, party) & allowed | 1 << party
        return self.known[inside], lambda case: members_of(int(inside[case]))


class SampledGame:
    """A sample of the values, where there are too many for all."""

    is_exact = False

    def __init__(self, num_parties: int, value_of: ValueFunction):
        self.num_parties = n = num_parties
        self.value_of = value_of
        self._base = base = _sample(n)
        values = value_of(base)
        each = np.eye(n, dtype=bool)
        # The value with party i in or out, whichever it is not in the sample.
        changed = np.stack([value_of(base ^ each[i][None]) for i in range(n)], axis=1)
        self.known = np.append(values, changed)
        self._before = np.where(base, changed, values[:, None])
        self._after = np.where(base, values[:, None], changed)

    def joins(self, party: int) -> Joins:
        """The coalitions of the sample, with the party and without it."""

        def members(case: int) -> tuple[int, ...]:
            joined = self._base[case].copy()
            joined[party] = True
            return _members(joined)

        return Joins(self._before[:, party], self._after[:, party], members)

    def swaps(self, party: int) -> Iterator[Swap]:
        """The same, in the coalitions of the sample without both."""
        for other in range(party + 1, self.num_parties):
            rows = np.flatnonzero(~self._base[:, party] & ~self._base[:, other])
            gain = self._after[rows, party] - self._after[rows, other]
            yield _swap(other, gain, rows, lambda row: _members(self._base[row]))

    def led_by(
        self, party: int, no_more: Bool[np.ndarray, " n"]
    ) -> tuple[Float[np.ndarray, " cases"], Coalition]:
        """What is left of the sample; the largest of them always."""
        inside = self._base & no_more[None]
        inside[:, party] = True
        return self.value_of(inside), lambda case: _members(inside[case])


Game = TabulatedGame | SampledGame


def as_game(values: Float[ArrayLike, " coalitions"] | GramSums | Game) -> Game:
    """The game of a table of values or of sums: whole up to 20 parties."""
    if isinstance(values, Game):
        return values
    if isinstance(values, GramSums):
        n = values.num_parties
        if n <= MAX_TABLE_PARTIES:
            return TabulatedGame(np.asarray(coalition_values(values)))
        return SampledGame(
            n, lambda members: np.asarray(values_of_coalitions(values, members))
        )
    table = to_host(values)
    if table.ndim != 1:
        raise ValueError(
            "Expected a table of 2**n values of coalitions, got an array of shape "
            f"{table.shape}."
        )
    if not np.isfinite(table).all():
        raise ValueError(f"Expected finite values of coalitions, got {table}.")
    game = TabulatedGame(table)
    if game.num_parties <= MAX_TABLE_PARTIES:
        return game
    return SampledGame(game.num_parties, game.value_of)


def coalitions_without(num: int, *absent: int) -> Int[np.ndarray, " some"]:
    """All coalitions of n parties without some of them, as bitmasks."""
    masks = np.arange(2 ** (num - len(absent)))
    for i in sorted(absent):
        masks = (masks >> i << i + 1) | (masks & (1 << i) - 1)
    return masks


def members_of(coalition: int) -> tuple[int, ...]:
    """The parties of a bitmask, counted from 0."""
    return tuple(i for i in range(coalition.bit_length()) if coalition >> i & 1)


def _sample(n: int) -> Bool[np.ndarray, "m n"]:
    """∅, N and, of every share of the parties, some at random; the same every time."""
    num = max(NUM_SAMPLED // n, 64)
    rng = np.random.default_rng(0)
    share = (np.arange(num - 2) + 0.5) / (num - 2)
    drawn = rng.uniform(size=(num - 2, n)) < share[:, None]
    return np.concatenate([np.zeros((1, n), bool), np.ones((1, n), bool), drawn])


def _swap(
    other: int,
    gain: Float[np.ndarray, " cases"],
    coalitions: Int[np.ndarray, " cases"],
    members: Coalition,
) -> Swap:
    most, least = int(gain.argmax()), int(gain.argmin())
    return Swap(
        other,
        float(gain[most]),
        float(gain[least]),
        partial(members, int(coalitions[most])),
        partial(members, int(coalitions[least])),
    )


def _members(row: Bool[np.ndarray, " n"]) -> tuple[int, ...]:
    return tuple(np.flatnonzero(row).tolist())

"""The values of coalitions that conditions on them ask for: all, or those of a sample.

Conditions are about pairs of coalitions: C and C ∪ i (who adds what), C ∪ i and C ∪ j
(who adds more), and coalitions in which nobody has more than party i. Up to 20 parties,
all of them are looked at. With more parties, a sample is: coalitions of all sizes, ∅
and N among them, and every coalition that differs from one of these by one party. What
holds for a sample may fail for a coalition that is not in it.
"""

from collections.abc import Callable
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
from jaxtyping import ArrayLike, Bool, Float, Int

from cgm_jax.gram import GramSums
from cgm_jax.valuation import coalition_values, values_of_coalitions
from cgm_jax.valuation.coalitions import MAX_TABLE_PARTIES, num_parties

__all__ = [
    "Game",
    "Joins",
    "SampledGame",
    "Swaps",
    "TabulatedGame",
    "as_game",
    "coalitions_without",
    "members_of",
]

NUM_SAMPLED = 2**16  # values of the sample, about

Values = Callable[[Bool[np.ndarray, "m n"]], Float[np.ndarray, " m"]]
Coalition = Callable[[int], tuple[int, ...]]


class Joins(NamedTuple):
    """Party i joins coalitions without it."""

    before: Float[np.ndarray, " cases"]
    after: Float[np.ndarray, " cases"]
    coalition: Coalition
    """The members of a case, party i among them."""


class Swaps(NamedTuple):
    """Party i instead of each party j > i, in coalitions without both."""

    others: Int[np.ndarray, " pairs"]
    """The parties j."""

    most: Float[np.ndarray, " pairs"]
    """The largest v(C ∪ i) − v(C ∪ j)."""

    least: Float[np.ndarray, " pairs"]
    """The smallest."""

    at_most: Int[np.ndarray, " pairs"]
    """The case of the largest."""

    at_least: Int[np.ndarray, " pairs"]

    coalition: Callable[[int, int], tuple[int, ...]]
    """The members of C, of a pair and a case."""


@runtime_checkable
class Game(Protocol):
    """What the conditions read of a game."""

    num_parties: int
    is_exact: bool

    @property
    def known(self) -> Float[np.ndarray, " some"]:
        """All values, or those of the sample."""
        ...

    def value_of(self, members: Bool[np.ndarray, "m n"]) -> Float[np.ndarray, " m"]:
        """Values of the coalitions in the rows."""
        ...

    def joins(self, party: int) -> Joins:
        """The party joins coalitions."""
        ...

    def swaps(self, party: int) -> Swaps:
        """The party instead of those after it."""
        ...

    def led_by(
        self, party: int, no_more: Bool[np.ndarray, " n"]
    ) -> tuple[Float[np.ndarray, " cases"], Coalition]:
        """Values of coalitions of the party and some of others."""
        ...


class TabulatedGame:
    """All 2^n values.

    Example:
        >>> game = TabulatedGame(np.array([0.0, 1.0, 2.0, 4.0]))
        >>> game.joins(0).after - game.joins(0).before
        array([1., 2.])
        >>> game.swaps(0).most
        array([-1.])
    """

    is_exact = True

    def __init__(self, values: Float[np.ndarray, " coalitions"]):
        self.num_parties = num_parties(len(values))
        self._values = values

    @property
    def known(self) -> Float[np.ndarray, " coalitions"]:
        """The table."""
        return self._values

    def value_of(self, members: Bool[np.ndarray, "m n"]) -> Float[np.ndarray, " m"]:
        """Rows of the table."""
        return self._values[members @ (1 << np.arange(self.num_parties))]

    def joins(self, party: int) -> Joins:
        """All coalitions without the party."""
        without = coalitions_without(self.num_parties, party)
        joined = without | 1 << party
        return Joins(
            self._values[without],
            self._values[joined],
            lambda case: members_of(int(joined[case])),
        )

    def swaps(self, party: int) -> Swaps:
        """All coalitions without both."""
        n = self.num_parties
        others = np.arange(party + 1, n)
        found = []
        for j in others.tolist():
            without = coalitions_without(n, party, j)
            gain = self._values[without | 1 << party] - self._values[without | 1 << j]
            most, least = int(gain.argmax()), int(gain.argmin())
            found.append((gain[most], gain[least], without[most], without[least]))
        columns = zip(*found, strict=True) if found else [()] * 4
        most, least, at_most, at_least = (np.array(column) for column in columns)
        return Swaps(
            others, most, least, at_most, at_least, lambda _, case: members_of(case)
        )

    def led_by(
        self, party: int, no_more: Bool[np.ndarray, " n"]
    ) -> tuple[Float[np.ndarray, " cases"], Coalition]:
        """All of them; some several times."""
        allowed = int(no_more @ (1 << np.arange(self.num_parties)))
        inside = coalitions_without(self.num_parties, party) & allowed | 1 << party
        return self._values[inside], lambda case: members_of(int(inside[case]))


class SampledGame:
    """A sample of the values, where there are too many for all.

    Example:
        >>> game = SampledGame(25, lambda members: members.sum(axis=1) * 1.0)
        >>> joins = game.joins(3)
        >>> bool((joins.after - joins.before == 1).all())
        True
    """

    is_exact = False

    def __init__(self, num_parties: int, value_of: Values):
        self.num_parties = n = num_parties
        self._function = value_of
        self._base = base = _sample(n)
        self._values = value_of(base)
        each = np.eye(n, dtype=bool)
        changed = np.concatenate([value_of(base ^ each[i][None]) for i in range(n)])
        # The value with party i in or out, whichever it is not in the sample.
        self._changed = changed = changed.reshape(n, len(base)).T
        own = self._values[:, None]
        self._before = np.where(base, changed, own)
        self._after = np.where(base, own, changed)

    @property
    def known(self) -> Float[np.ndarray, " some"]:
        """The values of the sample."""
        return np.append(self._values, self._changed)

    def value_of(self, members: Bool[np.ndarray, "m n"]) -> Float[np.ndarray, " m"]:
        """Values by the given function."""
        return self._function(members)

    def joins(self, party: int) -> Joins:
        """The coalitions of the sample, with the party and without it."""
        return Joins(
            self._before[:, party],
            self._after[:, party],
            lambda case: _with(self._base[case], party),
        )

    def swaps(self, party: int) -> Swaps:
        """The coalitions of the sample that have neither."""
        others = np.arange(party + 1, self.num_parties)
        rows = np.flatnonzero(~self._base[:, party])
        apart = ~self._base[rows][:, others]
        gain = self._after[rows, party][:, None] - self._after[rows][:, others]
        high, low = np.where(apart, gain, -np.inf), np.where(apart, gain, np.inf)
        at_most, at_least = high.argmax(axis=0), low.argmin(axis=0)
        pairs = np.arange(len(others))
        return Swaps(
            others,
            high[at_most, pairs],
            low[at_least, pairs],
            at_most,
            at_least,
            lambda _, case: _members(self._base[rows[case]]),
        )

    def led_by(
        self, party: int, no_more: Bool[np.ndarray, " n"]
    ) -> tuple[Float[np.ndarray, " cases"], Coalition]:
        """What is left of the sample; the largest of them always."""
        inside = self._base & no_more[None]
        inside[:, party] = True
        return self._function(inside), lambda case: _members(inside[case])


def as_game(values: "Float[ArrayLike, ' coalitions'] | GramSums | Game") -> Game:
    """The game of a table of values or of sums: whole up to 20 parties.

    Example:
        >>> as_game(np.array([0.0, 1.0, 2.0, 4.0])).num_parties
        2
    """
    if isinstance(values, GramSums):
        n = values.num_parties
        if n <= MAX_TABLE_PARTIES:
            return TabulatedGame(np.asarray(coalition_values(values)))
        return SampledGame(
            n, lambda members: np.asarray(values_of_coalitions(values, members))
        )
    if isinstance(values, Game):
        return values
    table = np.asarray(values, float)
    if table.ndim != 1:
        raise ValueError(
            "Expected a table of 2**n values of coalitions, got an array of shape "
            f"{table.shape}."
        )
    if not np.isfinite(table).all():
        raise ValueError(f"Expected finite values of coalitions, got {table}.")
    n = num_parties(len(table))
    if n <= MAX_TABLE_PARTIES:
        return TabulatedGame(table)
    return SampledGame(n, lambda members: table[members @ (1 << np.arange(n))])


def coalitions_without(num: int, *absent: int) -> Int[np.ndarray, " some"]:
    """All coalitions of n parties without some of them.

    Example:
        >>> coalitions_without(3, 1)
        array([0, 1, 4, 5])
    """
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


def _members(row: Bool[np.ndarray, " n"]) -> tuple[int, ...]:
    return tuple(np.flatnonzero(row).tolist())


def _with(row: Bool[np.ndarray, " n"], party: int) -> tuple[int, ...]:
    joined = row.copy()
    joined[party] = True
    return _members(joined)

"""Games as the conditions read them: tables and samples against plain definitions."""

import numpy as np
import pytest

from cgm_jax.audit.games import SampledGame, TabulatedGame, as_game
from cgm_jax.gram import gram_sums
from cgm_jax.kernels import SquaredExponential
from cgm_jax.valuation import coalition_values

N = 5
TABLE = np.random.default_rng(0).normal(size=2**N)


def value(members) -> float:
    return float(TABLE[sum(1 << i for i in members)])


def sampled() -> SampledGame:
    return SampledGame(N, lambda members: TABLE[members @ (1 << np.arange(N))])


GAMES = [TabulatedGame(TABLE), sampled()]


@pytest.mark.parametrize("game", GAMES)
@pytest.mark.parametrize("party", range(N))
def test_a_party_joins_coalitions_without_it(game, party: int):
    joins = game.joins(party)
    met = set()
    for case in range(len(joins.before)):
        members = joins.coalition(case)
        assert party in members
        assert joins.after[case] == value(members)
        assert joins.before[case] == value(set(members) - {party})
        met.add(members)
    # So many coalitions of so few parties: the sample has all of them.
    assert len(met) == 2 ** (N - 1)


@pytest.mark.parametrize("game", GAMES)
def test_one_party_instead_of_another(game):
    for i in range(N):
        swaps = list(game.swaps(i))
        assert [swap.other for swap in swaps] == list(range(i + 1, N))
        for swap in swaps:
            j = swap.other
            gains = {
                members: value({*members, i}) - value({*members, j})
                for c in range(2**N)
                if not {i, j} & set(members := tuple(k for k in range(N) if c >> k & 1))
            }
            assert swap.most == max(gains.values()) == gains[swap.at_most()]
            assert swap.least == min(gains.values()) == gains[swap.at_least()]


@pytest.mark.parametrize("game", GAMES)
def test_coalitions_of_a_party_and_some_of_others(game):
    no_more = np.array([True, False, True, True, False])
    values, coalition = game.led_by(2, no_more)
    met = {coalition(case) for case in range(len(values))}
    assert met == {(2,), (0, 2), (2, 3), (0, 2, 3)}
    assert all(values[case] == value(coalition(case)) for case in range(len(values)))


def test_a_sample_of_many_parties_has_coalitions_of_all_sizes():
    game = SampledGame(100, lambda members: members.sum(axis=1) * 1.0)
    sizes = game.joins(0).before
    assert sizes.min() == 0 and sizes.max() == 99
    assert np.histogram(sizes, bins=10, range=(0, 100))[0].min() > 30
    # The same every time, or two games could not be compared.
    again = SampledGame(100, lambda members: members.sum(axis=1) * 1.0)
    np.testing.assert_array_equal(again.joins(3).before, game.joins(3).before)


@pytest.mark.medium
def test_sums_and_their_table_are_one_game():
    rng = np.random.default_rng(1)
    parties = [rng.normal(size=(3, 2)) for _ in range(4)]
    sums = gram_sums(SquaredExponential(1.0), parties, rng.normal(size=(5, 2)))
    table = np.asarray(coalition_values(sums))
    np.testing.assert_array_equal(as_game(sums).known, table)
    game = as_game(table)
    assert as_game(game) is game and game.is_exact
    many = gram_sums(SquaredExponential(1.0), parties * 6, parties[0])
    assert not as_game(many).is_exact


@pytest.mark.parametrize("values", [np.zeros((2, 2)), np.array([0.0, np.nan])])
def test_what_is_no_table_is_refused(values):
    with pytest.raises(ValueError, match=r"Expected (a table|finite)"):
        as_game(values)

"""Scorings against their definitions on small games, and what they say they prove."""

from dataclasses import replace

import jax
import numpy as np
import oracles
import pytest
from oracles_games import shapley_by_permutations

import cgm_jax
from cgm_jax.collaboration import Collaboration, estimate_uncertainty
from cgm_jax.gram import gram_sums
from cgm_jax.kernels import SquaredExponential
from cgm_jax.rewards import scheme_from_sums
from cgm_jax.scoring import (
    SCORINGS,
    Departures,
    Distribution,
    HandedIn,
    Precedence,
    Quotient,
    Scoring,
    Semivalues,
    Shapley,
    SumOfPoints,
    TimeAware,
    for_parties,
    scoring_named,
)
from cgm_jax.scoring.saving import describe_scoring, rebuild_scoring
from cgm_jax.valuation import BetaShapley, coalition_values, shapley_values

KERNEL = SquaredExponential(0.7)
SCALE = oracles.squared_exponential(0.7)
FAMILY = [Departures(0.5), Departures((1.0, 0.5, 0.9)), Precedence((1, 0, 1))]
FAMILY += [Quotient((0, 1, 0)), Distribution("pool")]
ALL = [
    *FAMILY,
    *SCORINGS.values(),
    TimeAware((0, 2, 1)),
    TimeAware((1, 0, 4), SumOfPoints()),
]


def small(sizes=(2, 1, 3)) -> HandedIn:
    """Points of unequal parties, and six candidates, in float64."""
    rng = np.random.default_rng(0)
    parties = [rng.normal(i / 2, 0.5, size=(n, 2)) for i, n in enumerate(sizes)]
    candidates = rng.normal(0.5, 1, size=(6, 2))
    return HandedIn(KERNEL, parties, candidates, gram_sums(KERNEL, parties, candidates))


def value(handed_in: HandedIn, members) -> float:
    """v(C) from the points."""
    assert handed_in.parties is not None
    if not len(members):
        return 0.0
    reference = np.concatenate([*handed_in.parties, handed_in.candidates])
    subset = np.concatenate([handed_in.parties[i] for i in members])
    return oracles.value(SCALE, subset, reference)


def table(handed_in: HandedIn, players) -> list[float]:
    """v of every coalition of some parties, by bitmask."""
    return [
        value(handed_in, [p for i, p in enumerate(players) if mask >> i & 1])
        for mask in range(2 ** len(players))
    ]


def weighted(values: list[float], weights) -> np.ndarray:
    """Means of marginal contributions, each coalition by the weight of its size."""
    n = len(values).bit_length() - 1
    scores = np.zeros(n)
    for i in range(n):
        for mask in range(2**n):
            if not mask >> i & 1:
                gain = values[mask | 1 << i] - values[mask]
                scores[i] += weights[mask.bit_count()] * gain
    return scores


@pytest.mark.parametrize(
    ("name", "weights"),
    [
        ("shapley", (1 / 3, 1 / 6, 1 / 3)),
        ("banzhaf", (1 / 4, 1 / 4, 1 / 4)),
        ("leave-one-out", (0, 0, 1)),
        # Of c others in a coalition with chance q, q of the law Beta(1, 4).
        ("beta-shapley", (2 / 3, 2 / 15, 1 / 15)),
    ],
)
def test_means_of_marginal_contributions(name, weights):
    handed_in = small()
    expected = weighted(table(handed_in, range(3)), weights)
    found = scoring_named(name).scores(handed_in)
    np.testing.assert_allclose(found, expected, atol=1e-9)


def test_shapley_scores_are_the_values_of_before():
    handed_in = small()
    assert SCORINGS["shapley"] == Shapley()
    values = np.asarray(coalition_values(handed_in.sums))
    expected = scheme_from_sums(handed_in.sums, values)
    np.testing.assert_array_equal(
        Shapley().scores(handed_in), np.asarray(shapley_values(values))
    )
    promises = cgm_jax.promise(
        handed_in.parties, handed_in.candidates, kernel=KERNEL, scoring=Shapley()
    )
    assert promises.scheme == expected
    assert "scores=" not in repr(promises.scheme)


def test_points_are_the_players():
    handed_in = small((2, 1, 2))
    points = np.concatenate(handed_in.parties)
    reference = np.concatenate([points, handed_in.candidates])
    values = [
        oracles.value(SCALE, points[[i for i in range(5) if mask >> i & 1]], reference)
        if mask
        else 0.0
        for mask in range(2**5)
    ]
    of_points = shapley_by_permutations(values)
    expected = [sum(of_points[:2]), of_points[2], sum(of_points[3:])]
    found = SumOfPoints().scores(handed_in)
    np.testing.assert_allclose(found, expected, atol=1e-10)


@pytest.mark.parametrize("base", [Shapley(), Semivalues("banzhaf"), SumOfPoints()])
def test_periods_are_games_of_those_present(base):
    handed_in = small()
    found = TimeAware((3, 0, 1), base).scores(handed_in)
    # Party 1 is alone in one period, with party 2 in two, with all in one.
    expected = np.zeros(3)
    for players, duration in (([1], 1), ([1, 2], 2), ([0, 1, 2], 1)):
        is_there = np.isin(np.arange(3), players)
        if isinstance(base, SumOfPoints):
            scores = base.scores(handed_in.among(is_there))
        else:
            n = len(players)
            even = [1 / 2 ** (n - 1)] * n
            by_size = {1: [1], 2: [1 / 2, 1 / 2], 3: [1 / 3, 1 / 6, 1 / 3]}[n]
            weights = even if isinstance(base, Semivalues) else by_size
            scores = weighted(table(handed_in, players), weights)
        expected[players] += duration * scores
    np.testing.assert_allclose(found, expected / 4, atol=1e-9)


@pytest.mark.parametrize("stay", [1, 0.4, (0.9, 0.5, 1.0), (0.0, 0.5, 1.0)])
def test_departures_are_the_mean_over_who_stays(stay):
    handed_in = small()
    chances = np.broadcast_to(np.array(stay, float), 3)
    expected = np.zeros(3)
    for mask in range(1, 8):
        players = [i for i in range(3) if mask >> i & 1]
        stays = np.isin(np.arange(3), players)
        chance = np.where(stays, chances, 1 - chances).prod()
        expected[players] += chance * np.array(
            shapley_by_permutations(table(handed_in, players))
        )
    found = scoring_named("departures", stay=stay).scores(handed_in)
    np.testing.assert_allclose(found, expected, atol=1e-10)


@pytest.mark.medium
def test_precedence_is_the_mean_over_the_orders_that_keep_it():
    handed_in = small()
    values, expected = table(handed_in, range(3)), np.zeros(3)
    for order in ((1, 0, 2), (1, 2, 0)):  # party 1 comes first
        joined = 0
        for i in order:
            expected[i] += (values[joined | 1 << i] - values[joined]) / 2
            joined |= 1 << i
    found = scoring_named("precedence", joined=[1, 0, 1]).scores(handed_in)
    np.testing.assert_allclose(found, expected, atol=1e-10)


def test_quotients_share_the_value_of_a_cluster_by_points():
    handed_in = small()
    parties = handed_in.parties
    assert parties is not None
    merged = [np.concatenate([parties[0], parties[2]]), parties[1]]
    both, second = shapley_by_permutations(
        table(replace(handed_in, parties=merged), range(2))
    )
    found = Quotient((0, 1, 0)).scores(handed_in)
    np.testing.assert_allclose(found, [both * 2 / 5, second, both * 3 / 5], atol=1e-10)
    apart = Quotient((2, 0, 1)).scores(handed_in)
    np.testing.assert_allclose(apart, Shapley().scores(handed_in), atol=1e-9)


def test_quotients_find_a_copy():
    rng = np.random.default_rng(3)
    first, second = rng.normal(size=(2, 60, 2))
    candidates = rng.normal(size=(50, 2))
    parties = [first, second, first[:30]]
    sums = gram_sums(KERNEL, parties, candidates)
    handed_in = HandedIn(KERNEL, parties, candidates, sums)
    found = Quotient().scores(handed_in)
    np.testing.assert_array_equal(found, Quotient((0, 1, 0)).scores(handed_in))


@pytest.mark.parametrize("reference", ["uniform mixture", "pool", "candidates"])
def test_distribution_is_how_near_a_party_is(reference):
    handed_in = small()
    parties = handed_in.parties
    assert parties is not None
    points = np.concatenate([*parties, handed_in.candidates])
    gram, owner = SCALE(points, points), np.repeat(range(4), [2, 1, 3, 6])
    share = {
        "uniform mixture": np.array([1 / 6, 1 / 3, 1 / 9, 0]),
        "pool": np.array([1 / 6, 1 / 6, 1 / 6, 0]),
        "candidates": np.array([0, 0, 0, 1 / 6]),
    }[reference][owner]
    expected, far = [], []
    for i, x in enumerate(parties):
        own = (owner == i) / len(x)
        expected.append(-np.sqrt((own - share) @ gram @ (own - share)))
        far.append(own @ gram @ own + share @ gram @ share)
    found = Distribution(reference).scores(handed_in)
    np.testing.assert_allclose(found, np.sqrt(max(far)) + expected, atol=1e-10)
    assert (found > 0).all()


def test_joining_at_once_changes_no_bit():
    handed_in = small()
    for scoring in SCORINGS.values():
        found = TimeAware((2, 2, 2), scoring).scores(handed_in)
        np.testing.assert_array_equal(found, scoring.scores(handed_in))


def test_some_parties_on_the_reference_of_all():
    handed_in = small()
    some = handed_in.among(np.array([True, False, True]))
    values = np.asarray(coalition_values(some.sums))
    np.testing.assert_allclose(values, table(handed_in, [0, 2]), atol=1e-12)
    again = gram_sums(KERNEL, some.parties, some.candidates)
    np.testing.assert_allclose(again.between, some.sums.between, atol=1e-12)
    assert again.sizes.tolist() == some.sums.sizes.tolist()


def test_what_is_known_of_parties_goes_with_them():
    scoring = TimeAware((0, 3, 5), TimeAware((7, 8, 9)))
    changed = for_parties(scoring, [0, 1, 1, 2])
    assert for_parties(Departures((0.5, 1.0)), [1, 1, 0]).stay == (1.0, 1.0, 0.5)
    assert for_parties(Departures(0.5), [1, 1, 0]).stay == 0.5
    assert for_parties(Quotient(), [0, 1]) == Quotient()
    assert changed.joined == (0, 3, 3, 5)
    assert changed.scoring.joined == (7, 8, 8, 9)
    assert for_parties(Shapley(), [1]) == Shapley()


@pytest.mark.parametrize("scoring", ALL, ids=lambda scoring: scoring.name)
def test_saved_and_loaded_with_a_collaboration(scoring, tmp_path):
    assert isinstance(scoring, Scoring)
    assert rebuild_scoring(describe_scoring(scoring)) == scoring
    handed_in = small()
    made = cgm_jax.collaborate(
        jax.random.key(0),
        handed_in.parties,
        handed_in.candidates,
        kernel=KERNEL,
        scoring=scoring,
        stability=False,
        relax=True,
    )
    made.save(tmp_path / "made.npz")
    loaded = Collaboration.load(tmp_path / "made.npz")
    assert loaded == made and loaded.promises.scoring == scoring
    assert (f"scores={scoring.name}" in repr(loaded)) == (scoring != Shapley())
    if scoring.needs_rows:
        with pytest.raises(ValueError, match="needs no rows"):
            estimate_uncertainty(jax.random.key(1), made.promises, 2)
        return
    uncertainty = estimate_uncertainty(jax.random.key(1), made.promises, 3)
    assert uncertainty.scheme == made.promises.scheme
    # The same resamples, scored as the paper does.
    plain = replace(made.promises, scoring=Shapley())
    papers = estimate_uncertainty(jax.random.key(1), plain, 3)
    np.testing.assert_array_equal(uncertainty.own_values, papers.own_values)
    assert (uncertainty.shapley_values.std(axis=0) > 0).all()
    is_same = np.allclose(uncertainty.shapley_values, papers.shapley_values)
    assert is_same == (scoring == Shapley())


class Sizes:
    """A rule of one's own: the number of points."""

    name = "sizes"
    needs_rows = False
    proved = ()

    def scores(self, handed_in):
        return np.asarray(handed_in.sums.sizes[:-1])


def test_a_rule_of_ones_own(tmp_path):
    handed_in = small()
    made = cgm_jax.collaborate(
        jax.random.key(0), handed_in.parties, handed_in.candidates, scoring=Sizes()
    )
    np.testing.assert_allclose(
        made.promises.scheme.normalized_shapley, [2 / 3, 1 / 3, 1]
    )
    made.save(tmp_path / "own.npz")
    with pytest.raises(ValueError, match="a scoring of your own, Sizes"):
        Collaboration.load(tmp_path / "own.npz")
    loaded = Collaboration.load(tmp_path / "own.npz", scoring=Sizes())
    assert loaded.promises.scheme == made.promises.scheme


@pytest.mark.parametrize("name", ["shaply", "bannzhaf", "x" * 40])
def test_a_wrong_name_is_one_line_with_the_nearest(name):
    with pytest.raises(ValueError, match="Expected a scheme of shapley, ") as raised:
        scoring_named(name)
    message = str(raised.value)
    assert "\n" not in message and all(known in message for known in SCORINGS)
    nearest = {"shaply": "shapley", "bannzhaf": "banzhaf"}.get(name)
    assert ("did you mean" in message) == (nearest is not None)
    assert nearest is None or message.endswith(f"did you mean {nearest}?")


def test_names_are_those_of_the_command_line():
    assert all(name == scoring.name for name, scoring in SCORINGS.items())
    assert Semivalues(BetaShapley(2, 1)).name == "beta-shapley(2, 1)"
    assert TimeAware((0, 1)).name == "time-aware"
    assert TimeAware((0, 1), SumOfPoints()).name == "time-aware points"


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("departures", {}, "got none with departures"),
        ("shapley", {"stay": 0.5}, "got some with shapley"),
        ("precedence", {}, "joining times with the scheme precedence"),
        ("departures", {"stay": 1.5}, "between 0 and 1, got 1.5"),
        ("departures", {"stay": (0.5, -0.1)}, "probability to stay >= 0, got -0.1"),
        ("precedence", {"joined": (0, -1)}, "place in the order >= 0"),
    ],
)
def test_what_a_scheme_must_know(name, options, words):
    with pytest.raises(ValueError, match=words):
        scoring_named(name, **options)


@pytest.mark.parametrize(
    "scoring", [Departures((0.5, 1.0)), Precedence((0, 1)), Quotient((0, 1))]
)
def test_one_number_for_each_party(scoring):
    with pytest.raises(ValueError, match="for each of 3 parties, got 2"):
        scoring.scores(small())


@pytest.mark.parametrize("joined", [(0, 1), (0, 1, 2, 3), (0, -1, 1), (0, 0.5, 1)])
def test_wrong_joining_times(joined):
    handed_in = small()
    with pytest.raises(ValueError, match="joining time"):
        cgm_jax.promise(handed_in.parties, handed_in.candidates, joined=joined)


def test_no_scoring_is_refused():
    handed_in = small()
    with pytest.raises(TypeError, match="Expected a Scoring, got str"):
        cgm_jax.promise(handed_in.parties, handed_in.candidates, scoring="banzhaf")  # type: ignore[arg-type]


def test_sums_alone_are_not_enough_for_points():
    handed_in = small()
    alone = HandedIn(KERNEL, None, handed_in.candidates, handed_in.sums)
    with pytest.raises(ValueError, match="the parties' rows for the scheme points"):
        SumOfPoints().scores(alone)
    assert len(TimeAware((0, 1, 0)).scores(alone)) == 3


def test_equal_parties_of_many_add_nothing_to_the_others():
    """v(N) − v(N∖i) is rounding where two others have the same points."""
    same = np.random.default_rng(0).normal(size=(60, 2))
    parties, candidates = [same] * 3, np.random.default_rng(1).normal(size=(150, 2))
    sums = gram_sums(SquaredExponential(1.0), parties, candidates)
    given = HandedIn(SquaredExponential(1.0), parties, candidates, sums)
    scores = scoring_named("leave-one-out").scores(given)
    np.testing.assert_array_equal(scores, np.zeros(3))


def test_a_reference_that_is_none():
    with pytest.raises(ValueError, match="one of 'uniform mixture', 'pool', 'cand"):
        Distribution("pol")  # type: ignore[arg-type]


def test_what_is_known_of_too_few_parties():
    with pytest.raises(ValueError, match="Expected stay of 3 parties, got 2"):
        for_parties(Departures((0.5, 1.0)), [0, 1, 2])

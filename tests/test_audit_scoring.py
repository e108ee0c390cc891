"""Which promises another scheme than the paper's makes, and what joining times ask."""

from dataclasses import replace

import jax
import numpy as np
import pytest

import cgm_jax
from cgm_jax.audit import audit, audit_promises, explain, sufficient_conditions
from cgm_jax.audit.games import TabulatedGame
from cgm_jax.audit.joining_times import check_joining_times
from cgm_jax.kernels import SquaredExponential
from cgm_jax.report.sentences import audit_sentences
from cgm_jax.scoring import (
    Departures,
    Distribution,
    HandedIn,
    Precedence,
    Quotient,
    Semivalues,
    Shapley,
    SumOfPoints,
    TimeAware,
    for_parties,
)
from cgm_jax.valuation import BetaShapley


def promised_by(scoring) -> cgm_jax.Collaboration:
    rng = np.random.default_rng(1)
    parties = [rng.normal(i / 3, 0.5, size=(8 + i, 2)) for i in range(3)]
    candidates = rng.normal(0.3, 0.7, size=(200, 2))
    return cgm_jax.collaborate(
        jax.random.key(0), parties, candidates, scoring=scoring, relax=True
    )


@pytest.mark.parametrize(
    ("scoring", "fair"),
    [
        (Shapley(), ("F1", "F2", "F3", "F4")),
        (Semivalues("banzhaf"), ("F1", "F2", "F3", "F4")),
        (Semivalues(BetaShapley(1, 8)), ("F1", "F2", "F3", "F4")),
        (Semivalues("leave-one-out"), ("F1", "F2")),
        (SumOfPoints(), ()),
        (Distribution(), ()),
        (Quotient(), ()),
        (Quotient((0, 1, 0)), ()),
        (Quotient((2, 0, 1)), ("F1", "F2", "F3", "F4")),
        (Departures(0.7), ("F1", "F2", "F3", "F4")),
        (Departures((0.7, 0.7, 0.8)), ("F1", "F4")),
        (Departures((0.7, 0.0, 0.7)), ("F1",)),
        (Precedence((3, 3, 3)), ("F1", "F2", "F3", "F4")),
        (Precedence((0, 1, 0)), ("F1",)),
        (TimeAware((0, 0, 0)), ("F1", "F2", "F3", "F4", "F6", "F7", "F8")),
        (TimeAware((0, 2, 1)), ("F1", "F4", "F6", "F7", "F8")),
        (TimeAware((0, 2, 1), Semivalues("leave-one-out")), ("F1", "F8")),
        (TimeAware((0, 2, 1), SumOfPoints()), ("F8",)),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
@pytest.mark.medium
def test_what_is_promised_and_proved(scoring, fair):
    made = promised_by(scoring)
    found = audit(made)
    always = ("R1", "R2", "R3", "R4")
    assert found.promised == (*always, *fair, "R6", "delivery")
    assert found.scoring == scoring.name
    conditions = sufficient_conditions(
        made.promises.sums, made.promises.scheme, scoring=scoring
    )._replace(nonnegative=True, monotone=True, a=True, b=True, c=True)
    assert conditions.guaranteed == (*always, *fair, "R6")
    assert conditions._replace(b=False, c=False).guaranteed == always
    assert ("F4" in found.assigned) == ("F4" in fair)
    assert ("F6" in found.assigned) == isinstance(scoring, TimeAware)
    # Who gets what its own data are worth, and no share, need not get more for more.
    broken = {check.name for _, check in found.broken}
    assert broken <= ({"F4"} if made.promises.scheme.rectified_parties else set())
    told = " ".join(audit_sentences(found))
    left_out = [name for name in ("F1", "F2", "F3", "F4") if name not in fair]
    assert (f"does not promise {', '.join(left_out)}" in told) == bool(left_out)


def test_the_scoring_must_be_that_of_the_scheme():
    made = promised_by(Semivalues("banzhaf"))
    with pytest.raises(ValueError, match="the scoring of the scheme, banzhaf"):
        audit_promises(made.promises.sums, made.promises.scheme)


@pytest.mark.medium
def test_without_a_party_the_others_are_scored_by_the_same_rule():
    made = promised_by(TimeAware((0, 2, 1), Semivalues("banzhaf")))
    promises = made.promises
    for without in explain(promises).without:
        others = np.delete(np.arange(3), without.party)
        rest = promises.handed_in.among(np.isin(np.arange(3), others))
        expected = for_parties(promises.scoring, others).scores(rest)
        assert without.in_game is not None
        np.testing.assert_allclose(without.in_game.shapley_values, expected)
        assert without.in_game.scoring == "time-aware banzhaf"
    assert all(
        each.in_game is None
        for each in explain(promised_by(SumOfPoints()).promises).without
    )


@pytest.fixture
def handed_in() -> HandedIn:
    rng = np.random.default_rng(2)
    parties = [rng.normal(size=(n, 2)) for n in (3, 4, 5)]
    candidates = rng.normal(size=(40, 2))
    promises = cgm_jax.promise(
        parties, candidates, kernel=SquaredExponential(3.0), relax=True
    )
    return promises.handed_in


def checks_of(handed_in, joined, added=0.0):
    """The checks of what is promised, with something added to the promises."""
    scoring = TimeAware(joined)
    promises = cgm_jax.promise(
        handed_in.parties,
        handed_in.candidates,
        kernel=handed_in.kernel,
        scoring=scoring,
        relax=True,
    )
    game, scheme = TabulatedGame(promises.coalition_values), promises.scheme
    scheme = replace(scheme, reward_values=scheme.reward_values + added)
    found = check_joining_times(game, scheme, scoring, handed_in, tolerance=1e-9)
    return game, scheme, scoring, found


def test_who_joined_earlier_would_have_more(handed_in):
    game, scheme, scoring, found = checks_of(handed_in, (0, 2, 1))
    assert [check.name for check in found.values()] == ["F6", "F7", "F8"]
    gains = {}
    for party, before in ((1, [0b001, 0b101, 0b100, 0]), (2, [0b001, 0])):
        adds = [game.known[c | 1 << party] - game.known[c] for c in before]
        if min(adds) < -1e-12:
            continue
        moved = list(scoring.joined)
        moved[party] = 0
        scores = TimeAware(tuple(moved)).scores(handed_in)
        share = (scores[party] / scores.max()) ** scheme.rho * scheme.max_reward_value
        would_be = max(share, scheme.own_values[party])
        gains[party] = would_be - scheme.reward_values[party]
    assert gains and found["F6"].num_cases == len(gains)
    assert found["F6"].holds and found["F7"].holds and found["F8"].holds
    np.testing.assert_allclose(found["F6"].margin, min(gains.values()), atol=1e-12)


def test_more_for_the_late_breaks_them(handed_in):
    _, _, _, found = checks_of(handed_in, (0, 2, 1))
    late = np.array([0, 1, 1]) * (found["F6"].margin + 1e-3)
    _, _, _, found = checks_of(handed_in, (0, 2, 1), added=late)
    assert not found["F6"].holds
    np.testing.assert_allclose(found["F6"].margin, -1e-3)


def test_nothing_is_asked_where_all_joined_at_once(handed_in):
    _, _, _, found = checks_of(handed_in, (4, 4, 4))
    assert found["F6"].num_cases == found["F7"].num_cases == 0
    assert found["F8"].holds and found["F8"].num_cases == 1

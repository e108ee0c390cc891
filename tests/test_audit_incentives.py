"""Incentive conditions: against definitions, planted violations, and no false alarm."""

import dataclasses
import itertools
from collections.abc import Iterator

import numpy as np
import pytest
from oracles_games import members_of, shapley_by_permutations

from cgm_jax.audit import SecondGame, check_incentives, check_monotonicity
from cgm_jax.audit.games import coalitions_without
from cgm_jax.valuation import shapley_values
from cgm_jax.valuation.coalitions import MAX_TABLE_PARTIES

# An error in one game of fifty is missed by one run in 150 (0.98**250).
NUM_GAMES = 250
STRICT = ("F3", "F4")


@dataclasses.dataclass
class Case:
    """A game with rewards that keep every condition, and one that improves party 0."""

    values: np.ndarray
    rewards: np.ndarray
    shapley_values: np.ndarray
    upper: np.ndarray
    best: float
    improved: SecondGame

    def checks(self, **options):
        found = check_incentives(
            self.values,
            self.rewards,
            shapley_values=self.shapley_values,
            upper_values=self.upper,
            max_reward_value=self.best,
            **options,
        )
        found["F4"] = check_monotonicity(self.values, self.rewards, self.improved)
        return found


def games(seed: int) -> Iterator[Case]:
    """Covered items: party 1 is useless, 2 and 3 are alike, 4 has more than they."""
    rng = np.random.default_rng(seed)
    coalitions = [members_of(c) for c in range(32)]
    for _ in range(NUM_GAMES):
        weight = rng.uniform(0.1, 1, size=12)
        covers = rng.uniform(size=(5, 12)) < 0.5
        covers[1] = False
        covers[2, :2] = True, False
        covers[3] = covers[2]
        covers[4] = covers[2]
        covers[4, 1] = True
        covers[0, 2], covers[2:, 2], covers[:, 3] = True, False, False
        values = np.array([weight[covers[c].any(axis=0)].sum() for c in coalitions])
        shapley = np.asarray(shapley_values(values))
        # Shares of v(N) with ρ small enough for all coalitions.
        rho, best = 1.0, values[-1] * rng.uniform(1, 2)
        while True:
            rewards = np.where(shapley > 1e-9, shapley / shapley.max(), 0) ** rho * best
            rewards[1] = 0
            if is_stable(values, shapley, rewards):
                break
            rho /= 2
        # Everything at its limit gives R7; one more item improves party 0 alone.
        covers[0, 3] = True
        more = np.array([weight[covers[c].any(axis=0)].sum() for c in coalitions])
        other = rewards + np.array([0.01, 0, 0, 0, 0]) * best
        improved = SecondGame(more, other, best * 1.1)
        yield Case(values, rewards, shapley, rewards.copy(), best, improved)


def is_stable(values, shapley, rewards) -> bool:
    """R6 by its definition."""
    for c in range(1, len(values)):
        top = max(shapley[i] for i in members_of(c))
        leaders = [i for i in members_of(c) if shapley[i] >= top - 1e-9]
        if any(values[c] > rewards[i] + 1e-9 for i in leaders):
            return False
    return True


GAMES = list(games(0))


def copies() -> Iterator[Case]:
    """The same games, free to be changed."""
    for case in GAMES:
        values, rewards, best = case.improved
        yield dataclasses.replace(
            case,
            rewards=case.rewards.copy(),
            upper=case.upper.copy(),
            improved=SecondGame(values, rewards.copy(), best),
        )


def test_games_that_keep_all_conditions_raise_no_alarm():
    for case in GAMES:
        checks = case.checks()
        assert all(check.holds for check in checks.values()), checks
        # No condition is kept because it asks for nothing.
        assert all(check.num_cases for check in checks.values())


def break_r1(case: Case, by: float) -> Case:
    case.rewards[1] = -by
    return case


def break_r2(case: Case, by: float) -> Case:
    case.upper[4] -= by
    return case


def break_r3(case: Case, by: float) -> Case:
    case.best += by
    return case


def break_r4(case: Case, by: float) -> Case:
    case.rewards[0] = case.values[1] - by
    return case


def break_r6(case: Case, by: float) -> Case:
    """Party 4 has no more than it could have with parties 2 and 3."""
    rank = np.flatnonzero(case.shapley_values <= case.shapley_values[4] + 1e-12)
    together = case.values[sum(1 << i for i in rank)]
    case.rewards[4] = together - by
    return case


def break_r7(case: Case, by: float) -> Case:
    case.rewards[0] -= by
    return case


def break_f1(case: Case, by: float) -> Case:
    case.rewards[1] += by
    return case


def break_f2(case: Case, by: float) -> Case:
    case.rewards[3] += by
    return case


def break_f3(case: Case, by: float) -> Case:
    case.rewards[4] = case.rewards[2:4].max() - by
    return case


def break_f4(case: Case, by: float) -> Case:
    case.improved.rewards[0] = case.rewards[0] - by
    return case


BREAKS = {
    "R1": (break_r1, {1}),
    "R2": (break_r2, {4}),
    "R3": (break_r3, {0, 1, 2, 3, 4}),
    "R4": (break_r4, {0}),
    "R6": (break_r6, {4}),
    "R7": (break_r7, {0, 1, 2, 3, 4}),
    "F1": (break_f1, {1}),
    "F2": (break_f2, {2, 3}),
    "F3": (break_f3, {0, 2, 3, 4}),
    "F4": (break_f4, {0}),
}


@pytest.mark.parametrize("name", BREAKS)
@pytest.mark.medium
def test_every_planted_violation_is_found(name: str):
    plant, involved = BREAKS[name]
    # From just above the tolerance to a quarter of v*; strict ones from exactly 0.
    rng = np.random.default_rng(1)
    for k, case in enumerate(copies()):
        by = case.best * 10 ** rng.uniform(-7, -0.6)
        if name in STRICT and k % 2:
            by = 0.0
        check = plant(case, by).checks()[name]
        assert not check.holds, (k, by)
        assert set(check.parties) <= involved
        assert check.margin <= -by * (1 - 1e-9) + 1e-12


# --- against the definitions


def by_definition(values, rewards, shapley, upper, best) -> dict[str, float]:
    """The least margin of every condition, written down from the paper."""
    n = len(rewards)
    everyone = range(n)

    def v(members) -> float:
        return values[sum(1 << i for i in members)]

    def without(*absent) -> list[tuple[int, ...]]:
        others = [i for i in everyone if i not in absent]
        return [
            c for k in range(n) for c in itertools.combinations(others, min(k, n - 1))
        ]

    def least(margins) -> float:
        return min(margins, default=np.inf)

    pairs = list(itertools.permutations(everyone, 2))
    coalitions = [members_of(c) for c in range(1, 2**n)]
    return {
        "R1": least(rewards),
        "R2": least(upper[i] - rewards[i] for i in everyone),
        "R3": max(-abs(r - best) for r in rewards),
        "R4": least(rewards[i] - v([i]) for i in everyone),
        "R6": least(
            rewards[i] - v(c)
            for c in coalitions
            for i in c
            if shapley[i] == max(shapley[j] for j in c)
        ),
        "R7": sum(rewards) - sum(upper),
        "F1": least(
            -abs(rewards[i])
            for i in everyone
            if all(v([*c, i]) == v(c) for c in without(i))
        ),
        "F2": least(
            -abs(rewards[i] - rewards[j])
            for i, j in pairs
            if all(v([*c, i]) == v([*c, j]) for c in without(i, j))
        ),
        "F3": least(
            rewards[i] - rewards[j]
            for i, j in pairs
            if any(v([*c, i]) > v([*c, j]) for c in without(i, j))
            and all(v([*c, i]) >= v([*c, j]) for c in without(i, j))
        ),
    }


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_margins_are_those_of_the_definitions(n: int):
    rng = np.random.default_rng(n)
    asked = set()
    for _ in range(150):
        # Whole numbers: ties, useless and equal parties occur by themselves.
        values = rng.integers(0, 3, size=2**n).astype(float)
        values[0] = 0
        rewards, upper = rng.integers(-1, 4, size=(2, n)).astype(float)
        shapley = np.round(shapley_by_permutations(values), 9)
        expected = by_definition(values, rewards, shapley, upper, 3.0)
        found = check_incentives(
            values,
            rewards,
            shapley_values=shapley,
            upper_values=upper,
            max_reward_value=3.0,
        )
        assert {name: check.margin for name, check in found.items()} == expected
        for name, check in found.items():
            assert check.holds == (
                expected[name] > 0 if name == "F3" else expected[name] >= 0
            )
            asked |= {name} if check.num_cases else set()
    if n > 1:
        assert asked == set(found)


def test_a_witness_shows_what_is_broken():
    for case in copies():
        case.rewards *= 0.5
        check = case.checks()["R6"]
        if not check.holds:
            break
    (party,), coalition = check.parties, check.coalition
    mask = sum(1 << i for i in coalition)
    assert party in coalition
    assert case.shapley_values[party] == max(case.shapley_values[list(coalition)])
    assert case.rewards[party] - case.values[mask] == check.margin < 0


def test_realised_efficiency_asks_for_no_less_than_the_largest_value():
    case = next(copies())
    case.rewards[np.argmax(case.rewards)] += 1.0
    assert not case.checks()["R3"].holds
    assert case.checks(realised=True)["R3"].holds
    case.rewards[:] = case.best - 0.1
    assert not case.checks(realised=True)["R3"].holds


def test_equal_within_the_tolerance_is_equal():
    case = next(copies())
    jitter = np.random.default_rng(0).uniform(-1e-8, 1e-8, size=32)
    case.values = case.values + jitter * (np.arange(32) > 0)
    assert case.checks(tolerance=1e-6)["F1"].num_cases == 1
    assert case.checks(tolerance=1e-6)["F2"].num_cases == 1
    assert case.checks(tolerance=1e-12)["F2"].num_cases == 0


def test_zero_rewards_are_not_strictly_more():
    found = check_incentives(
        np.array([0.0, 1.0, 2.0, 3.0]),
        np.zeros(2),
        shapley_values=np.array([1.0, 2.0]),
        upper_values=np.ones(2),
        max_reward_value=0.0,
    )
    assert found["F3"].margin == 0 and not found["F3"].holds


# --- monotonicity


def test_monotonicity_asks_only_where_all_else_is_equal():
    case = next(copies())
    other, rewards, best = case.improved
    check = check_monotonicity(case.values, case.rewards, case.improved)
    assert check.parties == (0,) and check.num_cases == 1 and 0 in check.coalition
    changed = other.copy()
    changed[0b10000] += 1  # party 4 alone
    nobody = check_monotonicity(
        case.values, case.rewards, SecondGame(changed, rewards * 0, best)
    )
    assert nobody.num_cases == 0 and nobody.holds and nobody.margin == np.inf
    # Nothing is asked for a party that has all there is.
    top = SecondGame(other, rewards * 0, case.rewards[0])
    assert check_monotonicity(case.values, case.rewards, top).num_cases == 0


def test_another_game_has_the_same_parties():
    with pytest.raises(ValueError, match="the same 2 parties, got one of 1"):
        check_monotonicity(
            np.zeros(4), np.zeros(2), SecondGame(np.zeros(2), np.zeros(1), 0.0)
        )


# --- many parties


def test_coalitions_without_some_parties():
    for num, absent in ((5, (2,)), (5, (0, 4)), (3, ())):
        masks = coalitions_without(num, *absent)
        expected = [c for c in range(2**num) if not any(c >> i & 1 for i in absent)]
        assert masks.tolist() == expected


def test_beyond_twenty_parties_a_sample_finds_what_breaks_often():
    n = MAX_TABLE_PARTIES + 1
    size = np.bitwise_count(np.arange(2**n)).astype(float)
    options = {
        "shapley_values": np.ones(n),
        "upper_values": np.full(n, 21.0),
        "max_reward_value": 21.0,
    }
    rewards = np.full(n, 21.0)
    found = check_incentives(size, rewards, **options)
    assert all(check.holds for check in found.values())
    assert found["F2"].num_cases == n * (n - 1) // 2
    rewards[5] = 20.5  # less than the whole: the largest coalition is in the sample
    found = check_incentives(size, rewards, **options)
    assert not found["R6"].holds and found["R6"].parties == (5,)
    assert len(found["R6"].coalition) == n
    assert not found["F2"].holds and 5 in found["F2"].parties


@pytest.mark.parametrize(
    ("values", "rewards"),
    [(np.zeros(4), np.zeros(3)), (np.zeros(3), np.zeros(2)), (np.zeros((2, 2)), [0.0])],
)
def test_shapes_that_do_not_fit_are_refused(values, rewards):
    with pytest.raises(ValueError, match=r"Expected (a table|vectors|2\*\*n)"):
        check_incentives(
            values,
            rewards,
            shapley_values=rewards,
            upper_values=rewards,
            max_reward_value=0.0,
        )


def test_nan_is_refused():
    with pytest.raises(ValueError, match="finite"):
        check_incentives(
            np.zeros(4),
            np.array([0.0, np.nan]),
            shapley_values=np.zeros(2),
            upper_values=np.zeros(2),
            max_reward_value=0.0,
        )

"""Reward values against a scan over vertices, the paper's numbers, and the promises."""

from collections.abc import Iterator

import numpy as np
import pytest
from oracles_games import (
    coverage_game,
    crossings_of_bounds,
    proposition_2_game,
    shapley_by_permutations,
)

from cgm_jax.report.sentences import scheme_warnings
from cgm_jax.rewards import (
    InfeasibleError,
    NoContributionError,
    RewardStatus,
    solve_reward_scheme,
    stability_lower_values,
)

# The paper's credit-ratings data: φ, v_c({i}), v_c(C_i) and v(D_i ∪ G) of the five
# parties, computed with plain sums over all pairs of points.
EQUAL_DISJOINT = {
    "shapley_values": [
        0.0670737126, 0.1143747508, 0.160995545, 0.0515838001, 0.1417777384
    ],
    "own_values": [0.0693419546, 0.2521995613, 0.4438475785, 0.001731443, 0.3685556604],
    "lower_values": [
        0.3986121473, 0.4964517618, 0.5358055469, 0.001731443, 0.5294508312
    ],
    "upper_values": [
        0.5357999164, 0.5358136918, 0.5358333971, 0.5357912579, 0.5358272641
    ],
}  # fmt: skip
UNEQUAL = {
    "shapley_values": [
        0.0279097224, 0.0280091396, 0.0065296915, 0.0181130404, 0.0089861206
    ],
    "own_values": [
        0.0889345132, 0.0890959391, 0.0001760846, 0.0483935251, 0.0139203252
    ],
    "lower_values": [
        0.089499372, 0.0895477144, 0.0001760846, 0.0894735062, 0.0776510466
    ],
    "upper_values": [
        0.0897669207, 0.0897668301, 0.0897574173, 0.0897626356, 0.0897604122
    ],
}  # fmt: skip


def random_problem(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Shapley values, lower and upper values; about half of them are infeasible."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 8))
    shapley = rng.uniform(0.05, 1, n) * 10 ** rng.uniform(-3, 3)
    upper = rng.uniform(0.3, 0.6, n) * 10 ** rng.uniform(-3, 3)
    return shapley, upper * rng.uniform(0.02, 1, n), upper


def best_vertex(shapley, lower, upper, fairness_weight=1e-3) -> np.ndarray | None:
    """(ρ, log v*) at the best of all feasible crossings of bounds."""
    slopes = -np.log(shapley / shapley.max())
    corners = crossings_of_bounds(slopes, np.log(lower), np.log(upper))
    if len(corners) == 0:
        return None
    return corners[np.argmax(corners @ [fairness_weight, 1])]


FEASIBLE = [s for s in range(60) if best_vertex(*random_problem(s)) is not None]
INFEASIBLE = [s for s in range(60) if s not in FEASIBLE]
BY_CVXPY = 15  # programs of each kind; the closed form solves all


def solvers_of(seeds: list[int]) -> Iterator[tuple[int, str]]:
    """Every seed with the closed form, the first ones with CVXPY too."""
    yield from ((seed, "closed form") for seed in seeds)
    yield from ((seed, "cvxpy") for seed in seeds[:BY_CVXPY])


def test_both_kinds_of_problems_are_tested():
    assert len(FEASIBLE) > BY_CVXPY and len(INFEASIBLE) > BY_CVXPY


@pytest.mark.medium
def test_the_optimum_is_the_best_vertex_and_within_the_bounds():
    for seed, solver in solvers_of(FEASIBLE):
        shapley, lower, upper = random_problem(seed)
        scheme = solve_reward_scheme(shapley, lower, upper, solver=solver)
        rho, log_value = best_vertex(shapley, lower, upper)
        assert scheme.status is RewardStatus.OPTIMAL, seed
        assert scheme.rho == pytest.approx(rho, abs=1e-9), seed
        assert np.log(scheme.max_reward_value) == pytest.approx(log_value, abs=1e-9)
        r = scheme.reward_values
        np.testing.assert_allclose(
            r, (shapley / shapley.max()) ** rho * np.exp(log_value), rtol=1e-9
        )
        assert r.dtype == np.float64
        best = scheme.feasible_vertices @ [1e-3, 1]
        assert best.max() == pytest.approx(1e-3 * rho + log_value, abs=1e-9)
        # One reward value is at each bound, and who adds more gets more.
        assert np.all(lower <= r) and np.all(r <= upper), seed
        assert r[scheme.limiting_upper_party] == upper[scheme.limiting_upper_party]
        if scheme.rho < 1:
            assert r[scheme.limiting_lower_party] == lower[scheme.limiting_lower_party]
        else:
            assert scheme.limiting_lower_party is None
        assert r[np.argmax(shapley)] == r.max() == scheme.max_reward_value
        assert np.all(np.diff(r[np.argsort(shapley)]) > 0), seed


@pytest.mark.medium
def test_both_solvers_say_the_same():
    """With a party that is left out of the program, and values of one's own."""
    for seed in range(BY_CVXPY):
        shapley, lower, upper = random_problem(seed)
        shapley[0] *= -1 if seed % 3 == 0 else 1
        own = lower * np.random.default_rng(seed).uniform(0.5, 1.5, len(lower))
        for relax in (False, True):
            options = {"own_values": own, "throw": False, "relax": relax}
            scheme = solve_reward_scheme(shapley, lower, upper, **options)
            other = solve_reward_scheme(
                shapley, lower, upper, solver="closed form", **options
            )
            assert scheme.status is other.status
            assert scheme.relaxation == pytest.approx(other.relaxation, abs=1e-9)
            np.testing.assert_allclose(
                scheme.reward_values, other.reward_values, rtol=1e-8
            )


@pytest.mark.medium
def test_infeasible_problems_name_two_parties_in_conflict():
    for seed, solver in solvers_of(INFEASIBLE):
        shapley, lower, upper = random_problem(seed)
        with pytest.raises(InfeasibleError) as caught:
            solve_reward_scheme(shapley, lower, upper, solver=solver)
        error = caught.value
        low, high = error.lower_party, error.upper_party
        alpha = shapley / shapley.max()

        def excess(rho, alpha=alpha, lower=lower, upper=upper):
            """What v* must be at least for somebody, over what it can be."""
            share = alpha[None] ** rho[:, None]
            return (lower[None] / share).max(1) / (upper[None] / share).min(1)

        share = alpha**error.rho
        quotient = (lower[low] / share[low]) / (upper[high] / share[high])
        assert quotient > 1
        assert quotient == pytest.approx(excess(np.array([error.rho]))[0])
        assert quotient <= excess(np.linspace(0, 1, 1001)).min() * (1 + 1e-12)
        assert f"party {low} must get at least" in str(error)
        assert f"party {high} can get at most" in str(error)
        assert "more candidates" in str(error) and "relax=True" in str(error)
        assert upper.min() < lower.max()  # the sufficient condition of Sec. 4.1 fails


@pytest.mark.parametrize(
    "printed, values, rewards, limits",
    [
        ((0.536, 0.0943), EQUAL_DISJOINT, [0.493, 0.519, 0.536, 0.481, 0.529], (4, 2)),
        ((0.0898, 0.00751), UNEQUAL, [0.0898, 0.0898, 0.0888, 0.0895, 0.0890], (3, 1)),
    ],
    ids=["equal-disjoint", "unequal"],
)  # fmt: skip
def test_the_papers_credit_ratings(printed, values, rewards, limits):
    scheme = solve_reward_scheme(**values)
    assert scheme.max_reward_value == pytest.approx(printed[0], rel=6e-4)
    assert scheme.rho == pytest.approx(printed[1], rel=6e-4)
    np.testing.assert_allclose(scheme.reward_values, rewards, rtol=0, atol=5.5e-4)
    assert (scheme.limiting_lower_party, scheme.limiting_upper_party) == limits
    assert scheme.rectified_parties == ()


@pytest.mark.parametrize("solver", ["cvxpy", "closed form"])
def test_rho_ends_at_1_where_more_would_raise_all_rewards(solver):
    """By 0.5^ρ v* ≤ 0.4, v* = 0.8 at ρ = 1 and would be 1.6 at ρ = 2."""
    scheme = solve_reward_scheme([1, 0.5], [0.01, 0.01], [10, 0.4], solver=solver)
    assert scheme.rho == pytest.approx(1, abs=1e-9)
    np.testing.assert_allclose(scheme.reward_values, [0.8, 0.4], rtol=1e-9)


def test_the_papers_credit_ratings_to_six_digits():
    alpha = np.array([0.41662, 0.71042, 1, 0.32040, 0.88063])
    scheme = solve_reward_scheme(**EQUAL_DISJOINT)
    np.testing.assert_allclose(scheme.normalized_shapley, alpha, rtol=0, atol=6e-6)
    assert scheme.max_reward_value == pytest.approx(0.535833, abs=6e-7)
    assert scheme.rho == pytest.approx(0.094268, abs=6e-7)


def test_nearly_equal_rewards_are_warned_of_with_who_causes_them():
    (warning,) = scheme_warnings(solve_reward_scheme(**UNEQUAL))
    assert "exponent ρ is 0.0075" in warning
    assert "party 3 (counted from 0) must get 0.08947" in warning
    assert "party 1 (counted from 0) can get 0.08977" in warning
    (named,) = scheme_warnings(
        solve_reward_scheme(**UNEQUAL), ["A", "B", "C", "D", "E"]
    )
    assert "D must get 0.08947, and B can get 0.08977" in named
    assert scheme_warnings(solve_reward_scheme(**EQUAL_DISJOINT)) == []


@pytest.mark.medium
def test_the_optimum_depends_on_neither_the_fairness_weight_nor_the_units():
    for seed in FEASIBLE[:5]:
        shapley, lower, upper = random_problem(seed)
        rho, log_value = best_vertex(shapley, lower, upper)
        for weight in (1e-6, 1.0, 1e6):
            scheme = solve_reward_scheme(shapley, lower, upper, fairness_weight=weight)
            assert scheme.rho == pytest.approx(rho, abs=1e-9)
            assert np.log(scheme.max_reward_value) == pytest.approx(log_value, abs=1e-9)
        scaled = solve_reward_scheme(1e-6 * shapley, 1e4 * lower, 1e4 * upper)
        assert scaled.rho == pytest.approx(rho, abs=1e-9)
        np.testing.assert_allclose(
            scaled.reward_values, 1e4 * scheme.reward_values, rtol=1e-9
        )


@pytest.mark.parametrize("n", [1, 2, 5])
def test_equal_parties_get_the_most_that_all_can_get(n: int):
    upper = np.linspace(0.5, 0.4, n)
    scheme = solve_reward_scheme(np.full(n, 0.3), np.full(n, 0.1), upper)
    assert scheme.rho == 1
    np.testing.assert_array_equal(scheme.reward_values, np.full(n, upper[-1]))


def test_rewards_are_at_most_in_proportion_to_shapley_values():
    # A ρ above 1 would leave room for a larger v*: party 1 can get little.
    scheme = solve_reward_scheme([1.0, 0.5], [0.1, 0.1], [1.0, 0.2])
    assert scheme.rho == 1
    np.testing.assert_allclose(scheme.reward_values, [0.4, 0.2], rtol=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_the_promises_hold_in_a_monotone_game(seed: int):
    rng = np.random.default_rng(seed)
    n = 5
    values = coverage_game(rng, n)
    shapley = np.array(shapley_by_permutations(values))
    own = values[1 << np.arange(n)]
    upper = values[-1] * rng.uniform(1, 1.3, n)
    lower = stability_lower_values(values, shapley)
    scheme = solve_reward_scheme(shapley, lower, upper, own_values=own)
    r = scheme.reward_values
    assert np.all(r >= 0)  # R1
    assert np.all(r <= upper)  # R2
    assert scheme.max_reward_value == r.max()  # R3
    assert np.all(r >= own)  # R4
    for coalition in range(1, 2**n):  # R6
        members = np.flatnonzero(coalition >> np.arange(n) & 1)
        leader = members[np.argmax(shapley[members])]
        assert values[coalition] <= r[leader] + 1e-12


# Parties that contribute nothing


@pytest.mark.parametrize("phi", [0.0, -0.2, 1e-17])
def test_who_contributes_nothing_is_left_out(phi: float):
    shapley = np.array([0.1, phi, 0.3, phi])
    lower = np.array([0.2, 0.45, 0.3, -0.1])
    upper = np.array([0.5, 0.4, 0.6, 0.7])  # party 1's bounds exclude each other
    scheme = solve_reward_scheme(shapley, lower, upper)
    others = solve_reward_scheme(shapley[[0, 2]], lower[[0, 2]], upper[[0, 2]])
    assert scheme.excluded_parties == (1, 3)
    np.testing.assert_array_equal(scheme.reward_values[[0, 2]], others.reward_values)
    np.testing.assert_array_equal(scheme.reward_values[[1, 3]], [0.45, 0])
    assert scheme.rho == others.rho


def test_who_contributes_nothing_keeps_its_own_value_not_that_of_a_coalition():
    scheme = solve_reward_scheme(
        [0.1, -0.1], [0.2, 0.3], [0.5, 0.5], own_values=[0.1, 0.05]
    )
    assert scheme.reward_values[1] == 0.05


@pytest.mark.parametrize("shapley", [[0.0, 0.0], [-0.1, -0.2], [0.0, -1.0], [-1.0]])
def test_nothing_to_share(shapley: list):
    bounds = np.full((2, len(shapley)), 0.5)
    with pytest.raises(NoContributionError, match="at least one positive Shapley"):
        solve_reward_scheme(shapley, *bounds)
    scheme = solve_reward_scheme(shapley, *bounds, throw=False)
    assert scheme.status is RewardStatus.NO_CONTRIBUTION
    assert scheme.feasible_vertices.shape == (0, 2)
    assert scheme.excluded_parties == tuple(range(len(shapley)))
    assert np.isnan(scheme.normalized_shapley).all()


def test_a_tiny_contribution_makes_all_rewards_nearly_equal():
    scheme = solve_reward_scheme([1.0, 1e-9], [0.1, 0.3], [0.5, 0.6])
    assert scheme.rho < 0.05
    assert scheme.limiting_lower_party == 1
    assert any(
        "party 1 (counted from 0) must get 0.3" in warning
        for warning in scheme_warnings(scheme)
    )


# Rectification


def test_rectified_values_can_be_unfair():
    # Proposition 2: with ρ = 1, party 4 of App. C.3 gets no more than party 3, although
    # it is strictly more desirable.
    game = proposition_2_game()
    shapley = np.array(shapley_by_permutations(game), float)
    own = np.array([game[1 << i] for i in range(4)], float)
    scheme = solve_reward_scheme(shapley, np.zeros(4), np.full(4, 18), own_values=own)
    assert scheme.rho == 1
    np.testing.assert_allclose(
        scheme.reward_values, [18, 18 * 12 / 13, 10, 10], rtol=1e-12
    )
    assert scheme.rectified_parties == (2, 3)
    assert any(
        "party 2, party 3 (counted from 0)" in w and "Proposition 2" in w
        for w in scheme_warnings(scheme)
    )


def test_fair_values_satisfy_everyone_in_the_game_of_proposition_2():
    game = np.array(proposition_2_game(), float)
    shapley = np.array(shapley_by_permutations(game))
    own = game[1 << np.arange(4)]
    scheme = solve_reward_scheme(shapley, own, np.full(4, 18))
    assert scheme.rectified_parties == ()
    assert np.all(scheme.reward_values >= own)
    assert scheme.reward_values[3] > scheme.reward_values[2] == 10


# The boundary


def test_what_it_was_computed_from_is_kept_and_copied():
    shapley, lower, upper = random_problem(FEASIBLE[0])
    scheme = solve_reward_scheme(shapley, lower, upper, fairness_weight=0.25)
    expected = shapley.copy()
    shapley[:] = 0
    np.testing.assert_array_equal(scheme.shapley_values, expected)
    np.testing.assert_array_equal(scheme.lower_values, lower)
    np.testing.assert_array_equal(scheme.upper_values, upper)
    np.testing.assert_array_equal(scheme.own_values, lower)
    assert scheme.fairness_weight == 0.25


def test_nothing_is_printed(capfd: pytest.CaptureFixture):
    solve_reward_scheme(*random_problem(FEASIBLE[0]))
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    "shapley, lower, upper, message",
    [
        ([0.1, 0.2], [0.1], [0.5, 0.5], r"'lower_values': \(1,\)"),
        ([[0.1, 0.2]], [[0.1, 0.1]], [[0.5, 0.5]], "one number per party"),
        ([], [], [], "one number per party"),
        (0.1, 0.1, 0.5, "one number per party"),
        ([0.1, np.nan], [0.1, 0.1], [0.5, 0.5], "finite shapley_values"),
        ([0.1, 0.2], [0.1, 0.1], [0.5, np.inf], "finite upper_values"),
    ],
)
def test_inputs_that_are_no_problem(shapley, lower, upper, message: str):
    with pytest.raises(ValueError, match=message):
        solve_reward_scheme(shapley, lower, upper)


@pytest.mark.parametrize("fairness_weight", [0, -1e-3, 1e-7, 1e7, np.nan])
def test_fairness_weights_that_the_solver_does_not_see(fairness_weight: float):
    with pytest.raises(ValueError, match="between 1e-6 and 1e6"):
        solve_reward_scheme([0.1], [0.1], [0.5], fairness_weight=fairness_weight)

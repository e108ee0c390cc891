"""Scores with bounded stakes: what rewards they leave, and what cheating gains."""

import numpy as np
import pytest

from cgm_jax import datasets, promise
from cgm_jax.gram import gram_sums
from cgm_jax.kernels import SquaredExponential
from cgm_jax.rewards import scheme_from_values, solve_reward_scheme
from cgm_jax.scoring import HandedIn, Robust, Semivalues, Shapley, scoring_named
from cgm_jax.valuation import coalition_values

RATIO = 1.04
KERNEL = SquaredExponential(0.5)


def handed_in(seed: int, num_parties: int = 4) -> HandedIn:
    rng = np.random.default_rng(seed)
    parties = [
        rng.normal(rng.uniform(-1, 1, 2), 0.3, size=(int(rng.integers(3, 20)), 2))
        for _ in range(num_parties)
    ]
    candidates = rng.normal(size=(40, 2))
    sums = gram_sums(KERNEL, parties, candidates)
    return HandedIn(KERNEL, parties, candidates, sums)


@pytest.mark.parametrize("scoring", [Shapley(), Semivalues("banzhaf")])
@pytest.mark.medium
def test_contributors_are_within_the_ratio_in_their_order(scoring):
    num_bound = 0
    for seed in range(30):
        given = handed_in(seed)
        phi = scoring.scores(given)
        scores = Robust(scoring, RATIO).scores(given)
        positive = phi > 0
        assert np.array_equal(scores[~positive], phi[~positive])
        assert scores.max() == pytest.approx(phi.max(), rel=1e-12)
        assert (np.argsort(scores) == np.argsort(phi)).all()
        if phi[positive].max() / phi[positive].min() > RATIO:
            num_bound += 1
            # The least is at the bound, and logarithms keep their proportions.
            logs = np.log(phi[positive].max() / phi[positive])
            expected = phi.max() * RATIO ** (-logs / logs.max())
            np.testing.assert_allclose(scores[positive], expected, rtol=1e-12)
    assert num_bound > 10


def test_scores_that_are_near_each_other_stay():
    given = handed_in(1)
    phi = Shapley().scores(given)
    loose = 1.01 * phi.max() / phi[phi > 0].min()
    np.testing.assert_allclose(Robust(Shapley(), loose).scores(given), phi, rtol=1e-12)


def test_nobody_contributes():
    class Nothing(Shapley):
        def scores(self, handed_in: HandedIn) -> np.ndarray:
            return -np.ones(handed_in.sums.num_parties)

    np.testing.assert_array_equal(Robust(Nothing()).scores(handed_in(0)), -np.ones(4))


@pytest.mark.medium
def test_rewards_of_contributors_are_within_the_ratio():
    """Whatever bounds there are: ρ is at most 1."""
    for seed in range(60):
        rng = np.random.default_rng(seed)
        given = handed_in(seed)
        scores = Robust(largest_ratio=RATIO).scores(given)
        upper = rng.uniform(0.5, 1.0, 4)
        scheme = solve_reward_scheme(scores, 0.1 * upper, upper, solver="closed form")
        shares = scheme.fair_shares[scores > 0]
        assert shares.max() / shares.min() <= RATIO * (1 + 1e-9)


@pytest.mark.medium
def test_promises_that_follow_it():
    data = datasets.credit_ratings("equal-disjoint", num_candidates=2_000)
    parties = [points[:200] for points in data.parties]
    plain, bounded = (
        promise(parties, data.candidates, relax=True, scoring=scoring).scheme
        for scoring in (Shapley(), scoring_named("robust"))
    )
    assert bounded.scoring == "robust"
    assert plain.normalized_shapley.min() < 0.5
    assert bounded.normalized_shapley.min() == pytest.approx(1 / RATIO)
    order = np.argsort(plain.shapley_values)
    assert (np.diff(bounded.reward_values[order]) > 0).all()


def test_what_a_broad_party_gets_a_narrow_one_gains_by_copying_it():
    """Two parties, and one of them hands in what the other does, too."""
    rng = np.random.default_rng(0)
    broad, narrow = rng.uniform(-1, 1, (60, 1)), rng.uniform(-1, 0, (60, 1))
    candidates = rng.uniform(-1, 1, (300, 1))
    rewards = {}
    for scoring in (Shapley(), Robust()):
        for name, mine in (("honest", narrow), ("copy", broad)):
            sums = gram_sums(KERNEL, [broad, mine], candidates)
            scores = scoring.scores(HandedIn(KERNEL, [broad, mine], candidates, sums))
            values = np.asarray(coalition_values(sums))
            upper = np.full(2, values.max())
            scheme = scheme_from_values(values, upper, scores=scores, stability=False)
            rewards[scoring.name, name] = scheme.reward_values[1]
    assert rewards["shapley", "copy"] > 1.3 * rewards["shapley", "honest"]
    assert rewards["robust", "copy"] <= RATIO * rewards["robust", "honest"]


def test_names_say_what_differs():
    assert Robust().name == "robust"
    assert Robust(largest_ratio=1.2).name == "robust(1.2)"
    assert Robust(Semivalues("banzhaf")).name == "robust banzhaf"
    assert "F4" not in Robust().proved and "F3" in Robust().proved


@pytest.mark.parametrize("ratio", [1.0, 0.9, np.nan])
def test_ratios_that_bound_nothing(ratio: float):
    with pytest.raises(ValueError, match="largest_ratio above 1"):
        Robust(largest_ratio=ratio)

"""Reward values as a pure function: against the linear programme, and its gradient."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cgm_jax.gram import gram_sums
from cgm_jax.kernels import SquaredExponential
from cgm_jax.rewards import fair_reward_values, solve_reward_scheme
from cgm_jax.valuation import mmd_shapley_values, values_with_candidates

NUM_GAMES = 1_000
BY_CVXPY = 40


def game(seed: int) -> tuple[np.ndarray, ...]:
    """φ, lower, upper and own values of some scale; some φ or upper values negative."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 8))
    upper = rng.uniform(-0.01 if seed % 9 == 0 else 0.3, 0.6, n)
    upper *= 10 ** rng.uniform(-3, 3)
    lower = upper * rng.uniform(-0.1, 1, n)
    phi = rng.uniform(-0.1, 1, n) * 10 ** rng.uniform(-3, 3)
    return phi, lower, upper, lower * rng.uniform(0, 1, n)


@pytest.mark.smoke
@pytest.mark.medium
def test_it_is_the_optimum_of_the_linear_programme():
    num_solved = 0
    for seed in range(NUM_GAMES):
        phi, lower, upper, own = game(seed)
        solver = "cvxpy" if seed < BY_CVXPY else "closed form"
        scheme = solve_reward_scheme(
            phi, lower, upper, own_values=own, throw=False, solver=solver
        )
        fair = fair_reward_values(phi, lower, upper, own_values=own)
        assert scheme.has_rewards == np.isfinite(fair.rho)
        if not scheme.has_rewards:
            assert np.isnan(fair.reward_values).all()
            assert np.isnan(fair.max_reward_value)
            continue
        num_solved += 1
        largest = np.abs(scheme.reward_values).max()
        np.testing.assert_allclose(
            fair.reward_values, scheme.reward_values, rtol=0, atol=1e-9 * largest
        )
        assert fair.rho == pytest.approx(scheme.rho, abs=1e-8)
    assert NUM_GAMES / 3 < num_solved < NUM_GAMES


@pytest.mark.medium
def test_jit_and_a_batch_are_each_game_by_itself():
    games = [g for g in map(game, range(200)) if len(g[0]) == 3][:8]
    with jax.enable_x64(True):
        stacked = (jnp.stack(vectors) for vectors in zip(*games, strict=True))
        found = jax.jit(
            jax.vmap(lambda a, b, c, d: fair_reward_values(a, b, c, own_values=d))
        )(*stacked)
        found = jax.tree.map(np.asarray, found)
    for i, (phi, lower, upper, own) in enumerate(games):
        expected = fair_reward_values(phi, lower, upper, own_values=own)
        for one, all_of_them in zip(expected, found, strict=True):
            np.testing.assert_allclose(all_of_them[i], one, rtol=1e-12)


def rewards_of_points(own_points, others, candidates):
    kernel = SquaredExponential(1.0)
    sums = gram_sums(kernel, [own_points, others], candidates)
    own = jnp.stack(
        [
            2 * sums.between[i].sum() / (sums.sizes[i] * sums.reference_size)
            - sums.between[i, i] / sums.sizes[i] ** 2
            for i in range(2)
        ]
    )
    phi = mmd_shapley_values(sums).shapley_values
    return fair_reward_values(phi, own, values_with_candidates(sums)).reward_values


@pytest.mark.medium
def test_gradient_of_a_reward_in_a_partys_own_points():
    rng = np.random.default_rng(0)
    points, others = rng.normal(size=(6, 2)), rng.normal(size=(5, 2)) + 0.5
    candidates = rng.normal(size=(30, 2))
    step = 1e-5
    with jax.enable_x64(True):
        rewards = jax.jit(lambda x: rewards_of_points(x, others, candidates))
        jacobian = np.asarray(jax.jit(jax.jacrev(rewards))(points))
        for row in (0, 3):
            move = np.zeros_like(points)
            move[row, 1] = step
            slope = (rewards(points + move) - rewards(points - move)) / (2 * step)
            np.testing.assert_allclose(jacobian[:, row, 1], slope, rtol=1e-6, atol=1e-9)
    assert (np.abs(jacobian).max((1, 2)) > 1e-4).all()


@pytest.mark.medium
def test_a_gradient_is_finite_beside_parties_that_get_nothing():
    phi = np.array([0.1, 0.0, 0.2, -0.3], np.float32)
    lower = np.full(4, 0.1, np.float32)
    upper = np.array([0.8, 0.7, 0.9, -0.1], np.float32)
    jacobian = jax.jit(jax.jacobian(lambda *a: fair_reward_values(*a).reward_values))
    rewards = fair_reward_values(phi, lower, upper).reward_values
    np.testing.assert_allclose(rewards, [0.45, 0.1, 0.9, 0.1], rtol=1e-6)
    assert np.isfinite(jacobian(phi, lower, upper)).all()

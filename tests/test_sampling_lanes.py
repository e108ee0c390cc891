"""Draws of many parties, keys and β as one program of the user's own."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sampling_pools import KEY, pool_of

from cgm_jax.gram import GramSums, gram_sums
from cgm_jax.sampling import CandidateSet, Lane, lanes, pick_many

BETAS = jnp.array([0.0, 2.0, jnp.inf])


def drawn_at_once(pool, *, num_picks: int):
    """Picks and values, shape (β, parties, picks), with the keys of a plain draw."""
    candidates, lane = lanes(pool.kernel, pool.candidates, pool.sums)

    def draw(key, lane, beta):
        return pick_many(
            key, pool.kernel, candidates, lane, beta, jnp.int32(0), num_picks=num_picks
        )

    parties = jnp.arange(len(pool.parties), dtype=jnp.uint32)
    keys = jax.vmap(lambda party: jax.random.fold_in(KEY, party))(parties)
    of_parties = jax.vmap(draw, in_axes=(0, 0, None))
    of_betas = jax.vmap(of_parties, in_axes=(None, None, 0))
    _, picks, values = jax.jit(of_betas)(keys, lane, BETAS.astype(jnp.float32))
    return np.asarray(picks), np.asarray(values)


@pytest.mark.medium
def test_are_the_draws_of_weighted_sampling():
    pool = pool_of(g=301)
    with jax.enable_x64(True):
        picks, values = drawn_at_once(pool, num_picks=100)
    for beta, of_beta, reached in zip(BETAS, picks, values, strict=True):
        rewards = pool.draw(beta=float(beta), max_picks=100)
        for reward, indices, after in zip(rewards, of_beta, reached, strict=True):
            assert reward.stop_reason == "max_picks"
            np.testing.assert_array_equal(indices, reward.indices)
            np.testing.assert_allclose(after, reward.values, rtol=1e-12)


@pytest.mark.medium
def test_with_32_bit_types_values_are_those_of_the_definition():
    pool = pool_of(dtype=np.float32)
    picks, values = drawn_at_once(pool, num_picks=30)
    assert values.dtype == np.float32
    for party, (indices, after) in enumerate(zip(picks[1], values[1], strict=True)):
        assert len(set(indices)) == 30 and indices.max() < pool.num_candidates
        again = pool.values_again(party, indices)[1:]
        np.testing.assert_allclose(after, again, atol=1e-5)


@pytest.mark.medium
def test_go_on_from_a_lane_as_if_in_one():
    pool = pool_of()
    candidates, lane = lanes(pool.kernel, pool.candidates, pool.sums)
    first = jax.tree.map(lambda leaf: leaf[0], lane)
    beta = jnp.float32(1.0)

    def draw(lane: Lane, start: int, num_picks: int):
        start = jnp.int32(start)
        return pick_many(
            KEY, pool.kernel, candidates, lane, beta, start, num_picks=num_picks
        )

    _, at_once, _ = draw(first, 0, 20)
    middle, head, _ = draw(first, 0, 7)
    _, tail, _ = draw(middle, 7, 13)
    np.testing.assert_array_equal(at_once, np.append(head, tail))


@pytest.mark.medium
def test_inside_a_users_program_from_points_to_picks():
    pool = pool_of(dtype=np.float32)

    @jax.jit
    def best_picks(party: jax.Array, drawn_from: jax.Array) -> jax.Array:
        parties = [party, *pool.parties[1:]]
        sums = gram_sums(pool.kernel, parties, drawn_from)
        candidates, lane = lanes(pool.kernel, drawn_from, sums)
        first = jax.tree.map(lambda leaf: leaf[0], lane)
        best, start = jnp.float32(jnp.inf), jnp.int32(0)
        return pick_many(KEY, pool.kernel, candidates, first, best, start, num_picks=5)[
            1
        ]

    found = best_picks(pool.parties[0], pool.candidates)
    (reward, *_) = pool.draw(beta=np.inf, max_picks=5)
    np.testing.assert_array_equal(found, reward.indices)


@pytest.mark.medium
def test_the_value_before_is_differentiable_in_the_candidates():
    pool = pool_of()

    def total(drawn_from: jax.Array) -> jax.Array:
        sums = gram_sums(pool.kernel, pool.parties, drawn_from)
        _, lane = lanes(pool.kernel, drawn_from, sums)
        return jnp.sum(lane.across / lane.size - lane.within / lane.size**2)

    with jax.enable_x64(True):
        with_gradient = jax.jit(jax.value_and_grad(total))
        points, move = pool.candidates, np.zeros_like(pool.candidates)
        move[3, 1] = 1e-5
        slope = np.asarray(with_gradient(points)[1])[3, 1]
        up, down = (float(with_gradient(points + m)[0]) for m in (move, -move))
    np.testing.assert_allclose(slope, (up - down) / 2e-5, rtol=1e-7)


def test_candidates_of_other_sums_are_an_error():
    pool = pool_of()
    with pytest.raises(ValueError, match="candidates that the sums were computed"):
        lanes(pool.kernel, pool.candidates[:-1], pool.sums)
    nothing = GramSums(pool.sums.between, pool.sums.candidate_rows[:0], pool.sums.sizes)
    with pytest.raises(ValueError, match="at least 1"):
        lanes(pool.kernel, pool.candidates[:0], nothing)


def test_says_what_a_user_holds():
    pool = pool_of()
    candidates, lane = lanes(pool.kernel, pool.candidates, pool.sums)
    assert isinstance(candidates, CandidateSet) and isinstance(lane, Lane)
    assert lane.witness.shape[0] == len(pool.parties)
    np.testing.assert_array_equal(lane.size, [3, 9, 5])

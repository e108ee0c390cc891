"""Proposals from old weights: the law of the plain loop, and its values."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import oracles
import pytest
from kernel_table import KERNELS
from sampling_pools import KEY, Pool, pool_of
from scipy import stats

from cgm_jax.kernels import Linear, SquaredExponential
from cgm_jax.sampling import CandidateSet, Lane, lanes, old_weights, pick_many
from cgm_jax.sampling.old_weights import (
    AT_ONCE,
    BLOCK,
    NUM_UNIFORMS,
    OLDEST,
    log_acceptance,
    pick_from_old_weights,
)
from cgm_jax.sampling.picking import pick_plainly, scale_of

BETAS = [0.0, 1.0, 8.0, np.inf]


def first_lane(pool: Pool) -> tuple[CandidateSet, Lane]:
    candidates, all_lanes = lanes(pool.kernel, pool.candidates, pool.sums)
    return candidates, jax.tree.map(lambda leaf: leaf[0], all_lanes)


@partial(jax.jit, static_argnames="plainly")
@partial(jax.vmap, in_axes=(None, None, None, 0, None, None))
def _draw(kernel, candidates, lane, uniforms, beta, plainly):
    if plainly:
        return pick_plainly(kernel, candidates, lane, uniforms[:, 0], beta)
    return pick_from_old_weights(kernel, candidates, lane, uniforms, beta)


def picks_of(pool: Pool, beta: float, num_keys: int, num_picks: int, *, plainly: bool):
    """Picks and values of the first party, one row for each of many keys."""
    with jax.enable_x64(True):
        uniforms = jax.random.uniform(
            jax.random.fold_in(KEY, plainly), (num_keys, num_picks, NUM_UNIFORMS)
        )
        _, positions, values = _draw(
            pool.kernel, *first_lane(pool), uniforms, jnp.float32(beta), plainly
        )
    return np.asarray(positions), np.asarray(values)


@pytest.mark.medium
def test_the_bound_holds_for_every_candidate_at_every_age():
    rng = np.random.default_rng(0)
    pick, scale = jax.jit(pick_plainly), jax.jit(scale_of)
    for seed, number in enumerate([0.0, 1.0, 8.0, 1e3]):
        pool, beta = pool_of((4, 3), g=200, seed=seed), jnp.float32(number)
        with jax.enable_x64(True):
            candidates, lane = first_lane(pool)
            first = scale(lane.witness, beta)
            old, slack = lane.witness, []
            for age in range(1, OLDEST):
                uniform = jnp.array(rng.uniform(size=1))
                lane, *_ = pick(pool.kernel, candidates, lane, uniform, beta)
                now = scale(lane.witness, beta)
                growth = age * jnp.max(candidates.rates)
                likelihood = np.asarray(
                    log_acceptance(
                        first, now, first.exponent(old), lane.witness, growth
                    )
                )[np.isfinite(np.asarray(lane.witness))]
                slack.append(-likelihood.max())
        assert min(slack) >= 0  # no probability above 1
        assert min(slack) < 0.3 * max(1, number)  # it says something


# Orders of three of five: all sixty, with their exact probabilities.
@pytest.mark.parametrize("beta", [1.0, 8.0])
@pytest.mark.medium
def test_orders_have_the_probabilities_of_the_softmax(beta: float):
    pool = pool_of((3,), g=5, seed=1)
    drawn, _ = picks_of(pool, beta, 20_000, 3, plainly=False)
    expected = np.zeros((5, 5, 5))

    def visit(before: list[int], probability: float) -> None:
        if len(before) == 3:
            expected[tuple(before)] = probability
            return
        left = np.delete(np.arange(5), before)
        marginals = oracles.marginal_values(
            pool.plain,
            pool.subset(0, np.array(before, int)),
            pool.candidates[left],
            pool.reference,
        )
        shares = oracles.draw_probabilities(marginals, beta)
        for x, share in zip(left, shares, strict=True):
            visit([*before, int(x)], probability * share)

    visit([], 1.0)
    counts = np.zeros((5, 5, 5))
    np.add.at(counts, tuple(drawn.T), 1)
    likely = expected > 1e-3
    assert likely.sum() > 4 and counts[expected == 0].sum() == 0
    statistic, freedom = oracles.chi_square(
        np.append(counts[likely], counts[~likely].sum()),
        np.append(expected[likely], expected[~likely].sum()),
    )
    assert abs(statistic - freedom) < 4 * (2 * freedom) ** 0.5


@pytest.mark.parametrize("beta", BETAS)
@pytest.mark.medium
def test_as_many_points_as_with_the_plain_loop(beta: float):
    pool = pool_of((6, 9, 5), g=300, seed=2, scale=0.4)
    counts, levels = [], []
    for plainly in (True, False):
        _, values = picks_of(pool, beta, 400, 80, plainly=plainly)
        levels.append(values)
        enough = np.quantile(levels[0].max(axis=1), 0.05)  # nearly all reach it
        counts.append((values >= enough).argmax(axis=1))
    if beta == np.inf:  # no law, but one order
        np.testing.assert_array_equal(counts[0], counts[1])
        return
    assert len(set(counts[0])) > 10
    assert stats.ks_2samp(*counts).pvalue > 0.01
    assert stats.ks_2samp(levels[0][:, 20], levels[1][:, 20]).pvalue > 0.01


@pytest.mark.parametrize(("beta", "scale"), [(0.5, 1e-3), (8.0, 0.7), (np.inf, 0.7)])
@pytest.mark.medium
def test_every_candidate_once_with_the_values_of_the_definition(beta, scale):
    pool = pool_of(g=48, scale=scale)
    positions, values = picks_of(pool, beta, 1, 48, plainly=False)
    np.testing.assert_array_equal(np.sort(positions[0]), np.arange(48))
    again = pool.values_again(0, positions[0])[1:]
    np.testing.assert_allclose(values[0], again, atol=1e-12)


# With a spread of w that is large beside what a pick adds, and one that is not; and
# with so few candidates that some are proposed again at once.
@pytest.mark.parametrize(
    ("sizes", "g", "scale", "num_picks"),
    [((900, 200), 400, 2.0, 64), ((60, 40), 400, 0.6, 64), ((900, 200), 40, 2.0, 32)],
)
@pytest.mark.parametrize("factor", [1.0, 3.0])
@pytest.mark.medium
def test_picks_are_those_made_one_by_one(
    sizes, g, scale, num_picks, factor, monkeypatch
):
    pool = pool_of(sizes, g=g, dtype=np.float32, scale=scale)
    kernel = factor * pool.kernel if factor != 1 else pool.kernel
    pool = Pool(pool.parties, pool.candidates, kernel, None)  # type: ignore[arg-type]
    shape = (30, num_picks, NUM_UNIFORMS)
    uniforms = np.random.default_rng(0).uniform(size=shape)

    def draw(uniforms: jax.Array, beta: jax.Array):
        candidates, lane = first_lane(pool)
        return pick_from_old_weights(pool.kernel, candidates, lane, uniforms, beta)[1:]

    found = []
    for at_once in (AT_ONCE, 1):
        monkeypatch.setattr(old_weights, "AT_ONCE", at_once)
        with jax.enable_x64(True):
            betas = jnp.array([0.0, 1.0, 4.0, 16.0], jnp.float32)
            every = jax.vmap(jax.vmap(lambda *x: draw(*x), (0, None)), (None, 0))
            found.append(jax.jit(every)(jnp.array(uniforms), betas))
    (picks, values), (one_by_one, same_values) = found
    np.testing.assert_array_equal(picks, one_by_one)
    np.testing.assert_allclose(values, same_values, rtol=0, atol=1e-8)
    assert (np.diff(np.sort(picks)) > 0).all()  # none twice


@pytest.mark.medium
def test_the_derivative_is_that_of_the_same_picks():
    pool = pool_of((40, 30), g=300, seed=3, scale=0.5)
    uniforms = np.random.default_rng(0).uniform(size=(20, NUM_UNIFORMS))

    def last_value(number: jax.Array) -> tuple[jax.Array, jax.Array]:
        candidates, lane = first_lane(pool)
        lane = lane._replace(within=number * lane.within)
        rates = number * candidates.rates
        kernel = SquaredExponential(0.5 * number)
        _, picks, values = pick_from_old_weights(
            kernel,
            candidates._replace(rates=rates),
            lane,
            jnp.array(uniforms),
            jnp.float32(2.0),
        )
        return values[-1], picks

    with jax.enable_x64(True):
        step = 1e-5
        slope, picks = jax.jit(jax.grad(last_value, has_aux=True))(1.0)
        above, below = (jax.jit(last_value)(1 + by) for by in (step, -step))
    for _, same in (above, below):
        np.testing.assert_array_equal(picks, same)
    rise = float(above[0]) - float(below[0])
    np.testing.assert_allclose(float(slope), rise / (2 * step), rtol=1e-4)


@pytest.mark.medium
def test_most_proposals_are_accepted():
    pool = pool_of((300, 200), g=2_000, dtype=np.float32, scale=0.3)
    uniforms = np.random.default_rng(0).uniform(size=(200, OLDEST, NUM_UNIFORMS))
    others = uniforms.copy()
    others[..., 2] = 1 - others[..., 2]  # what is drawn where a proposal is refused
    with jax.enable_x64(True):
        candidates, lane = first_lane(pool)

        def draw(uniforms: jax.Array):
            beta = jnp.float32(4.0)
            return pick_from_old_weights(pool.kernel, candidates, lane, uniforms, beta)[
                1
            ]

        many = jax.jit(jax.vmap(draw))
        same = np.asarray(many(jnp.array(uniforms)) == many(jnp.array(others)))
    assert 0.1 < same.all(axis=1).mean() < 1  # no refusal in a block


@pytest.mark.parametrize("bits", [32, 64])
@pytest.mark.medium
def test_strict_promotion(bits: int):
    pool = pool_of(dtype=np.float32)
    with jax.enable_x64(bits == 64), jax.numpy_dtype_promotion("strict"):
        candidates, lane = first_lane(pool)
        uniforms = jnp.full((3, NUM_UNIFORMS), 0.5, lane.within.dtype)
        _, picks, values = pick_from_old_weights(
            pool.kernel, candidates, lane, uniforms, jnp.float32(2.0)
        )
    assert len(set(picks.tolist())) == 3
    assert values.dtype.itemsize == bits // 8


@pytest.mark.medium
def test_many_candidates_of_a_kernel_without_negative_values_are_drawn_so():
    rng = np.random.default_rng(0)
    points = rng.normal(size=(17_000, 1)).astype(np.float32)
    parties = [points[:5] + 0.1, points[5:9]]
    beta, start = jnp.float32(2.0), jnp.int32(0)
    for kernel, is_fast in ((SquaredExponential(0.5), True), (Linear(), False)):
        pool = Pool(parties, points, kernel, None)  # type: ignore[arg-type]
        with jax.enable_x64(True):
            candidates, lane = first_lane(pool)
            _, found, _ = pick_many(
                KEY, kernel, candidates, lane, beta, start, num_picks=2 * BLOCK
            )
            keys = [jax.random.fold_in(KEY, p) for p in range(2 * BLOCK)]
            shape = (NUM_UNIFORMS,) if is_fast else ()
            uniforms = jnp.stack([jax.random.uniform(key, shape) for key in keys])
            if is_fast:
                _, expected, _ = jax.jit(pick_from_old_weights)(
                    kernel, candidates, lane, uniforms, beta
                )
            else:
                _, expected, _ = jax.jit(pick_plainly)(
                    kernel, candidates, lane, uniforms, beta
                )
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("name", KERNELS)
def test_a_kernel_that_says_so_is_nowhere_negative(name: str):
    points = 3 * np.random.default_rng(0).normal(size=(60, 3))
    kernel = KERNELS[name](3)
    if kernel.is_nonnegative:
        with jax.enable_x64(True):
            assert float(kernel(points, points).min()) >= 0

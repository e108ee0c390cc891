"""Many lanes as one program: the draws of one lane after the other."""

from dataclasses import replace
from itertools import product

import jax
import numpy as np
import pytest
from sampling_pools import Pool, pool_of

from cgm_jax._shared.platforms import PLATFORMS
from cgm_jax.sampling.weighted_sampling import draw_rewards

BETAS = [0.0, 1.0, 8.0, np.inf]


def draws(pool: Pool, targets: np.ndarray, keys=None, betas=BETAS, **options):
    if keys is None:
        keys = list(jax.random.split(jax.random.key(3), len(betas)))
    return draw_rewards(
        keys,
        pool.kernel,
        pool.candidates,
        pool.sums,
        targets,
        inverse_temperatures=betas,
        **options,
    )


def draw_in_batches(monkeypatch: pytest.MonkeyPatch, lanes: int) -> None:
    monkeypatch.setitem(PLATFORMS, "cpu", replace(PLATFORMS["cpu"], lanes=lanes))


def assert_same(one, other) -> None:
    for a, b in zip(one, other, strict=True):
        for x, y in zip(a, b, strict=True):
            assert x.stop_reason == y.stop_reason
            np.testing.assert_array_equal(x.indices, y.indices)
            np.testing.assert_allclose(x.values, y.values, atol=1e-12)


@pytest.mark.parametrize("lanes", [4, 256])
@pytest.mark.medium
def test_are_the_draws_of_single_lanes(lanes: int, monkeypatch: pytest.MonkeyPatch):
    pool = pool_of(g=301, scale=0.4)
    limits = np.array([1.0, -1.0, 0.3])  # never reached, at once, after some picks
    before = draws(pool, limits)
    reasons = {r.stop_reason for rewards in before for r in rewards}
    assert reasons >= {"reached", "exhausted"}
    assert len({len(r.indices) for rewards in before for r in rewards}) > 4
    draw_in_batches(monkeypatch, lanes)
    told = []
    after = draws(pool, limits, progress=lambda *place: told.append(place))
    assert_same(before, after)
    ended = {(draw, party): (count, value) for draw, party, count, value in told}
    assert set(ended) == set(product(range(4), (0, 2)))
    for (draw, party), (count, value) in ended.items():
        if after[draw][party].stop_reason == "reached":
            assert count == len(after[draw][party].indices)
            assert value == after[draw][party].final_value


@pytest.mark.parametrize("kind", ["rbg", "old"])
@pytest.mark.medium
def test_keys_whose_numbers_depend_on_the_batch_are_drawn_one_by_one(
    kind: str, monkeypatch: pytest.MonkeyPatch
):
    pool, targets = pool_of(g=40), np.full(3, 2.0)
    keys = [jax.random.PRNGKey(seed) for seed in (1, 2)]
    if kind == "rbg":
        keys = [jax.random.key(seed, impl="rbg") for seed in (1, 2)]

    single = [draws(pool, targets, [key], [1.0], max_picks=20)[0] for key in keys]
    draw_in_batches(monkeypatch, 256)
    assert_same(single, draws(pool, targets, keys, [1.0, 1.0], max_picks=20))


@pytest.mark.medium
def test_a_thousand_picks_of_five_parties(monkeypatch: pytest.MonkeyPatch):
    pool = pool_of((20, 30, 25, 10, 15), g=2_000, dtype=np.float32, scale=0.3)
    before = draws(pool, np.full(5, 2.0), max_picks=1_000)
    draw_in_batches(monkeypatch, 256)
    after = draws(pool, np.full(5, 2.0), max_picks=1_000)
    for a, b in zip(before, after, strict=True):
        for x, y in zip(a, b, strict=True):
            assert len(x.indices) == len(y.indices) == 1_000
            np.testing.assert_array_equal(x.indices, y.indices)
            np.testing.assert_allclose(x.values, y.values, atol=1e-6)

"""The baselines of the benchmarks do the same work as the package."""

import math
import shutil

import jax
import numpy as np
import oracles
import pytest
from flax import nnx

from benchmarks import kernel_table, loops, plain
from benchmarks.data import clusters
from benchmarks.generator import (
    convolutions,
    forward_and_back,
    library_convolutions,
)
from benchmarks.kernel_table import KERNELS, plain_sums
from benchmarks.rows import relative_error
from benchmarks.valuation import exact_shapley_value
from benchmarks.whole_run import _entries
from cgm_jax.gram import gram_sums, smallest_length_scale
from cgm_jax.kernels import SquaredExponential
from cgm_jax.sampling import weighted_sampling
from cgm_jax.valuation import coalition_values, shapley_values


def problem(num_dims: int = 2):
    points = clusters(num_dims, 4, 12, 40).astype(float)
    uneven = [x[: 5 + 2 * i] for i, x in enumerate(points.parties)]
    return uneven, points.candidates, points.length_scale


@pytest.mark.medium
def test_plain_integral_gives_the_shapley_values_of_the_table():
    sums = gram_sums(SquaredExponential(0.3), *problem()[:2])
    np.testing.assert_allclose(
        plain.mmd_shapley_values(sums.between, sums.sizes),
        shapley_values(coalition_values(sums)),
        rtol=1e-8,
    )


@pytest.mark.parametrize("num_dims", [1, 2, 8])
def test_plain_gram_sums_are_those_of_the_package(num_dims: int):
    parties, candidates, length_scale = problem(num_dims)
    sums = gram_sums(SquaredExponential(length_scale), parties, candidates)
    between, rows = plain.gram_sums(parties, candidates, length_scale)
    # Sums of waves are as exact as the largest of their terms.
    np.testing.assert_allclose(between, sums.between, rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(rows, sums.candidate_rows, rtol=1e-11, atol=1e-12)


def test_plain_sums_do_not_depend_on_tiles(monkeypatch: pytest.MonkeyPatch):
    parties, candidates, length_scale = problem()
    points = np.concatenate(parties)
    whole = plain.sums_over(candidates, points, length_scale)
    monkeypatch.setattr(plain, "_TILE", 7)
    tiled = plain.sums_over(candidates, points, length_scale)
    np.testing.assert_allclose(tiled, whole, rtol=1e-13)


@pytest.mark.parametrize("name", KERNELS)
@pytest.mark.medium
def test_plain_sums_of_every_kernel_are_those_of_the_package(name: str):
    parties, candidates, length_scale = problem(3)
    points, scales = np.concatenate(parties), (length_scale, 2 * length_scale)
    found = plain_sums([name], points, candidates, scales)[name]
    for of_scale, scale in zip(found, scales, strict=True):
        kernel = KERNELS[name].kernel(scale, 3)
        sums = gram_sums(kernel, [points], candidates).candidate_rows[:, 0]
        np.testing.assert_allclose(of_scale, sums, rtol=1e-11)


def test_plain_sums_of_kernels_do_not_depend_on_tiles(monkeypatch: pytest.MonkeyPatch):
    parties, candidates, length_scale = problem()
    points = np.concatenate(parties)
    whole = plain_sums(KERNELS, points, candidates, [length_scale])
    monkeypatch.setattr(kernel_table, "_TILE", 7)
    tiled = plain_sums(KERNELS, points, candidates, [length_scale])
    for name, sums in whole.items():
        np.testing.assert_allclose(tiled[name], sums, rtol=1e-12)


def test_plain_length_scale_is_that_of_the_package():
    parties, candidates, _ = problem()
    found = smallest_length_scale(SquaredExponential(1.0), parties, candidates)
    assert plain.smallest_length_scale(parties, candidates) == found


def test_plain_coalition_and_shapley_values_are_those_of_the_package():
    parties, candidates, length_scale = problem()
    values = coalition_values(
        gram_sums(SquaredExponential(length_scale), parties, candidates)
    )
    found = plain.coalition_values(
        parties, candidates, length_scale, range(len(values))
    )
    np.testing.assert_allclose(found, values, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(
        plain.shapley_values(values), shapley_values(values), rtol=1e-12
    )


def test_the_reference_for_shapley_values_is_the_mean_over_all_orders():
    values = np.random.default_rng(0).standard_normal(2**6)
    reference = [exact_shapley_value(values, party) for party in range(6)]
    np.testing.assert_allclose(reference, plain.shapley_values(values), atol=1e-13)


def test_plain_greedy_sampling_is_that_of_the_package():
    parties, candidates, length_scale = problem()
    kernel = SquaredExponential(length_scale)
    rewards = weighted_sampling(
        jax.random.key(0),
        kernel,
        candidates,
        gram_sums(kernel, parties, candidates),
        np.full(len(parties), 0.3),
        inverse_temperature=math.inf,
    )
    reference = np.concatenate([*parties, candidates])
    for party, reward in zip(parties, rewards, strict=True):
        assert reward.stop_reason == "reached"
        drawn, values = plain.weighted_sampling(
            np.random.default_rng(0),
            party,
            candidates,
            reference,
            length_scale,
            reward_value=0.3,
            beta=math.inf,
        )
        np.testing.assert_array_equal(drawn, reward.indices)
        np.testing.assert_allclose(values, reward.values, rtol=1e-10)
    assert max(len(reward.indices) for reward in rewards) > 3


class Recorder:
    """In place of a random generator: keeps the probabilities, takes the first."""

    def choice(self, num: int, p: np.ndarray) -> int:
        assert len(p) == num
        self.probabilities = p
        return 0


@pytest.mark.parametrize("beta", [0.0, 1.0, 8.0, math.inf])
def test_a_plain_pick_has_the_probabilities_of_the_definition(beta: float):
    (party, *_), candidates, length_scale = problem()
    reference, k = candidates, oracles.squared_exponential(length_scale)
    recorder = Recorder()
    sigma_s, sigma_st = k(party, party).mean(), 2 * k(party, reference).mean()
    at, after_s, after_st = plain.pick(
        recorder,
        party,
        candidates,
        reference,
        sigma_s,
        sigma_st,
        length_scale,
        beta=beta,
    )
    marginals = oracles.marginal_values(k, party, candidates, reference)
    np.testing.assert_allclose(
        recorder.probabilities, oracles.draw_probabilities(marginals, beta), atol=1e-12
    )
    before = sigma_st - sigma_s
    np.testing.assert_allclose(after_st - after_s - before, marginals[at], atol=1e-12)


def test_the_entries_of_all_picks_are_counted_one_by_one():
    draws = [{"party_size": 3, "num_picks": picks} for picks in (0, 2, 4, 1, 5, 3)]
    g, t = 50, 50 + 5 * 3
    expected = sum(
        (g - p) * (3 + p + t) for draw in draws for p in range(draw["num_picks"])
    )
    assert _entries(draws, g) == expected


@pytest.mark.parametrize("num_in", [1, 3])
@pytest.mark.medium
def test_convolutions_of_the_library_are_those_of_the_package(num_in: int):
    ours = convolutions(nnx.Rngs(0), num_in, 2)
    rng = np.random.default_rng(num_in)
    images = rng.standard_normal((3, 8, 12, num_in)).astype(np.float32)
    slope = rng.standard_normal((3, 2, 3, 4)).astype(np.float32)
    both = [ours, library_convolutions(ours)]
    mine, theirs = (forward_and_back(x, images, slope)() for x in both)
    # Images, then bias and weights of both layers, then the slope by the first images.
    sizes = [(3, 2, 3, 4), (2,), (5, 5, num_in, 2), (4,), (5, 5, 2, 4), images.shape]
    assert [array.shape for array in mine] == sizes
    for array, reference in zip(mine, theirs, strict=True):
        assert np.abs(reference).max() > 0.1
        assert relative_error(array, reference) < 1e-5


@pytest.mark.medium
@pytest.mark.skipif(
    shutil.which("cc") is None and shutil.which("gcc") is None, reason="no C compiler"
)
def test_loops_in_c_do_the_same_work(monkeypatch: pytest.MonkeyPatch):
    """Their sums and w are compared with those of NumPy before a row is made."""
    errors = []

    def check(found: np.ndarray, expected: np.ndarray, tolerance: float):
        errors.append(relative_error(found, expected))
        assert errors[-1] < tolerance

    monkeypatch.setattr(loops, "_check", check)
    *passes, picks = loops.rows(small=True)
    assert len(errors) == 3 and picks.error < 1e-4
    assert [gram.error < 1e-6 for gram in passes] == [True, True]
    assert passes[0].size["t"] == 1_100 and picks.size["picks"] == 64
    assert np.float32(1e-40) * np.ones(1, np.float32) > 0  # as before
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert not [*loops.rows(small=True)]

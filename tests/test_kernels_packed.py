"""Coordinates of two values in words give the same kernel."""

import importlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tolerances import rtol

from cgm_jax.gram import gram_sums
from cgm_jax.kernels import Laplace, RationalQuadratic, SquaredExponential
from cgm_jax.kernels.packed import Packed, packed
from cgm_jax.sampling import weighted_sampling

RNG = np.random.default_rng(0)
KERNELS = [
    SquaredExponential(0.7),
    Laplace(2.0),
    RationalQuadratic(1.3, alpha=0.5),
]


def points(num_numbers: int, sizes: tuple[int, ...]) -> np.ndarray:
    """Numbers, categories of these sizes, a constant, and flags."""
    blocks = [RNG.normal(size=(50, num_numbers))]
    for i, size in enumerate(sizes):
        place = RNG.integers(0, size, 50)
        blocks.append(0.6 * (1 + i % 2) * np.eye(size)[place])
    blocks += [np.full((50, 1), 3.0), RNG.integers(-1, 1, (50, 2))]
    return np.concatenate(blocks, axis=1)


@pytest.mark.parametrize("kernel", KERNELS, ids=lambda kernel: type(kernel).__name__)
@pytest.mark.parametrize("num_numbers", [0, 3])
@pytest.mark.medium
def test_the_same_kernel(kernel, num_numbers):
    x = points(num_numbers, (40, 7, 5)).astype(np.float32)
    fast = packed(kernel, x)
    assert isinstance(fast, Packed)
    assert len(fast.others) == num_numbers
    dense = np.asarray(kernel(x, x))
    for rows in (x[:1], x):
        found = fast.pairwise(fast.embed(jnp.asarray(rows)), fast.embed(jnp.asarray(x)))
        np.testing.assert_allclose(found, dense[: len(rows)], rtol=rtol(np.float32))
    np.testing.assert_array_equal(fast.diagonal(jnp.asarray(x)), np.ones(50))
    wider = fast.with_length_scale(2.0)
    found = wider.pairwise(*[wider.embed(jnp.asarray(x))] * 2)
    expected = kernel.with_length_scale(2.0)(x, x)
    np.testing.assert_allclose(found, expected, rtol=rtol(np.float32))


def test_where_it_is_not_worth_it_or_not_possible():
    x = points(3, (4, 5)).astype(np.float32)
    assert packed(KERNELS[0], x) is KERNELS[0]
    many = points(3, (40,)).astype(np.float32)
    by_dimension = SquaredExponential(np.ones(many.shape[1]))
    for kernel in (by_dimension, KERNELS[0] + KERNELS[0]):
        assert packed(kernel, many) is kernel


@pytest.mark.medium
def test_a_draw_picks_the_same(monkeypatch):
    module = importlib.import_module("cgm_jax.sampling.weighted_sampling")
    parties = [points(3, (20, 4))[:, :27] for _ in range(2)]
    drawn_from = np.concatenate([points(3, (20, 4)) for _ in range(6)])[:, :27]
    sums = gram_sums(KERNELS[0], parties, drawn_from)
    assert isinstance(packed(KERNELS[0], drawn_from), Packed)

    def draw() -> list[list[int]]:
        rewards = weighted_sampling(
            jax.random.key(0),
            KERNELS[0],
            drawn_from,
            sums,
            np.full(2, 1e9),
            inverse_temperature=2.0,
            max_picks=100,
        )
        return [reward.indices.tolist() for reward in rewards]

    fast = draw()
    monkeypatch.setattr(module, "packed", lambda kernel, points: kernel)
    assert draw() == fast

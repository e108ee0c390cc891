"""Laws that every kernel keeps, and kernels made of kernels, over a table of them."""

from dataclasses import dataclass, field

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from kernel_table import KERNELS, PLAIN, block
from tolerances import rtol

from cgm_jax.generators.mmd_gan.critic_loss import Distance, Dot, Mixture
from cgm_jax.kernels import DeepKernel, Laplace, RationalQuadratic, SquaredExponential

# Squared distances may be wrong by 1,000 roundings of 1 (see their tests); the kernels
# of the table change by at most 3 times as much.
ROUNDINGS = 3000
every_kernel = pytest.mark.parametrize("name", KERNELS)


def points(n: int, d: int, dtype: type = np.float64) -> np.ndarray:
    rng = np.random.default_rng([n, d])
    return (rng.normal(size=(n, d)) / np.sqrt(d)).astype(dtype)


@pytest.mark.parametrize(("d", "dtype"), [(16, np.float64), (64, np.float32)])
@every_kernel
def test_equals_the_formula(name: str, d: int, dtype: type):
    x, y = points(40, d, dtype), points(33, d, dtype)
    np.testing.assert_allclose(
        block(KERNELS[name](d), x, y),
        PLAIN[name](d)(x, y),
        atol=rtol(dtype, roundings=ROUNDINGS),
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@every_kernel
def test_is_symmetric_and_positive_definite_with_its_diagonal(name: str, dtype: type):
    x, kernel = points(40, 3, dtype), KERNELS[name](3)
    x[5:8] = x[:3]  # the same point twice
    with jax.enable_x64(True):
        both = jax.jit(lambda kernel, x: (kernel(x, x), kernel.diagonal(x)))(kernel, x)
    gram, diagonal = map(np.asarray, both)
    assert gram.dtype == diagonal.dtype == dtype
    tolerance = rtol(dtype, roundings=ROUNDINGS)
    np.testing.assert_allclose(gram, gram.T, atol=tolerance)
    smallest = np.linalg.eigvalsh((gram + gram.T).astype(float) / 2).min()
    assert smallest > -len(x) * tolerance
    np.testing.assert_allclose(diagonal, np.diag(gram), atol=tolerance)


@jax.jit
def embedded(kernel, x, y):
    """Both embeddings, the block of them, and the block of the points."""
    in_x, in_y = kernel.embed(x), kernel.embed(y)
    return in_x, in_y, kernel.pairwise(in_x, in_y), kernel(x, y)


@every_kernel
def test_embedding_once_a_point_gives_the_same_block(name: str):
    x, y = points(40, 3, np.float32), points(33, 3, np.float32)
    in_x, in_y, of_embeddings, of_points = embedded(KERNELS[name](3), x, y)
    for embedding, rows in ((in_x, 40), (in_y, 33)):
        assert {len(leaf) for leaf in jax.tree.leaves(embedding)} == {rows}
    np.testing.assert_allclose(of_embeddings, of_points, rtol=rtol(np.float32))


@every_kernel
def test_is_a_pytree_of_its_parameters(name: str):
    kernel = KERNELS[name](3)
    leaves, structure = jax.tree.flatten(kernel)
    assert leaves
    again = jax.tree.unflatten(structure, leaves)
    assert type(again) is type(kernel)
    assert jax.tree.structure(again) == structure
    x = points(5, 3, np.float32)
    np.testing.assert_array_equal(block(again, x, x), block(kernel, x, x))
    # Anything may stand in a leaf's place while JAX takes a tree apart.
    assert jax.tree.leaves(jax.tree.map(lambda leaf: None, kernel)) == []


def test_two_kinds_are_two_structures_though_their_fields_are_the_same():
    # or `jit` may run the program of one for the other
    one, other = SquaredExponential(1.0), Laplace(1.0)
    kernels = [
        one,
        other,
        one + other,
        one * other,
        other + one,
        2.0 * one,
        2.0 * other,
    ]
    kernels += [RationalQuadratic(1.0, 2.0), Dot(1.0), Distance(1.0)]
    structures = [jax.tree.structure(kernel) for kernel in kernels]
    for i, structure in enumerate(structures):
        assert structures.index(structure) == i


def test_a_static_field_is_part_of_the_structure():
    @dataclass(frozen=True)
    class Power(SquaredExponential):
        power: int = field(default=1, metadata={"static": True})

        def of_squared_distance(self, r2: jax.Array) -> jax.Array:
            return super().of_squared_distance(r2) ** self.power

    x = points(5, 3, np.float32)
    for power in (1, 2):
        leaves, structure = jax.tree.flatten(Power(1.3, power))
        assert leaves == [1.3]
        assert jax.tree.unflatten(structure, leaves) == Power(1.3, power)
        plain = PLAIN["squared exponential"](3)(x, x) ** power
        np.testing.assert_allclose(
            block(Power(1.3, power), x, x), plain, atol=rtol(np.float32, roundings=10)
        )


@every_kernel
def test_can_be_jitted_and_batched(name: str):
    kernel, x = KERNELS[name](3), points(40, 3, np.float32)
    batch = np.stack([x, 2 * x])
    blocks = jax.jit(jax.vmap(lambda x: kernel(x, x)))(batch)
    for one, gram in zip(batch, blocks, strict=True):
        np.testing.assert_allclose(
            gram, PLAIN[name](3)(one, one), atol=rtol(np.float32, roundings=ROUNDINGS)
        )


@every_kernel
def test_a_batch_of_kernels(name: str):
    kernel, x = KERNELS[name](3), points(5, 3, np.float32)
    others = kernel.with_length_scale(0.4), kernel.with_length_scale(2.0)
    stacked = jax.tree.map(lambda *leaves: np.stack(leaves), *others)
    blocks = jax.jit(jax.vmap(lambda kernel: kernel(x, x)))(stacked)
    for one, gram in zip(others, blocks, strict=True):
        np.testing.assert_allclose(gram, block(one, x, x), atol=rtol(np.float32))


@jax.jit
def weighted_sum(kernel, x, y, weights):
    return jnp.sum(weights * kernel(x, y))


gradient = jax.jit(jax.grad(weighted_sum, argnums=(0, 1)))
WEIGHTS = np.random.default_rng(0).normal(size=(40, 33))
STEP = 1e-5


@every_kernel
def test_gradient_is_that_of_finite_differences(name: str):
    x, y = points(40, 3), points(33, 3)
    with jax.enable_x64(True):
        kernel = jax.tree.map(jnp.asarray, KERNELS[name](3))
        in_kernel, in_x = gradient(kernel, x, y, WEIGHTS)
        in_kernel, in_x = jax.tree.map(np.asarray, (in_kernel, in_x))
        along_ones = 0.0
        for sign in (1, -1):
            moved = jax.tree.map(lambda leaf, sign=sign: leaf + sign * STEP, kernel)
            along_ones += sign * float(weighted_sum(moved, x, y, WEIGHTS)) / (2 * STEP)
    in_parameters = sum(leaf.sum() for leaf in jax.tree.leaves(in_kernel))
    np.testing.assert_allclose(in_parameters, along_ones, rtol=1e-7, atol=1e-7)
    plain = PLAIN[name](3)
    for i in range(3):
        for k in range(3):
            move = np.zeros_like(x)
            move[i, k] = STEP
            slope = (WEIGHTS * (plain(x + move, y) - plain(x - move, y))).sum()
            np.testing.assert_allclose(in_x[i, k], slope / (2 * STEP), atol=1e-7)


@every_kernel
def test_gradients_of_a_batch_of_kernels(name: str):
    x, y = points(40, 3), points(33, 3)
    with jax.enable_x64(True):
        kernel = jax.tree.map(np.asarray, KERNELS[name](3))
        pair = [kernel, kernel.with_length_scale(np.asarray(1.0))]
        pair = [
            jax.tree.map(lambda a, b: np.broadcast_to(b, a.shape), kernel, each)
            for each in pair
        ]
        stacked = jax.tree.map(lambda *leaves: np.stack(leaves), *pair)
        batched = jax.jit(jax.vmap(gradient, in_axes=(0, None, None, None)))
        found = jax.tree.map(np.asarray, batched(stacked, x, y, WEIGHTS))
        for i, each in enumerate(pair):
            alone = jax.tree.map(np.asarray, gradient(each, x, y, WEIGHTS))
            jax.tree.map(
                lambda a, b, i=i: np.testing.assert_allclose(a[i], b, atol=1e-10),
                found,
                alone,
            )


@every_kernel
def test_gradient_is_finite_at_coincident_points(name: str):
    x = points(40, 3)
    x[33:36] = x[:3]
    with jax.enable_x64(True):
        kernel = jax.tree.map(jnp.asarray, KERNELS[name](3))
        found = gradient(kernel, x, x[:33], WEIGHTS)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(found))


@pytest.mark.parametrize("name", [name for name in KERNELS if "deep" not in name])
def test_with_length_scale_measures_in_units_of_it(name: str):
    x, y = points(5, 3, np.float32), points(4, 3, np.float32)
    kernel = KERNELS[name](3)
    scaled, unit = kernel.with_length_scale(4.0), kernel.with_length_scale(1.0)
    assert type(scaled) is type(kernel)
    of_unit = block(unit, x, y)
    np.testing.assert_array_equal(block(scaled, 4 * x, 4 * y), of_unit)
    assert not np.allclose(block(scaled, x, y), of_unit)


def test_the_length_scale_is_a_field_or_that_which_the_parts_share():
    with pytest.raises(TypeError, match="length_scale"):
        SquaredExponential()  # no default
    assert vars(Laplace(2.0)) == {"length_scale": 2.0}
    none = Mixture((SquaredExponential(2.0),))
    assert none.length_scale is (none + none).length_scale is None
    same = 3.0 * (SquaredExponential(2.0) + 0.5 * Laplace(2.0))
    assert same.length_scale == (same * same).length_scale == 2.0
    wide = SquaredExponential(np.ones(2))
    np.testing.assert_array_equal((wide * wide).length_scale, np.ones(2))
    for other in (Laplace(2.5), none, wide, DeepKernel(jnp.sin, wide)):
        assert (same + other).length_scale is None
        assert (other * same).length_scale is None


def test_sums_products_and_scalings_are_those_of_the_blocks():
    x, y = points(5, 3, np.float32), points(4, 3, np.float32)
    a, b = SquaredExponential(1.0), Laplace(2.0)
    np.testing.assert_array_equal((a + b)(x, y), a(x, y) + b(x, y))
    np.testing.assert_array_equal((a * b)(x, y), a(x, y) * b(x, y))
    np.testing.assert_array_equal((3 * a)(x, y), 3 * a(x, y))
    np.testing.assert_array_equal((a * 3)(x, y), 3 * a(x, y))
    np.testing.assert_array_equal((np.float64(3) * a)(x, y), 3 * a(x, y))
    np.testing.assert_array_equal((jnp.float32(3) * a)(x, y), 3 * a(x, y))


@pytest.mark.parametrize("other", [1.0, "a", None, np.ones(2)])
def test_a_kernel_plus_something_else_is_an_error(other: object):
    with pytest.raises(TypeError):
        SquaredExponential(1.0) + other

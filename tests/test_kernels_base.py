"""Laws that every kernel keeps, and kernels made of kernels, over a table of them."""

import functools
from dataclasses import dataclass, field

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from kernel_table import KERNELS, PLAIN, block
from tolerances import rtol

from cgm_jax.generators.mmd_gan.critic_loss import Distance, Dot, Mixture
from cgm_jax.kernels import (
    DeepKernel,
    Kernel,
    Laplace,
    RationalQuadratic,
    SquaredExponential,
)

# Squared distances may be wrong by 1,000 roundings of 1 (see their tests); the kernels
# of the table change by at most 3 times as much.
ROUNDINGS = 3000
M, N = 40, 33
every_kernel = pytest.mark.parametrize("name", KERNELS)


def two_sets(d: int, dtype: type = np.float64) -> tuple[np.ndarray, np.ndarray]:
    """Points x of which the first ones are y; three are in it twice."""
    rng = np.random.default_rng([M, d])
    x = (rng.normal(size=(M, d)) / np.sqrt(d)).astype(dtype)
    x[5:8] = x[:3]
    return x, x[:N].copy()


def points(n: int) -> np.ndarray:
    return np.random.default_rng([n, 3]).normal(size=(n, 3)).astype(np.float32)


@functools.cache
def kernel_of(name: str, d: int) -> Kernel:
    return KERNELS[name](d)


# A kernel is compiled twice: in float32 with its embeddings, and in float64 with its
# gradient, mapped over kernels and points.


@jax.jit
def embedded(kernel: Kernel, x: jax.Array, y: jax.Array):
    """Both embeddings, the block made of them, and the diagonal."""
    in_x, in_y = kernel.embed(x), kernel.embed(y)
    return in_x, in_y, kernel.pairwise(in_x, in_y), kernel.diagonal(x)


def weighted_sum(kernel: Kernel, x: jax.Array, y: jax.Array):
    block = kernel(x, y)
    return jnp.sum(WEIGHTS * block), (block, kernel.diagonal(x))


STEP = 1e-5
WEIGHTS = np.random.default_rng(0).normal(size=(M, N))
with_gradient = jax.value_and_grad(weighted_sum, argnums=(0, 1), has_aux=True)
of_points = jax.vmap(with_gradient, in_axes=(None, 0, None))
of_kernels = jax.jit(jax.vmap(of_points, in_axes=(0, None, None)))


@functools.cache
def in_batch(name: str):
    """In float64, of kernels × points: the kernel, and with its parameters a step up
    and down; the points x, and 2x."""
    x, y = two_sets(16)
    kernels = jax.tree.map(
        lambda leaf: np.stack([np.asarray(leaf, float) + s for s in (0, STEP, -STEP)]),
        kernel_of(name, 16),
    )
    with jax.enable_x64(True):
        return jax.tree.map(np.asarray, of_kernels(kernels, np.stack([x, 2 * x]), y))


def block_and_diagonal(name: str, d: int, dtype: type) -> list[np.ndarray]:
    """The block of the points in float64, that of their embeddings in float32."""
    if dtype == np.float64:
        assert d == 16
        found = [each[0, 0] for each in in_batch(name)[0][1]]
    else:
        with jax.enable_x64(True):
            found = embedded(kernel_of(name, d), *two_sets(d, dtype))[2:]
    assert {each.dtype for each in found} == {np.dtype(dtype)}
    return [np.asarray(each) for each in found]


both_dtypes = pytest.mark.parametrize(
    ("d", "dtype"), [(16, np.float64), (64, np.float32)]
)


@both_dtypes
@every_kernel
@pytest.mark.medium
def test_equals_the_formula(name: str, d: int, dtype: type):
    np.testing.assert_allclose(
        block_and_diagonal(name, d, dtype)[0],
        PLAIN[name](d)(*two_sets(d, dtype)),
        atol=rtol(dtype, roundings=ROUNDINGS),
    )


@both_dtypes
@every_kernel
def test_is_symmetric_and_positive_definite_with_its_diagonal(
    name: str, d: int, dtype: type
):
    found, diagonal = block_and_diagonal(name, d, dtype)
    gram, diagonal = found[:N], diagonal[:N]
    tolerance = rtol(dtype, roundings=ROUNDINGS)
    np.testing.assert_allclose(gram, gram.T, atol=tolerance)
    smallest = np.linalg.eigvalsh((gram + gram.T).astype(float) / 2).min()
    assert smallest > -N * tolerance
    np.testing.assert_allclose(diagonal, np.diag(gram), atol=tolerance)


@every_kernel
def test_an_embedding_has_a_row_per_point(name: str):
    with jax.enable_x64(True):
        in_x, in_y, *_ = embedded(kernel_of(name, 64), *two_sets(64, np.float32))
    for embedding, rows in ((in_x, M), (in_y, N)):
        assert {len(leaf) for leaf in jax.tree.leaves(embedding)} == {rows}


@every_kernel
def test_is_a_pytree_of_its_parameters(name: str):
    kernel = kernel_of(name, 16)
    leaves, structure = jax.tree.flatten(kernel)
    assert leaves
    again = jax.tree.unflatten(structure, leaves)
    assert type(again) is type(kernel)
    assert jax.tree.structure(again) == structure
    assert all(a is b for a, b in zip(leaves, jax.tree.leaves(again), strict=True))
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


@pytest.mark.medium
def test_a_static_field_is_part_of_the_structure():
    @dataclass(frozen=True)
    class Power(SquaredExponential):
        power: int = field(default=1, metadata={"static": True})

        def of_squared_distance(self, r2: jax.Array) -> jax.Array:
            return super().of_squared_distance(r2) ** self.power

    x = points(5)
    for power in (1, 2):
        leaves, structure = jax.tree.flatten(Power(1.3, power))
        assert leaves == [1.3]
        assert jax.tree.unflatten(structure, leaves) == Power(1.3, power)
        plain = PLAIN["squared exponential"](3)(x, x) ** power
        np.testing.assert_allclose(
            block(Power(1.3, power), x, x), plain, atol=rtol(np.float32, roundings=10)
        )


@pytest.mark.parametrize("factor", [1, 2])
@every_kernel
def test_gradient_is_that_of_finite_differences(name: str, factor: int):
    x, y = two_sets(16)
    (totals, _), (in_kernel, in_x) = in_batch(name)
    x, at = factor * x, factor - 1
    in_parameters = sum(leaf[0, at].sum() for leaf in jax.tree.leaves(in_kernel))
    along_ones = (totals[1, at] - totals[2, at]) / (2 * STEP)
    np.testing.assert_allclose(in_parameters, along_ones, rtol=1e-7, atol=1e-7)
    plain = PLAIN[name](16)
    for i, k in np.ndindex(3, 3):
        move = np.zeros_like(x)
        move[i, k] = STEP
        slope = (WEIGHTS * (plain(x + move, y) - plain(x - move, y))).sum() / (2 * STEP)
        np.testing.assert_allclose(in_x[0, at, i, k], slope, atol=1e-7)


@every_kernel
def test_a_batch_of_kernels_and_points_is_every_one_of_it(name: str):
    # that of the first points is compared with the formula above
    x, y = two_sets(16)
    (totals, (blocks, diagonals)), gradients = in_batch(name)
    plain = PLAIN[name](16)
    double = plain(2 * x, y)
    tolerance = rtol(np.float64, roundings=ROUNDINGS) * max(1, np.abs(double).max())
    np.testing.assert_allclose(blocks[0, 1], double, atol=tolerance)
    own = np.diag(plain(2 * x, 2 * x))
    np.testing.assert_allclose(diagonals[0, 1], own, atol=tolerance)
    np.testing.assert_allclose(totals, (WEIGHTS * blocks).sum((2, 3)), rtol=1e-9)
    # A step up and one down are two other kernels: gradients are theirs, and their mean
    # is that between them.
    for leaf in jax.tree.leaves(gradients):
        assert (leaf[1] != leaf[2]).any()
        middle, largest = (leaf[1] + leaf[2]) / 2, np.abs(leaf).max()
        np.testing.assert_allclose(middle, leaf[0], atol=1e-7 * max(1, largest))


@every_kernel
def test_gradient_is_finite_at_coincident_points(name: str):
    _, found = in_batch(name)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(found))


@pytest.mark.parametrize("name", [name for name in KERNELS if "deep" not in name])
def test_with_length_scale_measures_in_units_of_it(name: str):
    x, y = two_sets(64, np.float32)
    kernel = kernel_of(name, 64)
    scaled, unit = kernel.with_length_scale(4.0), kernel.with_length_scale(1.0)
    assert type(scaled) is type(kernel)
    with jax.enable_x64(True):
        of_unit = embedded(unit, x, y)[2]
        np.testing.assert_array_equal(embedded(scaled, 4 * x, 4 * y)[2], of_unit)
        assert not np.allclose(embedded(scaled, x, y)[2], of_unit)


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


@pytest.mark.medium
def test_sums_products_and_scalings_are_those_of_the_blocks():
    x, y = points(5), points(4)
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

r"""Do two samples come from one distribution? MMD²_u and random relabellings.

Pool the m points of x and the n of y, and let z be 1 at the points called x. Any z
with m ones is as likely as any other if P = Q, which is what makes the test valid for
every kernel and every size of sample. With K₀ the kernel matrix of the pool, 0 on its
diagonal, and

    a = 1/m(m−1),   b = 1/mn,   c = 1/n(n−1),
    MMD²_u(z) = a zᵀK₀z − 2b zᵀK₀(1−z) + c (1−z)ᵀK₀(1−z)
              = wᵀK₀w + (c − β²) 1ᵀK₀1,   w = αz + β1,   α² = a + 2b + c,   αβ = −b − c.

So one quadratic form a relabelling is all there is, and those of all relabellings are
one product W K₀, tile by tile of K₀, which is never built.

Reference: Gretton et al. 2012; Liu et al. 2020, Sec. 2.
"""

import math
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Key

from cgm_jax._shared.arrays import (
    AnyArray,
    ArrayLike,
    Points,
    array_module,
    is_traced,
    rounded_up,
    to_host,
)
from cgm_jax._shared.checks import as_key, as_whole
from cgm_jax._shared.precision import at_once, compiled, matmul
from cgm_jax._shared.results import Result
from cgm_jax.gram.embedding import kernel_diagonal
from cgm_jax.gram.gram_sums import checked_tile_size
from cgm_jax.gram.tile_loops import add_at, over_tiles
from cgm_jax.gram.tiles import Blocks, even_side, kernel_tile
from cgm_jax.kernels import Kernel
from cgm_jax.kernels.base import centred
from cgm_jax.valuation.mmd import two_sets

__all__ = ["TwoSampleTest", "two_sample_test"]

Number = Float[AnyArray, ""] | float

# Statistics this many roundings apart, in units of the kernel's diagonal, are equal:
# a relabelling that changes nothing must not look smaller by the order of a sum.
_ROUNDINGS = 32


@jax.tree_util.register_dataclass
@dataclass(frozen=True, eq=False, repr=False)
class TwoSampleTest(Result):
    """What two samples say about P = Q."""

    statistic: Number
    """MMD²_u of the samples as they are, signed."""

    p_value: Number
    """(1 + number of relabellings with at least this MMD²_u) / (1 + number of them)."""

    permuted: Float[AnyArray, " permutations"]
    """MMD²_u of every relabelling, in the order of their keys."""


def two_sample_test(
    key: Key[Array, ""],
    kernel: Kernel,
    x: Float[ArrayLike, "m d"],
    y: Float[ArrayLike, "n d"],
    *,
    num_permutations: int = 1_000,
    tile_size: int | None = None,
) -> TwoSampleTest:
    r"""Test by permutations whether two samples come from one distribution.

    .. math:: p = \frac{1 + \#\{r : \mathrm{MMD}_u^2(z_r) \ge \mathrm{MMD}_u^2\}}
              {1 + R}

    If they do, the probability of p <= α is at most α, for any kernel that was chosen
    without looking at these points.

    Args:
        key: a typed key. Relabelling r is drawn with ``fold_in(key, r)``.
        kernel: the kernel.
        x: shape ``(m, d)``, m >= 2.
        y: shape ``(n, d)``, n >= 2.
        num_permutations: R >= 1; p is at least 1 / (1 + R).
        tile_size: as in `gram_sums`.

    Returns:
        The test, float64. It is a pytree: inside the user's own ``jit`` or ``vmap``
        over kernels, points or keys its numbers are arrays, in float32 without 64-bit
        types.

    Raises:
        ValueError: if a sample has fewer than two points, shapes do not fit, an entry
            is not finite, or there is no relabelling.

    Example:
        >>> from cgm_jax.kernels import SquaredExponential
        >>> x = np.linspace(0.0, 1.0, 20)[:, None]
        >>> key, kernel = jax.random.key(0), SquaredExponential(0.5)
        >>> float(two_sample_test(key, kernel, x, x + 1).p_value)
        0.000999
        >>> float(two_sample_test(key, kernel, x, x + 0.01).p_value) > 0.5
        True

    Reference:
        Gretton et al. 2012, Sec. 5; Phipson and Smyth 2010 (the 1 in numerator and
        denominator).
    """
    as_key(key)
    num_permutations = as_whole(num_permutations, "num_permutations", smallest=1)
    x, y = two_sets(x=x, y=y, smallest=2)
    with at_once(key, kernel, x, y):
        tile_size = checked_tile_size(tile_size)
        x, y = centred(kernel, x, y)
        pool = array_module(x, y).concatenate([x, y])
        labels = _labels(key, len(x), len(y), num_permutations)
        found = _statistics(kernel, pool, labels, len(x), tile_size)
        eps = jnp.finfo(found.dtype).eps
        with at_once(kernel, pool, x64=None):
            mean = kernel_diagonal(kernel, pool).mean()
        rounding = _ROUNDINGS * eps * mean
        is_larger = (found >= found[0] - rounding).astype(found.dtype)
        p_value = is_larger.sum() / len(found)
    return TwoSampleTest(
        to_host(found[0])[()], to_host(p_value)[()], to_host(found[1:])
    )


def _labels(
    key: Key[Array, ""], m: int, n: int, num: int
) -> Bool[AnyArray, "num_and_one points"]:
    """Who is called x: the samples as they are, then in random relabellings."""
    num_places = m + n if is_traced(key) else rounded_up(m + n, steps=8)
    labels = _labels_of_places(key, m, m + n, num, num_places)
    return array_module(labels).asarray(labels)[:, : m + n]


@compiled(static_argnames=("num", "num_places"))
def _labels_of_places(
    key: Key[Array, ""], m: int | Array, total: int | Array, num: int, num_places: int
) -> Bool[Array, "num_and_one places"]:
    """As `_labels`, of as many points in all and places beyond that fill up."""
    word = jax.dtypes.canonicalize_dtype(np.uint64)
    place = jnp.arange(num_places, dtype=word)
    low = word.type(2 ** num_places.bit_length() - 1)

    def random_words(r: Array) -> Array:
        bits = jax.random.bits(jax.random.fold_in(key, r), (num_places,), word)
        words = (bits & ~low) | place  # no two are equal: exactly m are the smallest
        return jnp.where(place < total, words, ~low | place)

    words = jax.vmap(random_words)(jnp.arange(num))
    # A sort of the words alone is ten times faster than one that carries places along.
    largest = jax.lax.dynamic_slice_in_dim(jnp.sort(words, axis=1), m - 1, 1, axis=1)
    return jnp.concatenate([(place < m)[None], words <= largest])


def _statistics(
    kernel: Kernel,
    pool: Points,
    is_x: Bool[AnyArray, "labellings points"],
    m: int,
    tile_size: int,
) -> Float[AnyArray, " labellings"]:
    """MMD²_u of every labelling that calls m points x."""
    num_points = is_x.shape[1]
    n = num_points - m
    a, b, c = 1 / (m * (m - 1)), 1 / (m * n), 1 / (n * (n - 1))
    alpha = math.sqrt(a + 2 * b + c)
    beta = -(b + c) / alpha
    traced = is_traced(kernel, pool)
    side = even_side(num_points, tile_size, traced=traced)
    with at_once(kernel, pool, x64=None):  # if the key alone is traced
        tiles = Blocks.cut(kernel, pool, [num_points], side)
    # Sums in float64 where there is one: of float32 entries they are nearly exact, and
    # labellings that differ by nothing are told from those that do.
    xp = array_module(is_x)
    is_x = is_x if is_traced(is_x) else np.asarray(is_x)
    dtype = jax.dtypes.canonicalize_dtype(float)
    weights = xp.where(is_x, alpha + beta, beta).astype(dtype)
    weights = xp.concatenate([weights, xp.ones_like(weights[:1])])
    padding = tiles.members.block_of.size - num_points
    weights = xp.pad(weights, ((0, 0), (0, padding)))
    weights = weights.reshape(len(weights), *tiles.members.block_of.shape)
    half = over_tiles(
        _add_forms,
        1,
        (len(weights),),
        (tiles.kernel, tiles.members.tiles, xp.moveaxis(weights, 1, 0)),
        tiles.pairs(),
    )
    return 2 * (half[:-1] + (c - beta**2) * half[-1])


def _add_forms(total, width, tile, kernel, tiles, weights):
    del width  # one block
    i, j, weight = tile
    k = kernel_tile(kernel, tiles, i, tiles, j)
    is_other = ~((i == j) & np.eye(len(k), dtype=bool))
    k = jnp.where(is_other, k, 0).astype(weights.dtype)
    forms = jnp.sum(matmul(weights[i], k) * weights[j], axis=1)
    return add_at(total, (0,), weight.astype(forms.dtype) * forms)

"""Squared Euclidean distances of all pairs, accurate and fast.

Two forms, chosen by what the numbers allow:

- differences, Σ_k (x_k − y_k)²: right to the last bits wherever the points lie;
- one matrix product, [−2x, |x|², 1]·[y, 1, |y|²]: several times faster, with an error
  of about eps·(|x|² + |y|²), harmless while no point is far from the others (a kernel
  of scaled points changes on the scale of 1).

The derivative, 2 (x_i − y_j)·(dx_i − dy_j), is made of products, with an error of about
eps·|x|, or where only differences will do, of differences: nothing of all pairs times
all columns is kept for a gradient.
"""

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from cgm_jax._shared.arrays import AnyArray
from cgm_jax._shared.precision import compiled, matmul

__all__ = ["squared_distances"]

# Below this many rows there is no matrix product to speak of.
MIN_PRODUCT_ROWS = 32
# Largest |x|² before differences take over: the product's error stays below about
# 1,000 roundings, 1e-4 in float32 and 2e-13 in float64.
MAX_PRODUCT_NORM = 250.0
# Coordinates written out one after the other, of more than a few: where XLA writes out
# all of them, it does so again for everything that is made of the distances.
FEW, UNROLL = 16, 16


@compiled(static_argnames="exact")
def squared_distances(
    x: Float[AnyArray, "m d"], y: Float[AnyArray, "n d"], *, exact: bool = False
) -> Float[Array, "m n"]:
    """|x_i − y_j|² of all pairs; ``exact`` by differences only."""
    if exact or min(x.shape[0], y.shape[0]) < MIN_PRODUCT_ROWS:
        return _by_differences(x, y)
    return _by_either(x, y)


@jax.custom_jvp
def _by_either(x: Float[Array, "m d"], y: Float[Array, "n d"]) -> Float[Array, "m n"]:
    # Distances do not change when both sides move: near the origin rounding is least.
    center = jnp.mean(y, axis=0, keepdims=True)
    left, right = x - center, y - center
    norms = [jnp.max(jnp.sum(side * side, axis=1)) for side in (left, right)]
    distances = jax.lax.cond(
        _all_of_a_batch(jnp.maximum(*norms) < MAX_PRODUCT_NORM),
        lambda: _by_product(left, right),
        lambda: _by_differences(x, y),
    )
    # Out here XLA fuses it with what the kernel makes of the distances.
    return jnp.maximum(distances, 0)


@_by_either.defjvp
def _derivative(
    primals: tuple[Array, Array], tangents: tuple[Array, Array]
) -> tuple[Array, Array]:
    x, y = primals
    dx, dy = tangents
    # Near a point of y, not the mean: one far row would take it away from all others.
    from_mean = y - jnp.mean(y, axis=0, keepdims=True)
    middle = jnp.argmin(jnp.sum(from_mean * from_mean, axis=1))
    center = jax.lax.stop_gradient(y[middle][None])
    left, right = x - center, y - center
    # The ones: transposed, they sum over all pairs of a point inside the product.
    dx, dy = (
        jnp.concatenate([d, 2 * jnp.sum(side * d, 1, keepdims=True)], 1)
        for side, d in ((left, dx), (right, dy))
    )
    left, right = (
        jnp.concatenate([-2 * side, jnp.ones_like(side[:, :1])], 1)
        for side in (left, right)
    )
    return _by_either(x, y), matmul(dx, right.T) + matmul(left, dy.T)


@jax.custom_batching.custom_vmap
def _all_of_a_batch(flag: Bool[Array, ""]) -> Bool[Array, ""]:
    """One answer for all of a `vmap`, or it would compute both forms of distances."""
    return flag


@_all_of_a_batch.def_vmap
def _one_answer(
    axis_size: int, in_batched: list[bool], flag: Bool[Array, " batch"]
) -> tuple[Bool[Array, ""], bool]:
    del axis_size, in_batched
    return _all_of_a_batch(jnp.all(flag)), False


@jax.custom_jvp
def _by_differences(
    x: Float[Array, "m d"], y: Float[Array, "n d"]
) -> Float[Array, "m n"]:
    def add(total: Array, coordinate: tuple[Array, Array]) -> tuple[Array, None]:
        difference = coordinate[0][:, None] - coordinate[1][None]
        return total + difference * difference, None

    return _over_coordinates(add, x, y)


@_by_differences.defjvp
def _derivative_of_differences(
    primals: tuple[Array, Array], tangents: tuple[Array, Array]
) -> tuple[Array, Array]:
    # Differences are taken again for a gradient: kept, they are d times all pairs.
    @partial(jax.checkpoint, prevent_cse=False)
    def add(total: Array, coordinate: tuple[Array, ...]) -> tuple[Array, None]:
        x, y, dx, dy = coordinate
        return total + 2 * (x[:, None] - y[None]) * (dx[:, None] - dy[None]), None

    tangent = _over_coordinates(add, *primals, *tangents)
    return _by_differences(*primals), tangent


def _over_coordinates(add: Callable, *points: Float[Array, "_ d"]) -> Array:
    """A sum over coordinates: XLA's CPU reductions over an axis are far slower."""
    x, y = points[:2]
    # Zeros of the data, which know the mesh that they are on inside of `shard_map`.
    zeros = jnp.zeros_like(x[:, :1]) + jnp.zeros_like(y[:, :1]).T
    unroll = 1 if x.shape[1] <= FEW and x.shape[0] > 1 else UNROLL
    return jax.lax.scan(add, zeros, tuple(p.T for p in points), unroll=unroll)[0]


def _by_product(x: Float[Array, "m d"], y: Float[Array, "n d"]) -> Float[Array, "m n"]:
    norms_x, norms_y = (jnp.sum(side * side, 1, keepdims=True) for side in (x, y))
    left = jnp.concatenate([-2 * x, norms_x, jnp.ones_like(norms_x)], 1)
    right = jnp.concatenate([y, jnp.ones_like(norms_y), norms_y], 1)
    return matmul(left, right.T)

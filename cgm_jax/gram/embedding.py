"""What a kernel makes of points, in arrays of a few sizes and checked once.

Inside `jit` a kernel cannot look at its parameters, nor at what comes of them.
"""

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float, Int

from cgm_jax._shared.arrays import AnyArray, Points, is_traced, rounded_up
from cgm_jax.kernels.base import Embedding, Kernel, scalar_length_scale

__all__ = [
    "ByTile",
    "by_tile",
    "check_embedding",
    "embedded",
    "embedded_tiles",
    "kernel_diagonal",
    "overflow",
]


@dataclass(frozen=True)
class ByTile(Kernel):
    """A kernel that embeds what it compares, from points as they are."""

    kernel: Kernel

    def embed(self, points: Float[Array, "n d"]) -> Embedding:
        return points

    def pairwise(self, x: Embedding, y: Embedding) -> Float[Array, "m n"]:
        return self.kernel.pairwise(self.kernel.embed(x), self.kernel.embed(y))

    def diagonal(self, points: Float[Array, "n d"]) -> Float[Array, " n"]:
        return self.kernel.diagonal(points)

    def with_length_scale(self, length_scale: Float[ArrayLike, "..."]) -> Kernel:
        return ByTile(self.kernel.with_length_scale(length_scale))


def by_tile(kernel: Kernel) -> Kernel:
    """The same kernel, which keeps little for a gradient by its parameters.

    Of points that are embedded once and for all, a gradient keeps some copies; of those
    that are embedded tile by tile, none. A network is not run again for every tile.
    """
    return ByTile(kernel) if kernel.is_cheap_to_embed else kernel


def embedded_tiles(
    kernel: Kernel, points: Points, place: Int[np.ndarray, "num_tiles tile_size"]
) -> Embedding:
    """The embedding of the points of every place, as tiles; for points not traced."""
    tiles = np.asarray(points)[place]
    check_embedding(kernel, tiles)
    embedding, is_finite = embedded(kernel, tiles)
    if not is_finite:
        raise ValueError(overflow(kernel, tiles))
    return embedding


def check_embedding(kernel: Kernel, points: AnyArray) -> None:
    """Let the kernel look at its parameters, and raise."""
    row = jax.ShapeDtypeStruct((1, points.shape[-1]), points.dtype)
    jax.eval_shape(lambda x: kernel.embed(x), row)


@jax.jit
def embedded(kernel: Kernel, tiles: Float[Array, "num_tiles tile_size d"]):
    """The embedding of points in tiles, and whether it is finite."""
    embedding = kernel.embed(tiles.reshape(-1, tiles.shape[-1]))
    leaves = jax.tree.leaves(embedding)
    is_finite = jnp.all(jnp.array([jnp.all(jnp.isfinite(leaf)) for leaf in leaves]))
    shape = tiles.shape[:2]
    tiles = jax.tree.map(lambda leaf: leaf.reshape(*shape, *leaf.shape[1:]), embedding)
    return tiles, is_finite


def overflow(kernel: Kernel, points: Points) -> str:
    """What to say of an embedding that is not finite."""
    if np.isnan(scalar_length_scale(kernel)):
        return (
            f"Expected finite numbers of {kernel} for these points, got NaN or "
            "infinity: look at its parameters, or scale the points."
        )
    limits = np.finfo(points.dtype)
    smallest = max(float(np.abs(points).max()) / float(limits.max), float(limits.tiny))
    return (
        f"Expected a length scale of {1.01 * smallest:.3g} at least, so that points "
        f"divided by it are finite in {points.dtype}, got {kernel.length_scale}."
    )


def kernel_diagonal(kernel: Kernel, points: Points) -> Any:
    """k(x, x) of every point, in the dtype of the points; NumPy unless traced."""
    if is_traced(kernel, points):
        return kernel.diagonal(jnp.asarray(points))
    if len(points) == 0:
        return np.zeros(0, points.dtype)
    place = np.minimum(np.arange(rounded_up(len(points))), len(points) - 1)
    return np.asarray(_diagonal(kernel, np.asarray(points)[place]))[: len(points)]


@jax.jit
def _diagonal(kernel: Kernel, points: Float[Array, "n d"]) -> Float[Array, " n"]:
    return kernel.diagonal(points)

r"""Coordinates of two values each, 32 of them in a word: categories, pixels, flags.

Where two points differ in a coordinate that takes the values a and b only, it adds
(a − b)² to their squared distance. So, for words of coordinates with one gap,

.. math:: \lVert x - y \rVert^2 = \sum_{k\ \text{other}} (x_k - y_k)^2
          + \sum_{\text{words}} \text{gap}^2 \, \mathrm{popcount}(x \oplus y)

A category of 40 values is 40 such coordinates. One point beside many costs the reading
of the many, which is 32 times less for these.
"""

from dataclasses import dataclass, field, replace
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, UInt32

from cgm_jax._shared.arrays import ArrayLike, Points, is_traced
from cgm_jax._shared.sharded import is_sharded

from .base import Kernel, scalar_length_scale
from .distances import squared_distances
from .stationary import Laplace, Stationary

__all__ = ["packed"]

BITS = 32
FEWEST = 16  # coordinates, for which it is worth it


class PackedPoints(NamedTuple):
    """Points in units of the length scale."""

    others: Float[Array, "n k"]
    words: UInt32[Array, "n words"]


@dataclass(frozen=True)
class Packed(Kernel):
    """A stationary kernel of points some of whose coordinates have two values each."""

    kernel: Stationary
    middle: Float[ArrayLike, " d"]  # between the two values
    gaps: Float[ArrayLike, " words"]
    others: tuple[int, ...] = field(metadata={"static": True})  # coordinates
    words: tuple[tuple[int, ...], ...] = field(metadata={"static": True})
    is_stationary = False  # as the values are known
    is_nonnegative = True

    @property
    def length_scale(self) -> Float[ArrayLike, "..."]:
        """That of the kernel."""
        return self.kernel.length_scale

    def embed(self, points: Float[Array, "n d"]) -> PackedPoints:
        others = self.kernel.embed(points[:, np.array(self.others, int)])
        middle = jnp.asarray(self.middle, points.dtype)
        words = []
        for word in self.words:
            places = np.array(word)
            bits = (points[:, places] > middle[places][None]).astype(jnp.uint32)
            powers = np.uint32(1) << np.arange(len(word), dtype=np.uint32)
            words.append(jnp.sum(bits * powers[None], axis=1, dtype=jnp.uint32))
        return PackedPoints(others, jnp.stack(words, axis=1))

    def pairwise(self, x: PackedPoints, y: PackedPoints) -> Float[Array, "m n"]:
        r2 = jnp.zeros((len(x.words), len(y.words)), x.others.dtype)
        if self.others:
            exact = isinstance(self.kernel, Laplace)
            r2 = squared_distances(x.others, y.others, exact=exact)
        gaps = jnp.asarray(self.gaps, r2.dtype)
        gaps /= jnp.asarray(self.kernel.length_scale, r2.dtype)
        for i in range(len(self.words)):
            differ = lax.population_count(x.words[:, None, i] ^ y.words[None, :, i])
            r2 += gaps[i] ** 2 * differ.astype(r2.dtype)
        return self.kernel.of_squared_distance(r2)

    def diagonal(self, points: Float[Array, "n d"]) -> Float[Array, " n"]:
        return self.kernel.diagonal(points)

    def with_length_scale(self, length_scale: Float[ArrayLike, "..."]) -> "Packed":
        return replace(self, kernel=self.kernel.with_length_scale(length_scale))


def packed(kernel: Kernel, *sets: Points) -> Kernel:
    """The same kernel for points of these sets, reading less of them where it can."""
    sets = tuple(points for points in sets if len(points))
    if (
        not isinstance(kernel, Stationary)
        or not sets
        or sets[0].shape[1] < FEWEST
        or is_traced(kernel, sets)
        or any(map(is_sharded, sets))
        or np.isnan(scalar_length_scale(kernel))
    ):
        return kernel
    arrays = [np.asarray(points) for points in sets]
    lowest = np.min([x.min(axis=0) for x in arrays], axis=0)
    highest = np.max([x.max(axis=0) for x in arrays], axis=0)
    is_two = np.all(
        [((x == lowest) | (x == highest)).all(axis=0) for x in arrays], axis=0
    )
    if is_two.sum() < FEWEST:
        return kernel
    gap = highest - lowest
    words: list[tuple[int, ...]] = []
    for one in np.unique(gap[is_two]):
        places = np.flatnonzero(is_two & (gap == one)).tolist()
        starts = range(0, len(places), BITS)
        words += [tuple(places[start : start + BITS]) for start in starts]
    gaps = np.array([gap[word[0]] for word in words], gap.dtype)
    others = tuple(np.flatnonzero(~is_two).tolist())
    return Packed(kernel, (lowest + highest) / 2, gaps, others, tuple(words))

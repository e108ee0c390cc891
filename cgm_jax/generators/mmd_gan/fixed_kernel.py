r"""A fixed kernel in the place of the MMD-GAN's critic.

The kernel is one of points in the caller's units. The networks know points in theirs,
a column's mean at 0 and its deviation at 1, so what is trained with is

    k'(u, u') = k(a + s ∘ u, a + s ∘ u'),

a and s the shift and scale of the columns. A saved training records the kernel by its
kind and a digest: sampling does not need it, and no file could rebuild a user's own.

Reference: Dziugaite, Roy and Ghahramani, *Training generative neural networks via
Maximum Mean Discrepancy optimization*, 2015; Li, Swersky and Zemel 2015.
"""

import re
from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from cgm_jax._shared.arrays import in_float32
from cgm_jax._shared.digests import digest_of_arrays
from cgm_jax.kernels import Kernel
from cgm_jax.kernels.base import Embedding


@dataclass(frozen=True)
class InUnits(Kernel):
    """A kernel k of points in the caller's units, for points in the networks': k'."""

    kernel: Kernel
    shift: Float[ArrayLike, " d"]
    scale: Float[ArrayLike, " d"]

    def embed(self, points: Float[Array, "n d"]) -> Embedding:
        """The kernel's embedding of the points in the caller's units."""
        return self.kernel.embed(self._points(points))

    def pairwise(self, x: Embedding, y: Embedding) -> Float[Array, "m n"]:
        """k of every pair of embedded points."""
        return self.kernel.pairwise(x, y)

    def diagonal(self, points: Float[Array, "n d"]) -> Float[Array, " n"]:
        """k(x, x) of every point."""
        return self.kernel.diagonal(self._points(points))

    def with_length_scale(self, length_scale: Float[ArrayLike, "..."]) -> "InUnits":
        """The kernel at another length scale, in the caller's units."""
        return replace(self, kernel=self.kernel.with_length_scale(length_scale))

    def _points(self, points: Float[Array, "n d"]) -> Float[Array, "n d"]:
        shift, scale = (jnp.asarray(a, points.dtype) for a in (self.shift, self.scale))
        return shift[None] + scale[None] * points


def kernel_record(kernel: Kernel) -> dict[str, str]:
    """The kind of a kernel, and a digest of its structure and numbers in float32.

    Functions count by their names, networks by Flax's description of them.
    """
    leaves, structure = jax.tree.flatten(in_float32(kernel))
    # The address of a function in memory differs between processes.
    text = re.sub(r" at 0x[0-9a-f]+", "", str(structure))
    numbers = {str(i): _numbers(leaf) for i, leaf in enumerate(leaves)}
    digest = digest_of_arrays(numbers, text=text)
    return {"kind": type(kernel).__name__, "sha256": digest}


def kernel_in_units(
    kernel: Kernel,
    points: Float[np.ndarray, "n d"],
    *,
    shift: Float[np.ndarray, " d"],
    scale: Float[np.ndarray, " d"],
) -> InUnits:
    """A fixed kernel in the units of the networks, in float32, tried on two points."""
    fixed: Kernel = in_float32(kernel)
    some = jnp.asarray(points[:2], jnp.float32)
    expected = (
        f"Expected a kernel of points of {points.shape[1]} columns, in their units, "
        "with finite values"
    )
    advice = "choose or fit one on such points."
    try:
        block = np.asarray(fixed(some, some))
    except Exception as error:  # a user's kernel may raise anything
        raise ValueError(
            f"{expected}; for two of the points, {type(kernel).__name__} failed with "
            f"{type(error).__name__}: {str(error).rstrip('.')}; {advice}"
        ) from error
    if block.shape != (2, 2) or not np.isfinite(block).all():
        raise ValueError(
            f"{expected}; for two of the points, {type(kernel).__name__} gave "
            f"{block.tolist()}; {advice}"
        )
    return InUnits(fixed, *(jnp.asarray(a, jnp.float32) for a in (shift, scale)))


def _numbers(leaf: Any) -> np.ndarray:
    is_key = jnp.issubdtype(jnp.result_type(leaf), jax.dtypes.prng_key)
    return np.asarray(jax.random.key_data(leaf) if is_key else leaf)

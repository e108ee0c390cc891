r"""A fixed kernel in the place of the MMD-GAN's critic.

The kernel is one of points in the caller's units. The networks know points in theirs,
a column's mean at 0 and its deviation at 1, so what is trained with is

    k'(u, u') = k(a + s ∘ u, a + s ∘ u'),

a and s the shift and scale of the columns. The kernel's numbers are handed to the
compiled step, not compiled into it.

A saved training remembers a fixed kernel by its kind and a digest: sampling does not
need it, and any kernel can be digested, also a user's own that no file could rebuild.

Reference: Li, Swersky and Zemel, *Generative Moment Matching Networks*, 2015;
Dziugaite, Roy and Ghahramani, *Training generative neural networks via Maximum Mean
Discrepancy optimization*, 2015.
"""

import re
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from cgm_jax._shared.arrays import in_float32
from cgm_jax._shared.digests import digest_of_arrays
from cgm_jax.kernels import Kernel
from cgm_jax.kernels.base import Embedding

if TYPE_CHECKING:
    from .mmd_gan import MMDGAN

__all__ = ["InUnits", "KernelRecord", "kernel_in_units", "options_as_facts"]


@dataclass(frozen=True)
class InUnits(Kernel):
    r"""A kernel of points in the caller's units, for points in the networks'.

    .. math:: k'(u, u') = k(a + s \circ u, a + s \circ u')

    Args:
        kernel: k.
        shift: a, shape ``(d,)``.
        scale: s, shape ``(d,)``.

    Example:
        >>> from cgm_jax.generators.mmd_gan.critic_loss import Dot
        >>> kernel = InUnits(Dot(), shift=jnp.array([1.0]), scale=jnp.array([10.0]))
        >>> kernel(jnp.array([[0.0]]), jnp.array([[0.2]]))
        Array([[3.]], dtype=float32)
    """

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


@dataclass(frozen=True)
class KernelRecord:
    """What a saved training remembers of the fixed kernel that it was trained with.

    Attributes:
        kind: name of the kernel's class.
        sha256: digest of its structure and its numbers in float32. Functions count by
            their names. Another version of Flax may describe a network otherwise.
    """

    kind: str
    sha256: str

    @classmethod
    def of(cls, kernel: Kernel) -> "KernelRecord":
        """The record of a kernel.

        Example:
            >>> from cgm_jax.kernels import SquaredExponential
            >>> KernelRecord.of(SquaredExponential(1.0)).kind
            'SquaredExponential'
        """
        leaves, structure = jax.tree.flatten(in_float32(kernel))
        # Where a function lies in memory is another place in another process.
        text = re.sub(r" at 0x[0-9a-f]+", "", str(structure))
        numbers = {str(i): _numbers(leaf) for i, leaf in enumerate(leaves)}
        return cls(type(kernel).__name__, digest_of_arrays(numbers, text=text))


def kernel_in_units(
    kernel: Kernel | KernelRecord,
    points: Float[np.ndarray, "n d"],
    *,
    shift: Float[np.ndarray, " d"],
    scale: Float[np.ndarray, " d"],
) -> InUnits:
    """A fixed kernel, tried on two of the points, in the units of the networks.

    Args:
        kernel: of points in the caller's units.
        points: what is trained on, in these units.
        shift: the networks' 0 in these units.
        scale: the networks' 1 is so far from their 0.

    Returns:
        The kernel, its numbers and those of the units in float32.

    Raises:
        ValueError: if it does not give finite numbers for such points, or is only the
            record of a kernel.
    """
    if isinstance(kernel, KernelRecord):
        raise ValueError(
            "Expected a fixed kernel to train with, got options of a saved model, "
            f"which remembers only that it was a {kernel.kind} with the digest "
            f"{kernel.sha256[:16]}; hand it in again: "
            "dataclasses.replace(options, kernel=...)."
        )
    fixed: Kernel = in_float32(kernel)
    some = jnp.asarray(points[:2], jnp.float32)
    expected = (
        f"Expected a kernel of points of {points.shape[1]} columns, in their units, "
        "with finite values"
    )
    advice = "choose or fit one on such points."
    try:
        block = np.asarray(fixed(some, some))
    except Exception as error:  # whatever a kernel of the user's own says
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


def options_as_facts(options: "MMDGAN") -> dict[str, Any]:
    """The options as JSON can hold them; of a fixed kernel, its record.

    Args:
        options: of the MMD-GAN.

    Returns:
        One entry an option.
    """
    if isinstance(options.kernel, Kernel):
        options = replace(options, kernel=KernelRecord.of(options.kernel))
    return asdict(options)


def _numbers(leaf: Any) -> np.ndarray:
    is_key = jnp.issubdtype(jnp.result_type(leaf), jax.dtypes.prng_key)
    return np.asarray(jax.random.key_data(leaf) if is_key else leaf)

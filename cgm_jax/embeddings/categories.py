r"""Features of categories: exact for the few states that a table of categories has.

A category is a block of one-hot coordinates of height h, or a single coordinate that is
0 or h. The squared exponential of two such points is a product over blocks, and that of
a block of c states is a c × c matrix K = LLᵀ: the row of L for the state is all the
features it needs. With L_b for block b,

    φ(x) = ⊗_b L_b[state_b(x)] ⊗ φ_others(x),

of Π c_b · D features, exact but for what φ_others, of the other coordinates, is not.

For many categories the product is too long. Random Fourier features of the encoded
point are then an unbiased estimate, of norm 1, that adds to each phase a random number
N(0, h²/ℓ²) for every category. With ρ = exp(−h²/ℓ²) the variance for two points that
differ in one category only is (1 − ρ²)²/2 for one frequency. Phases that are the same
for all categories with probability ρ and uniform otherwise, or random signs, would do
as well on average, but with a variance of (1 − ρ)(1 + 2ρ)/2, which is larger for all ρ.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from cgm_jax._shared.arrays import AnyArray, ArrayLike, is_traced
from cgm_jax._shared.checks import as_list, as_whole
from cgm_jax.kernels import SquaredExponential
from cgm_jax.kernels.base import check_positive

from .base import FeatureMap
from .spectra import length_scales

__all__ = ["CategoryFeatures", "category_features"]

CategoryBlocks = tuple[tuple[int, ...], ...]


@dataclass(frozen=True, eq=False)
class CategoryFeatures(FeatureMap):
    """Features of categories, times those of the other coordinates.

    A block that is no state of a category is taken for the nearest one.

    Args:
        kernel: the squared exponential of all coordinates.
        roots: L of every block, a row per state.
        heights: h of every block.
        others: features of the other coordinates, in their order; None without such.
        blocks: the coordinates of every block.
    """

    roots: tuple[Float[AnyArray, "_ _"], ...]
    heights: Float[AnyArray, " blocks"]
    others: FeatureMap | None
    blocks: CategoryBlocks = field(metadata={"static": True})

    @property
    def num_dimensions(self) -> int:
        """d."""
        own = sum(map(len, self.blocks))
        return own + (0 if self.others is None else self.others.num_dimensions)

    @property
    def num_features(self) -> int:
        """D, the product of the numbers of states and of the others' features."""
        own = math.prod(len(root) for root in self.roots)
        return own * (1 if self.others is None else self.others.num_features)

    @property
    def norm(self) -> float | Float[Array, ""]:
        """That of the other coordinates; 1 without such."""
        return 1.0 if self.others is None else self.others.norm

    def embed(self, points: Float[Array, "n d"]) -> Float[Array, "n features"]:
        """The products; groups stay as they are in the others' features."""
        features = jnp.ones((len(points), 1), points.dtype)
        if self.others is not None:
            features = self.others.embed(points[:, np.array(_rest(self), int)])
        for i, (block, root) in enumerate(zip(self.blocks, self.roots, strict=True)):
            entries = points[:, np.array(block)]
            if len(block) == 1:
                is_high = entries[:, 0] > self.heights[i] / 2
                states = is_high.astype(jnp.int32)
            else:
                states = jnp.argmax(entries, axis=1)
            rows = jnp.asarray(root, points.dtype)[states]
            features = (features[:, :, None] * rows[:, None]).reshape(len(points), -1)
        return features


def category_features(
    kernel: SquaredExponential,
    blocks: Sequence[Sequence[int]],
    heights: Float[ArrayLike, " blocks"],
    others: FeatureMap | None = None,
    *,
    max_features: int = 20_000,
) -> CategoryFeatures:
    r"""Exact features of categories, beside features of the other coordinates.

    .. math:: \phi(x) \cdot \phi(x') = \exp\Bigl(-\sum_b \tfrac{h_b^2}{\ell^2}
              [x_b \ne x'_b]\Bigr)\; \phi_o(x) \cdot \phi_o(x')

    For tables of many categories take `random_fourier_features` of the encoded points.

    Args:
        kernel: the squared exponential of all coordinates.
        blocks: the coordinates of every category: those of its one-hot entries, or one
            coordinate that is 0 or the height.
        heights: the height h of the entries, shape ``(blocks,)``.
        others: features of all other coordinates, in their order, such as
            `hermite_features` of numbers; None if there are no others.
        max_features: refuse to make more.

    Returns:
        The features, each the product of one per block and one of the others.

    Raises:
        ValueError: for another kernel, blocks that overlap or are no coordinates, or
            more than ``max_features`` features.

    Example:
        >>> kernel = SquaredExponential(1.0)
        >>> blocks, heights = [(0, 1, 2), (3,)], np.array([0.5, 1.0])
        >>> features = category_features(kernel, blocks, heights)
        >>> x = np.array([[0.5, 0, 0, 0], [0, 0.5, 0, 1], [0, 0.5, 0, 0]], np.float32)
        >>> phi = features(x)
        >>> phi.shape[1], bool(np.allclose(phi @ phi.T, kernel(x, x), atol=1e-6))
        (6, True)
    """
    if not isinstance(kernel, SquaredExponential):
        raise ValueError(
            "No features of categories are known for "
            f"{type(kernel).__name__}: expected a SquaredExponential, which is a "
            "product over coordinates."
        )
    taken = [tuple(as_list(each, "coordinates")) for each in as_list(blocks, "blocks")]
    taken = [tuple(as_whole(i, "coordinate", smallest=0) for i in t) for t in taken]
    flat = [place for block in taken for place in block]
    d = len(flat) + (0 if others is None else others.num_dimensions)
    if not all(taken) or len({*flat}) < len(flat) or not {*flat} <= {*range(d)}:
        raise ValueError(
            f"Expected blocks of different coordinates from 0 to {d - 1}, got {taken}: "
            "hand in features of all other coordinates as `others`."
        )
    check_positive("height of a category", heights)
    high = np.asarray(heights, float)
    if high.shape != (len(taken),):
        raise ValueError(
            f"Expected heights of shape ({len(taken)},), got {high.shape}."
        )
    scales = length_scales(kernel, d)
    _check_others(scales, flat, others)
    roots = tuple(
        _root(scales[np.array(block)], height)
        for block, height in zip(taken, high, strict=True)
    )
    features = CategoryFeatures(
        kernel,
        roots,
        high,
        others,
        tuple(taken),
        num_groups=1 if others is None else others.num_groups,
        max_error=0.0 if others is None else others.max_error,
    )
    if features.num_features > as_whole(max_features, "max_features", smallest=1):
        raise ValueError(
            f"Expected at most {max_features} features, got {features.num_features}: "
            "take random_fourier_features of the encoded points."
        )
    return features


def _rest(features: CategoryFeatures) -> list[int]:
    """The coordinates that no block has."""
    taken = {place for block in features.blocks for place in block}
    return [place for place in range(features.num_dimensions) if place not in taken]


def _check_others(scales: Any, flat: list[int], others: FeatureMap | None) -> None:
    """The others' kernel must be that of their coordinates."""
    if others is None or is_traced(scales, others.kernel):
        return
    rest = [place for place in range(len(scales)) if place not in flat]
    kernel = others.kernel
    if not isinstance(kernel, SquaredExponential) or not np.allclose(
        length_scales(kernel, len(rest)), scales[np.array(rest, int)], rtol=1e-6, atol=0
    ):
        raise ValueError(
            "Expected features of the other coordinates for "
            f"SquaredExponential({scales[np.array(rest, int)]}), got those for "
            f"{kernel}."
        )


def _root(scales: Any, height: float) -> Float[AnyArray, "states states"]:
    """L with LLᵀ the kernel of all states of a block."""
    xp = jnp if is_traced(scales) else np
    states = xp.eye(len(scales)) if len(scales) > 1 else xp.array([[0.0], [1.0]])
    points = height * states / scales[None]
    squares = ((points[:, None] - points[None]) ** 2).sum(axis=-1)
    return xp.linalg.cholesky(xp.exp(-squares / 2))

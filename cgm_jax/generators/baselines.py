"""Two generators that nobody should use: what every other one is compared with.

`IndependentColumns` gets each column right and nothing else; `BootstrapRows` gets
everything right, since it hands out the rows themselves. A score that one of them has,
too, says nothing.
"""

from dataclasses import dataclass

import jax
import numpy as np
from jaxtyping import Array, Float, Int, Key, Num

from cgm_jax._shared.arrays import ArrayLike, Points, as_points
from cgm_jax.tables import TableCodec

from .base import BLOCK_SIZE, sample_in_blocks
from .product_columns import codec_columns, plain_columns

__all__ = ["BootstrapRows", "IndependentColumns"]

_Rows = Float[np.ndarray, "n d"]


@dataclass(frozen=True)
class BootstrapRows:
    """Rows of the data, drawn with replacement: a copier.

    Example:
        >>> generator = BootstrapRows()
        >>> model = generator.fit(jax.random.key(0), np.eye(3))
        >>> bool(generator.sample(jax.random.key(1), model, 5).sum(axis=1).max() > 1)
        False
    """

    def fit(self, key: Key[Array, ""], points: Num[ArrayLike, "n d"]) -> _Rows:
        """Remember the points, at least one."""
        del key
        return _remembered(points)

    def sample(self, key: Key[Array, ""], model: _Rows, num: int) -> Points:
        """Draw ``num`` >= 1 of them; more start with fewer."""
        return sample_in_blocks(lambda key: model[_drawn(key, len(model))], key, num)


@dataclass(frozen=True, eq=False)
class IndependentColumns:
    """Each column as in the data, drawn independently of the others.

    Args:
        codec: whose points are drawn; by default each coordinate is a column.

    Example:
        >>> generator = IndependentColumns()
        >>> model = generator.fit(jax.random.key(0), np.eye(3))
        >>> bool(generator.sample(jax.random.key(1), model, 50).sum(axis=1).max() > 1)
        True
    """

    codec: TableCodec | None = None

    def fit(self, key: Key[Array, ""], points: Num[ArrayLike, "n d"]) -> _Rows:
        """Remember the points, at least one."""
        del key
        return _remembered(points)

    def sample(self, key: Key[Array, ""], model: _Rows, num: int) -> Points:
        """Draw ``num`` >= 1 points; more start with fewer."""
        columns = plain_columns(model.shape[1])
        if self.codec is not None:
            columns = codec_columns(self.codec)
        ends = np.cumsum([column.size for column in columns])[:-1]
        blocks = np.split(model, ends, axis=1)

        def draw(key: Key[Array, ""]) -> Float[np.ndarray, "block d"]:
            keys = jax.random.split(key, len(blocks))
            drawn = [
                block[_drawn(each, len(block))]
                for each, block in zip(keys, blocks, strict=True)
            ]
            return np.concatenate(drawn, axis=1)

        return sample_in_blocks(draw, key, num)


def _remembered(points: Num[ArrayLike, "n d"]) -> _Rows:
    model = np.asarray(as_points(points, "points")).copy()
    if len(model) == 0:
        raise ValueError("Expected at least one point, got none.")
    return model


def _drawn(key: Key[Array, ""], num: int) -> Int[np.ndarray, " block"]:
    # int32 by name: the draw would differ where the user has switched on x64.
    return np.asarray(jax.random.randint(key, (BLOCK_SIZE,), 0, num, np.int32))
